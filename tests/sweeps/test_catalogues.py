"""Both languages are whole: every message of code and templates has its English text and its Russian plural forms."""

from callcab.cli import catalogue


def test_the_catalogues_are_whole_and_compiled() -> None:
    assert list(catalogue.problems()) == []


def test_messages_are_found_in_code_and_templates() -> None:
    found = catalogue.extract()
    assert found.get("Ничего не найдено") is not None
    assert len(found) > 300

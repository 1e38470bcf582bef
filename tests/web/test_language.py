"""Texts of pages: the quick look-up says what Flask-Babel says, in both languages, and follows a change at once."""

import flask_babel
import pytest
from flask import Flask, render_template_string

from callcab.cli import catalogue
from callcab.web import language
from callcab.web.language import LANGUAGES, gettext, lazy_gettext

TEXT = "Чёрный список"
ENGLISH = "Blacklist"


@pytest.mark.parametrize("chosen", LANGUAGES)
def test_every_text_is_the_one_that_flask_babel_would_give(app: Flask, chosen: str) -> None:
    # Texts with a plural are asked for by ngettext; what gettext makes of them depends on the version of Python.
    texts = [item.id for item in catalogue.extract() if item.id and isinstance(item.id, str)]
    assert len(texts) > 1_000
    with app.test_request_context(headers={"Cookie": f"language={chosen}"}):
        assert [gettext(text) for text in texts] == [flask_babel.gettext(text) for text in texts]


def test_a_text_follows_the_language_within_a_request(app: Flask) -> None:
    later = lazy_gettext(TEXT)
    with app.test_request_context():
        said = [str(later)]
        with flask_babel.force_locale("en"):
            said.append(str(later))
            with flask_babel.force_locale("ru"):
                said.append(str(later))
            said.append(str(later))
        said.append(str(later))
    assert said == [TEXT, ENGLISH, TEXT, ENGLISH, TEXT]


def test_each_request_has_its_own_language(app: Flask) -> None:
    said = []
    for chosen in ("en", "ru", "en"):
        with app.test_request_context(headers={"Cookie": f"language={chosen}"}):
            said.append(gettext(TEXT))
    assert said == [ENGLISH, TEXT, ENGLISH]


def test_outside_a_request_a_text_is_russian_and_nothing_is_kept_of_it() -> None:
    kept = language._texts.cache_info().currsize
    assert str(lazy_gettext(TEXT)) == TEXT
    assert language._texts.cache_info().currsize == kept


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ _('Всего: %(n)s', n='<b>') }}", "Всего: &lt;b&gt;"),
        ("{{ _('Скидка 5 %%') }}", "Скидка 5 %"),
        ("{{ _('a & b') }}", "a & b"),
    ],
)
def test_a_text_of_a_template_is_a_format_string_and_escapes_its_values(app: Flask, source: str, shown: str) -> None:
    with app.test_request_context():
        assert render_template_string(source) == shown
        assert app.jinja_env.in_language().from_string(source).render() == shown


def test_a_template_is_compiled_once_for_each_language_with_its_texts(app: Flask) -> None:
    said = {}
    for chosen in ("ru", "en", "ru"):
        with app.test_request_context(headers={"Cookie": f"language={chosen}"}):
            template = app.jinja_env.get_template("layout/_flash.html")
            assert app.jinja_env.get_template("layout/_flash.html") is template
            code = app.jinja_env.in_language().compile("<b>{{ _('Чёрный список') }}</b>", raw=True)
            said.setdefault(chosen, (template, code))
            assert said[chosen][0] is template
    assert said["ru"][0] is not said["en"][0]
    assert "<b>Чёрный список</b>" in said["ru"][1]
    assert "<b>Blacklist</b>" in said["en"][1]


def test_only_a_text_without_variables_is_part_of_the_template(app: Flask) -> None:
    source = "{{ _('Всего: %(n)s', n=n) }} {{ _(name) }} {{ _('Чёрный список') ~ '!' }}{% if _('Да') %}.{% endif %}"
    with app.test_request_context(headers={"Cookie": "language=en"}):
        code = app.jinja_env.in_language().compile(source, raw=True)
        shown = app.jinja_env.in_language().from_string(source).render(n=1, name="Чёрный список")
    assert "Blacklist!" in code
    assert "Всего" in code
    assert shown.endswith("Blacklist Blacklist!.")

"""Support's form that adds numbers loses nothing that was typed."""

from tests.people import People


def test_what_is_refused_of_a_pasted_list_stays_in_the_field_with_its_reason(people: People) -> None:
    lida = people.lida
    lida.get("/admin/numbers/new/")
    page = lida.post(
        "/admin/numbers/new/", kind="shared", phones="8 (925) 000-60-01\n+7 701 123-45-67\n8-800-555-35-35", status=422
    )
    assert "Добавлено: 1, уже были: 0, не подошли: 2." in page.text
    assert "Это номер другой страны." in page.text
    assert "подходят только мобильные и городские номера России" in page.text
    left = page.body.split("<textarea", 1)[1].split("</textarea>")[0]
    assert "+7 701 123-45-67" in left
    assert "+7(800)555-35-35" in left
    assert "000-60-01" not in left


def test_a_list_without_any_number_is_not_lost(people: People) -> None:
    lida = people.lida
    lida.get("/admin/numbers/new/")
    page = lida.post("/admin/numbers/new/", kind="shared", phones="привет", status=422)
    assert "В номере нет цифр." in page.text
    assert "привет</textarea>" in page.body

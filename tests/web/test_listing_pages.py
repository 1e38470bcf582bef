"""The base of all list pages: what it shows, what it refuses, how an action goes."""

import re
from html.parser import HTMLParser

import pytest
import sqlalchemy as sa

from callcab.db import unit_of_work
from callcab.models import Operation
from callcab.scope import Scope
from callcab.services import operation
from tests.statements import hearing
from tests.web.conftest import LIST, Stage, text_of

NBSP = "\u00a0"

operation.register("test-web.delete", lambda session, rows, params, actor: [], permission="blacklist.delete")
operation.register_export("test-web-blacklist", [], permission="blacklist.export")


def operations() -> list[Operation]:
    with unit_of_work(Scope.system("test")) as session:
        return list(session.scalars(sa.select(Operation)))


def test_the_list_shows_the_exact_total_and_formats(stage: Stage) -> None:
    page = text_of(stage.owner.get(LIST))
    assert "Всего найдено: <b>30</b>" in page
    assert "+7(925)394-00-29" in page
    assert "07.05.2024 (11:24:26)" in page
    assert "<script>alert" not in page
    assert "None" not in page


def test_the_list_has_no_inline_script_or_style(stage: Stage) -> None:
    class Finder(HTMLParser):
        found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            names = dict(attrs)
            if tag == "style" or (tag == "script" and "src" not in names):
                self.found.append(tag)
            self.found += [name for name in names if name == "style" or re.fullmatch("on[a-z]+", name)]

    finder = Finder()
    finder.feed(text_of(stage.owner.get(LIST)))
    assert finder.found == []


def test_nothing_found_is_said_so(stage: Stage) -> None:
    page = text_of(stage.owner.get(LIST + "?search=7000"))
    assert "Ничего не найдено" in page
    assert "Всего найдено: <b>0</b>" in page


def test_filters_are_counted_on_the_button_and_removable(stage: Stage) -> None:
    page = text_of(stage.owner.get(LIST + "?source=hand"))
    assert "Фильтры (1)" in page
    assert "Всего найдено: <b>10</b>" in page
    assert "Применить фильтр" in page
    assert "Сбросить" in page


def test_a_slip_in_a_filter_is_shown_beside_its_field(stage: Stage) -> None:
    page = text_of(stage.owner.get(LIST + "?created_from=33.33.2024"))
    assert "Введите дату так: 07.05.2024." in page
    assert 'value="33.33.2024"' in page


ODD = [
    "?search=%00", "?search=" + "9" * 400, "?source=%00", "?source=x&source=y", "?created_from=%FF",
    "?created_from=99.99.9999", "?created_from=31.12.9999", "?customer=99999999999999999999999", "?customer=-1",
    "?after=junk", "?before=%00", "?page=99999999999", "?page=100000", "?size=-1", "?sort=id;drop", "?sort=%00",
    "?end=1&after=x", "?page=7", "?unknown[]=1", "details/?id=%00", "details/?id=99999999999999999999", "details/",
    "facets/?source=zzz", "facets/?search=%00", "lookup/?field=nope&q=%00", "lookup/?field=customer&q=%00",
]  # fmt: skip


@pytest.mark.parametrize("tail", ODD)
@pytest.mark.parametrize("base", [LIST, "/admin/blacklist/"])
def test_odd_arguments_are_never_a_server_error(stage: Stage, base: str, tail: str) -> None:
    door = stage.owner if base == LIST else stage.support
    assert door.get(base + tail).status_code in (200, 404)


def test_paging_walks_all_rows_by_links(stage: Stage) -> None:
    url, seen = LIST + "?size=25&sort=phone", []
    while url:
        page = text_of(stage.owner.get(url))
        seen += re.findall(r'name="id" value="(\d+)"', page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        url = LIST + found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 30


def test_the_place_in_the_list_is_told(stage: Stage) -> None:
    page = text_of(stage.owner.get(LIST + "?size=25&page=2"))
    assert f"26–30 из{NBSP}30" in page


def test_the_number_of_a_page_may_be_typed_and_the_rest_of_the_request_stays(stage: Stage) -> None:
    page = text_of(stage.owner.get(LIST + "?size=25&sort=phone&page=2"))
    form = re.search(r'<form>((?:(?!</form>).)*name="page".*?)</form>', page, re.DOTALL)
    assert form
    assert re.search(r'name="page"[^>]* max="2" value="2"', form[1])
    assert 'type="hidden" name="size" value="25"' in form[1]
    assert 'type="hidden" name="sort" value="phone"' in form[1]


def test_a_list_of_one_page_asks_for_no_number(stage: Stage) -> None:
    assert 'name="page"' not in text_of(stage.owner.get(LIST + "?size=50"))


def test_a_foreign_row_is_not_found_through_any_door(stage: Stage) -> None:
    foreign = str(stage.foreign_id)
    assert stage.owner.get(f"{LIST}details/?id={foreign}").status_code == 404
    answer = stage.owner.post(LIST + "action/", {"action": "delete", "id": foreign, "confirmed": "1", "expect": "1"})
    assert answer.status_code == 303
    assert operations() == []
    assert "+7(999)000-00-00" not in text_of(stage.owner.get(LIST + "?search=79990000000"))


def test_support_sees_the_rows_of_all_customers(stage: Stage) -> None:
    assert "Всего найдено: <b>31</b>" in text_of(stage.support.get("/admin/blacklist/"))


def test_the_other_side_does_not_exist(stage: Stage) -> None:
    assert stage.owner.get("/admin/blacklist/").status_code == 404
    assert stage.support.get(LIST).status_code == 404


def test_somebody_unknown_is_sent_to_sign_in_and_back(stage: Stage) -> None:
    answer = stage.nobody.get(LIST + "?source=hand")
    assert answer.status_code == 302
    assert answer.location == "/login?next=%2Fcabinet%2Fblacklist%2F%3Fsource%3Dhand"


def test_a_swap_after_the_session_ended_leads_to_sign_in(stage: Stage) -> None:
    assert stage.nobody.get(LIST, HX_Request="true").headers["HX-Redirect"] == "/login"


@pytest.mark.parametrize(
    "door", ["new/", "edit/?id=1", "delete/", "ajax/update/", "ajax/lookup/?name=x", "export/csv/"]
)
def test_doors_of_the_framework_do_not_exist(stage: Stage, door: str) -> None:
    assert stage.owner.get(LIST + door).status_code == 404


def test_an_action_needs_post(stage: Stage) -> None:
    assert stage.owner.get(LIST + "action/").status_code == 405


@pytest.mark.parametrize("door", ["action/", "export/"])
def test_changes_need_a_token(stage: Stage, door: str) -> None:
    assert stage.owner.post(LIST + door, {"action": "delete", "scope": "all"}, token=False).status_code == 400
    assert operations() == []


def test_a_viewer_sees_no_action_and_can_do_none(stage: Stage) -> None:
    page = text_of(stage.viewer.get(LIST))
    assert "Удалить" not in page
    assert "Скачать" not in page
    data = {"action": "delete", "scope": "all", "confirmed": "1", "expect": "30"}
    assert stage.viewer.post(LIST + "action/", data).status_code == 403
    assert stage.viewer.post(LIST + "export/", {}).status_code == 403


def test_the_question_has_the_exact_count(stage: Stage) -> None:
    page = text_of(stage.owner.post(LIST + "action/", {"action": "delete", "id": ["1", "2", "3"], "expect": "30"}))
    assert "Удалить номеров: 3?" in page
    assert operations() == []


def test_the_button_without_ticks_means_everything_that_matches(stage: Stage) -> None:
    page = text_of(stage.owner.post(LIST + "action/?source=hand", {"action": "delete", "expect": "10"}))
    assert "Удалить номеров: 10?" in page
    assert 'name="scope" value="all"' in page


def test_all_matching_is_stored_as_the_filter(stage: Stage) -> None:
    data = {"action": "delete", "scope": "all", "confirmed": "1", "expect": "10"}
    answer = stage.owner.post(LIST + "action/?source=hand", data)
    (found,) = operations()
    assert answer.location == f"/cabinet/jobs/details/?id={found.id}"
    assert (found.ids, found.expected, found.filter["filters"]) == (None, 10, {"source": ["hand"]})


def test_a_list_that_changed_meanwhile_is_asked_about_again(stage: Stage) -> None:
    data = {"action": "delete", "scope": "all", "confirmed": "1", "expect": "9"}
    answer = stage.owner.post(LIST + "action/?source=hand", data)
    assert answer.status_code == 409
    assert "Список изменился: было 9, стало 10." in text_of(answer)
    assert operations() == []


def test_an_action_with_a_wrong_filter_is_refused(stage: Stage) -> None:
    data = {"action": "delete", "scope": "all", "confirmed": "1", "expect": "30"}
    assert stage.owner.post(LIST + "action/?source=nothing", data).status_code == 303
    assert operations() == []


def test_fields_of_an_action_are_checked_and_kept(stage: Stage) -> None:
    data = {"action": "mark", "id": ["1", "2"], "confirmed": "1", "expect": "2", "reason": ""}
    assert "Укажите причину." in text_of(stage.owner.post(LIST + "action/", data))
    assert stage.owner.post(LIST + "action/", data | {"reason": "Просили"}).status_code == 303
    page = text_of(stage.owner.get(LIST))
    assert "Отмечено: 2" in page
    assert page.count("Просили") == 2


def test_a_window_is_told_where_to_go_so_that_the_notice_survives(stage: Stage) -> None:
    data = {"action": "mark", "id": "1", "confirmed": "1", "expect": "1", "reason": "Просили"}
    answer = stage.owner.post(LIST + "action/", data, X_Fragment="1")
    assert (answer.status_code, answer.headers["X-Location"]) == (200, LIST + "?")


@pytest.mark.parametrize(
    ("query", "left_at"),
    [
        ("?row=2", "?row=2"),
        ("?source=hand&row=1", "?source=hand&row=1"),
        ("?source=api&row=1", "?source=api"),
        ("?row=999", ""),
        ("?row=junk", ""),
    ],
)
def test_the_row_beside_the_list_stays_while_it_is_one_of_the_list(stage: Stage, query: str, left_at: str) -> None:
    data = {"action": "mark", "id": "1", "confirmed": "1", "expect": "1", "reason": "Просили"}
    assert stage.owner.post(LIST + "action/" + query, data).location == LIST + left_at


def test_the_question_keeps_the_row_beside_and_a_foreign_one_never_stays(stage: Stage) -> None:
    page = text_of(stage.owner.post(LIST + "action/?row=2", {"action": "mark", "id": "1"}))
    assert f'action="{LIST}action/?row=2"' in page
    data = {"action": "mark", "id": "1", "confirmed": "1", "expect": "1", "reason": "Просили"}
    assert stage.owner.post(f"{LIST}action/?row={stage.foreign_id}", data).location == LIST


def test_a_row_action_takes_its_own_row_whatever_is_ticked(stage: Stage) -> None:
    page = text_of(stage.owner.post(LIST + "action/", {"one": "delete:5", "id": ["1", "2"], "expect": "30"}))
    assert "Удалить номеров: 1?" in page
    assert 'name="id" value="5"' in page


def test_nothing_ticked_is_said_so(stage: Stage) -> None:
    stage.owner.post(LIST + "action/", {"action": "mark"})
    assert "Ничего не выбрано" in text_of(stage.owner.get(LIST))


def test_a_defect_shows_no_inside_and_keeps_its_own_traceback(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    answer = stage.owner.post(LIST + "action/", {"one": "fail:1"})
    assert answer.status_code == 500
    assert "len()" not in text_of(answer)
    assert "object of type 'int' has no len()" in caplog.text
    assert "cls" not in str(caplog.records[-1].exc_info)


def test_export_stores_the_filter_and_goes_to_the_job(stage: Stage) -> None:
    answer = stage.owner.post(LIST + "export/?source=file", {})
    (found,) = operations()
    assert answer.location == f"/cabinet/jobs/details/?id={found.id}"
    assert (found.kind, found.filter["filters"]) == ("export", {"source": ["file"]})


def test_counts_on_chips_are_confined_to_the_customer(stage: Stage) -> None:
    assert stage.stranger.get(LIST + "facets/").get_json()["source"]["hand"] == "1"
    assert stage.owner.get(LIST + "facets/").get_json()["source"]["hand"] == "10"


def test_details_open_with_lazy_tabs(stage: Stage) -> None:
    assert "+7(925)394-00-00" in text_of(stage.owner.get(LIST + "details/?id=1"))
    assert "Код" in text_of(stage.owner.get(LIST + "details/?id=1&tab=again"))
    assert stage.owner.get(LIST + "details/?id=1&tab=nothing").status_code == 404


def test_the_frame_has_one_heading_a_main_and_a_way_out(stage: Stage) -> None:
    page = text_of(stage.owner.get(LIST))
    assert page.count("<h1") == 1
    assert page.count("<main") == 1
    assert 'method="post" action="/logout"' in page
    assert 'aria-current="page"' in page


def test_the_chosen_colours_come_from_the_cookie(stage: Stage) -> None:
    stage.owner.client.set_cookie("theme", "dark")
    assert 'data-bs-theme="dark" data-theme-chosen' in text_of(stage.owner.get(LIST))


@pytest.mark.parametrize(
    "asked", ["size=25", "size=200", "size=25&created_from=01.01.2000", "size=25&sort=phone&end=1"]
)
def test_rows_and_their_number_come_by_one_statement(stage: Stage, connected: sa.Engine, asked: str) -> None:
    with hearing() as seen:
        page = stage.owner.get(f"{LIST}?{asked}")
    assert "Всего найдено: <b>30</b>" in text_of(page)
    assert len([statement for statement in seen if "blacklist_entry" in statement]) == 1

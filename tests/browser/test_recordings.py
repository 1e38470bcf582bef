"""Recordings in a real browser: the policy lets them play, and the form shows the message that was chosen."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import assert_accessible, assert_fits

PLAY = """async () => {
  const player = document.querySelector("audio");
  player.muted = true;
  await player.play();
  return player.duration;
}"""


def test_a_player_of_the_list_plays_and_the_page_fits_everywhere(browse: Callable[..., Page]) -> None:
    page = browse("/cabinet/audio-recordings/", who="owner")
    assert page.evaluate(PLAY) > 3
    assert_fits(page)
    assert_accessible(page)


def test_a_campaign_is_heard_before_its_launch(browse: Callable[..., Page]) -> None:
    page = browse("/cabinet/campaigns/", who="owner")
    page.get_by_role("link", name="Новинки для постоянных покупателей").first.click()
    page.get_by_role("link", name="Проверить и запустить").click()
    expect(page.get_by_text("Аудиозапись «Новое поступление»")).to_be_visible()
    assert page.evaluate(PLAY) > 3
    assert_fits(page)


def test_the_form_shows_the_message_that_was_chosen(browse: Callable[..., Page]) -> None:
    page = browse("/cabinet/campaigns/new/", who="owner", scripts=False)
    expect(page.locator("#prompt")).to_be_visible()
    expect(page.locator("#recording_id")).to_be_hidden()
    page.locator("input[name=message][value=recording]").check()
    expect(page.locator("#prompt")).to_be_hidden()
    expect(page.locator("#recording_id")).to_be_visible()

"""With the keyboard alone from the palette to a page, to an action, to a record, and beside the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, check


def ask(page: Page, text: str) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="搜索")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def test_by_keyboard_from_the_palette_to_a_page_and_on_to_an_action(sign_in: Callable[..., Page]) -> None:
    page = sign_in("science")
    box = page.locator("#palette-q")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    expect(page.locator("#palette [role=group]").first).to_be_visible()
    page.keyboard.type("zsrl")
    expect(page.locator("#palette-1")).to_contain_text("证书日历")
    expect(page.locator("#palette-count")).to_contain_text("条结果")
    expect(box).to_have_attribute("aria-activedescendant", "palette-1")
    check(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/ladder/calendar*")

    ask(page, "djqy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/firms/new")

    page.keyboard.press("Escape")
    page.locator("h1").click()
    ask(page, "企业")
    expect(page.locator("#palette-2")).to_be_visible()
    last = page.locator("#palette [role=option]").last
    page.keyboard.press("End")
    expect(last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#palette-1")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    expect(page.locator("#palette-1")).to_have_attribute("aria-selected", "true")
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    opened.value.wait_for_load_state()
    assert page.locator("#palette").is_visible()
    opened.value.close()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_what_was_opened_is_there_when_nothing_is_typed(sign_in: Callable[..., Page]) -> None:
    page = sign_in("science")
    page.goto("/firms")
    page.locator("a.td-name").first.click()
    page.wait_for_load_state("networkidle")
    name = page.locator("h1").inner_text()
    page.keyboard.press("Control+k")
    first = page.locator("#palette [role=group]").first
    expect(first).to_have_attribute("aria-label", "最近打开")
    expect(first).to_contain_text(name)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    expect(page.locator("h1")).to_contain_text(name)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_pages_about_contacts_are_for_everybody(
    sign_in: Callable[..., Page], theme: str, viewport: dict[str, int]
) -> None:
    page = sign_in("investment", theme=theme, viewport=viewport)
    for url in ("/contacts", "/contacts/person", "/privacy"):
        page.goto(url)
        check(page)
    page.keyboard.press("Control+k")
    expect(page.locator("#palette [role=group]").first).to_be_visible()
    check(page)

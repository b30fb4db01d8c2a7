"""Two people at one form; what is typed outlives the session."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, check

pytestmark = pytest.mark.browser


def save(page: Page) -> None:
    page.locator("main form[data-draft] button[type=submit]").click()
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(
    ("viewport", "theme"), [(None, "light"), (NARROW, "dark")], ids=["wide", "narrow dark"]
)
def test_two_people_save_one_form_and_the_second_chooses(
    sign_in: Callable[..., Page], viewport: dict[str, int] | None, theme: str
) -> None:
    first, second = sign_in("science"), sign_in("finance", viewport=viewport, theme=theme)
    for page in (first, second):
        page.goto("/firms/2/edit/all")
    first.locator("[name=address]").fill(f"对方路 7 号 {theme}")
    first.locator("[name=business]").fill(f"对方的业务 {theme}")
    save(first)
    second.locator("[name=address]").fill(f"我的路 9 号 {theme}")
    second.locator("[name=source_number]").fill("我的编号" if theme == "light" else "我的编号二")
    second.locator("[name=business]").fill(f"我的业务 {theme}")
    save(second)
    main = second.locator("main")
    expect(main).to_contain_text("别人刚刚改过")
    expect(main).to_contain_text("我的编号")
    for words in ("对方路 7 号", "我的路 9 号", "对方的业务", "我的业务"):
        expect(main).to_contain_text(f"{words} {theme}")
    check(second)
    # with the keyboard: the address of the other one, the rest stays mine
    second.locator("input[name=pick-address][value=mine]").focus()
    second.keyboard.press("ArrowLeft")
    expect(second.locator("input[name=pick-address][value=theirs]")).to_be_checked()
    second.get_by_role("button", name="保存所选").click()
    second.wait_for_load_state("networkidle")
    expect(main).to_contain_text(f"对方路 7 号 {theme}")
    expect(main).to_contain_text(f"我的业务 {theme}")
    expect(main).to_contain_text("我的编号")
    # the history of the address, from the fact itself, by keyboard
    second.get_by_role("link", name="地址的历史").focus()
    second.keyboard.press("Enter")
    dialog = second.locator("#history-dialog")
    expect(dialog).to_contain_text(f"对方路 7 号 {theme}")
    check(second)
    second.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_the_pages_of_history_are_accessible(sign_in: Callable[..., Page]) -> None:
    for viewport, theme in ((None, "light"), (NARROW, "dark")):
        page = sign_in("science", viewport=viewport, theme=theme)
        page.goto("/firms/5/edit/all")
        page.locator("[name=address]").fill(f"改过的路 {theme}")
        save(page)
        page.goto("/records/firm/5/history")
        check(page)
        page.get_by_role("link", name="改回").first.click()
        expect(page.locator("main")).to_contain_text("当时的操作")
        check(page)
        page.get_by_role("button", name="改回").click()
        page.wait_for_load_state("networkidle")
        expect(page.locator("main")).to_contain_text("已改回原来的值")


def test_what_was_typed_is_back_after_the_session_is_gone(sign_in: Callable[..., Page]) -> None:
    page = sign_in("science")
    page.goto("/firms/4/rename")
    page.locator("[name=name]").fill("温州草稿改名有限公司")
    expect(page.locator("[data-draft-told]")).to_contain_text("已暂存")
    page.context.clear_cookies()
    again = sign_in("science")
    again.goto("/firms/4/rename")
    expect(again.locator("main")).to_contain_text("留下了未保存的内容")
    check(again)
    again.get_by_role("button", name="恢复内容").click()
    expect(again.locator("[name=name]")).to_have_value("温州草稿改名有限公司")
    save(again)
    expect(again.locator("h1")).to_have_text("温州草稿改名有限公司")
    again.goto("/firms/4/rename")
    expect(again.locator("[data-draft-offer]")).to_have_count(0)


def test_a_draft_over_an_older_version_shows_both_when_saved(sign_in: Callable[..., Page]) -> None:
    mine, other = sign_in("science"), sign_in("finance")
    mine.goto("/firms/6/edit/all")
    mine.locator("[name=business]").fill("草稿里的业务")
    expect(mine.locator("[data-draft-told]")).to_contain_text("已暂存")
    mine.goto("/firms/6")
    other.goto("/firms/6/edit/all")
    other.locator("[name=business]").fill("别人已存的业务")
    save(other)
    mine.goto("/firms/6/edit/all")
    mine.get_by_role("button", name="恢复内容").click()
    save(mine)
    for words in ("草稿里的业务", "别人已存的业务"):
        expect(mine.locator("main")).to_contain_text(words)
    mine.goto("/firms/6/edit/all")
    mine.get_by_role("button", name="丢弃").click()
    expect(mine.locator("[name=business]")).to_have_value("别人已存的业务")

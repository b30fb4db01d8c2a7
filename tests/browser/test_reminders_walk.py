"""The weekly mail with hands: what is told, left out by the mail's own link while signed out, and taken back; where it
went, and the jobs behind it. Every page of it, wide and narrow, light and dark, with axe."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from crm.core.mail import FOLDER
from tests.browser.conftest import NARROW, WIDE, Served, Watch, check

pytestmark = pytest.mark.browser
LOOKS = [(WIDE, "light"), (NARROW, "dark")]


@pytest.mark.parametrize(("viewport", "theme"), LOOKS)
def test_every_page_of_the_reminders(
    sign_in: Callable[..., Page], viewport: dict[str, int], theme: str
) -> None:
    for role in ("science", "leader"):
        page = sign_in(role, viewport=viewport, theme=theme)
        for address in (
            "/digest", "/digest?day=2026-02-18", "/digest?day=2030-01-07", "/digest/preferences", "/inbox", "/account",
            "/account/email",
        ):  # fmt: skip
            page.goto(address)
            check(page)
    page = sign_in("system-admin", viewport=viewport, theme=theme)
    for address in ("/outbox", "/outbox?state=failed", "/outbox?q=没有这个人", "/jobs"):
        page.goto(address)
        check(page)


def test_a_copy_of_my_mail_has_the_link_that_leaves_a_group_out(
    sign_in: Callable[..., Page], served: Served, browser: Browser, watch: Watch
) -> None:
    page = sign_in("finance")
    page.goto("/digest")
    before = len(list(Path(served.data / FOLDER).glob("copy.*.eml")))
    page.get_by_role("button", name="发一份给我").click()
    expect(page.locator("body")).to_contain_text("副本")
    until = time.monotonic() + 60
    while len(list(Path(served.data / FOLDER).glob("copy.*.eml"))) <= before:
        assert time.monotonic() < until, "the copy did not come"
        time.sleep(1)
    page.goto("/digest")
    link = re.search(r"/digest/mute/[\w.~-]+", page.locator("pre.td-mail").inner_text())
    assert link is not None
    stranger = browser.new_context(base_url=served.url, viewport=NARROW, locale="zh-CN")  # type: ignore[arg-type]
    door = watch.on(stranger.new_page())
    door.goto(link.group())
    check(door)
    page.goto("/digest/preferences")
    assert page.locator("input[name=groups]:not(:checked)").count() == 0, "looking at it changes nothing"
    door.get_by_role("button", name="不再提醒").click()
    expect(door.locator("h1")).to_have_text("已取消提醒")
    check(door)
    stranger.close()
    page.goto("/digest/preferences")
    left_out = page.locator("input[name=groups]:not(:checked)")
    assert left_out.count() == 1
    left_out.check()
    page.get_by_role("button", name="保存").click()
    expect(page.locator("body")).to_contain_text("提醒设置已保存")
    assert page.locator("input[name=groups]:not(:checked)").count() == 0


def test_my_address_and_the_mail_that_goes_there(sign_in: Callable[..., Page], served: Served) -> None:
    page = sign_in("supervisor", viewport=NARROW)
    page.goto("/digest/preferences")
    page.get_by_role("link", name="登记邮箱").click()
    page.locator("input[name=email]").fill("dai@example.gov.cn")
    page.locator("input[name=current]").fill(served.accounts["supervisor"][1])
    page.get_by_role("button", name="保存").click()
    expect(page.locator("body")).to_contain_text("邮箱已保存")
    expect(page.locator("main")).to_contain_text("dai@example.gov.cn")
    check(page)


def test_a_job_done_by_hand_is_told_where_it_stands(sign_in: Callable[..., Page]) -> None:
    page = sign_in("system-admin")
    page.goto("/jobs")
    row = page.locator("tr", has_text="ops.tidy")
    row.get_by_role("button", name="现在做一次").click()
    expect(page.locator("#progress")).to_contain_text("已完成", timeout=60_000)
    check(page)
    page.get_by_role("link", name="定时任务").first.click()
    expect(page.locator("#runs")).to_contain_text("手动")
    check(page)

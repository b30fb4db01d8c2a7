"""Follow-up with hands: a visit logged on a phone with its photo and next step; the morning's list without a mouse."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Watch, check

pytestmark = pytest.mark.browser
STROKE = (
    120  # milliseconds a sign takes on a phone; a Chinese sign is two strokes and a choice, so about this
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_visit_with_a_photo_and_a_next_step_takes_a_phone_under_forty_seconds(
    sign_in: Callable[..., Page], theme: str
) -> None:
    page = sign_in("investment", viewport=NARROW, theme=theme)
    page.goto("/firms/9")
    page.wait_for_load_state("networkidle")
    began = time.monotonic()
    page.get_by_role("link", name=re.compile("^详细记")).click()
    page.locator("#summary").press_sequentially("看了新车间，二期想扩产，缺工业用地指标", delay=STROKE)
    picture = b"\xff\xd8\xff\xe0\x00\x10JFIF" + theme.encode() * 5000
    page.locator("input[capture]").set_input_files(
        [{"name": f"车间-{theme}.jpg", "mimeType": "image/jpeg", "buffer": picture}]
    )
    expect(page.locator(".td-shoot")).to_contain_text(f"车间-{theme}.jpg")
    page.locator("#step").press_sequentially(f"送用地政策-{theme}", delay=STROKE)
    page.locator("#due_on").press_sequentially("下周三", delay=STROKE)
    page.get_by_role("button", name="记下").click()
    line = page.locator("#timeline li", has_text="二期想扩产").first
    expect(line).to_contain_text(f"车间-{theme}.jpg")
    took = time.monotonic() - began
    print(f"{took:.1f} s")
    assert took < 40
    expect(page.locator("#timeline")).to_contain_text(f"送用地政策-{theme}")
    check(page)
    page.goto("/records/firm/9/log")
    check(page)


def test_a_refused_entry_says_that_its_files_are_to_be_chosen_again(
    sign_in: Callable[..., Page], watch: Watch
) -> None:
    page = sign_in("investment", viewport=NARROW)
    page.goto("/records/firm/9/log")
    page.locator("#summary").fill("没有日期的下一步")
    page.locator("#step").fill("送政策")
    page.locator("input[name=files][multiple]").set_input_files(
        [
            {
                "name": "厂房.jpg",
                "mimeType": "image/jpeg",
                "buffer": b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"1" * 99,
            }
        ]
    )
    page.get_by_role("button", name="记下").click()
    expect(page.get_by_role("alert")).to_contain_text("请写下一步的日期")
    expect(page.locator("main")).to_contain_text("没有保存，文件要重新选：厂房.jpg")
    expect(page.locator("#summary")).to_have_value("没有日期的下一步")
    check(page)
    watch.said.clear()  # the refusal


def test_a_morning_list_is_cleared_by_keyboard_alone(sign_in: Callable[..., Page]) -> None:
    page = sign_in("finance", viewport=WIDE)
    for number, day in enumerate(("今天", "今天", "今天", "今天"), 1):
        page.goto(f"/records/firm/{20 + number}/steps/new")
        page.locator("#step").fill(f"晨间 {number} 号事")
        page.locator("#due_on").fill(day)
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_load_state("networkidle")
    page.goto("/steps")
    page.wait_for_load_state("networkidle")
    keys = page.keyboard
    mine = page.locator("[data-rows] > li", has_text="晨间")
    chosen = page.locator("[data-rows] > li.is-chosen")
    expect(chosen).to_have_count(1)
    for _ in range(60):  # down to the first of mine
        if "晨间 1" in chosen.inner_text():
            break
        keys.press("j")
    expect(chosen).to_contain_text("晨间 1 号事")
    check(page)
    keys.press("j")
    keys.press("k")
    with page.expect_navigation():
        keys.press("d")  # done: the next one is chosen
    expect(mine).to_have_count(3)
    expect(chosen).to_contain_text("晨间 2 号事")
    with page.expect_navigation():
        keys.press("z")  # a slip is taken back
    expect(mine).to_have_count(4)
    with page.expect_navigation():
        keys.press("d")
    with page.expect_navigation():
        keys.press("Enter")  # the second: put off
    keys.press("m")
    expect(page.locator("#due_on")).to_be_focused()
    keys.type("下周三")
    with page.expect_navigation():
        keys.press("Enter")
    assert page.url.endswith("/steps")
    for number in (3, 4):
        expect(chosen).to_contain_text(f"晨间 {number} 号事")
        with page.expect_navigation():
            keys.press("d")
    expect(page.locator("[data-rows] > li", has_text="晨间")).to_have_count(1)
    expect(mine).to_contain_text("晨间 2 号事")
    keys.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("完成")
    keys.press("Escape")

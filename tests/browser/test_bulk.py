"""Bulk change with hands: tick → confirm → result → undo; columns moved by keyboard; a view kept. Wide and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, check

pytestmark = pytest.mark.browser


def tick(page: Page, count: int) -> None:
    boxes = page.locator('input[name="ids"]')
    for number in range(count):
        boxes.nth(number).check()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "phone"])
def test_bulk_edit_result_undo(sign_in: Callable[..., Page], viewport: dict[str, int]) -> None:
    page = sign_in("science", viewport=viewport)
    page.goto("/firms?sort=name&industry=other")
    check(page)
    tick(page, 3)
    page.get_by_label("改成").select_option("leading_industry:life-health")
    page.get_by_role("button", name="修改", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("确认批量修改")
    check(page)
    page.get_by_role("button", name=re.compile("确认，改这 3 行")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("批量修改结果")
    expect(page.locator("tbody tr")).to_have_count(3)
    check(page)
    page.get_by_role("button", name="撤销", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="撤销", exact=True).click()
    expect(page.get_by_text("这次操作已经撤销")).to_be_visible()
    check(page)
    page.goto("/operations")
    expect(page.locator("tbody")).to_contain_text("已撤销")
    check(page)


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "phone"])
def test_steps_are_handed_over_and_come_back(sign_in: Callable[..., Page], viewport: dict[str, int]) -> None:
    page = sign_in("science", viewport=viewport)
    page.goto("/steps")
    page.get_by_role("link", name="选多件转交").click()
    tick(page, 2)
    check(page)
    page.get_by_label("转交给…").select_option(index=1)
    page.get_by_role("button", name="转交", exact=True).click()
    page.get_by_label("理由").fill("轮岗")
    check(page)
    page.get_by_role("button", name=re.compile("确认，改这 2 行")).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    check(page)
    page.get_by_role("button", name="撤销", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="撤销", exact=True).click()
    expect(page.get_by_text("这次操作已经撤销")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("批量转交下一步")
    check(page)


def test_columns_are_moved_by_keyboard_and_kept_in_a_view(sign_in: Callable[..., Page]) -> None:
    page = sign_in("science", viewport=WIDE)
    page.goto("/firms?columns=street,officer,status")
    page.locator("summary", has_text="列 ").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="服务专员 上移").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="服务专员 下移")).to_be_focused()
    check(page)
    page.get_by_role("button", name="应用").click()
    expect(page).to_have_url(re.compile(r"columns=officer,street,status"))
    page.locator("summary", has_text="视图").click()
    page.get_by_label("把现在的条件、排序和列存成视图").fill("专员在前")
    check(page)
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("summary", has_text="专员在前")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=\d+"))
    check(page)

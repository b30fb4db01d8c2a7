"""The first command in a real browser: the sign-in page, then a signed-in page, wide and narrow, light and dark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import NARROW, WIDE, Served, Watch, check

pytestmark = pytest.mark.browser
LOOKS = [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")]


@pytest.mark.parametrize(("viewport", "theme"), LOOKS)
def test_the_sign_in_page_is_accessible(
    browser: Browser, served: Served, watch: Watch, viewport: Any, theme: Any
) -> None:
    context = browser.new_context(viewport=viewport, color_scheme=theme, locale="zh-CN")
    context.add_cookies([{"name": "tidui_theme", "value": theme, "url": served.url}])
    page = watch.on(context.new_page())
    page.goto(served.url)
    check(page)
    context.close()


@pytest.mark.parametrize(("viewport", "theme"), LOOKS)
def test_a_science_officer_reaches_the_home_page(
    sign_in: Callable[..., Page], viewport: Any, theme: Any
) -> None:
    page = sign_in("science", viewport=viewport, theme=theme)
    check(page)


def test_a_wrong_password_lets_nobody_in(browser: Browser, served: Served) -> None:
    page = browser.new_page()
    page.goto(served.url)
    page.locator("input[name=username]").fill(served.accounts["science"][0])
    page.locator("input[name=password]").fill("not the password")
    page.locator("form:has(input[name=password]) button[type=submit]").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert "/sign-in" in page.url
    page.context.close()

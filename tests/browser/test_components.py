"""The components in a real browser: no axe finding, no policy message, no sideways scroll, and the keys work."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.front.gallery_app import make_app
from tests.front.test_components import PAGES

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def heard(page: Page) -> list[str]:
    """What the console says from now on."""
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_are_accessible_and_fit(browser: Browser, site: str, width: int, theme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="zh-CN")
    context.add_cookies([{"name": "tidui_theme", "value": theme, "url": site}])
    page = context.new_page()
    said = heard(page)
    for name in PAGES:
        page.goto(f"{site}/{name}?toast=1")
        page.wait_for_load_state("networkidle")
        found = Axe().run(page).response["violations"]
        assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == [], name
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), name
    assert said == []
    context.close()


def test_palette_opens_by_key_and_follows_the_chosen_row(page: Page, site: str) -> None:
    page.goto(f"{site}/board")
    page.keyboard.press("/")
    box = page.get_by_role("combobox")
    expect(box).to_be_focused()
    box.fill("衡岳")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(box).to_have_attribute("aria-activedescendant", "palette-1")
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found] == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/list?firm=0")


def test_palette_closes_by_escape_and_opens_by_control_k(page: Page, site: str) -> None:
    page.goto(f"{site}/board")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_number_key_chooses_and_enter_accepts_in_triage(page: Page, site: str) -> None:
    page.goto(f"{site}/triage")
    page.keyboard.press("2")
    expect(page.locator("[data-key='2']")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-key='3']")).to_be_checked()
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.keyboard.press("Enter")
    page.wait_for_url("**/undo")  # Chromium hangs when its window is closed while a form is on its way
    body = sent.value.post_data or ""
    assert "firm=3" in body
    assert "do=accept" in body


def test_single_keys_can_be_switched_off(page: Page, site: str) -> None:
    page.goto(f"{site}/triage")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    expect(page.locator("#keys")).to_contain_text("跳过")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    expect(page.locator("[data-key='2']")).not_to_be_checked()


def test_selection_bar_counts_and_takes_all(page: Page, site: str) -> None:
    page.goto(f"{site}/list")
    bar = page.locator("[data-selection]")
    expect(bar).to_be_hidden()
    rows = page.locator("input[name='ids']")
    rows.nth(1).click()
    rows.nth(4).click(modifiers=["Shift"])
    expect(bar.locator("[data-count]")).to_have_text("4")
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.locator("[data-select-all]").check()
    expect(bar.locator("[data-count]")).to_have_text("8")
    bar.locator("[data-choose-all]").click()
    expect(bar.locator("[data-count]")).to_have_text("214")
    expect(page.locator("[data-all]")).to_have_value("1")
    bar.locator("[data-clear-selection]").click()
    expect(bar).to_be_hidden()


def test_theme_is_switched_and_remembered(page: Page, site: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{site}/components")
    page.locator("[data-theme-toggle]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_form_is_sent_once(page: Page, site: str) -> None:
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.route("**/undo", lambda route: route.fulfill(status=204))  # the page stays
    page.goto(f"{site}/signin")
    button = page.get_by_role("button", name="登录")
    button.click(no_wait_after=True)
    expect(button).to_be_disabled()
    page.evaluate("document.querySelector('form.td-stack').requestSubmit()")
    page.wait_for_timeout(200)
    assert len(posts) == 1


def test_progress_is_asked_again_until_it_is_over(page: Page, site: str) -> None:
    said = heard(page)
    page.goto(f"{site}/components")
    expect(page.locator("#progress")).to_contain_text("已完成", timeout=5000)
    assert said == []


def test_dialog_opens_closes_and_is_accessible(page: Page, site: str) -> None:
    page.goto(f"{site}/components")
    page.get_by_role("button", name="归档…").click()
    expect(page.locator("#archive")).to_be_visible()
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.locator("#archive [data-close]").click()
    expect(page.locator("#archive")).to_be_hidden()


def test_chosen_file_is_named(page: Page, site: str) -> None:
    page.goto(f"{site}/components")
    page.locator("input[type=file]").set_input_files(
        {"name": "名单.csv", "mimeType": "text/csv", "buffer": b"a,b"}
    )
    expect(page.locator("[data-name]")).to_contain_text("名单.csv")


def test_mark_of_a_chart_opens_its_rows(page: Page, site: str) -> None:
    page.goto(f"{site}/components")
    chart = page.locator("#flow canvas")
    expect(chart).to_be_visible()
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**/list?flow=1")


def test_filter_sends_itself_without_empty_fields(page: Page, site: str) -> None:
    page.goto(f"{site}/list")
    page.locator("form[data-autosubmit] select[name=street]").select_option("1")
    page.wait_for_url("**/list?as_of=2026-11-23&street=1")
    page.locator("input[name=as_of]").fill("")
    page.wait_for_url("**/list?")


def test_menu_closes_by_escape_and_gives_the_focus_back(page: Page, site: str) -> None:
    page.goto(f"{site}/list")
    summary = page.locator(".td-memenu > summary")
    summary.click()
    expect(page.locator(".td-memenu .td-drop")).to_be_visible()
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.keyboard.press("Escape")
    expect(page.locator(".td-memenu .td-drop")).to_be_hidden()
    expect(summary).to_be_focused()


def test_more_pages_come_up_on_the_phone(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/list")
    page.get_by_role("button", name="更多").click()
    expect(page.locator("#more")).to_be_visible()
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == []
    page.locator("#more").get_by_role("link", name="管理").click()
    page.wait_for_url("**/matrix")


def test_leaving_a_changed_form_asks_first(page: Page, site: str) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.goto(f"{site}/components")
    page.locator("textarea").press_sequentially("新的说明")
    page.goto(f"{site}/board")
    assert asked == ["beforeunload"]

"""Files on a firm's page, with hands: dropped, pasted, uploaded, fetched, put away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, check

pytestmark = pytest.mark.browser

# what the browser does when files are dropped on an element, or pasted into the page
GIVE = """([target, name, kind]) => {
  const given = new DataTransfer();
  given.items.add(new File(['%PDF-1.7 %%EOF ' + name], name, {type: 'application/pdf'}));
  const at = document.querySelector(target);
  at.dispatchEvent(kind === 'paste'
    ? new ClipboardEvent('paste', {clipboardData: given, bubbles: true, cancelable: true})
    : new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true}));
}"""


def upload(page: Page) -> None:
    page.locator("#files").get_by_role("button", name="上传").click()
    page.wait_for_load_state("networkidle")


def test_a_file_is_dropped_fetched_and_put_away(sign_in: Callable[..., Page]) -> None:
    page = sign_in("science")
    page.goto("/firms/7")
    panel = page.locator("#files")
    expect(panel.locator("[data-drop]")).to_be_visible()
    page.evaluate(GIVE, ["#files [data-drop]", "𠮷 用地方案 (终稿).pdf", "drop"])
    expect(panel.locator("[data-name]")).to_contain_text("𠮷 用地方案 (终稿).pdf")
    upload(page)
    page.evaluate(GIVE, ["body", "粘贴的.pdf", "paste"])
    upload(page)
    expect(panel).to_contain_text("粘贴的.pdf")
    with page.expect_download() as waited:
        panel.get_by_role("link", name="𠮷 用地方案 (终稿).pdf").click()
    assert waited.value.suggested_filename == "𠮷 用地方案 (终稿).pdf"
    assert waited.value.path().read_bytes().startswith(b"%PDF-1.7")
    check(page)
    panel.get_by_role("button", name="收起 粘贴的.pdf").click()
    page.locator("dialog[open] input[name=reason]").fill("传错了")
    page.locator("dialog[open]").get_by_role("button", name="收起").click()
    page.wait_for_load_state("networkidle")
    expect(panel).to_contain_text("收起的文件 1 个")
    expect(panel.get_by_role("link", name="粘贴的.pdf")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_takes_a_photo_with_one_tap(sign_in: Callable[..., Page], theme: str) -> None:
    page = sign_in("science", viewport=NARROW, theme=theme)
    page.goto("/firms/8")
    photo = page.locator("#files input[capture]")
    assert photo.get_attribute("accept") == "image/*"
    expect(page.locator("#files .td-shoot")).to_be_visible()
    content = b"\xff\xd8\xff\xe0\x00\x10JFIF" + theme.encode() * 50
    photo.set_input_files([{"name": f"厂房-{theme}.jpg", "mimeType": "image/jpeg", "buffer": content}])
    expect(page.locator("#files")).to_contain_text(f"厂房-{theme}.jpg")
    page.goto("/records/firm/8/files")
    check(page)

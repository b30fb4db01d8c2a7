"""The main job, with hands: sign in → import the registry → tag a published list → see the board → undo both."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Served, check

pytestmark = pytest.mark.browser

NAMES = [
    "温州翎岳试样阀门有限公司",
    "浙江鲸屿试样泵业有限公司",
    "温州昱珩试样机械(浙江)有限公司",
    "浙南骊驰试样电气有限公司",
]
PUBLISHED = [
    ("温州翎岳试样阀门有限公司", "GR202633990001"),  # the same
    ("浙江 鲸屿试样泵业有限责任公司", "GR202633990002"),  # the same after normalising
    ("浙南骊弛试样电气有限公司", "GR202633990003"),  # one character off: to be confirmed
    ("杭州沐沅彼岸织造有限公司", "GR202633990004"),  # nobody here
]


def firms_file(folder: Path) -> Path:
    path = folder / "名录.csv"
    lines = ["试样名录,,", "企业名称,街道,主导产业", *(f"{name},海城街道,智能装备" for name in NAMES)]
    path.write_bytes("\n".join(lines).encode("gb18030"))
    return path


def list_file(folder: Path) -> Path:
    path = folder / "公布名单.csv"
    lines = ["序号,企业名称,证书编号,发证日期"]
    lines += [f"{n},{name},{number},2026年11月2日" for n, (name, number) in enumerate(PUBLISHED, 1)]
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    return path


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()
    page.wait_for_load_state("networkidle")


def holders(served: Served) -> int:
    rows = json.loads(
        served.command("ladder", "count", "--as-of", "2026-11-20", "--kind", "high-tech", "--json")
    )
    return sum(row["count"] for row in rows)


def test_import_tag_board_undo(sign_in: Callable[..., Page], served: Served, tmp_path: Path) -> None:
    page = sign_in("science")
    before = holders(served)

    page.goto("/firms/import")
    page.locator("input[type=file]").set_input_files(firms_file(tmp_path))
    press(page, "读取并核对")
    expect(page.locator("main")).to_contain_text("新增 4")
    check(page)
    press(page, "写入 4 行")
    expect(page.locator("main")).to_contain_text("已写入")
    imported = page.url

    page.goto("/ladder/tags/new")
    page.locator("select[name=kind]").select_option("high-tech")
    page.locator("input[type=file]").set_input_files(list_file(tmp_path))
    press(page, "读取并匹配")
    main = page.locator("main")
    expect(main).to_contain_text("第 4 行是哪一家")
    expect(page.locator(".td-cand").first).to_contain_text("浙南骊驰试样电气有限公司")
    check(page)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    expect(main).to_contain_text("将写入 3")
    page.get_by_role("link", name="预览并写入").first.click()
    page.wait_for_load_state("networkidle")
    check(page)
    press(page, "写入")
    expect(page.locator("main")).to_contain_text("撤销")
    written = page.url
    assert holders(served) == before + 3

    page.goto("/ladder")
    check(page)
    page.keyboard.press("/")
    page.keyboard.type("lysyfm")  # pinyin initials
    expect(page.locator("#palette")).to_contain_text("温州翎岳试样阀门有限公司")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    expect(page.locator("h1")).to_contain_text("温州翎岳试样阀门有限公司")
    expect(page.locator("main")).to_contain_text("GR202633990001")
    check(page)

    page.goto(written)
    press(page, "撤销")
    if page.locator("dialog[open]").count():
        page.locator("dialog[open] button[type=submit]").last.click()
        page.wait_for_load_state("networkidle")
    assert holders(served) == before
    page.goto(imported)
    press(page, "撤销整个导入")
    if page.locator("dialog[open]").count():
        page.locator("dialog[open] button[type=submit]").last.click()
        page.wait_for_load_state("networkidle")
    expect(page.locator("main")).to_contain_text("已撤销")
    assert json.loads(served.command("firms", "search", "试样阀门", "--json")) == []
    assert json.loads(served.command("audit", "verify", "--json"))["whole"] is True


PAGES = {
    "science": ["/ladder", "/ladder/list", "/ladder/flow", "/ladder/calendar", "/ladder/three-zeroing", "/ladder/tags",
                "/ladder/tags/new", "/firms", "/firms/1", "/firms/new", "/firms/import", "/search?q=wz", "/account"],
    "leader": ["/ladder", "/firms/1"],
    "sysadmin": ["/people", "/people/new", "/units", "/units/1", "/roles"],
    "auditor": ["/audit", "/audit/1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("viewport", "theme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide light", "narrow dark"]
)
@pytest.mark.parametrize("role", PAGES)
def test_every_page_is_accessible_and_fits(
    sign_in: Callable[..., Page], served: Served, role: str, viewport: dict[str, int], theme: str
) -> None:
    code = {"sysadmin": "system-admin"}.get(role, role)
    page = sign_in(code, viewport=viewport, theme=theme)
    for path in PAGES[role]:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        check(page)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (
            f"{path} moves sideways"
        )


def test_english_is_complete_on_the_main_pages(sign_in: Callable[..., Page]) -> None:
    page = sign_in("science")
    page.goto("/ladder")
    press(page, "EN")
    for path in ("/ladder", "/ladder/calendar", "/firms/import", "/ladder/tags/new"):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "en"
        head = page.locator("h1").inner_text()
        assert not any("\u4e00" <= char <= "\u9fff" for char in head), head
    press(page, "中文")  # the account keeps its language, and others sign in with it

"""The listing reserve with hands: a firm walked from the reserve to an application, out of it, and in on another board."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from crm.core.clock import today
from tests.browser.conftest import NARROW, WIDE, Watch, check

pytestmark = pytest.mark.browser
REFERENCE = "浙证监〔2026〕7号"


def ago(days: int) -> str:
    return (today() - dt.timedelta(days)).isoformat()


class Walk:
    """A finance officer at one candidate's page: what is filled in, sent, refused."""

    def __init__(self, page: Page, watch: Watch) -> None:
        self.page, self.watch, self.home, self.looked = page, watch, "", set[str]()

    def look(self, name: str) -> None:
        """Every kind of page is checked the first time it is met."""
        if name not in self.looked:
            self.looked.add(name)
            check(self.page)

    def send(self) -> None:
        self.page.locator("main form:has(.td-acts2) button[type=submit]").first.click()
        self.page.wait_for_load_state("networkidle")

    def form(self, part: str, **fields: str) -> None:
        """Open a form of the candidate, fill it in, send it."""
        self.page.goto(f"{self.home}/{part}")
        self.look(part.partition("?")[0])
        for field, text in fields.items():
            control = self.page.locator(f"#{field}")
            if control.evaluate("node => node.tagName") == "SELECT":
                control.select_option(text)
            else:
                control.fill(text)
        self.send()

    def refused(self, *sentences: str) -> None:
        """The form is there again and says why; nothing moved."""
        alert = self.page.get_by_role("alert")
        for sentence in sentences:
            expect(alert).to_contain_text(sentence)
        self.look(f"refused {sentences[0]}")
        self.watch.said.clear()

    def paper(self, kind: str, days: int) -> None:
        self.form(f"evidence/new?kind={kind}", on=ago(days), reference=REFERENCE)

    def stands(self, stage: str) -> None:
        expect(self.page.locator(".td-track .is-now, [aria-current=step]").first).to_contain_text(stage)

    def move(self, stage: str, days: int, reason: str = "") -> None:
        self.form(f"move?stage={stage}", on=ago(days), reason=reason)


def _open_figure(page: Page, row: str, column: int) -> int:
    """Press a figure of the counts page. Returns it."""
    page.goto("/listing/counts")
    figure = page.get_by_role("row", name=re.compile(row)).get_by_role("cell").nth(column).get_by_role("link")
    count = int(figure.inner_text())
    figure.click()
    page.wait_for_load_state("networkidle")
    return count


def test_a_firm_is_walked_to_an_application_out_of_it_and_onto_another_board(
    sign_in: Callable[..., Page], watch: Watch
) -> None:
    page = sign_in("finance", viewport=WIDE)
    walk = Walk(page, watch)
    # a firm enters the reserve from its own page
    page.goto("/firms")
    page.locator("main a.td-name").first.click()
    page.wait_for_load_state("networkidle")
    firm = page.get_by_role("heading", level=1).inner_text()
    expect(page.locator("#firm-listing")).to_contain_text("不在上市后备库里")
    check(page)
    page.locator("#firm-listing").get_by_role("link", name="入库").click()
    check(page)
    page.locator("#on").fill(ago(400))
    walk.send()
    walk.home = re.sub(r"[?#].*", "", page.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text(firm)
    walk.stands("后备入库")
    walk.look("candidate")
    # due diligence names all that is missing
    walk.move("due-diligence", 380)
    walk.refused("目标板块", "保荐机构", "中介机构协议")
    walk.form("board", board="star", on=ago(390))
    walk.form("intermediaries/new?kind=sponsor", name="浙海证券", person="许知行", from_on=ago(390))
    walk.paper("agreements", 385)
    walk.move("due-diligence", 380)
    walk.stands("尽调规范")
    # the reform
    walk.move("reform", 300)
    walk.refused("律师事务所", "会计师事务所", "股份公司营业执照")
    walk.form("intermediaries/new?kind=law-firm", name="瓯江律师事务所", from_on=ago(370))
    walk.form("intermediaries/new?kind=audit-firm", name="立衡会计师事务所", from_on=ago(370))
    walk.paper("joint-stock-licence", 300)
    walk.move("reform", 300)
    walk.stands("股改")
    # tutoring takes three months at least
    walk.paper("tutoring-filing", 200)
    walk.move("tutoring", 200)
    walk.stands("辅导备案")
    walk.paper("tutoring-letter", 150)
    walk.move("tutoring-accepted", 150)
    walk.refused("辅导期不少于 3 个月")
    page.goto(walk.home)
    page.wait_for_load_state("networkidle")
    page.locator("#papers, section", has_text="辅导验收工作完成函").get_by_role(
        "link", name=re.compile("收起.*辅导验收工作完成函")
    ).first.click()
    walk.look("put away")
    page.locator("#reason").fill("日期登记错了")
    walk.send()
    walk.paper("tutoring-letter", 100)
    walk.move("tutoring-accepted", 100)
    walk.stands("辅导验收")
    # the application
    walk.move("accepted", 60)
    walk.refused("交易所受理通知")
    walk.paper("acceptance-notice", 60)
    walk.move("accepted", 60)
    walk.stands("报会")
    walk.form("board", board="bse", on=ago(50), reason="定位调整")
    walk.refused("换板块要先撤回或退回")
    # out of it, not without a reason
    walk.form("aside", state="withdrawn", on=ago(30))
    walk.refused("原因")
    walk.form("aside", state="withdrawn", on=ago(30), reason="业绩波动，主动撤回")
    expect(page.locator("main")).to_contain_text("业绩波动，主动撤回")
    walk.look("withdrawn")
    accepted = _open_figure(page, "上市报会企业", 1)
    expect(page.locator("main")).to_contain_text(firm)
    assert page.locator("main a.td-name").count() == accepted
    walk.look("rows")
    assert _open_figure(page, "上市报会企业", 2) == page.locator("main a.td-name").count() == 1
    expect(page.locator("main")).to_contain_text(firm)
    # in again, on another board, with papers of its own
    walk.form("board", board="bse", on=ago(20), reason="改报北交所")
    expect(page.locator(".td-head")).to_contain_text("北交所")
    walk.form("resume", on=ago(20), reason="改报北交所")
    walk.move("tutoring-accepted", 15, "原申请已撤回，重新申报")
    walk.stands("辅导验收")
    walk.move("accepted", 5)
    walk.refused("交易所受理通知")
    walk.paper("acceptance-notice", 5)
    walk.move("accepted", 5)
    walk.stands("报会")
    walk.look("re-filed")
    expect(page.locator(".td-head")).to_contain_text("北交所")
    assert _open_figure(page, "上市报会企业", 1) == accepted
    for address in ("", "/board", "/calendar", "/bottlenecks", "/changes", "/counts"):
        page.goto(f"/listing{address}")
        check(page)
    page.set_viewport_size(NARROW)
    for address in ("/listing", "/listing/board", "/listing/bottlenecks", "/listing/counts", walk.home):
        page.goto(address)
        check(page)

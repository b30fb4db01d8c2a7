"""Investment projects with hands: a lead logged on a phone; a project walked from lead to counted at a desk."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Watch, check

pytestmark = pytest.mark.browser
STROKE = 120  # milliseconds a sign takes on a phone


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_lead_takes_a_phone_under_a_minute(sign_in: Callable[..., Page], theme: str) -> None:
    page = sign_in("investment", viewport=NARROW, theme=theme)
    page.goto("/projects")
    began = time.monotonic()
    page.get_by_role("link", name=re.compile("^记线索")).first.click()
    page.locator("#investor").press_sequentially(f"杭州翎图视觉{theme}科技", delay=STROKE)
    page.locator("#name").press_sequentially("3C 外观检测设备产线，先租厂房", delay=STROKE)
    page.get_by_text("企业引荐", exact=True).click()
    page.locator("#step").press_sequentially("电话问清租期和用电", delay=STROKE)
    page.get_by_text(re.compile("^明天")).click()
    page.get_by_role("button", name="保存线索").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("3C 外观检测设备产线")
    took = time.monotonic() - began
    print(f"{took:.1f} s")
    assert took < 60
    page.wait_for_load_state("networkidle")
    check(page)
    page.goto("/projects/new")
    check(page)
    page.goto("/projects/board")
    check(page)


def _choose(page: Page, field: str, nth: int = 1) -> None:
    page.locator(f"#{field}").select_option(index=nth)


def _send(page: Page) -> None:
    page.locator("main form:has(.td-acts2) button[type=submit]").first.click()
    page.wait_for_load_state("networkidle")


def _paper(page: Page, project: str, kind: str) -> None:
    page.goto(f"{project}/evidence/new?kind={kind}")
    page.locator("#reference").fill("浙产管〔2026〕7号")
    _send(page)


def test_a_project_is_walked_from_lead_to_counted(sign_in: Callable[..., Page], watch: Watch) -> None:
    page = sign_in("investment", viewport=WIDE)
    page.goto("/projects/new")
    page.locator("#investor").fill("宁波栖澜精密科技")
    page.locator("#name").fill("谐波减速器产线")
    page.get_by_text("展会", exact=True).click()
    page.locator("#step").fill("约现场")
    page.get_by_text(re.compile("^明天")).click()
    _send(page)
    project = re.sub(r"\?.*", "", page.url)
    # negotiation is refused, and says what is missing
    page.goto(f"{project}/move?stage=negotiation")
    _send(page)
    alert = page.get_by_role("alert")
    for missing in ("牵头领导和专班", "投资方来自", "主导产业", "总投资"):
        expect(alert).to_contain_text(missing)
    check(page)
    watch.said.clear()  # the refusal
    # leader and team
    page.goto(f"{project}/charge")
    _choose(page, "leader")
    _choose(page, "liaison", 2)
    _choose(page, "agent", 3)
    check(page)
    _send(page)
    expect(page.locator("#team-h")).to_be_visible()
    # the facts
    page.goto(f"{project}/edit/money")
    for field, amount in (
        ("total_yuan", "126000"),
        ("agreed_yuan", "120000"),
        ("fixed_yuan", "90000"),
        ("output_yuan", "180000"),
        ("tax_yuan", "7200"),
    ):
        page.locator(f"#{field}").fill(amount)
    _send(page)
    page.goto(f"{project}/edit/origin")
    _choose(page, "origin")
    _choose(page, "leading_industry")
    _choose(page, "chain_role")
    _send(page)
    page.goto(f"{project}/edit/project")
    _choose(page, "investor_kind")
    page.locator("#product").fill("谐波减速器")
    _send(page)
    page.goto(f"{project}/move?stage=negotiation")
    _send(page)
    expect(page.locator(".td-track .is-now")).to_contain_text("洽谈")
    for kind in ("feasibility", "review-minutes", "fair-competition", "contract"):
        _paper(page, project, kind)
    page.goto(f"{project}/move?stage=signed")
    _send(page)
    expect(page.locator(".td-track .is-now")).to_contain_text("签约")
    page.wait_for_load_state("networkidle")
    check(page)
    # money, checked and counted by somebody else
    page.goto(f"{project}/payments/new")
    page.locator("#yuan").fill("34200")
    for field in ("origin", "kind"):
        _choose(page, field)
    page.locator("#reference").fill("验资报告 12 号")
    _send(page)
    page.goto("/")
    checker = sign_in("supervisor", viewport=WIDE)
    checker.goto(project)
    checker.wait_for_load_state("networkidle")
    checker.locator("section", has_text="到位资金").get_by_role("button", name="核定").first.click()
    checker.wait_for_load_state("networkidle")
    checker.goto(project)
    checker.wait_for_load_state("networkidle")
    checker.locator("section", has_text="计数口径").get_by_role("button", name=re.compile("计")).first.click()
    checker.wait_for_load_state("networkidle")
    checker.goto("/projects/counts")
    check(checker)
    figure = checker.get_by_role("row", name=re.compile("^10 亿元以上")).get_by_role("link").first
    count = int(figure.inner_text())
    figure.click()
    checker.wait_for_load_state("networkidle")
    expect(checker.locator("main")).to_contain_text("谐波减速器产线")
    assert count >= 1
    check(checker)

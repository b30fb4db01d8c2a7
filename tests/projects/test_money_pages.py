"""Money and counting on the pages: entered, checked by somebody else, counted, opened, frozen."""

from __future__ import annotations

from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.core.db import db
from crm.projects.models import FrozenMonth, Project, ProjectCount, ProjectPayment
from crm.projects.queries.counting import count_of
from crm.projects.rules.words import Confidentiality
from tests import people
from tests.projects.cast import a_lead
from tests.projects.money_cast import counted, paid, signed

PAYMENT = {
    "on": "2026-09-15", "kind": "fixed-investment", "origin": "other-province", "yuan": "3000", "currency": "CNY",
    "reference": "进账单 0917", "foreign": "", "rate_micros": "", "attachment": "",
}  # fmt: skip


@pytest.fixture
def project(app: Flask) -> int:
    with app.app_context():
        made = signed(db.session()).id
        db.session.remove()
    return made


def browser(app: Flask, person: people.Person) -> FlaskClient:
    client = app.test_client()
    people.sign_in(client, person)
    return client


def text(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.get_data(as_text=True))


def test_money_is_entered_checked_by_another_and_the_project_counted(app: Flask, project: int) -> None:
    officer, checker = browser(app, people.INVESTMENT), browser(app, people.SUPERVISOR)
    url = f"/projects/{project}/payments"
    assert "登记到位资金" in text(officer, f"{url}/new")
    assert people.post(officer, f"{url}/new", PAYMENT).status_code == 303
    assert "待核定" in text(officer, url)
    with app.app_context():
        row = db.session().scalars(sa.select(ProjectPayment)).one()
        payment, version = row.id, row.version
        assert row.yuan == 30_000_000
    assert people.post(officer, f"{url}/{payment}/check", {"version": version}).status_code == 403
    assert people.post(checker, f"{url}/{payment}/check", {"version": version}).status_code == 303
    panel = text(checker, url)
    assert "到位 3,000 万元（固定资产投资）" in text(officer, f"/records/project/{project}/timeline")
    assert "戴清越核定，计入 2026-09-15" in panel and panel.count('href="#paid-2026-09-15"') == 2
    again = people.post(checker, f"{url}/{payment}/check", {"version": version})
    assert again.status_code == 409
    panel = text(checker, f"/projects/{project}/counting")
    assert "首次签约" in panel and "核定计数" in panel
    with app.app_context():
        seen = db.session().get_one(Project, project).version
    assert people.post(checker, f"/projects/{project}/counting", {"version": seen - 1}).status_code == 409
    assert people.post(checker, f"/projects/{project}/counting", {"version": seen}).status_code == 303
    assert "已计数" in text(officer, f"/projects/{project}/counting")
    page = text(officer, "/projects/counts?as_of=2026-09-30")
    assert "打开「10 亿元以上」的 1 个项目" in page
    rows = text(officer, "/projects/counts/over-10?as_of=2026-09-30")
    assert "第1条精密减速器产线" in rows and "由戴清越核定" in rows
    assert "这一天没有项目" in text(officer, "/projects/counts/over-10?as_of=2026-09-01")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"on": "2026-13-40"}, "请写成 2024-05-06 这样的日期"),
        ({"yuan": "三千"}, "到位金额"),
        ({"yuan": ""}, "请填写到位金额"),
        ({"reference": ""}, "请选择凭证文件，或写明凭证号"),
        ({"currency": "USD", "yuan": "", "foreign": "500"}, "汇率"),
        ({"origin": "月球"}, "请在列出的选项里选择"),
        ({"attachment": "999999"}, "请在列出的选项里选择"),
        ({"on": "1926-01-01"}, "1926-01-01 太早了，请核对年份"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_written(
    app: Flask, project: int, change: dict[str, str], sentence: str
) -> None:
    officer = browser(app, people.INVESTMENT)
    answer = people.post(officer, f"/projects/{project}/payments/new", {**PAYMENT, **change})
    assert answer.status_code == 422
    page = unescape(answer.get_data(as_text=True))
    assert sentence in page
    kept = {**PAYMENT, **change}["reference"]
    assert kept in page
    with app.app_context():
        assert db.session().scalar(sa.select(sa.func.count()).select_from(ProjectPayment)) == 0


def test_what_one_may_not_see_is_not_there(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        secret = counted(session, signed(session, confidentiality=Confidentiality.TEAM))
        row = paid(session, secret).id
        name, number = secret.name, secret.id
        db.session.remove()
    stranger = browser(app, people.INVESTMENT_2)
    for url in ("payments", "payments/new", f"payments/{row}/withdraw", "counting", "increase"):
        assert stranger.get(f"/projects/{number}/{url}").status_code == 404, url
    assert people.post(stranger, f"/projects/{number}/payments/new", {}).status_code == 404
    page = text(stranger, "/projects/counts")
    assert "其中 1 个您不能查看" in page
    rows = text(stranger, "/projects/counts/all")
    assert name not in rows and "另有 1 个您不能查看" in rows and "您都不能查看" in rows


def test_a_withdrawal_needs_a_reason_and_two_at_once_see_each_other(app: Flask) -> None:
    with app.app_context():
        session = db.session()
        project = counted(session, signed(session))
        row = paid(session, project)
        number, payment, version = project.id, row.id, row.version
        standing = count_of(session, number)
        assert standing is not None
        count_version = standing.version
        db.session.remove()
    checker = browser(app, people.SUPERVISOR)
    for url, seen in (
        (f"/projects/{number}/payments/{payment}/withdraw", version),
        (f"/projects/{number}/counting/withdraw", count_version),
    ):
        text(checker, url)
        assert people.post(checker, url, {"version": seen, "reason": ""}).status_code == 422
        old = people.post(checker, url, {"version": max(seen - 1, 0), "reason": "退回投资款"})
        assert old.status_code == 409 and "退回投资款" in unescape(old.get_data(as_text=True))
        assert people.post(checker, url, {"version": seen, "reason": "退回投资款"}).status_code == 303
    assert "收回：退回投资款" in text(checker, f"/projects/{number}/payments")
    assert "撤销：退回投资款" in text(checker, f"/projects/{number}/counting")
    with app.app_context():
        assert db.session().scalars(sa.select(ProjectCount.is_standing)).all() == [None]


def test_an_increase_is_marked_and_a_second_editor_sees_the_first(app: Flask, project: int) -> None:
    with app.app_context():
        other = signed(db.session(), 2).id
        seen = db.session().get_one(Project, project).version
        db.session.remove()
    officer = browser(app, people.INVESTMENT)
    url = f"/projects/{project}/increase"
    for wrong in ("abc", "999999", str(project)):
        answer = people.post(officer, url, {"version": seen, "original": wrong})
        assert answer.status_code == 422 and "没有这个项目" in unescape(answer.get_data(as_text=True))
    assert people.post(officer, url, {"version": seen, "original": str(other)}).status_code == 303
    assert people.post(officer, url, {"version": seen, "original": ""}).status_code == 409
    assert "增资，只计增资额" in text(officer, f"/projects/{project}/counting")


def test_a_month_is_frozen_on_the_page(app: Flask, project: int) -> None:
    with app.app_context():
        counted(db.session(), db.session().get_one(Project, project))
        db.session.remove()
    checker, officer = browser(app, people.SUPERVISOR), browser(app, people.INVESTMENT)
    assert people.post(officer, "/projects/counts/freeze", {"month": "2026-09"}).status_code == 403
    bad = people.post(checker, "/projects/counts/freeze", {"month": "2066-09"})
    assert bad.status_code == 422 and "还没有过完" in unescape(bad.get_data(as_text=True))
    assert people.post(checker, "/projects/counts/freeze", {"month": "2026-09"}).status_code == 303
    page = text(officer, "/projects/counts?as_of=2026-09-30")
    assert "及以前已经冻结" in page and "上报 1" in page
    with app.app_context():
        assert db.session().scalars(sa.select(FrozenMonth.month)).all() == ["2026-09"]


@pytest.mark.parametrize(
    "query", ["as_of=2026-02-30", "as_of=0001-01-01", "as_of=%00", "as_of=9999-12-31", "page=x", "page=99999"]
)
def test_an_address_that_makes_no_sense_is_today(app: Flask, query: str) -> None:
    officer = browser(app, people.INVESTMENT)
    for url in ("/projects/counts", "/projects/counts/all", "/projects/counts/uncounted"):
        assert officer.get(f"{url}?{query}").status_code == 200
    assert officer.get("/projects/counts/nonsense").status_code == 404


def test_what_is_not_signed_yet_is_told_just_that(app: Flask) -> None:
    with app.app_context():
        lead = a_lead(db.session()).id
        db.session.remove()
    panel = text(browser(app, people.INVESTMENT), f"/projects/{lead}/counting")
    assert "还没有签约" in panel and "投资协议" not in panel and "已核定" not in panel

"""The pages of the registry, walked as people of several roles."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.core import audit
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import Contact, Firm, YearFigures
from crm.firms.rules.words import FirmStatus, LeadingIndustry, Metric
from tests import people

TODAY = dt.date(2026, 11, 23)
CODE = "91330300600037341G"
ROBOT = system("tests")


def code_of(body: str) -> str:
    """A valid credit code with this organisation part."""
    from stdnum.cn import uscc

    head = f"91330300{body}"
    return str(head + uscc.calc_check_digit(head + "0"))


@pytest.fixture
def firm_id(app: Flask) -> int:
    """A firm of the street 海城 with everything a page may show."""
    with app.app_context():
        writing()
        session = db.session()
        firm = actions.register(
            session, actor=ROBOT, today=TODAY, name="温州拓屿精密机械有限公司", code=code_of("MA2L9E2U5"),
            former_names=["温州拓屿机械厂"], street_id=people.unit_id(session, "海城"),
            officer_id=people.id_of(session, people.INVESTMENT), leading_industry=LeadingIndustry.SMART_EQUIPMENT,
        )  # fmt: skip
        actions.set_figures(
            session, firm, actor=ROBOT, today=TODAY, year=2025, source="审计报告",
            figures={Metric.REVENUE.value: 62_540_000, Metric.RD_HIGH_TECH.value: 2_750_000},
        )  # fmt: skip
        actions.save_contact(
            session, firm, actor=ROBOT, name="叶青", phone="13812345678", email="yeqing@example.com"
        )
        commit(session)
        found = firm.id
        db.session.remove()
    return found


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


def text(response: Any) -> str:
    return str(response.get_data(as_text=True))


PAGES = (
    "/firms", "/firms/new", "/firms/import", "/firms/{id}", "/firms/{id}/edit/all", "/firms/{id}/edit/trade",
    "/firms/{id}/rename", "/firms/{id}/move", "/firms/{id}/archive", "/firms/{id}/names/new", "/firms/{id}/contacts/new",
    "/firms/{id}/figures/2025", "/firms/{id}/ip", "/firms/{id}/equity/new", "/firms/{id}/institutions/new",
    "/firms/{id}/above-scale", "/firms/{id}/holdings", "/records/firm/{id}/history?panel=1",
    "/firms?q=拓屿&sort=name&industry=smart-equipment",
    "/firms/look-alikes?name=温州拓屿精密机械",
)  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_every_page_opens_for_the_science_officer(science: FlaskClient, firm_id: int, address: str) -> None:
    response = science.get(address.replace("{id}", str(firm_id)))
    assert response.status_code == 200, text(response)[:2000]


# --- what must not happen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["0", "2147483648", "99999999999999999999", "-1", "９", "1%00", "1'"])
@pytest.mark.parametrize("tail", ["", "/edit/all", "/figures/2025", "/contacts/1", "/holdings"])
def test_impossible_ids_are_not_found(science: FlaskClient, number: str, tail: str) -> None:
    assert science.get(f"/firms/{number}{tail}").status_code == 404


def test_a_year_that_cannot_be_is_not_found(science: FlaskClient, firm_id: int) -> None:
    assert science.get(f"/firms/{firm_id}/figures/3000").status_code == 404
    assert science.get(f"/firms/{firm_id}/edit/nonsense").status_code == 404


@pytest.mark.parametrize(
    "person", [people.SYSTEM_ADMIN, people.SECURITY_ADMIN, people.AUDITOR, people.STRANGER]
)
def test_administrators_see_no_business_data(
    client: FlaskClient, firm_id: int, person: people.Person
) -> None:
    people.sign_in(client, person)
    for address in (
        "/firms",
        f"/firms/{firm_id}",
        "/firms/look-alikes?name=拓屿",
    ):
        assert client.get(address).status_code == 403
    assert client.get(f"/records/firm/{firm_id}/history").status_code == 404, (
        "what one may not see is not there"
    )
    assert "拓屿" not in text(client.get("/search?q=拓屿", headers={"X-Palette": "1"})).replace(
        "「拓屿」", ""
    )


def test_a_phone_number_is_masked_everywhere_until_it_is_revealed_with_a_reason(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    with app.app_context():
        writing()
        contact_id = db.session.execute(sa.select(Contact.id)).scalar_one()
        firm = db.session.get_one(Firm, firm_id)
        actions.edit(
            db.session(),
            firm,
            actor=ROBOT,
            today=TODAY,
            officer_id=people.id_of(db.session(), people.SCIENCE),
        )
        commit()
        db.session.remove()
    for address in (
        f"/firms/{firm_id}",
        f"/firms/{firm_id}/contacts/{contact_id}",
        f"/records/firm/{firm_id}/history",
    ):
        page = text(science.get(address))
        assert "13812345678" not in page
        assert "yeqing@" not in page
    assert "138****5678" in text(science.get(f"/firms/{firm_id}"))
    for nothing in (" ", "x", "\x00\x00", "\u200b\u200b\u2060", "\u3000\u3000"):
        refused = people.post(science, f"/firms/{firm_id}/contacts/{contact_id}/reveal", {"reason": nothing})
        assert refused.status_code == 303, nothing
    shown = people.post(science, f"/firms/{firm_id}/contacts/{contact_id}/reveal", {"reason": "高企申报联系"})
    assert "13812345678" in text(shown)
    assert "no-store" in shown.headers["Cache-Control"]
    with app.app_context():
        envelope = db.session.execute(
            sa.select(audit.AuditEnvelope).where(audit.AuditEnvelope.action == "firm.contact-reveal")
        ).scalar_one()
        assert envelope.params["reason"] == "高企申报联系"
        assert "13812345678" not in str(envelope.params)
        db.session.remove()


def test_a_contact_is_revealed_to_the_own_officer_only(client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.FINANCE)
    response = people.post(client, f"/firms/{firm_id}/contacts/1/reveal", {"reason": "想看看"})
    assert response.status_code == 403
    assert "13812345678" not in text(response)


def test_an_empty_phone_in_the_form_keeps_the_one_there(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    people.post(
        science, f"/firms/{firm_id}/contacts/1", {"version": "1", "name": "叶青青", "phone": "", "email": ""}
    )
    with app.app_context():
        contact = db.session.execute(sa.select(Contact)).scalar_one()
        assert (contact.name, contact.phone) == ("叶青青", "13812345678")
        db.session.remove()


@pytest.mark.parametrize(
    ("person", "sees"),
    [(people.SCIENCE, True), (people.LEADER, True), (people.INVESTMENT, True), (people.INVESTMENT_2, False),
     (people.REPORTER, True), (people.READ_ONLY, False)],
)  # fmt: skip
def test_figures_are_shown_to_those_who_may_see_them(
    client: FlaskClient, firm_id: int, person: people.Person, sees: bool
) -> None:
    people.sign_in(client, person)
    page = text(client.get(f"/firms/{firm_id}"))
    assert ("6,254" in page) is sees


@pytest.mark.parametrize("person", [people.READ_ONLY, people.LEADER, people.SUPERVISOR])
def test_who_may_only_read_is_refused_before_anything_typed_is_looked_at(
    client: FlaskClient, firm_id: int, person: people.Person
) -> None:
    people.sign_in(client, person)
    for address in (
        f"/firms/{firm_id}/edit/all",
        f"/firms/{firm_id}/rename",
        "/firms/new",
        "/lists/firms/bulk",
        f"/firms/{firm_id}/figures/2025",
        f"/firms/{firm_id}/contacts/new",
    ):
        assert people.post(client, address, {"name": "\ufffd"}).status_code == 403, address
    chosen = people.post(client, "/bulk/1", {"name": "\ufffd"})
    # who may hand steps over may choose many of those
    assert chosen.status_code == (403 if person is people.READ_ONLY else 404)


def test_a_reporter_of_another_street_is_refused_by_the_form_of_a_firm(
    client: FlaskClient, app: Flask, firm_id: int
) -> None:
    with app.app_context():
        writing()
        firm = db.session.get_one(Firm, firm_id)
        actions.edit(
            db.session(), firm, actor=ROBOT, today=TODAY, street_id=people.unit_id(db.session(), "沙城")
        )
        commit()
        db.session.remove()
    people.sign_in(client, people.REPORTER)
    assert client.get(f"/firms/{firm_id}").status_code == 200
    assert client.get(f"/firms/{firm_id}/edit/all").status_code == 403
    assert people.post(client, f"/firms/{firm_id}/edit/all", {"address": "x"}).status_code == 403


def test_registering_twice_leads_to_the_firm_that_is_there(science: FlaskClient, firm_id: int) -> None:
    response = people.post(
        science,
        "/firms/new",
        {"name": "别的有限公司", "code": code_of("MA2L9E2U5"), "leading_industry": "other"},
    )
    assert response.status_code == 422
    page = text(response)
    assert f"/firms/{firm_id}" in page
    assert "别的有限公司" in page  # nothing typed is lost


def test_extra_posted_fields_have_no_effect(science: FlaskClient, app: Flask) -> None:
    response = people.post(
        science, "/firms/new",
        {"name": "温州新登记有限公司", "leading_industry": "other", "id": "77", "status": "closed", "created_by_id": "1",
         "archived_on": "2020-01-01", "version": "9"},
    )  # fmt: skip
    assert response.status_code == 303
    with app.app_context():
        firm = db.session.execute(sa.select(Firm)).scalar_one()
        assert (firm.id, firm.status, firm.archived_on, firm.version) == (1, FirmStatus.ACTIVE, None, 1)
        assert firm.created_by_id == people.id_of(db.session(), people.SCIENCE)
        db.session.remove()


def test_the_second_saver_sees_both_versions_and_chooses(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    with app.app_context():
        version = db.session.get_one(Firm, firm_id).version
        db.session.remove()
    form = {
        "version": str(version),
        "leading_industry": "life-health",
        "industry_code": "C3912",
        "business": "甲",
    }
    assert people.post(science, f"/firms/{firm_id}/edit/trade", form).status_code == 303
    mine = {"version": str(version), "leading_industry": "other", "industry_code": "C3912", "business": "乙"}
    response = people.post(science, f"/firms/{firm_id}/edit/trade", mine)
    assert response.status_code == 409
    page = text(response)
    assert "生命健康" in page
    assert "另一个窗口" in page and "别人刚刚改过" not in page, "it was the same person"
    assert "其他产业" in page
    assert "乙" in page
    now = re.search(r'name="version" value="(\d+)"', page)
    assert now is not None
    chosen = {
        "version": now[1],
        "pick-business": "mine",
        "mine-business": "乙",
        "pick-leading_industry": "theirs",
        "mine-leading_industry": "other",
    }
    assert people.post(science, f"/firms/{firm_id}/edit/trade", chosen).status_code == 303
    with app.app_context():
        firm = db.session.get_one(Firm, firm_id)
        assert (firm.business, firm.leading_industry) == ("乙", LeadingIndustry.LIFE_HEALTH)
        db.session.remove()


def test_figures_saved_twice_from_one_version_are_told(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    address = f"/firms/{firm_id}/figures/2025"
    form = {"version": "1", "source": "自报", "revenue_yuan": "7000"}
    assert people.post(science, address, form).status_code == 303
    response = people.post(science, address, {**form, "revenue_yuan": "8000"})
    assert response.status_code == 409
    page = text(response)
    assert "7000 万元" in page and "8000 万元" in page and "6,254" not in page
    assert "6254 万元" in page, "what it was before both"
    with app.app_context():
        row = db.session.execute(sa.select(YearFigures)).scalar_one()
        assert row.revenue_yuan == 70_000_000
        assert row.rd_high_tech_yuan is None or row.rd_high_tech_yuan == 2_750_000
        db.session.remove()


def test_an_export_is_exactly_the_filtered_list_and_stands_in_the_audit(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    people.post(science, "/firms/new", {"name": "=cmd|' /C calc'!A0有限公司", "leading_industry": "other"})
    response = people.post(science, "/lists/firms/export", {"all": "1", "filter": "industry=smart-equipment"})
    assert "attachment" in response.headers["Content-Disposition"]
    table = read(response.data, "e.xlsx", known=["企业名称"])
    assert [record["企业名称"] for record in table.records] == ["温州拓屿精密机械有限公司"]
    everything = people.post(science, "/lists/firms/export", {"all": "1", "format": "csv"})
    assert "'=cmd" in everything.data.decode("utf-8-sig")
    assert "13812345678" not in everything.data.decode("utf-8-sig")
    with app.app_context():
        found = db.session.execute(
            sa.select(audit.AuditEnvelope.params).where(audit.AuditEnvelope.action == "firm.export")
        ).scalars()
        assert [params["count"] for params in found] == [1, 2]
        db.session.remove()


def test_look_alikes_show_while_typing(science: FlaskClient, firm_id: int) -> None:
    page = text(science.get("/firms/look-alikes?name=温州市拓屿精密机械有限责任公司"))
    assert "已经登记过" in page
    near = text(science.get("/firms/look-alikes?name=浙江拓屿精密机械股份有限公司"))
    assert "名称相近" in near
    assert "温州拓屿" not in text(science.get("/firms/look-alikes?name=完全不同的企业"))


def test_the_palette_finds_firms_by_pinyin_and_says_why(science: FlaskClient, firm_id: int) -> None:
    page = text(science.get("/search?q=wzty", headers={"X-Palette": "1"}))
    assert f"/firms/{firm_id}" in page
    former = text(science.get("/search?q=拓屿机械厂", headers={"X-Palette": "1"}))
    assert "曾用名" in former


def test_markup_in_a_name_is_text(science: FlaskClient) -> None:
    people.post(
        science, "/firms/new", {"name": "<img src=x onerror=alert(1)>有限公司", "leading_industry": "other"}
    )
    page = text(science.get("/firms"))
    assert "<img src=x" not in page
    assert "&lt;img" in page

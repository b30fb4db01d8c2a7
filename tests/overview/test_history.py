"""The history beside every field, and the way back to an old value."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from crm.core import undo
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.records import SUBJECTS
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import Contact, Firm, YearFigures
from crm.firms.rules.words import LeadingIndustry, Metric
from crm.ladder.actions import grant
from crm.ladder.models import Certification
from tests import people

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")


def text(response: Any) -> str:
    return str(response.get_data(as_text=True))


def make(name: str) -> int:
    """A firm whose fields, figures and contact have been changed. Needs an application context."""
    session = db.session()
    writing()
    firm = actions.register(
        session, actor=ROBOT, today=TODAY, name=name, address="甲路 1 号",
        street_id=people.unit_id(session, "海城"), officer_id=people.id_of(session, people.INVESTMENT),
    )  # fmt: skip
    actions.set_figures(
        session, firm, actor=ROBOT, today=TODAY, year=2025, source="自报",
        figures={Metric.REVENUE.value: 62_540_000, Metric.EMPLOYEES.value: 1200},
    )  # fmt: skip
    actions.save_contact(session, firm, actor=ROBOT, name="叶青", phone="13812345678", email="yq@example.com")
    grant(session, firm, kind="high-tech", granted_on=dt.date(2025, 12, 8), actor=ROBOT, today=TODAY)
    commit(session)
    values: dict[str, Any] = {
        "address": "乙路 2 号", "officer_id": people.id_of(session, people.SCIENCE_2),
        "leading_industry": LeadingIndustry.SMART_EQUIPMENT, "capital_yuan": 1_000_000,
    }  # fmt: skip
    actions.edit(session, firm, actor=people.actor(session, people.SCIENCE), today=TODAY, **values)
    commit(session)
    actions.set_figures(
        session, firm, actor=ROBOT, today=TODAY, year=2025, source="审计报告",
        figures={Metric.REVENUE.value: 70_000_000},
    )  # fmt: skip
    commit(session)
    contact = session.scalars(sa.select(Contact).where(Contact.firm_id == firm.id)).one()
    actions.save_contact(session, firm, actor=ROBOT, contact_id=contact.id, phone="13900000000")
    commit(session)
    return firm.id


@pytest.fixture
def firm_id(app: Flask) -> int:
    with app.app_context():
        found = make("温州拓屿精密机械有限公司")
        db.session.remove()
    return found


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_field_says_who_when_and_from_what_to_what(science: FlaskClient, firm_id: int) -> None:
    page = plain(text(science.get(f"/records/firm/{firm_id}/history?field=address")))
    assert "修改企业" in page and "叶知秋" in page
    assert re.search("甲路 1 号 → 改为 乙路 2 号", page)
    assert "智能装备" not in page, "other fields are not told"


def test_values_are_told_in_words(science: FlaskClient, firm_id: int) -> None:
    page = plain(text(science.get(f"/records/firm/{firm_id}/history")))
    assert "其他产业 → 改为 智能装备" in page
    assert "100 万元" in page
    assert "林晓雯 → 改为 吴思远" in page
    assert "6,254 万元 → 改为 7,000 万元" in page
    assert "name_key" not in page and "1200" not in page and "1,200" in page


def test_the_history_of_one_figure_of_one_year(science: FlaskClient, app: Flask, firm_id: int) -> None:
    with app.app_context():
        row = db.session.scalars(sa.select(YearFigures.id)).one()
        db.session.remove()
    base = f"/records/firm/{firm_id}/history?part=year_figures&row={row}"
    page = plain(text(science.get(base + "&field=revenue_yuan")))
    assert "6,254 万元 → 改为 7,000 万元" in page and "1,200" not in page
    assert science.get(f"/records/firm/{firm_id}/history?part=year_figures&row=999").status_code == 404
    assert science.get(base + "&field=sources").status_code == 404
    assert science.get(f"/records/firm/{firm_id}/history?part=users").status_code == 404


def test_who_may_not_see_figures_sees_no_history_of_them(client: FlaskClient, firm_id: int) -> None:
    other = people.sign_in(client, people.READ_ONLY)
    page = text(other.get(f"/records/firm/{firm_id}/history"))
    assert "乙路 2 号" in page and "7,000 万元" not in page and "6,254" not in page
    assert other.get(f"/records/firm/{firm_id}/history?part=year_figures").status_code == 404


def test_personal_values_are_never_in_the_history(science: FlaskClient, firm_id: int) -> None:
    page = text(science.get(f"/records/firm/{firm_id}/history?part=contacts"))
    assert "个人信息，不显示" in page
    assert not re.search("13812345678|13900000000|yq@example|叶青|committed", page)


@pytest.mark.parametrize("person", [people.SYSTEM_ADMIN, people.AUDITOR, people.STRANGER], ids=str)
def test_who_may_not_see_the_record_finds_no_history(
    client: FlaskClient, firm_id: int, person: people.Person
) -> None:
    people.sign_in(client, person)
    assert client.get(f"/records/firm/{firm_id}/history").status_code == 404
    assert people.post(client, f"/records/firm/{firm_id}/restore?change=1&field=address").status_code == 404


def test_a_record_that_is_not_there_has_no_history(science: FlaskClient, firm_id: int) -> None:
    for tail in ("firm/999999", "firm/999999999999999999", "nothing/1", "certification/99"):
        assert science.get(f"/records/{tail}/history").status_code == 404, tail
    assert science.get(f"/records/firm/{firm_id}/history?field=name_key").status_code == 404
    assert science.get(f"/records/firm/{firm_id}/history?before=x&row=y").status_code == 200


def test_what_was_deleted_and_undone_is_told(science: FlaskClient, app: Flask, firm_id: int) -> None:
    with app.app_context():
        writing()
        session = db.session()
        contact = session.scalars(sa.select(Contact)).one()
        operation = actions.drop_contact(
            session, session.get_one(Firm, firm_id), actor=ROBOT, contact_id=contact.id, reason="离职"
        )
        commit(session)
        page = plain(text(science.get(f"/records/firm/{firm_id}/history")))
        assert "删除联系人" in page and "离职" in page
        undo.undo(session, operation, actor=ROBOT)
        commit(session)
        db.session.remove()
    assert "撤销一次操作（删除联系人）" in plain(text(science.get(f"/records/firm/{firm_id}/history")))


def test_an_import_is_named_with_its_file(science: FlaskClient, app: Flask) -> None:
    sent = people.post(
        science,
        "/firms/import",
        {"sheet": "registry", "mode": "both", "pasted": "企业名称\t地址\n温州导入试样有限公司\t丙路"},
    )
    from crm.ops.jobs import work_once

    work_once(app)
    assert people.post(science, sent.headers["Location"] + "/write").status_code == 303
    work_once(app)
    with app.app_context():
        firm = db.session.scalars(sa.select(Firm).where(Firm.name == "温州导入试样有限公司")).one()
        params = db.session.scalars(
            sa.select(AuditEnvelope.params).where(AuditEnvelope.action == "firm.import")
        ).one()
        db.session.remove()
    page = plain(text(science.get(f"/records/firm/{firm.id}/history")))
    assert f"导入企业数据「{params['filename']}」" in page


def change_of(app: Flask, table: str, row_id: int) -> int:
    with app.app_context():
        found = db.session.scalars(
            sa.select(AuditChange.id)
            .where(AuditChange.kind == table, AuditChange.row_id == row_id, AuditChange.verb == "update")
            .order_by(AuditChange.id)
        ).first()
        db.session.remove()
    assert found
    return found


def version(page: str) -> str:
    found = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert found
    return found[1]


def test_an_old_value_is_put_back_by_the_rules_of_the_form(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    address = f"/records/firm/{firm_id}/restore?change={change_of(app, 'firms', firm_id)}&field=address"
    assert address.replace("&", "&amp;") in text(science.get(f"/records/firm/{firm_id}/history"))
    page = text(science.get(address))
    assert "乙路 2 号" in page and "甲路 1 号" in page
    sent = people.post(science, address, {"version": version(page), "reason": "上次改错了"})
    assert sent.status_code == 303
    with app.app_context():
        assert db.session.get_one(Firm, firm_id).address == "甲路 1 号"
        envelope = db.session.scalars(
            sa.select(AuditEnvelope).where(AuditEnvelope.action == "record.restore")
        ).one()
        assert envelope.params["of_action"] == "firm.edit" and envelope.params["field"] == "address"
        assert envelope.subject_kind == "firm" and envelope.subject_id == firm_id
        db.session.remove()
    told = plain(text(science.get(f"/records/firm/{firm_id}/history?field=address")))
    assert "改回旧值（修改企业）" in told and "上次改错了" in told


def test_a_record_changed_meanwhile_is_shown_before_the_old_value_goes_back(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    address = f"/records/firm/{firm_id}/restore?change={change_of(app, 'firms', firm_id)}&field=address"
    seen = version(text(science.get(address)))
    with app.app_context():
        writing()
        session = db.session()
        actions.edit(session, session.get_one(Firm, firm_id), actor=ROBOT, today=TODAY, address="丁路 4 号")
        commit(session)
        db.session.remove()
    sent = people.post(science, address, {"version": seen, "reason": "改错了"})
    page = text(sent)
    assert sent.status_code == 409 and "丁路 4 号" in page and "甲路 1 号" in page and "改错了" in page
    with app.app_context():
        assert db.session.get_one(Firm, firm_id).address == "丁路 4 号"
        db.session.remove()
    assert people.post(science, address, {"version": version(page)}).status_code == 303
    with app.app_context():
        assert db.session.get_one(Firm, firm_id).address == "甲路 1 号"
        db.session.remove()


def test_a_certificate_goes_back_only_with_a_reason(science: FlaskClient, app: Flask, firm_id: int) -> None:
    with app.app_context():
        cert = db.session.scalars(sa.select(Certification.id)).one()
        db.session.remove()
    form = {"version": "1", "number": "", "granted_on": "2025-12-08", "expires_on": "2028-12-08",
            "document": "国科火字〔2025〕99号", "note": "", "reason": "补文号"}  # fmt: skip
    assert people.post(science, f"/ladder/certifications/{cert}/correct", form).status_code == 303
    address = f"/records/certification/{cert}/restore?change={change_of(app, 'certifications', cert)}&field=document"
    page = text(science.get(address))
    refused = people.post(science, address, {"version": version(page)})
    assert refused.status_code == 422 and "请写明原因" in text(refused)
    assert people.post(science, address, {"version": version(page), "reason": "文号不对"}).status_code == 303
    with app.app_context():
        assert db.session.get_one(Certification, cert).document is None
        db.session.remove()


def test_a_value_the_rules_refuse_stays_and_says_why(science: FlaskClient, app: Flask, firm_id: int) -> None:
    with app.app_context():
        writing()
        session = db.session()
        firm = session.get_one(Firm, firm_id)
        gone = people.id_of(session, people.INVESTMENT)
        from crm.accounts.models import User
        from crm.core import audit

        audit.begin(session, actor=ROBOT, action="person.deactivate")
        session.get_one(User, gone).is_active = False
        commit(session)
        seen = firm.version
        db.session.remove()
    address = f"/records/firm/{firm_id}/restore?change={change_of(app, 'firms', firm_id)}&field=officer_id"
    sent = people.post(science, address, {"version": str(seen)})
    assert sent.status_code == 422 and "没有这位在用的人员" in text(sent)


def test_another_records_change_puts_nothing_back(science: FlaskClient, app: Flask, firm_id: int) -> None:
    with app.app_context():
        other = make("温州另屿机械有限公司")
        db.session.remove()
    change = change_of(app, "firms", other)
    assert science.get(f"/records/firm/{firm_id}/restore?change={change}&field=address").status_code == 404
    assert science.get(f"/records/firm/{firm_id}/restore?change=x&field=address").status_code == 404
    mine = change_of(app, "firms", firm_id)
    assert science.get(f"/records/firm/{firm_id}/restore?change={mine}&field=name_key").status_code == 404
    assert science.get(f"/records/firm/{firm_id}/restore?change={mine}&field=status").status_code == 303


def test_reading_twice_as_much_history_takes_as_many_statements(
    science: FlaskClient, app: Flask, firm_id: int
) -> None:
    def statements() -> int:
        seen: list[str] = []
        with app.app_context():
            event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
        assert science.get(f"/records/firm/{firm_id}/history").status_code == 200
        return len(seen)

    first = statements()
    with app.app_context():
        writing()
        session = db.session()
        for person in (people.INVESTMENT_2, people.SCIENCE_2, people.FINANCE):
            actor = people.actor(session, people.SCIENCE)
            officer = people.id_of(session, person)
            firm = session.get_one(Firm, firm_id)
            actions.edit(session, firm, actor=actor, today=TODAY, officer_id=officer, address=person.name)
            commit(session)
        db.session.remove()
    again = statements()
    with app.app_context():
        event_count = db.session.scalar(
            sa.select(sa.func.count()).select_from(AuditChange).where(AuditChange.kind == "firms")
        )
        db.session.remove()
    assert event_count == 5
    assert again == first, "names behind ids are looked up together"


def test_long_histories_come_in_pages(science: FlaskClient, app: Flask, firm_id: int) -> None:
    with app.app_context():
        writing()
        session = db.session()
        for place in range(35):
            firm = session.get_one(Firm, firm_id)
            actions.edit(session, firm, actor=ROBOT, today=TODAY, address=f"第{place}号")
            commit(session)
        db.session.remove()
    page = text(science.get(f"/records/firm/{firm_id}/history?field=address"))
    assert "第34号" in page and "第1号<" not in page
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older
    rest = text(science.get(older[1].replace("&amp;", "&")))
    assert "甲路 1 号" in rest and "第34号" not in rest


def test_every_part_with_facts_is_a_table_with_those_columns(app: Flask) -> None:
    from crm.core.audit import columns_of

    for kind in SUBJECTS.values():
        for part in kind.parts:
            columns = set(columns_of(part.model))
            assert part.facts, f"{kind.code}: {part.table} has no facts, so no history"
            assert {fact.name for fact in part.facts} <= columns, part.table
            assert part.name is None or part.name in columns, part.table
            assert part.name not in part.model.__personal__, part.table

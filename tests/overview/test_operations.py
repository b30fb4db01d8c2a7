"""Recent operations: who sees which, which rows, and who may take what back."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.core.audit import AuditEnvelope
from crm.core.db import db, writing
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from tests import people
from tests.overview.conftest import ROBOT, TODAY, Enter
from tests.overview.test_bulk import ask, industries


def do(app: Flask, person: people.Person | None, work: Any) -> str:
    """One operation of a person; returns it."""
    with app.app_context():
        writing()
        session = db.session()
        actor = people.actor(session, person) if person else ROBOT
        work(session, actor)
        envelope = commit(session)
        db.session.remove()
    assert envelope is not None
    return envelope.operation


def newest(app: Flask, action: str) -> str:
    with app.app_context():
        found = db.session.scalar(
            sa.select(AuditEnvelope.operation)
            .where(AuditEnvelope.action == action)
            .order_by(AuditEnvelope.seq.desc())
        )
        db.session.remove()
    return str(found)


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


def test_the_list_shows_bulk_work_and_single_edits_only_when_asked(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    ids = enter(0, 2)
    people.post(science, ask(science, ids))
    do(
        app,
        people.SCIENCE,
        lambda s, who: actions.edit(s, s.get_one(Firm, ids[0]), actor=who, today=TODAY, address="甲路"),
    )
    page = science.get("/operations").text
    assert "批量修改" in page and "企业 2" in page and "修改企业" not in page.split("<tbody>")[1]
    assert "修改企业" in science.get("/operations?work=edit").text.split("<tbody>")[1]
    assert "批量修改" in science.get("/operations?mine=yes&kind=firm").text.split("<tbody>")[1]
    people.sign_in(science, people.FINANCE)
    assert "<tbody>" not in science.get("/operations?mine=yes").text


def test_an_undo_can_be_undone(science: FlaskClient, app: Flask, enter: Enter) -> None:
    people.post(science, ask(science, enter(0, 2)))
    first = newest(app, "bulk.set")
    page = science.get(f"/operations/{first}").text
    assert "撤销整次操作？" in page and "其他" in page and "生命健康" in page
    people.post(science, f"/operations/{first}/undo")
    assert set(industries(app)) == {LeadingIndustry.OTHER}
    second = newest(app, "operation.undone")
    people.post(science, f"/operations/{second}/undo")
    assert set(industries(app)) == {LeadingIndustry.LIFE_HEALTH}
    assert "这次操作已经撤销" not in science.get(f"/operations/{first}").text


def test_the_records_of_an_operation_are_a_click_away_for_who_may_open_them(
    science: FlaskClient, enter: Enter, app: Flask
) -> None:
    ids = enter(0, 2)
    people.post(science, ask(science, ids))
    page = science.get(f"/operations/{newest(app, 'bulk.set')}").text
    assert all(f'<a class="td-name" href="/firms/{each}">' in page for each in ids)


def test_what_stands_in_the_way_is_said_and_nothing_is_changed(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    ids = enter(0, 2)
    people.post(science, ask(science, ids))
    operation = newest(app, "bulk.set")
    do(app, people.FINANCE, lambda s, who: actions.edit(
        s, s.get_one(Firm, ids[0]), actor=who, today=TODAY, leading_industry=LeadingIndustry.OTHER
    ))  # fmt: skip
    answer = people.post(science, f"/operations/{operation}/undo")
    assert answer.status_code == 422
    assert "第000精密" in answer.text and people.FINANCE.name in answer.text
    assert industries(app) == [LeadingIndustry.OTHER, LeadingIndustry.LIFE_HEALTH]


def test_undoing_a_creation_removes_the_row_only_if_nothing_refers_to_it(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    made: list[int] = []
    create = do(app, people.SCIENCE, lambda s, who: made.append(
        actions.register(s, actor=who, today=TODAY, name="温州新登记有限公司").id
    ))  # fmt: skip
    contact = do(app, people.SCIENCE, lambda s, who: actions.save_contact(
        s, s.get_one(Firm, made[0]), actor=who, name="林知远", phone="13857700123"
    ))  # fmt: skip
    blocked = people.post(science, f"/operations/{create}/undo")
    assert blocked.status_code == 422 and "引用" in blocked.text
    shown = science.get(f"/operations/{contact}").text
    assert "13857700123" not in shown and "林知远" not in shown and "••••••" in shown
    assert people.post(science, f"/operations/{contact}/undo").status_code == 303
    assert people.post(science, f"/operations/{create}/undo").status_code == 303
    with app.app_context():
        assert db.session.get(Firm, made[0]) is None
        db.session.remove()


@pytest.mark.parametrize(
    ("person", "status"),
    [
        (people.FINANCE, 303),
        (people.REPORTER, 403),
        (people.READ_ONLY, 403),
        (people.LEADER, 403),
        (people.SUPERVISOR, 403),
        (people.SYSTEM_ADMIN, 403),
        (people.AUDITOR, 403),
        (people.STRANGER, 403),
    ],
    ids=lambda value: value.username if isinstance(value, people.Person) else str(value),
)
def test_others_operations_are_undone_by_who_could_have_done_them(
    client: FlaskClient, app: Flask, enter: Enter, person: people.Person, status: int
) -> None:
    ids = enter(0, 2)
    people.sign_in(client, people.SCIENCE)
    people.post(client, ask(client, ids))
    operation = newest(app, "bulk.set")
    people.sign_in(client, person)
    assert people.post(client, f"/operations/{operation}/undo").status_code == status
    assert (set(industries(app)) == {LeadingIndustry.OTHER}) is (status == 303)
    if person in (people.REPORTER, people.READ_ONLY):
        assert "这次操作您不能撤销" in client.get(f"/operations/{operation}").text


def test_rows_one_may_not_see_are_counted_not_shown(client: FlaskClient, app: Flask, enter: Enter) -> None:
    ids = enter(0, 1)
    operation = do(app, people.SCIENCE, lambda s, who: actions.set_figures(
        s, s.get_one(Firm, ids[0]), actor=who, today=TODAY, year=2024, source="年报", figures={"tax_yuan": 7_654_321}
    ))  # fmt: skip
    people.sign_in(client, people.SCIENCE)
    assert "7654321" in client.get(f"/operations/{operation}").text
    people.sign_in(client, people.REPORTER)
    page = client.get(f"/operations/{operation}").text
    assert "7654321" not in page and "不在您可以查看的范围内" in page


def test_accounts_and_settings_are_no_business_of_this_page(science: FlaskClient, app: Flask) -> None:
    with app.app_context():
        cast = db.session.scalar(
            sa.select(AuditEnvelope.operation).where(AuditEnvelope.action == "people.cast")
        )
        db.session.remove()
    assert science.get(f"/operations/{cast}").status_code == 404
    assert science.get("/operations/a%00b").status_code == 404
    assert people.post(science, f"/operations/{cast}/undo").status_code == 404
    assert "people.cast" not in science.get("/operations?work=any").text
    assert re.search("还没有这样的操作", science.get("/operations").text)

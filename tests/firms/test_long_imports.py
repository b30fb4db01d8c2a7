"""Long imports: written part by part, taken back as a whole, gone on with after a crash; other people's saves go on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import audit, jobs
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms import actions, queries
from crm.firms.actions import staging
from crm.firms.models import Firm, ImportBatch, ImportPart
from crm.firms.rules import staged as rules
from crm.firms.rules.words import BatchState, ImportMode, SheetKind
from crm.ops.jobs import work_once
from tests import people
from tests.firms.test_import_wizard import counts, intent_now, science, text
from tests.firms.test_imports import LIST, upload

__all__ = ["science"]

ROBOT = system("tests")
TODAY = dt.date(2026, 11, 23)


# --- long ones, part by part --------------------------------------------------------------------------------------


MANY = "企业名称,地址\n" + "".join(f"温州{n}号电气有限公司,滨海路{n}号\n" for n in range(10))


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything goes through the queue, three rows at a time."""
    monkeypatch.setattr("crm.firms.views.importing.AT_ONCE", 10)
    monkeypatch.setattr("crm.firms.views.importing.ROWS_AT_ONCE", 1)
    for name, value in {"STAGED": 4, "FIRST": 3, "LEAST": 3, "MOST": 3}.items():
        monkeypatch.setattr(f"crm.firms.jobs.{name}", value)
    monkeypatch.setattr("crm.firms.jobs.Pace.__init__", lambda self: setattr(self, "size", 3))


def staged_long(client: FlaskClient, app: Flask) -> str:
    batch = upload(client, MANY)
    assert work_once(app) == 1
    assert counts(app) == {"new": 10}
    people.post(client, f"{batch}/write")
    return batch


def firms(app: Flask) -> int:
    with app.app_context():
        found = db.session.scalar(sa.select(sa.func.count()).select_from(Firm))
        db.session.remove()
        return int(found or 0)


def state_of(app: Flask) -> BatchState:
    with app.app_context():
        found = db.session.scalars(
            sa.select(ImportBatch.state).order_by(ImportBatch.id.desc()).limit(1)
        ).one()
        db.session.remove()
        return found


@pytest.mark.usefixtures("parts")
def test_a_long_import_is_written_in_parts_and_taken_back_as_a_whole(
    science: FlaskClient, app: Flask
) -> None:
    batch = staged_long(science, app)
    assert work_once(app) == 1
    assert (firms(app), state_of(app)) == (10, BatchState.DONE)
    with app.app_context():
        assert db.session.scalars(sa.select(ImportPart.count).order_by(ImportPart.id)).all() == [3, 3, 3, 1]
        db.session.remove()
    people.post(science, f"{batch}/undo")
    assert firms(app) == 10
    assert work_once(app) == 1
    assert (firms(app), state_of(app)) == (0, BatchState.UNDONE)
    assert "已撤销" in text(science, batch)


@pytest.mark.usefixtures("parts")
def test_a_long_import_that_somebody_has_worked_on_is_not_half_undone(
    science: FlaskClient, app: Flask
) -> None:
    batch = staged_long(science, app)
    work_once(app)
    with app.app_context():
        writing()
        session = db.session()
        first = session.scalars(sa.select(Firm).order_by(Firm.id).limit(1)).one()
        actions.edit(session, first, actor=ROBOT, today=TODAY, address="改过")
        commit(session)
        db.session.remove()
    people.post(science, f"{batch}/undo")
    work_once(app)
    assert (firms(app), state_of(app)) == (10, BatchState.DONE)
    with app.app_context():
        writing()
        session = db.session()
        assert session.scalars(sa.select(ImportPart.count).order_by(ImportPart.last_row)).all() == [
            3,
            3,
            3,
            1,
        ]
        first = session.scalars(sa.select(Firm).order_by(Firm.id).limit(1)).one()
        audit.begin(session, actor=ROBOT, action="test")
        actions.edit(session, first, actor=ROBOT, today=TODAY, address="滨海路0号")
        commit(session)
        db.session.remove()
    people.post(science, f"{batch}/undo")
    work_once(app)
    assert (firms(app), state_of(app)) == (0, BatchState.UNDONE)


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("after", [1, 2])
def test_a_long_import_that_is_stopped_leaves_nothing_and_can_be_written_again(
    science: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    batch = staged_long(science, app)
    seen = stop_after(monkeypatch, after)
    work_once(app)
    assert seen["parts"] == after
    assert (firms(app), state_of(app)) == (0, BatchState.READY)
    monkeypatch.undo()
    people.post(science, f"{batch}/write")
    if state_of(app) is BatchState.WRITING:
        work_once(app)
    assert (firms(app), state_of(app)) == (10, BatchState.DONE)


def stop_after(monkeypatch: pytest.MonkeyPatch, parts: int) -> dict[str, int]:
    """The requester presses stop after so many parts."""
    from crm.firms.actions import writing as imports

    seen, real = {"parts": 0}, imports.write_part

    def write_part(session: Session, batch: ImportBatch, **more: Any) -> Any:
        if seen["parts"] == parts:
            raise jobs.Cancelled
        seen["parts"] += 1
        return real(session, batch, **more)

    monkeypatch.setattr(imports, "write_part", write_part)
    return seen


@pytest.mark.usefixtures("parts")
def test_a_long_import_that_can_neither_end_nor_be_taken_back_says_what_is_in(
    science: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = staged_long(science, app)
    from crm.firms.actions import writing as imports

    real, seen = imports.write_part, {"n": 0}

    def write_part(session: Session, found: ImportBatch, **more: Any) -> Any:
        seen["n"] += 1
        if seen["n"] == 3:
            firm = session.scalars(sa.select(Firm).order_by(Firm.id).limit(1)).one()
            actions.edit(session, firm, actor=ROBOT, today=TODAY, address="别人改过")
            commit(session)
            raise jobs.Cancelled
        return real(session, found, **more)

    monkeypatch.setattr(imports, "write_part", write_part)
    work_once(app)
    assert (firms(app), state_of(app)) == (6, BatchState.DONE)
    page = text(science, batch)
    assert "只写入了一部分" in page
    assert "已写入前 6 行" in page


@pytest.mark.usefixtures("parts")
def test_a_firm_registered_meanwhile_stops_a_long_import_before_its_first_part(
    science: FlaskClient, app: Flask
) -> None:
    batch = staged_long(science, app)
    with app.app_context():
        writing()
        session = db.session()
        actions.register(session, actor=ROBOT, today=TODAY, name="温州9号电气有限公司")
        commit(session)
        db.session.remove()
    work_once(app)
    assert (firms(app), state_of(app)) == (1, BatchState.READY)
    assert "将写入 10 行" in text(science, batch)


@pytest.mark.usefixtures("parts")
def test_work_the_queue_gave_up_goes_on_from_where_it_was(
    science: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = staged_long(science, app)
    from crm.firms.actions import writing as imports

    real, seen = imports.write_part, {"n": 0}

    def dies(session: Session, found: ImportBatch, **more: Any) -> Any:
        seen["n"] += 1
        if seen["n"] == 3:
            raise RuntimeError("the process is gone")
        return real(session, found, **more)

    monkeypatch.setattr(imports, "write_part", dies)
    work_once(app)
    assert (firms(app), state_of(app)) == (6, BatchState.WRITING)
    assert "中途停了" in text(science, batch)
    people.post(science, f"{batch}/resume")
    work_once(app)
    assert (firms(app), state_of(app)) == (10, BatchState.DONE)


def test_the_same_import_sent_twice_is_written_once(science: FlaskClient, app: Flask) -> None:
    batch = upload(science, LIST)
    people.post(science, f"{batch}/write")
    people.post(science, f"{batch}/write")
    assert firms(app) == 2


def test_a_small_file_is_read_and_matched_without_the_write_lock(
    science: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = staging.judge

    def judge(session: Session, *args: Any, **more: Any) -> Any:
        seen.append(intent_now())
        return real(session, *args, **more)

    monkeypatch.setattr(staging, "judge", judge)
    monkeypatch.setattr("crm.firms.actions.fixing.judge", judge)
    batch = upload(science, LIST)
    people.post(science, f"{batch}/columns", {"mode": "both"})
    people.post(science, f"{batch}/fixes", {"fix.6.street": "沙城"})
    assert seen == ["read"] * 3


def test_the_quota_is_one_persons(session: Session) -> None:
    actor, other = people.actor(session, people.SCIENCE), people.actor(session, people.SCIENCE_2)
    for _ in range(rules.MOST_STAGED):
        staging.upload(
            session, actor=actor, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, filename="x", content=b"x"
        )
    with pytest.raises(Refused):
        staging.upload(
            session, actor=actor, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, filename="x", content=b"x"
        )
    assert queries.staged_by(session, other) == (0, 0)

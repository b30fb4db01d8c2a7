"""Exactly one leader and one team: the database itself refuses zero and two, by raw SQL and real commits."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core.db import db
from crm.core.transaction import commit
from crm.projects import actions
from crm.projects.models import ProjectCharge
from crm.projects.rules.words import Stage, State
from tests.projects.cast import ROBOT, TODAY, a_lead, bring

COLUMNS = "leader_id, lead_unit_id, liaison_id, agent_id, from_on, version, created_at, updated_at"
COPY = (
    f"INSERT INTO project_charges (project_id, is_current, {COLUMNS}) "  # noqa: S608 (no input of anybody's)
    f"SELECT project_id, 1, {COLUMNS} FROM project_charges WHERE project_id = :id"
)
CLOSE = "UPDATE project_charges SET is_current = NULL, to_on = '2026-11-23' WHERE project_id = :id"


def _run(project_id: int, *statements: str) -> None:
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), {"id": project_id})


def test_negotiation_without_a_charge_cannot_be_committed(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(IntegrityError):
        _run(project.id, "UPDATE projects SET stage = 'negotiation' WHERE id = :id")


def test_the_charge_cannot_be_taken_away(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    session.rollback()
    with pytest.raises(IntegrityError):
        _run(project.id, "DELETE FROM project_charges WHERE project_id = :id")
    with pytest.raises(IntegrityError):
        _run(project.id, CLOSE)


def test_there_cannot_be_two(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    session.rollback()
    with pytest.raises(IntegrityError):
        _run(project.id, COPY)
    with pytest.raises(IntegrityError):
        _run(project.id, "UPDATE project_charges SET is_current = 2 WHERE project_id = :id")


def test_one_goes_and_one_comes_within_one_transaction(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    session.rollback()
    _run(project.id, CLOSE, COPY)
    session.expire_all()
    found = session.execute(sa.select(sa.func.count()).where(ProjectCharge.project_id == project.id))
    assert found.scalar_one() == 2


def test_what_is_over_needs_nobody(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    actions.set_aside(
        session, project, actor=ROBOT, today=TODAY, state=State.ENDED, on=TODAY, reason="投资方放弃"
    )
    commit(session)
    session.rollback()
    _run(project.id, "DELETE FROM project_charges WHERE project_id = :id")
    with pytest.raises(IntegrityError):
        _run(project.id, "UPDATE projects SET state = 'active' WHERE id = :id")

"""Random legal and illegal moves, appointments, handovers, side states, archiving and undos: after every step the
database holds what `domain.md` § What must always hold says, and what was refused or undone left nothing behind."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from crm.core import audit, merging
from crm.core.audit_verify import verify
from crm.core.records import SUBJECTS
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.words import Refused
from crm.projects import actions
from crm.projects.actions import Team
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectClaim,
    ProjectEvidence,
    ProjectMove,
    ProjectWaiver,
)
from crm.projects.rules.stages import IN_CHARGE
from crm.projects.rules.words import GOING, Stage, State
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, bring, fill

TABLES = (ProjectMove, ProjectCharge, ProjectClaim, ProjectEvidence, ProjectWaiver)
FREE = {"version", "updated_at", "updated_by_id", "created_at", "created_by_id"}
START = TODAY - dt.timedelta(300)
LIAISONS = (people.INVESTMENT, people.INVESTMENT_2, people.SCIENCE)

move = st.tuples(st.just("move"), st.sampled_from(list(Stage)), st.integers(-2, 5))
filled = st.tuples(st.just("fill"), st.sampled_from(list(Stage)), st.just(0))
aside = st.tuples(st.just("aside"), st.sampled_from(list(State)), st.integers(-2, 5))
resume = st.tuples(st.just("resume"), st.just(None), st.integers(-2, 5))
appoint = st.tuples(st.just("appoint"), st.sampled_from(range(3)), st.integers(-2, 5))
pool = st.tuples(st.sampled_from(["claim", "release"]), st.sampled_from(range(3)), st.just(0))
put_away = st.tuples(st.sampled_from(["archive", "restore"]), st.just(None), st.just(0))
back = st.tuples(st.just("undo"), st.just(None), st.just(0))
STEPS = st.lists(
    st.one_of(filled, move, move, aside, resume, appoint, pool, put_away, back), min_size=3, max_size=14
)


def seen(session: Session, project_id: int) -> dict[str, Any]:
    """Every business value of a project and of what hangs on it, read from the database."""
    columns = [column for column in Project.__table__.columns if column.name not in FREE]
    found: dict[str, Any] = {
        "project": tuple(session.execute(sa.select(*columns).where(Project.id == project_id)).one())
    }
    for model in TABLES:
        columns = [column for column in model.__table__.columns if column.name not in FREE]
        rows = session.execute(sa.select(*columns).where(model.project_id == project_id).order_by(model.id))
        found[model.__tablename__] = [tuple(row) for row in rows]
    return found


def holds(session: Session, project_id: int, reported: dt.datetime) -> None:
    """What must always hold of one project."""
    project = session.execute(
        sa.select(
            Project.stage,
            Project.state,
            Project.stage_on,
            Project.archived_on,
            Project.first_reported_at,
            Project.need,
        ).where(Project.id == project_id)
    ).one()
    charges = session.execute(
        sa.select(ProjectCharge.from_on, ProjectCharge.to_on, ProjectCharge.is_current)
        .where(ProjectCharge.project_id == project_id)
        .order_by(ProjectCharge.from_on, ProjectCharge.id)
    ).all()
    needed = project.stage in IN_CHARGE and project.state in GOING and project.archived_on is None
    assert (project.need == 1) is needed
    current = [row for row in charges if row.is_current == 1]
    assert len(current) <= 1 and (len(current) == 1 or not needed)
    for row, following in pairwise(charges):
        assert row.to_on is not None and row.from_on <= row.to_on <= following.from_on
    moves = session.execute(
        sa.select(ProjectMove.stage, ProjectMove.state, ProjectMove.on, ProjectMove.from_stage)
        .where(ProjectMove.project_id == project_id)
        .order_by(ProjectMove.id)
    ).all()
    assert [row.on for row in moves] == sorted(row.on for row in moves)
    assert (moves[-1].stage, moves[-1].state) == (project.stage, project.state)
    assert project.stage_on == [row.on for row in moves if row.from_stage is not row.stage][-1]
    assert project.first_reported_at == reported
    claims = session.scalar(
        sa.select(sa.func.count()).where(ProjectClaim.project_id == project_id, ProjectClaim.is_current == 1)
    )
    assert claims == 1


def act(session: Session, project: Project, name: str, what: Any, on: dt.date) -> None:
    """One step, committed; raises `Refused` for an illegal one."""
    if name == "move":
        actions.move(session, project, actor=ROBOT, today=TODAY, stage=what, on=on, reason="按进度")
    elif name == "aside":
        actions.set_aside(session, project, actor=ROBOT, today=TODAY, state=what, on=on, reason="按进度")
    elif name == "resume":
        actions.resume(session, project, actor=ROBOT, today=TODAY, on=on, reason="按进度")
    elif name == "appoint":
        liaison = people.id_of(session, LIAISONS[what])
        team = Team(
            people.id_of(session, people.LEADER), people.unit_id(session, "商务局"), liaison,
            people.id_of(session, people.REPORTER),
        )  # fmt: skip
        actions.appoint(session, project, actor=ROBOT, today=TODAY, team=team, on=on, reason="轮岗")
    elif name == "claim":
        actions.claim(
            session, project, actor=people.actor(session, LIAISONS[what]), today=TODAY, reason="我来跟"
        )
    elif name == "release":
        actions.release(session, project, actor=ROBOT, today=TODAY, reason="转做别的")
    elif name == "archive":
        actions.archive(session, project, actor=ROBOT, today=TODAY, reason="重复登记")
    else:
        actions.restore(session, project, actor=ROBOT)


@given(steps=STEPS)
@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_the_laws_hold_after_every_step(session: Session, steps: list[tuple[str, Any, int]]) -> None:
    session.rollback()
    project = a_lead(session, session.query(Project).count() + 1, today=START, at=AT - dt.timedelta(300))
    number, reported, day = project.id, project.first_reported_at, START
    done: list[tuple[str, dict[str, Any]]] = []
    for name, what, days in steps:
        before = seen(session, number)
        project = session.get_one(Project, number, populate_existing=True)
        if name == "fill":
            try:
                if what.place > project.stage.place:
                    fill(session, project, what, day)
                    done.clear()  # several operations: an undo of an older one would stand behind them
            except Refused:
                session.rollback()
        elif name == "undo":
            if done:
                operation, was = done.pop()
                undo(session, operation, actor=ROBOT)
                commit(session)
                assert seen(session, number) == was
        else:
            on = day + dt.timedelta(days)
            try:
                act(session, project, name, what, on)
                running = audit.running(session)
                assert running is not None
                operation = running.id
                commit(session)
                done.append((operation, before))
                day = max(day, on)
            except Refused:
                session.rollback()
                assert seen(session, number) == before
        session.rollback()
        holds(session, number, reported)
    session.rollback()


def test_the_chain_is_whole_after_all_of_it(session: Session) -> None:
    project = a_lead(session, today=START, at=AT - dt.timedelta(300))
    fill(session, project, Stage.SIGNED, START)
    for name, what in (
        ("move", Stage.NEGOTIATION),
        ("appoint", 1),
        ("aside", State.PAUSED),
        ("resume", None),
        ("move", Stage.SIGNED),
    ):
        act(session, project, name, what, TODAY)
        commit(session)
    session.rollback()
    assert verify(session).is_whole


HERE, THERE = st.sampled_from([Stage.LEAD, Stage.QUALIFIED, Stage.NEGOTIATION, Stage.SIGNED]), st.booleans()


@given(
    one=HERE, other=HERE, is_later=THERE, stays=st.sampled_from([merging.LEFT, merging.RIGHT]), is_over=THERE
)
@settings(
    max_examples=14, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_two_become_one_at_any_stage_and_two_again(
    session: Session, one: Stage, other: Stage, is_later: bool, stays: str, is_over: bool
) -> None:
    session.rollback()
    numbers, reports = [], []
    for place, stage in enumerate((one, other)):
        early = 200 if (place == 0) is is_later else 100
        day = TODAY - dt.timedelta(early)
        project = a_lead(session, session.query(Project).count() + 1, today=day, at=AT - dt.timedelta(early))
        if stage is not Stage.LEAD:
            bring(session, project, stage, day)
        numbers.append(project.id)
        reports.append(project.first_reported_at)
    if is_over:
        project = session.get_one(Project, numbers[1], populate_existing=True)
        actions.set_aside(
            session, project, actor=ROBOT, today=TODAY, state=State.LOST, on=TODAY, reason="没有下文"
        )
        commit(session)
    before = [seen(session, number) for number in numbers]
    kind = SUBJECTS["project"]
    session.rollback()
    session.expire_all()
    merging.merge(session, kind, *numbers, actor=ROBOT, today=TODAY, stays=stays, reason="同一个项目")
    commit(session)
    session.rollback()
    kept, gone = numbers if stays == merging.LEFT else reversed(numbers)
    holds(session, kept, min(reports))
    assert session.scalar(sa.select(Project.need).where(Project.id == gone)) is None
    current = sa.select(sa.func.count()).where(
        ProjectCharge.project_id == kept, ProjectCharge.is_current == 1
    )
    assert (session.scalar(current) or 0) <= 1
    session.rollback()
    session.expire_all()
    merging.undo_merge(session, kind, gone, actor=ROBOT)
    commit(session)
    session.rollback()
    assert [seen(session, number) for number in numbers] == before
    for number, reported in zip(numbers, reports, strict=True):
        holds(session, number, reported)
    session.rollback()

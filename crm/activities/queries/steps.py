"""Next steps: mine, those I gave to others, those of my unit; grouped by how near they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import UnitHead, User
from crm.activities.models import NextStep, StepMove
from crm.activities.queries.scope import subject_visible
from crm.activities.rules.steps import end_of_week, when
from crm.activities.rules.words import StepState, When
from crm.core.clock import local
from crm.core.permissions import Actor
from crm.core.records import titles
from crm.core.words import N_, Missing, Word

PAGE = 50


class Whose(Word):
    """Which next steps are asked for."""

    MINE = "mine", N_("我负责的")
    GIVEN = "given", N_("我交办的")
    UNIT = "unit", N_("本单位的")


@dataclass(frozen=True, slots=True)
class Line:
    """A next step as a list shows it."""

    step: NextStep
    owner: str
    given_by: str | None
    title: str
    near: When

    @property
    def given_on(self) -> dt.date:
        return local(self.step.created_at).date()


def units_headed(session: Session, user_id: int | None, today: dt.date) -> list[int]:
    """The units this person heads today."""
    statement = sa.select(UnitHead.unit_id).where(
        UnitHead.user_id == user_id,
        UnitHead.starts_on <= today,
        sa.or_(UnitHead.ends_on.is_(None), UnitHead.ends_on >= today),
    )
    return list(session.scalars(statement))


def scope(session: Session, viewer: Actor, whose: Whose, today: dt.date) -> sa.ColumnElement[bool]:
    """The steps asked for, as far as the viewer may see their records."""
    if whose is Whose.MINE:
        mine: sa.ColumnElement[bool] = NextStep.owner_id == viewer.user_id
    elif whose is Whose.GIVEN:
        mine = sa.and_(NextStep.given_by_id == viewer.user_id, NextStep.owner_id != viewer.user_id)
    else:
        units = units_headed(session, viewer.user_id, today)
        people = sa.select(User.id).where(User.unit_id.in_(units))
        mine = NextStep.owner_id.in_(people) if units else sa.false()
    return sa.and_(mine, subject_visible(NextStep.kind, NextStep.subject_id, viewer))


def near_of(today: dt.date) -> sa.Case[str]:
    """How near a step's day is, by the word's value."""
    return sa.case(
        (NextStep.due_on < today, When.OVERDUE.value),
        (NextStep.due_on == today, When.TODAY.value),
        (NextStep.due_on <= end_of_week(today), When.WEEK.value),
        else_=When.LATER.value,
    )


def count_steps(session: Session, viewer: Actor, *, whose: Whose, today: dt.date) -> dict[When, int]:
    """How many open steps there are of each nearness. One statement (one more for a unit's)."""
    near = near_of(today).label("near")
    statement = (
        sa.select(near, sa.func.count())
        .where(NextStep.state == StepState.OPEN, scope(session, viewer, whose, today))
        .group_by(near)
    )
    found = {When(key): int(number) for key, number in session.execute(statement)}
    return {member: found.get(member, 0) for member in When}


def list_steps(
    session: Session,
    viewer: Actor,
    *,
    whose: Whose,
    today: dt.date,
    after: tuple[dt.date, int] | None = None,
    until: dt.date | None = None,
    size: int = PAGE,
) -> tuple[list[Line], bool]:
    """Open steps by day, behind `after` (due day, id), due by `until`; whether there are more."""
    statement = sa.select(NextStep.id).where(
        NextStep.state == StepState.OPEN, scope(session, viewer, whose, today)
    )
    if until is not None:
        statement = statement.where(NextStep.due_on <= until)
    if after is not None:
        statement = statement.where(
            sa.tuple_(NextStep.due_on, NextStep.id)
            > sa.tuple_(sa.literal(after[0], sa.Date()), sa.literal(after[1], sa.BigInteger()))
        )
    ids = list(session.scalars(statement.order_by(NextStep.due_on, NextStep.id).limit(size + 1)))
    return lines(session, ids[:size], viewer, today=today), len(ids) > size


def due_between(
    session: Session, viewer: Actor, *, first: dt.date, last: dt.date, today: dt.date, most: int = 500
) -> list[Line]:
    """The viewer's own steps due in a span of days, the done ones too (a week's page, a calendar)."""
    statement = (
        sa.select(NextStep.id)
        .where(
            NextStep.owner_id == viewer.user_id,
            NextStep.due_on.between(first, last),
            NextStep.state != StepState.DROPPED,
            subject_visible(NextStep.kind, NextStep.subject_id, viewer),
        )
        .order_by(NextStep.due_on, NextStep.id)
        .limit(most)
    )
    return lines(session, list(session.scalars(statement)), viewer, today=today)


def of_subject(session: Session, viewer: Actor, subject: tuple[str, int], *, today: dt.date) -> list[Line]:
    """The open steps of a record, the nearest first."""
    statement = (
        sa.select(NextStep.id)
        .where(
            NextStep.kind == subject[0],
            NextStep.subject_id == subject[1],
            NextStep.state == StepState.OPEN,
            subject_visible(NextStep.kind, NextStep.subject_id, viewer),
        )
        .order_by(NextStep.due_on, NextStep.id)
        .limit(20)
    )
    return lines(session, list(session.scalars(statement)), viewer, today=today)


def lines(session: Session, ids: Sequence[int], viewer: Actor, *, today: dt.date) -> list[Line]:
    """These steps as lists show them, in the order given: one statement, and one a kind of record."""
    if not ids:
        return []
    owner, giver = aliased(User), aliased(User)
    statement = (
        sa.select(NextStep, owner.name.label("owner"), giver.name.label("giver"))
        .join(owner, owner.id == NextStep.owner_id)
        .outerjoin(giver, giver.id == NextStep.given_by_id)
        .where(NextStep.id.in_(ids))
    )
    rows = {row.NextStep.id: row for row in session.execute(statement)}
    named = titles(
        session, {(row.NextStep.kind, row.NextStep.subject_id) for row in rows.values()}, viewer=viewer
    )
    return [
        Line(
            row.NextStep,
            row.owner,
            row.giver,
            named.get((row.NextStep.kind, row.NextStep.subject_id), ""),
            when(row.NextStep.due_on, today),
        )
        for row in (rows[step_id] for step_id in ids if step_id in rows)
    ]


def get_step(session: Session, step_id: int, *, viewer: Actor) -> NextStep:
    """A step of a record the viewer may see. Raises `Missing`."""
    found = session.scalar(
        sa.select(NextStep).where(
            NextStep.id == step_id, subject_visible(NextStep.kind, NextStep.subject_id, viewer)
        )
    )
    if found is None:
        raise Missing(N_("没有这一步，或者您不能查看它。"))
    return found


def moves_of(session: Session, step_id: int) -> Sequence[StepMove]:
    """The dated changes of a step, the latest first."""
    return session.scalars(
        sa.select(StepMove).where(StepMove.step_id == step_id).order_by(StepMove.id.desc()).limit(50)
    ).all()

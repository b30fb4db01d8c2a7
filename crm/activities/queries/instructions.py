"""Instructions 批示: those that wait for an answer, and those answered since a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import NextStep
from crm.activities.queries.scope import subject_visible
from crm.activities.queries.steps import Line, Whose, lines, scope
from crm.activities.rules.words import StepState
from crm.core.permissions import Actor


@dataclass(frozen=True, slots=True)
class Instructions:
    """How many wait and how many of them are late, how many were answered since, and the first of both."""

    waiting: int = 0
    overdue: int = 0
    answered: int = 0
    wait_lines: list[Line] = field(default_factory=list)
    answer_lines: list[Line] = field(default_factory=list)


def instructions(
    session: Session,
    viewer: Actor,
    *,
    own: bool,
    today: dt.date,
    since: dt.date,
    size: int = 5,
    answers: int = 3,
) -> Instructions:
    """Instructions the viewer gave (`own`), or all on records the viewer may see: waiting ones by day, so the most
    overdue first; answered ones since a day, the latest first. Four statements, and one a kind of record."""
    reach = (
        scope(session, viewer, Whose.GIVEN, today)
        if own
        else subject_visible(NextStep.kind, NextStep.subject_id, viewer)
    )
    where = [NextStep.is_instruction.is_(True), reach]
    waits = NextStep.state == StepState.OPEN
    answered = sa.and_(NextStep.state == StepState.DONE, NextStep.closed_on >= since)
    count = session.execute(
        sa.select(
            sa.func.count(sa.case((waits, 1))),
            sa.func.count(sa.case((sa.and_(waits, NextStep.due_on < today), 1))),
            sa.func.count(sa.case((answered, 1))),
        ).where(*where, sa.or_(waits, answered))
    ).one()
    first = sa.select(NextStep.id).where(*where, waits).order_by(NextStep.due_on, NextStep.id).limit(size)
    last = (
        sa.select(NextStep.id)
        .where(*where, answered)
        .order_by(NextStep.closed_on.desc(), NextStep.id.desc())
        .limit(answers)
    )
    shown = [*session.scalars(first)]
    closed = [*session.scalars(last)]
    found = {line.step.id: line for line in lines(session, [*shown, *closed], viewer, today=today)}
    return Instructions(
        int(count[0]), int(count[1]), int(count[2]),
        [found[key] for key in shown if key in found], [found[key] for key in closed if key in found],
    )  # fmt: skip

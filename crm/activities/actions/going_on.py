"""Slot PROGRESS: kinds of records that always have a next step while they go on.

Filled by the factory: the record's kind → whether one of them goes on. Finishing or giving up its last open step then
takes the next one along, in the same transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core.words import N_, Refused

GoesOn = Callable[[Session, int], bool]
PROGRESS: dict[str, GoesOn] = {}


@dataclass(frozen=True, slots=True)
class Planned:
    """A next step as it is asked for. Without an owner it is the author's own."""

    text: str
    due_on: dt.date | None
    owner_id: int | None = None
    mentions: Sequence[int] = ()


def is_last(session: Session, step: NextStep) -> bool:
    """Whether a record that goes on would be left without a next step when this one is closed."""
    goes_on = PROGRESS.get(step.kind)
    if goes_on is None or not goes_on(session, step.subject_id):
        return False
    others = sa.select(NextStep.id).where(
        NextStep.kind == step.kind, NextStep.subject_id == step.subject_id, NextStep.state == StepState.OPEN,
        NextStep.id != step.id,
    )  # fmt: skip
    return session.execute(others.limit(1)).first() is None


def check_going_on(session: Session, step: NextStep, following: Planned | None) -> None:
    """Raises `Refused` when the last open step of a record that goes on is closed without the one that follows."""
    if following is None and is_last(session, step):
        raise Refused(N_("项目还在推进，请写下接下来做什么、哪天前。"), field="following")

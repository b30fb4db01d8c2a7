"""Many next steps handed over at once: judged by the rules of one, written set-based as one operation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.queries import actor_of
from crm.activities.actions.steps import check_changeable
from crm.activities.actions.subjects import CANNOT_SEE, check_person
from crm.activities.actions.telling import tell
from crm.activities.models import NextStep, StepMove
from crm.activities.rules.words import Notice
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.records import titles
from crm.core.words import Refused

FEW = 10  # steps the receiver is told of one by one; more are one line


def judge_handing(
    session: Session, steps: Sequence[NextStep], *, actor: Actor, owner_id: int | None
) -> dict[int, Refused]:
    """Which of these steps may not go to this person, and why: a statement a kind of record. Raises `Refused` for a
    person who is not in use, `Forbidden`."""
    actor.require("activity:add")
    owner = check_person(session, owner_id, field="owner")
    receiver = actor_of(session, owner)
    subjects = {(step.kind, step.subject_id) for step in steps}
    seen = titles(session, subjects, viewer=receiver) if receiver is not None else {}
    refused: dict[int, Refused] = {}
    for step in steps:
        try:
            check_changeable(step, actor)
        except Refused as refusal:
            refused[step.id] = refusal
            continue
        if step.owner_id != owner and (step.kind, step.subject_id) not in seen:
            refused[step.id] = Refused(CANNOT_SEE, field="owner")
    return refused


def after_handing(
    session: Session,
    handed: Sequence[tuple[int, int, int]],
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    reason: str | None,
) -> None:
    """What goes with steps that have been handed over, `(step, from whom, to whom)`: their dated moves, and word to the
    receivers. Within the operation that wrote them."""
    why = (reason or "").strip()[:200] or None
    audit.insert_many(
        session, StepMove,
        [
            {"step_id": step, "on": today, "from_owner_id": giver, "to_owner_id": owner, "reason": why}
            for step, giver, owner in handed
        ],
    )  # fmt: skip
    by_owner: dict[int, list[int]] = {}
    for step, _giver, owner in handed:
        if owner != actor.user_id:
            by_owner.setdefault(owner, []).append(step)
    operation = audit.running(session)
    for owner, steps in by_owner.items():
        if len(steps) > FEW and operation is not None:
            tell(
                session, owner, Notice.STEPS_HANDED, key=f"steps:{operation.id}", at=at, by=actor.name, n=len(steps),
                to="activities.all_steps", values={"whose": "mine"},
            )  # fmt: skip
        else:
            _tell_each(session, owner, steps, actor, at)


def _tell_each(session: Session, owner: int, steps: Sequence[int], actor: Actor, at: dt.datetime) -> None:
    rows = session.execute(
        sa.select(NextStep.id, NextStep.kind, NextStep.subject_id, NextStep.version)
        .where(NextStep.id.in_(steps))
        .order_by(NextStep.id)
    )
    for row in rows:
        tell(
            session, owner, Notice.HANDED_OVER, key=f"step:{row.id}:{owner}:{row.version}", at=at,
            subject=(row.kind, row.subject_id), by=actor.name, step=row.id,
        )  # fmt: skip

"""Next steps: planned, done, put off, handed over, dropped, opened again. Every change is a dated row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy.orm import Session

from crm.activities.actions.going_on import Planned, check_going_on
from crm.activities.actions.subjects import Subject, check_can_see, check_person, check_subjects
from crm.activities.actions.telling import tell
from crm.activities.models import Activity, NextStep, StepMove
from crm.activities.rules.steps import check_due, check_move, check_reason, check_text
from crm.activities.rules.words import Act, Notice, StepState
from crm.core import audit
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Conflict, Refused

CHANGED = N_("这一步刚刚被别人改过，请核对后再来。")


def plan(
    session: Session,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    subject: Subject,
    text: str,
    due_on: dt.date | None,
    owner_id: int | None,
    activity: Activity | None = None,
    is_instruction: bool = False,
    mentions: Sequence[int] = (),
) -> NextStep:
    """Plan what comes next with a record. Whoever is given it, or mentioned in it, finds it in the inbox. Raises
    `Refused`, `Missing`."""
    actor.require("activity:add")
    (kind, subject_id) = check_subjects(session, [subject], actor=actor)[0]
    what, day = check_text(text), check_due(due_on, today)
    owner = check_person(session, owner_id, field="owner")
    if owner != actor.user_id:
        check_can_see(session, owner, subject, field="owner")
    told = [user_id for user_id in dict.fromkeys(mentions) if user_id not in (actor.user_id, owner)]
    for user_id in told:
        check_can_see(session, check_person(session, user_id, field="step"), subject, field="text")
    audit.begin(session, actor=actor, action=Act.STEP_PLAN, subject=subject)
    step = NextStep(
        kind=kind, subject_id=subject_id, activity_id=activity.id if activity else None, text=what, due_on=day,
        owner_id=owner, given_by_id=actor.user_id if owner != actor.user_id else None,
        is_instruction=is_instruction,
    )  # fmt: skip
    session.add(step)
    session.flush()
    if owner != actor.user_id:
        notice = Notice.INSTRUCTION if is_instruction else Notice.ASSIGNED
        tell(
            session, owner, notice, key=f"step:{step.id}:{owner}:0", at=at, subject=subject, by=actor.name,
            step=step.id,
        )  # fmt: skip
    for user_id in told:
        tell(
            session, user_id, Notice.MENTION_STEP, key=f"mention-step:{step.id}", at=at, subject=subject,
            by=actor.name, step=step.id,
        )  # fmt: skip
    return step


def finish(
    session: Session,
    step: NextStep,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    version: int | None = None,
    outcome: str | None = None,
    following: Planned | None = None,
) -> NextStep:
    """It is done. An instruction needs an answer in words. Who gave it is told. The last step of a record that goes on
    takes the `following` one along."""
    check_changeable(step, actor, version)
    check_going_on(session, step, following)
    said = (outcome or "").strip()[:500] or None
    if step.is_instruction and said is None:
        raise Refused(N_("这是批示，请写下怎么答复。"), field="outcome")
    audit.begin(session, actor=actor, action=Act.STEP_DONE, subject=(step.kind, step.subject_id))
    step.state, step.closed_on, step.outcome = StepState.DONE, today, said
    session.flush()
    _follow(session, step, following, actor, at, today)
    _tell_giver(session, step, Notice.ANSWERED if step.is_instruction else Notice.DONE_FOR_YOU, actor, at)
    return step


def put_off(
    session: Session,
    step: NextStep,
    *,
    actor: Actor,
    today: dt.date,
    due_on: dt.date | None,
    reason: str | None = None,
    version: int | None = None,
) -> NextStep:
    """Move it to another day; the third time with a reason."""
    check_changeable(step, actor, version)
    day = check_due(due_on, today)
    why = check_move(step.moves, reason, day, step.due_on, today)
    audit.begin(session, actor=actor, action=Act.STEP_MOVE, subject=(step.kind, step.subject_id))
    session.add(StepMove(step_id=step.id, on=today, from_day=step.due_on, to_day=day, reason=why))
    step.due_on, step.moves = day, step.moves + 1
    session.flush()
    return step


def hand_over(
    session: Session,
    step: NextStep,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    owner_id: int | None,
    reason: str | None = None,
    version: int | None = None,
) -> NextStep:
    """Give it to somebody else, who is told; whoever handed it over sees it among those given to others."""
    check_changeable(step, actor, version)
    owner = check_person(session, owner_id, field="owner")
    if owner == step.owner_id:
        raise Refused(N_("这一步本来就是他的。"), field="owner")
    check_can_see(session, owner, (step.kind, step.subject_id), field="owner")
    audit.begin(session, actor=actor, action=Act.STEP_HAND_OVER, subject=(step.kind, step.subject_id))
    session.add(
        StepMove(
            step_id=step.id,
            on=today,
            from_owner_id=step.owner_id,
            to_owner_id=owner,
            reason=(reason or "").strip()[:200] or None,
        )
    )
    step.owner_id, step.given_by_id = owner, giver_after(step, owner, actor)
    session.flush()
    if owner != actor.user_id:
        tell(
            session, owner, Notice.HANDED_OVER, key=f"step:{step.id}:{owner}:{step.version}", at=at,
            subject=(step.kind, step.subject_id), by=actor.name, step=step.id,
        )  # fmt: skip
    return step


def giver_after(step: NextStep, owner_id: int, actor: Actor) -> int | None:
    """Who has given a step when it goes to this owner: who hands it over, unless somebody gave it before; nobody gives
    to himself."""
    if step.given_by_id is not None:
        return None if step.given_by_id == owner_id else step.given_by_id
    return None if actor.user_id == owner_id else actor.user_id


def drop(
    session: Session,
    step: NextStep,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    reason: str,
    version: int | None = None,
    following: Planned | None = None,
) -> NextStep:
    """It will not be done, for a reason. Only who gave an instruction may drop it. The last step of a record that goes
    on takes the `following` one along."""
    check_changeable(step, actor, version)
    check_going_on(session, step, following)
    if step.is_instruction and actor.user_id != step.given_by_id:
        raise Refused(N_("批示只能由批示人取消。请答复，或转交给合适的人。"))
    why = check_reason(reason)
    audit.begin(session, actor=actor, action=Act.STEP_DROP, subject=(step.kind, step.subject_id))
    step.state, step.closed_on, step.outcome = StepState.DROPPED, today, why
    session.flush()
    _follow(session, step, following, actor, at, today)
    _tell_giver(session, step, Notice.DROPPED_FOR_YOU, actor, at)
    return step


def reopen(session: Session, step: NextStep, *, actor: Actor, version: int | None = None) -> NextStep:
    """It was not done after all."""
    check_step(step, actor=actor)
    if version is not None and step.version != version:
        raise Conflict(CHANGED)
    if step.state is StepState.OPEN:
        raise Refused(N_("这一步还在待办里。"))
    audit.begin(session, actor=actor, action=Act.STEP_REOPEN, subject=(step.kind, step.subject_id))
    step.state, step.closed_on, step.outcome = StepState.OPEN, None, None
    session.flush()
    return step


def check_step(step: NextStep, *, actor: Actor) -> None:
    """The owner's and the giver's to change. Raises `Forbidden`."""
    actor.require("activity:add")
    if not actor.is_system and actor.user_id not in (step.owner_id, step.given_by_id):
        raise Forbidden(N_("只有经办人和交办人可以改这一步。"))


def _follow(
    session: Session, step: NextStep, following: Planned | None, actor: Actor, at: dt.datetime, today: dt.date
) -> None:
    if following is not None:
        plan(
            session, actor=actor, at=at, today=today, subject=(step.kind, step.subject_id), text=following.text,
            due_on=following.due_on, owner_id=following.owner_id if following.owner_id is not None else step.owner_id,
        )  # fmt: skip


def check_changeable(step: NextStep, actor: Actor, version: int | None = None) -> None:
    """Open, in the version seen, and the actor's to change. Raises `Forbidden`, `Conflict`, `Refused`."""
    check_step(step, actor=actor)
    if version is not None and step.version != version:
        raise Conflict(CHANGED)
    if step.state is not StepState.OPEN:
        raise Refused(N_("这一步已经办结。"))


def _tell_giver(session: Session, step: NextStep, notice: Notice, actor: Actor, at: dt.datetime) -> None:
    if step.given_by_id is not None and step.given_by_id != actor.user_id:
        tell(
            session, step.given_by_id, notice, key=f"closed:{step.id}:{step.version}", at=at,
            subject=(step.kind, step.subject_id), by=actor.name, step=step.id,
        )  # fmt: skip

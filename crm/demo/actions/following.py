"""Writing the demo's follow-up: a few dozen firms with their visits, calls and next steps, an instruction, a mention."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.activities.models import Activity, ActivityPerson, ActivitySubject, InboxItem, NextStep
from crm.activities.rules.words import ActivityKind, Notice, StepState
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.transaction import commit
from crm.demo.rules import DECIDING, LEADING, SOURCE, follow_up
from crm.firms.models import Firm

FIRMS = 120  # firms with a history of contact


def enter_follow_up(session: Session, *, seed: int, today: dt.date, at: dt.datetime, actor: Actor) -> int:
    """Invent contact with some demo firms by their service officers; commits. Returns how many entries."""
    rng = random.Random(seed + 1)  # noqa: S311 invented data, repeatable from its seed
    audit.begin(session, actor=actor, action="demo.follow-up")
    people = {row.username: row.id for row in session.execute(sa.select(User.username, User.id))}
    officers = [people[name] for name in ("science", "finance", "investment") if name in people]
    if not officers:
        return 0
    rows = session.execute(
        sa.select(Firm.id, Firm.business, Firm.officer_id)
        .where(Firm.source == SOURCE, Firm.archived_on.is_(None))
        .order_by(Firm.id)
        .limit(FIRMS)
    ).all()
    stamp: dict[str, Any] = {"created_at": at, "updated_at": at, "version": 1}
    entries: list[dict[str, Any]] = []
    plans: list[tuple[int, Any]] = []
    for row in rows:
        officer = officers[row.id % len(officers)] if row.id % 3 == 0 else row.officer_id or officers[0]
        for made in follow_up(rng, today=today, business=row.business or "产品"):
            entries.append(
                {
                    **stamp, "kind": ActivityKind(made.kind), "on": made.on, "summary": made.summary,
                    "author_id": officer, "source": SOURCE, "created_by_id": officer, "updated_by_id": officer,
                }
            )  # fmt: skip
            plans.append((row.id, made))
    ids = audit.insert_many(session, Activity, entries)
    audit.insert_many(
        session,
        ActivitySubject,
        [
            {**stamp, "activity_id": entry_id, "kind": "firm", "subject_id": firm_id, "on": made.on}
            for entry_id, (firm_id, made) in zip(ids, plans, strict=True)
        ],
    )
    steps = [
        {
            **stamp, "kind": "firm", "subject_id": firm_id, "activity_id": entry_id, "text": made.step,
            "due_on": made.due_on, "owner_id": entry["author_id"], "given_by_id": None, "is_instruction": False,
            "state": StepState.DONE if made.is_done else StepState.OPEN,
            "closed_on": min(made.due_on, today) if made.is_done else None, "moves": 0,
        }
        for entry_id, entry, (firm_id, made) in zip(ids, entries, plans, strict=True)
    ]  # fmt: skip
    audit.insert_many(session, NextStep, steps)
    if rows and "leader" in people and "science" in people:
        _instruct(session, rows[0].id, people, today=today, at=at, stamp=stamp)
        _lead(session, [row.id for row in rows[1:]], people, today=today, at=at)
    commit(session)
    return len(entries)


def _instruct(
    session: Session,
    firm_id: int,
    people: dict[str, int],
    *,
    today: dt.date,
    at: dt.datetime,
    stamp: dict[str, Any],
) -> None:
    """A leader's instruction that waits for an answer, and a colleague who is mentioned."""
    leader, science = people["leader"], people["science"]
    entry = Activity(
        kind=ActivityKind.INSTRUCTION, on=today - dt.timedelta(2), summary="用电增容由经发局牵头，两周内给结论，不要让企业等。",
        author_id=leader, source=SOURCE, **stamp,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    session.add(ActivitySubject(activity_id=entry.id, kind="firm", subject_id=firm_id, on=entry.on, **stamp))
    session.add(ActivityPerson(activity_id=entry.id, user_id=science, is_mention=True, **stamp))
    step = NextStep(
        kind="firm", subject_id=firm_id, activity_id=entry.id, text="答复用电增容方案", due_on=today + dt.timedelta(12),
        owner_id=science, given_by_id=leader, is_instruction=True, state=StepState.OPEN, **stamp,
    )  # fmt: skip
    session.add(step)
    session.flush()
    name = session.scalar(sa.select(User.name).where(User.id == leader)) or ""
    session.add(
        InboxItem(
            user_id=science, key=f"step:{step.id}:{science}:0", code=Notice.INSTRUCTION.value,
            params={"by": name}, kind="firm", subject_id=firm_id, step_id=step.id, at=at,
        )
    )  # fmt: skip
    session.flush()


def _lead(
    session: Session, firm_ids: list[int], people: dict[str, int], *, today: dt.date, at: dt.datetime
) -> None:
    """What a leader finds in the morning: instructions that are late or were answered, and things to decide."""
    leader = people["leader"]
    others = [people[name] for name in ("finance", "investment", "science", "reporter") if name in people]
    entries: list[dict[str, Any]] = []
    plans = list(zip(firm_ids, LEADING, strict=False))
    for _firm_id, made in plans:
        given = at - dt.timedelta(made.days_ago)
        entries.append(
            {
                "created_at": given, "updated_at": given, "version": 1, "source": SOURCE, "author_id": leader,
                "kind": ActivityKind.INSTRUCTION, "on": today - dt.timedelta(made.days_ago), "summary": made.text,
            }
        )  # fmt: skip
    ids = audit.insert_many(session, Activity, entries)
    audit.insert_many(
        session,
        ActivitySubject,
        [
            {"version": 1, "activity_id": key, "kind": "firm", "subject_id": firm_id, "on": entry["on"]}
            for key, entry, (firm_id, _made) in zip(ids, entries, plans, strict=True)
        ],
    )
    steps: list[dict[str, Any]] = []
    for n, (key, entry, (firm_id, made)) in enumerate(zip(ids, entries, plans, strict=True)):
        is_done = made.answer is not None
        steps.append(
            {
                "created_at": entry["created_at"], "updated_at": at, "version": 1, "kind": "firm", "moves": 0,
                "subject_id": firm_id, "activity_id": key, "text": made.text, "given_by_id": leader,
                "due_on": today + dt.timedelta(made.due_in), "owner_id": others[n % len(others)],
                "is_instruction": True, "state": StepState.DONE if is_done else StepState.OPEN, "outcome": made.answer,
                "closed_on": today - dt.timedelta(1) if is_done else None,
            }
        )  # fmt: skip
    for n, (firm_id, (text, due_in)) in enumerate(zip(firm_ids[len(plans) :], DECIDING, strict=False)):
        steps.append(
            {
                "created_at": at, "updated_at": at, "version": 1, "kind": "firm", "subject_id": firm_id, "moves": 0,
                "activity_id": None, "text": text, "due_on": today + dt.timedelta(due_in), "owner_id": leader,
                "given_by_id": others[n % len(others)], "is_instruction": False, "state": StepState.OPEN,
                "outcome": None, "closed_on": None,
            }
        )  # fmt: skip
    audit.insert_many(session, NextStep, steps)

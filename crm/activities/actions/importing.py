"""Past entries brought in from a sheet: judged like those typed in, written set-based with their original dates and
authors. Whoever imports is in the stamps and nowhere else. Nobody's inbox is told of what is long gone; who is given
steps that still stand is told, once an import."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.queries import actor_of
from crm.activities.actions.subjects import Subject
from crm.activities.actions.telling import tell
from crm.activities.models import Activity, ActivityPerson, ActivitySubject, NextStep
from crm.activities.queries.past import accounts, entries_there, visible_ids
from crm.activities.rules.entries import check_happened, check_summary
from crm.activities.rules.past import Past, Settled, Told, settle
from crm.activities.rules.steps import check_due, check_text
from crm.activities.rules.words import Act, ActivityKind, Notice
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing, Refused


def judge_past(
    session: Session, kind: str, rows: Sequence[tuple[int, Told]], *, today: dt.date
) -> list[Settled]:
    """What becomes of rows about records of a kind `(record id, what the row says)`. Writes nothing; the number of
    statements grows with the owners of open steps, not with the rows."""
    people = accounts(session)
    found = [settle(told, people, today) for _, told in rows]
    there = entries_there(session, kind, {(row_id, told.on) for row_id, told in rows})
    for (row_id, told), settled in zip(rows, found, strict=True):
        known = there.get((row_id, told.on, told.kind, told.summary))
        if known is not None:
            text = N_("库里有过这一条，已经收回；不再导入。") if known[1] else N_("库里已有这一条。")
            settled.is_there, settled.notes = True, [Message(text)]
    _refuse_unseen(session, kind, [row_id for row_id, _ in rows], found)
    return found


def _refuse_unseen(session: Session, kind: str, row_ids: Sequence[int], found: Sequence[Settled]) -> None:
    """Who is given a step must be able to open the record it is about."""
    given: dict[int, set[int]] = {}
    for row_id, settled in zip(row_ids, found, strict=True):
        if settled.entry is not None and settled.entry.owner_id is not None:
            given.setdefault(settled.entry.owner_id, set()).add(row_id)
    seen = {
        owner: visible_ids(session, kind, wanted, actor_of(session, owner)) for owner, wanted in given.items()
    }
    for row_id, settled in zip(row_ids, found, strict=True):
        owner_id = settled.entry.owner_id if settled.entry is not None else None
        if owner_id is not None and row_id not in seen[owner_id]:
            settled.entry = None
            settled.refusal = Refused(N_("这位人员不能查看这条记录，请换一位。"), field="owner")


def log_past(
    session: Session, rows: Sequence[tuple[Subject, Past]], *, actor: Actor, today: dt.date, source: str
) -> list[int]:
    """Write entries, each about one record, with their people and open steps. Returns their ids. Raises `Forbidden`,
    `Missing` for a record that is not there for this person, `Refused`."""
    actor.require("activity:add")
    for code in sorted({subject[0] for subject, _ in rows}):
        wanted = {subject[1] for subject, _ in rows if subject[0] == code}
        if visible_ids(session, code, wanted, actor) != wanted:
            raise Missing(N_("没有这条记录，或者您不能查看它。"))
    for _, past in rows:
        _check(past, today)
    operation = audit.begin(session, actor=actor, action=Act.IMPORT, count=len(rows))
    ids = audit.insert_many(session, Activity, [_activity(past, source) for _, past in rows])
    subjects: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for activity_id, ((code, row_id), past) in zip(ids, rows, strict=True):
        subjects.append({"activity_id": activity_id, "kind": code, "subject_id": row_id, "on": past.on})
        people += [{"activity_id": activity_id, "user_id": user_id} for user_id in past.people]
        if past.step is not None:
            given_by = past.author_id if past.author_id != past.owner_id else None
            steps.append(
                {"kind": code, "subject_id": row_id, "activity_id": activity_id, "text": past.step,
                 "due_on": past.due_on, "owner_id": past.owner_id, "given_by_id": given_by}
            )  # fmt: skip
    audit.insert_many(session, ActivitySubject, subjects)
    audit.insert_many(session, ActivityPerson, people)
    _tell_owners(session, operation, zip(audit.insert_many(session, NextStep, steps), steps, strict=True))
    return ids


def _tell_owners(
    session: Session, operation: audit.Operation, steps: Iterable[tuple[int, dict[str, Any]]]
) -> None:
    """Once an import: of one step with what it is about, of several with the way to the list."""
    given: dict[int, list[tuple[int, Subject]]] = {}
    for step_id, step in steps:
        given.setdefault(step["owner_id"], []).append((step_id, (step["kind"], step["subject_id"])))
    for owner_id, mine in given.items():
        step_id, subject = mine[0]
        if owner_id == operation.actor.user_id:
            continue
        several: dict[str, Any] = {"to": "activities.steps", "values": {}} if len(mine) > 1 else {}
        tell(
            session, owner_id, Notice.STEPS_IMPORTED, key=f"import:{operation.id}:{owner_id}", at=operation.at,
            subject=None if several else subject, step=step_id, **several,
        )  # fmt: skip


def _check(past: Past, today: dt.date) -> None:
    check_happened(past.on, today)
    check_summary(past.summary)
    if past.kind is ActivityKind.INSTRUCTION:
        raise Refused(N_("批示不能导入：批示要由批示的人记，并交给一个人答复。可以改成记事。"))
    if past.step is not None:
        check_text(past.step)
        check_due(past.due_on, today)


def _activity(past: Past, source: str) -> dict[str, Any]:
    return {
        "kind": past.kind, "on": past.on, "summary": past.summary, "author_id": past.author_id,
        "author_name": past.author_name, "their_people": past.their_people, "place": past.place,
        "source": source[:80],
    }  # fmt: skip

"""Logging what happened, and putting it right later; nothing vanishes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.actions import steps
from crm.activities.actions.going_on import Planned
from crm.activities.actions.subjects import Subject, check_can_see, check_person, check_subjects
from crm.activities.actions.telling import tell
from crm.activities.models import Activity, ActivityPerson, ActivitySubject
from crm.activities.rules.entries import check_happened, check_summary
from crm.activities.rules.steps import check_reason
from crm.activities.rules.words import Act, ActivityKind, Notice
from crm.core import audit
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Conflict, Refused


def log(
    session: Session,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    kind: ActivityKind,
    on: dt.date,
    summary: str,
    subjects: Sequence[Subject],
    people: Sequence[int] = (),
    mentions: Sequence[int] = (),
    their_people: str | None = None,
    place: str | None = None,
    step: Planned | None = None,
) -> Activity:
    """Log what happened with one or more records, with the step that comes next (on the first of them).

    An instruction 批示 is written by those who may, and always has a step: somebody answers it.
    Raises `Forbidden`, `Missing` for a record that is not there for this person, `Refused`.
    """
    actor.require("activity:add")
    if kind is ActivityKind.INSTRUCTION:
        actor.require("instruction:write")
        if step is None or step.owner_id is None:
            raise Refused(N_("批示要交给一个人答复，请选择由谁、在哪一天前。"), field="owner")
    chosen = check_subjects(session, subjects, actor=actor)
    check_happened(on, today)
    text = check_summary(summary)
    audit.begin(session, actor=actor, action=Act.LOG, subject=chosen[0], kind=kind.value)
    entry = Activity(
        kind=kind, on=on, summary=text, author_id=actor.user_id, author_name=None if actor.user_id else actor.name,
        their_people=(their_people or "").strip()[:200] or None, place=(place or "").strip()[:120] or None,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    session.add_all(
        ActivitySubject(activity_id=entry.id, kind=code, subject_id=row_id, on=on) for code, row_id in chosen
    )
    for user_id in dict.fromkeys(people):
        check_person(session, user_id, field="people")
        session.add(ActivityPerson(activity_id=entry.id, user_id=user_id))
    _mention(session, entry, mentions, about=chosen, actor=actor, at=at)
    session.flush()
    if step is not None:
        steps.plan(
            session, actor=actor, at=at, today=today, subject=chosen[0], text=step.text, due_on=step.due_on,
            owner_id=step.owner_id if step.owner_id is not None else actor.user_id, activity=entry,
            is_instruction=kind is ActivityKind.INSTRUCTION, mentions=step.mentions,
        )  # fmt: skip
    return entry


def edit(
    session: Session,
    entry: Activity,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    version: int | None,
    kind: ActivityKind,
    on: dt.date,
    summary: str,
    mentions: Sequence[int] = (),
    their_people: str | None = None,
    place: str | None = None,
) -> Activity:
    """Put an entry right; what it said before stays in its history. Its author's, and nobody else's, to change.
    `mentions` are those it did not mention before: they are told now; who was told stays told."""
    check_author(entry, actor=actor)
    if version is not None and entry.version != version:
        raise Conflict(N_("这条动态刚刚被改过，请核对后再保存。"))
    if entry.withdrawn_on is not None:
        raise Refused(N_("这条动态已经收回。"))
    if ActivityKind.INSTRUCTION in (kind, entry.kind) and kind is not entry.kind:
        raise Refused(N_("批示不能改成别的，别的也不能改成批示。请收回后重记。"), field="kind")
    check_happened(on, today)
    text = check_summary(summary)
    audit.begin(session, actor=actor, action=Act.EDIT, subject=_first(session, entry))
    entry.kind, entry.summary = kind, text
    entry.their_people, entry.place = (their_people or "").strip() or None, (place or "").strip() or None
    if entry.on != on:
        entry.on = on
        for link in session.scalars(
            sa.select(ActivitySubject).where(ActivitySubject.activity_id == entry.id)
        ):
            link.on = on
    if mentions:
        _mention(session, entry, mentions, about=_about(session, entry), actor=actor, at=at)
    session.flush()
    return entry


def _mention(
    session: Session,
    entry: Activity,
    user_ids: Sequence[int],
    *,
    about: Sequence[Subject],
    actor: Actor,
    at: dt.datetime,
) -> None:
    known = set(
        session.scalars(
            sa.select(ActivityPerson.user_id).where(
                ActivityPerson.activity_id == entry.id, ActivityPerson.is_mention
            )
        )
        if user_ids
        else ()
    )
    for user_id in dict.fromkeys(user_ids):
        if user_id in known:
            continue
        check_person(session, user_id, field="summary")
        for each in about:  # an entry is read by those who see all it is about
            check_can_see(session, user_id, each, field="summary")
        session.add(ActivityPerson(activity_id=entry.id, user_id=user_id, is_mention=True))
        if user_id != actor.user_id:
            tell(
                session, user_id, Notice.MENTION, key=f"mention:{entry.id}", at=at, subject=about[0],
                by=actor.name, activity=entry.id,
            )  # fmt: skip


def withdraw(
    session: Session, entry: Activity, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    """Take an entry back: it stays on the timeline as withdrawn, with the reason."""
    check_author(entry, actor=actor)
    if version is not None and entry.version != version:
        raise Conflict(N_("这条动态刚刚被改过，请核对后再保存。"))
    if entry.withdrawn_on is not None:
        raise Refused(N_("这条动态已经收回。"))
    why = check_reason(reason)
    audit.begin(session, actor=actor, action=Act.WITHDRAW, subject=_first(session, entry))
    entry.withdrawn_on, entry.withdrawn_reason = today, why
    session.flush()


def check_author(entry: Activity, *, actor: Actor) -> None:
    """Raises `Forbidden` unless the entry is this person's to change."""
    actor.require("activity:add")
    if not actor.is_system and actor.user_id not in (entry.author_id, entry.created_by_id):
        raise Forbidden(N_("只有记这条动态的人可以改它。"))


def _about(session: Session, entry: Activity) -> list[Subject]:
    """The records an entry is about, the first one first."""
    rows = session.execute(
        sa.select(ActivitySubject.kind, ActivitySubject.subject_id)
        .where(ActivitySubject.activity_id == entry.id)
        .order_by(ActivitySubject.id)
    )
    return [(row.kind, row.subject_id) for row in rows]


def _first(session: Session, entry: Activity) -> Subject:
    return next(iter(_about(session, entry)), ("activity", entry.id))

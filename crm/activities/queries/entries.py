"""What people logged with a record, the files on it, and the steps that were closed: sources of its timeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.activities.models import (
    Activity,
    ActivityPerson,
    ActivitySubject,
    Attachment,
    NextStep,
    StoredFile,
)
from crm.activities.queries.scope import entry_visible, subject_visible
from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.activities.rules.words import Scan, StepState
from crm.core import history
from crm.core.permissions import Actor
from crm.core.records import Fact, titles
from crm.core.words import N_, Message, Missing


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file as an entry shows it."""

    id: int
    name: str
    size: int
    media_type: str
    scan: Scan


@dataclass(slots=True)
class Logged:
    """What an entry tells besides its text."""

    activity: Activity
    people: list[str] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    others: list[tuple[Subject, str]] = field(default_factory=list)
    files: list[FileLine] = field(default_factory=list)


def _activity_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys:
    return Keys(
        ActivitySubject.on,
        ActivitySubject.activity_id,
        sa.and_(
            ActivitySubject.kind == subject[0],
            ActivitySubject.subject_id == subject[1],
            entry_visible(ActivitySubject.activity_id, viewer),
        ),
    )


def logged(session: Session, ids: Sequence[int], viewer: Actor) -> dict[int, Logged]:
    """Activities the viewer may see with what belongs to them; a fixed number of statements."""
    author = aliased(User)
    rows = session.execute(
        sa.select(Activity, author.name.label("author"))
        .outerjoin(author, author.id == Activity.author_id)
        .where(Activity.id.in_(ids), entry_visible(Activity.id, viewer))
    )
    found: dict[int, Logged] = {}
    for row in rows:
        found[row.Activity.id] = Logged(row.Activity, [row.author or row.Activity.author_name or ""])
    people = session.execute(
        sa.select(ActivityPerson.activity_id, ActivityPerson.is_mention, User.name)
        .join(User, User.id == ActivityPerson.user_id)
        .where(ActivityPerson.activity_id.in_(list(found)))
        .order_by(ActivityPerson.id)
    )
    for activity_id, is_mention, name in people:
        told = found[activity_id]
        if is_mention:
            told.mentions.append(name)
        elif name not in told.people:
            told.people.append(name)
    links = session.execute(
        sa.select(ActivitySubject.activity_id, ActivitySubject.kind, ActivitySubject.subject_id)
        .where(ActivitySubject.activity_id.in_(list(found)))
        .order_by(ActivitySubject.id)
    ).all()
    named = titles(session, {(row.kind, row.subject_id) for row in links}, viewer=viewer)
    for link in links:
        subject = (link.kind, link.subject_id)
        found[link.activity_id].others.append((subject, named.get(subject, "")))
    kept = [key for key, told in found.items() if told.activity.withdrawn_on is None]
    for of, line in _files(session, Attachment.activity_id.in_(kept)):
        if of is not None:
            found[of].files.append(line)
    return found


def _files(session: Session, where: sa.ColumnElement[bool]) -> list[tuple[int | None, FileLine]]:
    rows = session.execute(
        sa.select(
            Attachment.activity_id, Attachment.id, Attachment.name, StoredFile.size, StoredFile.media_type,
            StoredFile.scan,
        )
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .where(where, Attachment.removed_on.is_(None))
        .order_by(Attachment.id)
        .limit(400)
    )  # fmt: skip
    return [(row[0], FileLine(*row[1:])) for row in rows]


def _load_activities(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    entries = {}
    for activity_id, told in logged(session, ids, viewer).items():
        activity = told.activity
        withdrawn = activity.withdrawn_on is not None
        title = (
            Message(N_("%(kind)s（已收回）"), {"kind": activity.kind})
            if withdrawn
            else Message("%(kind)s", {"kind": activity.kind})
        )
        entries[activity_id] = Entry(
            "activity", activity_id, activity.on, title,
            text=activity.withdrawn_reason or "" if withdrawn else activity.summary,
            who="、".join(told.people), details=told,
        )  # fmt: skip
    return entries


def get_activity(session: Session, activity_id: int, *, viewer: Actor) -> Logged:
    """One activity with what belongs to it. Raises `Missing` when it is about anything the viewer may not see."""
    found = logged(session, [activity_id], viewer).get(activity_id)
    if found is None:
        raise Missing(N_("没有这条动态，或者您不能查看它。"))
    return found


FACTS = (
    Fact("kind", N_("做了什么")),
    Fact("on", N_("哪一天")),
    Fact("summary", N_("经过")),
    Fact("their_people", N_("对方人员")),
    Fact("place", N_("地点")),
)


def said_before(session: Session, activity: Activity) -> list[history.Entry]:
    """What an entry the viewer was found to see said before, the latest change first."""
    if activity.version == 1:
        return []
    return history.of_row(session, Activity, FACTS, activity.id)


def steps_of(session: Session, activity: Activity) -> list[int]:
    """The next steps that came of an entry."""
    of_it = sa.select(NextStep.id).where(NextStep.activity_id == activity.id)
    return list(session.scalars(of_it.order_by(NextStep.due_on, NextStep.id)))


def _file_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys:
    return Keys(
        Attachment.on,
        Attachment.id,
        sa.and_(
            Attachment.kind == subject[0],
            Attachment.subject_id == subject[1],
            Attachment.activity_id.is_(None),
        ),
    )


def _load_files(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(Attachment, StoredFile, User.name)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .outerjoin(User, User.id == Attachment.created_by_id)
        .where(Attachment.id.in_(ids))
    )
    found = {}
    for attachment, stored, who in rows:
        line = FileLine(attachment.id, attachment.name, stored.size, stored.media_type, stored.scan)
        put_away = Message(N_("收起的文件：%(name)s"), {"name": attachment.name})
        text = put_away if attachment.removed_on else Message(N_("文件"))
        found[attachment.id] = Entry(
            "file", attachment.id, attachment.on, text, text=attachment.removed_reason or "", who=who or "",
            details=None if attachment.removed_on else line,
        )  # fmt: skip
    return found


def _step_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys:
    return Keys(
        NextStep.closed_on,
        NextStep.id,
        sa.and_(
            NextStep.kind == subject[0],
            NextStep.subject_id == subject[1],
            NextStep.closed_on.is_not(None),
        ),
    )


def _load_steps(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(NextStep, User.name).join(User, User.id == NextStep.owner_id).where(NextStep.id.in_(ids))
    )
    found = {}
    for step, who in rows:
        done = step.state is StepState.DONE
        text = N_("办完：%(what)s") if done else N_("不办了：%(what)s")
        found[step.id] = Entry(
            "step",
            step.id,
            step.closed_on or step.due_on,
            Message(text, {"what": step.text}),
            text=step.outcome or "",
            who=who,
        )
    return found


ACTIVITIES = Source("activity", Group.CONTACT, _activity_keys, _load_activities)
FILES = Source("file", Group.FILE, _file_keys, _load_files)
STEPS = Source("step", Group.CONTACT, _step_keys, _load_steps)

__all__ = ["ACTIVITIES", "FILES", "STEPS", "FileLine", "Logged", "get_activity", "logged", "subject_visible"]

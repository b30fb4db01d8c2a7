"""Follow-up: what happened, what comes next, the files, and what stands in whose inbox.

A subject is known by its kind's code and its id only (slot SUBJECTS of `crm.core.records`).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.accounts.models import User
from crm.activities.rules.words import ActivityKind, Scan, StepState
from crm.core.db import BigId, Model, Moment, Pk, Stamped, Versioned, Worded
from crm.core.words import N_


class Activity(Versioned, Stamped, Model):
    """Something that happened with one or more records, on the day it happened. `author_id` is who did it (None: a
    person who is no longer here, named in `author_name`); who typed it is in the stamps."""

    __tablename__ = "activities"
    __label__ = N_("动态")
    id: Mapped[Pk]
    kind: Mapped[ActivityKind] = mapped_column(Worded(ActivityKind))
    on: Mapped[dt.date] = mapped_column("happened_on")
    summary: Mapped[str] = mapped_column(sa.Text)
    author_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    author_name: Mapped[str | None] = mapped_column(sa.String(60))
    their_people: Mapped[str | None] = mapped_column(sa.String(200))
    place: Mapped[str | None] = mapped_column(sa.String(120))
    withdrawn_on: Mapped[dt.date | None]
    withdrawn_reason: Mapped[str | None] = mapped_column(sa.String(200))
    source: Mapped[str | None] = mapped_column(sa.String(80))  # the import it came with
    author: Mapped[User | None] = relationship(lazy="raise_on_sql")
    __personal__ = frozenset({"their_people"})


class ActivitySubject(Versioned, Stamped, Model):
    """A record an activity is about. `on` repeats the activity's day, so that a timeline is one index walk."""

    __tablename__ = "activity_subjects"
    __label__ = N_("动态对象")
    id: Mapped[Pk]
    activity_id: Mapped[int] = mapped_column(sa.ForeignKey("activities.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[int] = mapped_column(BigId)
    on: Mapped[dt.date] = mapped_column("happened_on")
    __table_args__ = (
        sa.UniqueConstraint("activity_id", "kind", "subject_id"),
        sa.Index("ix_activity_subjects_stream", "kind", "subject_id", "happened_on", "activity_id"),
    )


class ActivityPerson(Versioned, Stamped, Model):
    """A colleague who was there, or was mentioned."""

    __tablename__ = "activity_people"
    __label__ = N_("动态人员")
    id: Mapped[Pk]
    activity_id: Mapped[int] = mapped_column(sa.ForeignKey("activities.id"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    is_mention: Mapped[bool] = mapped_column(default=False)
    user: Mapped[User] = relationship(lazy="raise_on_sql")
    __table_args__ = (sa.UniqueConstraint("activity_id", "user_id", "is_mention"),)


class NextStep(Versioned, Stamped, Model):
    """What comes next with a record: what, by which day, by whom. `moves` counts the days it was put off."""

    __tablename__ = "next_steps"
    __label__ = N_("下一步")
    id: Mapped[Pk]
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[int] = mapped_column(BigId)
    activity_id: Mapped[int | None] = mapped_column(sa.ForeignKey("activities.id"), index=True)
    text: Mapped[str] = mapped_column(sa.String(200))
    due_on: Mapped[dt.date]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    given_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    is_instruction: Mapped[bool] = mapped_column(default=False)
    state: Mapped[StepState] = mapped_column(Worded(StepState), default=StepState.OPEN)
    closed_on: Mapped[dt.date | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(500))  # what came of it, or why it was dropped
    moves: Mapped[int] = mapped_column(default=0)
    owner: Mapped[User] = relationship(lazy="raise_on_sql", foreign_keys=[owner_id])
    given_by: Mapped[User | None] = relationship(lazy="raise_on_sql", foreign_keys=[given_by_id])
    __table_args__ = (
        sa.Index("ix_next_steps_owner", "owner_id", "state", "due_on", "id"),
        sa.Index("ix_next_steps_given", "given_by_id", "state", "due_on", "id"),
        sa.Index("ix_next_steps_subject", "kind", "subject_id", "state", "due_on", "id"),
        sa.Index(
            "ix_next_steps_closed",
            "kind",
            "subject_id",
            "closed_on",
            "id",
            sqlite_where=sa.text("closed_on IS NOT NULL"),
            postgresql_where=sa.text("closed_on IS NOT NULL"),
        ),
    )


class StepMove(Versioned, Stamped, Model):
    """A dated change of a next step: another day, another owner, with the reason given."""

    __tablename__ = "step_moves"
    __label__ = N_("下一步变动")
    id: Mapped[Pk]
    step_id: Mapped[int] = mapped_column(sa.ForeignKey("next_steps.id"), index=True)
    on: Mapped[dt.date] = mapped_column("moved_on")
    from_day: Mapped[dt.date | None]
    to_day: Mapped[dt.date | None]
    from_owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    to_owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    reason: Mapped[str | None] = mapped_column(sa.String(200))


class StoredFile(Versioned, Stamped, Model):
    """A file as stored: by the hash of its content. The same content is kept once."""

    __tablename__ = "stored_files"
    __label__ = N_("文件内容")
    id: Mapped[Pk]
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    media_type: Mapped[str] = mapped_column(sa.String(100))  # by what it contains, not by its name
    scan: Mapped[Scan] = mapped_column(Worded(Scan), default=Scan.WAITING)


class Attachment(Versioned, Stamped, Model):
    """A stored file on a record, perhaps with an activity. Seen by those who see the record."""

    __tablename__ = "attachments"
    __label__ = N_("文件")
    id: Mapped[Pk]
    file_id: Mapped[int] = mapped_column(sa.ForeignKey("stored_files.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[int] = mapped_column(BigId)
    activity_id: Mapped[int | None] = mapped_column(sa.ForeignKey("activities.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    on: Mapped[dt.date] = mapped_column("added_on")
    removed_on: Mapped[dt.date | None]
    removed_reason: Mapped[str | None] = mapped_column(sa.String(200))
    file: Mapped[StoredFile] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        sa.Index("ix_attachments_stream", "kind", "subject_id", "added_on", "id"),
        sa.Index("ix_attachments_owner", "created_by_id"),
        sa.Index(
            "ix_attachments_here",
            "kind",
            "subject_id",
            "id",
            sqlite_where=sa.text("removed_on IS NULL"),
            postgresql_where=sa.text("removed_on IS NULL"),
        ),
        sa.Index(
            "ix_attachments_put_away",
            "kind",
            "subject_id",
            "id",
            sqlite_where=sa.text("removed_on IS NOT NULL"),
            postgresql_where=sa.text("removed_on IS NOT NULL"),
        ),
        sa.Index(
            "ix_attachments_activity_id",
            "activity_id",
            sqlite_where=sa.text(
                "activity_id IS NOT NULL"
            ),  # most have none: to the planner all would be one
            postgresql_where=sa.text("activity_id IS NOT NULL"),
        ),
    )


class InboxItem(Model):
    """Something a person should know: a code and parameters, read in either language. `key` is told once.

    What it is about besides its record (an entry, a step, what was typed and not saved) are ids without a foreign key:
    what is gone or may not be seen any more is left out when the inbox is read, and keeps nobody from undoing it."""

    __tablename__ = "inbox_items"
    __audited__ = False
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(sa.String(120))
    code: Mapped[str] = mapped_column(sa.String(40))
    params: Mapped[dict[str, Any]]
    kind: Mapped[str | None] = mapped_column(sa.String(40))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    activity_id: Mapped[int | None] = mapped_column(BigId)
    step_id: Mapped[int | None] = mapped_column(BigId)
    draft_id: Mapped[int | None] = mapped_column(BigId)
    at: Mapped[Moment] = mapped_column("told_at")
    snoozed_until: Mapped[dt.date | None]
    dismissed_at: Mapped[dt.datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("user_id", "key"),
        sa.Index(
            "ix_inbox_items_open",
            "user_id",
            "id",
            sqlite_where=sa.text("dismissed_at IS NULL"),
            postgresql_where=sa.text("dismissed_at IS NULL"),
        ),
    )


class CalendarFeed(Versioned, Stamped, Model):
    """A person's calendar link: only the hash of its secret is kept; revoked, it is nobody's."""

    __tablename__ = "calendar_feeds"
    __label__ = N_("日历订阅")
    __secret__ = frozenset({"token_hash"})
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    revoked_at: Mapped[dt.datetime | None]

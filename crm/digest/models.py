"""The weekly mail: what people would rather not be told, and what they have been told once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Model, Moment, Pk, Stamped, Versioned, Worded
from crm.core.words import N_
from crm.digest.rules.delivery import MailState, Trouble


class DigestMute(Versioned, Stamped, Model):
    """A group a person does not want in the mail. Escalations cannot be muted."""

    __tablename__ = "digest_mutes"
    __label__ = N_("不再提醒的内容")
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    group: Mapped[str] = mapped_column("group_code", sa.String(20))
    __table_args__ = (sa.UniqueConstraint("user_id", "group_code"),)


class DigestTold(Model):
    """Something that is told once, and in which week it was: written with the mail that tells it."""

    __tablename__ = "digest_told"
    __audited__ = False
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    key: Mapped[str] = mapped_column(sa.String(80))
    week: Mapped[str] = mapped_column(sa.String(8))  # 2026-W48
    on: Mapped[dt.date] = mapped_column("told_on")
    __table_args__ = (sa.UniqueConstraint("user_id", "key"),)


class OutboxMail(Model):
    """A mail to one person, at most one of a kind and period: what it says as codes (`payload`), and how far it is.
    The outbox's own bookkeeping, so not in the audit; writing a week into it and resending are."""

    __tablename__ = "outbox"
    __audited__ = False
    id: Mapped[Pk]
    kind: Mapped[str] = mapped_column(sa.String(20))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    period: Mapped[str] = mapped_column(sa.String(30))  # 2026-W48
    payload: Mapped[dict[str, Any]]
    language: Mapped[str] = mapped_column(sa.String(5))
    items: Mapped[int]  # how many things it tells
    state: Mapped[MailState] = mapped_column(Worded(MailState))
    attempts: Mapped[int]
    next_try_at: Mapped[Moment]
    ends_at: Mapped[Moment]  # not sent after this
    claimed_by: Mapped[str | None] = mapped_column(sa.String(80))
    claimed_until: Mapped[dt.datetime | None]
    message_id: Mapped[str] = mapped_column(sa.String(120), unique=True)
    trouble: Mapped[Trouble | None] = mapped_column(Worded(Trouble))
    reply: Mapped[str | None] = mapped_column(sa.String(200))  # the server's own words
    created_at: Mapped[Moment]
    tried_at: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("kind", "person_id", "period"),
        sa.Index("ix_outbox_state", "state", "next_try_at"),
        sa.Index("ix_outbox_period", "period", "state"),
    )

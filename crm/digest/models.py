"""The weekly mail: what people would rather not be told, and what they have been told once."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Model, Pk, Stamped, Versioned
from crm.core.words import N_


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

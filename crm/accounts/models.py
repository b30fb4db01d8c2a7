"""Units, people, their roles and their sessions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.accounts.rules import Permission, Role, UnitKind
from crm.core.db import BigId, Model, Moment, Pk, Stamped, Versioned, Worded
from crm.core.pinyin import sort_key
from crm.core.words import N_

SORT_CHARS = 240  # of a name spelt out: 60 characters


class Unit(Versioned, Stamped, Model):
    """A bureau, office, street or committee, with the days it existed and what came after it."""

    __tablename__ = "units"
    __label__ = N_("单位")
    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(sa.String(80))
    short_name: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[UnitKind] = mapped_column(Worded(UnitKind))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"), index=True)
    starts_on: Mapped[dt.date | None]
    ends_on: Mapped[dt.date | None]
    successor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"))
    parent: Mapped[Unit | None] = relationship(
        remote_side="Unit.id", foreign_keys=[parent_id], lazy="raise_on_sql"
    )
    successor: Mapped[Unit | None] = relationship(
        remote_side="Unit.id", foreign_keys=[successor_id], lazy="raise_on_sql"
    )
    __table_args__ = (sa.UniqueConstraint("name", "starts_on"),)


class UnitHead(Versioned, Stamped, Model):
    """Who headed a unit, from when to when."""

    __tablename__ = "unit_heads"
    __label__ = N_("单位负责人")
    id: Mapped[Pk]
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date | None]
    user: Mapped[User] = relationship(lazy="raise_on_sql")


def _sort_of(context: Any) -> str:
    return sort_key(context.get_current_parameters()["name"])[:SORT_CHARS]


class User(Versioned, Stamped, Model):
    """A person's account. Deactivated, never deleted."""

    __tablename__ = "users"
    __label__ = N_("账号")
    __secret__ = frozenset({"password_hash"})
    id: Mapped[Pk]
    username: Mapped[str] = mapped_column(sa.String(64))
    username_key: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    name_sort: Mapped[str] = mapped_column(sa.String(SORT_CHARS), default=_sort_of, server_default="")
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"), index=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    password_changed_at: Mapped[dt.datetime | None]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    one_time_at: Mapped[
        dt.datetime | None
    ]  # since when the password is one given for one use; None: it is their own
    is_active: Mapped[bool] = mapped_column(default=True)
    deactivated_on: Mapped[dt.date | None]
    deactivation_reason: Mapped[str | None] = mapped_column(sa.String(200))
    language: Mapped[str | None] = mapped_column(sa.String(5))
    email: Mapped[str | None] = mapped_column(sa.String(200))  # where the weekly mail goes
    is_demo: Mapped[bool] = mapped_column(default=False)
    unit: Mapped[Unit | None] = relationship(lazy="raise_on_sql")
    roles: Mapped[list[UserRole]] = relationship(lazy="raise_on_sql", back_populates="user")
    extras: Mapped[list[UserGrant]] = relationship(lazy="raise_on_sql")


class UserRole(Versioned, Stamped, Model):
    """A role a person holds; given by the security administrator."""

    __tablename__ = "user_roles"
    __label__ = N_("角色")
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    role: Mapped[Role] = mapped_column(Worded(Role))
    user: Mapped[User] = relationship(lazy="raise_on_sql", back_populates="roles")
    __table_args__ = (sa.UniqueConstraint("user_id", "role"),)


class UserGrant(Versioned, Stamped, Model):
    """A permission given to a person besides the role: bureau head, bureau's checker."""

    __tablename__ = "user_grants"
    __label__ = N_("个人授权")
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    permission: Mapped[Permission] = mapped_column(Worded(Permission))
    __table_args__ = (sa.UniqueConstraint("user_id", "permission"),)


class UserSession(Model):
    """A sign-in on one device. Only the hash of its secret is stored; ending it here ends it everywhere."""

    __tablename__ = "user_sessions"
    __audited__ = False
    id: Mapped[Pk]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    started_at: Mapped[Moment]
    seen_at: Mapped[dt.datetime | None]  # to some minutes: a page does not always write
    expires_at: Mapped[Moment]
    ended_at: Mapped[dt.datetime | None]
    end_reason: Mapped[str | None] = mapped_column(sa.String(40))
    address: Mapped[str] = mapped_column(sa.String(64))
    agent: Mapped[str] = mapped_column(sa.String(200))
    user: Mapped[User] = relationship(lazy="raise_on_sql")


class UserFactor(Model):
    """A person's second factor (TOTP). It counts once confirmed; `last_step` is the last code used, never again."""

    __tablename__ = "user_factors"
    __audited__ = False
    __secret__ = frozenset({"secret"})
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), unique=True)
    secret: Mapped[str] = mapped_column(sa.String(64))
    confirmed_at: Mapped[dt.datetime | None]
    last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class RecoveryCode(Model):
    """A code that stands in once for the second factor when the phone is lost. Only its hash is stored."""

    __tablename__ = "user_recovery_codes"
    __audited__ = False
    __secret__ = frozenset({"code_hash"})
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    code_hash: Mapped[str] = mapped_column(sa.String(64))
    used_at: Mapped[dt.datetime | None]
    __table_args__ = (sa.UniqueConstraint("user_id", "code_hash"),)


class OldPassword(Model):
    """The hash of a password a person had, kept only while the policy remembers it."""

    __tablename__ = "user_old_passwords"
    __audited__ = False
    __secret__ = frozenset({"password_hash"})
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255))


class Notice(Model):
    """Something a person is told until it is dismissed: a code and its parameters, readable in both languages."""

    __tablename__ = "notices"
    __audited__ = False
    id: Mapped[Pk]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    code: Mapped[str] = mapped_column(sa.String(60))
    params: Mapped[dict[str, Any]]
    at: Mapped[Moment]
    session_id: Mapped[int | None] = mapped_column(BigId)  # the sign-in it is about
    dismissed_at: Mapped[dt.datetime | None]
    hidden_at: Mapped[dt.datetime | None]  # dismissed where the sign-in was: the others still see it


class SignInAttempt(Model):
    """Failed sign-ins by account name (known or not) and by address: the throttle all workers share."""

    __tablename__ = "sign_in_attempts"
    __audited__ = False
    id: Mapped[Pk]
    key: Mapped[str] = mapped_column(sa.String(80), unique=True)
    failures: Mapped[int]
    first_at: Mapped[Moment]
    locked_until: Mapped[dt.datetime | None]


__all__ = [
    "Notice",
    "OldPassword",
    "RecoveryCode",
    "SignInAttempt",
    "Unit",
    "UnitHead",
    "User",
    "UserFactor",
    "UserGrant",
    "UserRole",
    "UserSession",
]

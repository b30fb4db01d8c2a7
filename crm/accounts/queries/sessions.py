"""Who is signed in, and what the throttle remembers. Three statements load everything a request needs to know:
the settings, the person with rights, the units."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import (
    Notice,
    OldPassword,
    RecoveryCode,
    SignInAttempt,
    Unit,
    User,
    UserFactor,
    UserGrant,
    UserRole,
    UserSession,
)
from crm.accounts.queries.policy import absolute_hours, factor_roles, password_policy
from crm.accounts.rules import Permission, Role, fold_name, grants, is_expired
from crm.accounts.rules.second_factor import is_required
from crm.core.db import UtcDateTime
from crm.core.permissions import Actor


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The signed-in person, as flask-login wants it: identity, rights, and what is asked of them first."""

    actor: Actor
    session_id: int
    token: str
    username: str
    language: str | None
    forced_to: str | None  # the page that has to come first: a new password, a second factor
    has_factor: bool = False
    needs_factor: bool = False  # by role or by setting
    has_notice: bool = False
    seen_at: dt.datetime | None = None  # to some minutes

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def id(self) -> int:
        """The account's id."""
        assert self.actor.user_id is not None  # noqa: S101 - narrows the type
        return self.actor.user_id

    @property
    def name(self) -> str:
        return self.actor.name

    def get_id(self) -> str:
        return self.token


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is checked against."""

    user_id: int
    username: str
    name: str
    password_hash: str
    is_active: bool
    has_factor: bool
    one_time_at: dt.datetime | None


def hash_token(token: str) -> str:
    """What the database keeps of a session's secret."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def owner_of(session: Session, token: str) -> int | None:
    """Whose secret this was, also when the session has run out since; not when it was ended or the account closed."""
    return session.execute(
        sa.select(User.id)
        .join(UserSession, UserSession.user_id == User.id)
        .where(UserSession.token_hash == hash_token(token), UserSession.ended_at.is_(None), User.is_active)
    ).scalar_one_or_none()


def load(session: Session, token: str, *, at: dt.datetime, has_demo: bool = False) -> SignedIn | None:
    """The person behind a session's secret, with today's rights, or None when the session has ended.

    `has_demo`: the demo is on, and its accounts need no second factor.
    """
    hours, days = absolute_hours(session), password_policy(session).max_age_days
    rows = session.execute(
        sa.select(
            UserSession.id.label("session_id"),
            sa.func.coalesce(UserSession.seen_at, UserSession.started_at, type_=UtcDateTime).label("seen_at"),
            sa.exists()
            .where(Notice.user_id == User.id, Notice.dismissed_at.is_(None))
            .correlate(User)
            .label("has_notice"),
            User.id.label("user_id"),
            User.username,
            User.name,
            User.unit_id,
            User.language,
            User.must_change_password,
            User.password_changed_at,
            User.is_demo,
            UserFactor.confirmed_at,
            UserRole.role,
            UserGrant.permission,
        )
        .join(User, User.id == UserSession.user_id)
        .outerjoin(UserFactor, UserFactor.user_id == User.id)
        .outerjoin(UserRole, UserRole.user_id == User.id)
        .outerjoin(UserGrant, UserGrant.user_id == User.id)
        .where(
            UserSession.token_hash == hash_token(token),
            UserSession.ended_at.is_(None),
            UserSession.expires_at > at,
            UserSession.started_at > at - dt.timedelta(hours=hours),  # also when it was set shorter meanwhile
            User.is_active,
        )
    ).all()
    if not rows:
        return None
    first = rows[0]
    roles = {row.role for row in rows if row.role}
    extras = {row.permission for row in rows if row.permission}
    forced_to = None
    needs_factor = is_required(roles, is_exempt=first.is_demo and has_demo, also=factor_roles(session))
    if first.must_change_password or is_expired(first.password_changed_at, at, days):
        forced_to = "accounts.change_password"
    elif first.confirmed_at is None and needs_factor:
        forced_to = "accounts.second_factor"
    return SignedIn(
        actor=_actor(session, first.user_id, first.name, first.unit_id, roles, extras),
        session_id=first.session_id,
        token=token,
        username=first.username,
        language=first.language,
        forced_to=forced_to,
        has_factor=first.confirmed_at is not None,
        needs_factor=needs_factor,
        has_notice=bool(first.has_notice),
        seen_at=first.seen_at,
    )


def actor_named(session: Session, username: str) -> Actor | None:
    """The actor of an active account by its name (commands: ``--as USER``)."""
    found = session.execute(
        sa.select(User.id).where(User.username_key == fold_name(username), User.is_active)
    ).scalar_one_or_none()
    return None if found is None else actor_of(session, found)


def actor_of(session: Session, user_id: int) -> Actor | None:
    """The actor of an account by id, or None when it is not active (jobs that go on for a person)."""
    user = session.execute(
        sa.select(User.name, User.unit_id).where(User.id == user_id, User.is_active)
    ).one_or_none()
    if user is None:
        return None
    roles = session.scalars(sa.select(UserRole.role).where(UserRole.user_id == user_id)).all()
    extras = session.scalars(sa.select(UserGrant.permission).where(UserGrant.user_id == user_id)).all()
    return _actor(session, user_id, user.name, user.unit_id, set(roles), set(extras))


def _actor(
    session: Session, user_id: int, name: str, unit_id: int | None, roles: set[Role], extras: set[Permission]
) -> Actor:
    return Actor(
        user_id=user_id,
        name=name,
        grants=grants(roles, extras),
        roles=frozenset(role.value for role in roles),
        unit_id=unit_id,
        unit_ids=unit_and_below(session, unit_id),
    )


def unit_and_below(session: Session, unit_id: int | None) -> frozenset[int]:
    """A unit's id and those of every unit under it, however deep."""
    if unit_id is None:
        return frozenset()
    below = sa.select(sa.literal(unit_id, sa.BigInteger).label("id")).cte("below", recursive=True)
    below = below.union(sa.select(Unit.id).join(below, Unit.parent_id == below.c.id))
    return frozenset(session.scalars(sa.select(below.c.id)))


def credentials(session: Session, username_key: str) -> Credentials | None:
    """What the account of this folded name is checked against, or None when there is none."""
    row = session.execute(
        sa.select(
            User.id,
            User.username,
            User.name,
            User.password_hash,
            User.is_active,
            UserFactor.confirmed_at.is_not(None),
            User.one_time_at,
        )
        .outerjoin(UserFactor, UserFactor.user_id == User.id)
        .where(User.username_key == username_key)
    ).one_or_none()
    return None if row is None else Credentials(*row)


def attempt(session: Session, key: str) -> SignInAttempt | None:
    """What the throttle remembers of an account name or address."""
    return session.execute(
        sa.select(SignInAttempt).where(SignInAttempt.key == key).execution_options(populate_existing=True)
    ).scalar_one_or_none()


def locked_until(session: Session, key: str, at: dt.datetime) -> dt.datetime | None:
    """Until when an account name is locked, or None when it is not."""
    found = attempt(session, key)
    return found.locked_until if found and found.locked_until and found.locked_until > at else None


def sessions_of(session: Session, user_id: int, *, at: dt.datetime) -> Sequence[UserSession]:
    """The sessions of a person that are still good, newest first."""
    return session.scalars(
        sa.select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > at)
        .order_by(UserSession.started_at.desc(), UserSession.id.desc())
        .limit(50)
    ).all()


def has_factor(session: Session, user_id: int) -> bool:
    """Whether a person has a confirmed second factor."""
    return (
        session.scalar(
            sa.select(sa.exists().where(UserFactor.user_id == user_id, UserFactor.confirmed_at.is_not(None)))
        )
        is True
    )


def codes_left(session: Session, user_id: int) -> int:
    """How many recovery codes of a person have not been used."""
    return (
        session.scalar(
            sa.select(sa.func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
        )
        or 0
    )


def old_passwords(session: Session, user_id: int, count: int) -> Sequence[str]:
    """The hashes of a person's last `count` passwords before the present one, newest first."""
    return session.scalars(
        sa.select(OldPassword.password_hash)
        .where(OldPassword.user_id == user_id)
        .order_by(OldPassword.id.desc())
        .limit(count)
    ).all()

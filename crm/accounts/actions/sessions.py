"""Signing in and out, the throttle, and one's own password. Nothing here hashes: that happens outside transactions."""

from __future__ import annotations

import datetime as dt
import secrets

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.accounts.actions.notices import tell_new_sign_in
from crm.accounts.models import OldPassword, SignInAttempt, User, UserSession
from crm.accounts.queries import attempt, hash_token, is_new_place, locked_until
from crm.accounts.queries.policy import absolute_hours, password_policy
from crm.accounts.rules import LOCK_MINUTES, TRIES, account_key, address_key, fold_name
from crm.accounts.rules.sign_in import is_fresh
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Missing

NOBODY = Actor(user_id=None, name="anonymous")
SESSIONS_KEPT = dt.timedelta(days=365)  # after they ended: so long a browser counts as known
ATTEMPTS_KEPT = dt.timedelta(days=30)


def start(
    session: Session,
    user: User,
    *,
    actor: Actor,
    address: str,
    agent: str,
    at: dt.datetime,
    reason: str = "session.start",
) -> str:
    """Open a session for a person and forget the failures of the account. Returns its secret, kept nowhere else.

    A browser or address the account was never used from is told to the person.
    """
    audit.begin(session, actor=actor, action=reason, subject=("user", user.id))
    token = secrets.token_urlsafe(32)
    is_new = is_new_place(session, user.id, address=address, agent=agent[:200])
    made = UserSession(
        token_hash=hash_token(token),
        user_id=user.id,
        started_at=at,
        seen_at=at,
        expires_at=at + dt.timedelta(hours=absolute_hours(session)),
        address=address[:64],
        agent=agent[:200],
    )
    session.add(made)
    forget(session, account_key(user.username))
    session.flush()
    if is_new:
        tell_new_sign_in(session, user.id, session_id=made.id, address=address, agent=agent[:200], at=at)
    return token


def sign_in(
    session: Session,
    *,
    user_id: int,
    password_hash: str,
    username: str,
    address: str,
    agent: str,
    at: dt.datetime,
    replaces: int | None = None,
) -> str | None:
    """Open a session after the password was found right against `password_hash`.

    None when meanwhile the account was locked, disabled or given another password: the answer is then the same
    refusal as for a wrong one, already counted and named. `replaces` is the session this browser had before: it ends.
    """
    user = session.get(User, user_id, populate_existing=True)
    if user is None or not user.is_active or user.password_hash != password_hash:
        refuse(session, username=username, user_id=user_id, address=address, reason="inactive", at=at)
        return None
    if locked_until(session, account_key(username), at):
        refuse(session, username=username, user_id=user_id, address=address, reason="locked", at=at)
        return None
    if replaces is not None:
        session.execute(
            sa.update(UserSession)
            .where(UserSession.id == replaces, UserSession.ended_at.is_(None))
            .values(ended_at=at, end_reason="replaced")
        )
    return start(
        session, user, actor=Actor(user_id=user.id, name=user.name), address=address, agent=agent, at=at
    )


def refuse(
    session: Session, *, username: str, user_id: int | None, address: str, reason: str, at: dt.datetime
) -> None:
    """Count a failed sign-in, lock the account name when it was one too many, and write it into the audit.

    A name that is no account's is not written down: people type passwords into the wrong field.
    """
    locks = count(session, account_key(username), at)
    count(session, address_key(address), at)
    known = {"account": fold_name(username)} if user_id is not None else {}
    subject = ("user", user_id) if user_id is not None else None
    audit.begin(
        session,
        actor=NOBODY,
        action="session.lock" if locks else "session.refuse",
        subject=subject,
        is_success=False,
        reason=reason,
        minutes=LOCK_MINUTES,
        **known,
    )
    session.flush()


def count(session: Session, key: str, at: dt.datetime) -> bool:
    """Count one failure of an account name or address; True when this one locks the account name."""
    found = attempt(session, key)
    if found is None:
        try:
            with session.begin_nested():
                session.add(SignInAttempt(key=key, failures=0, first_at=at, locked_until=None))
        except IntegrityError:
            pass  # somebody else counted at the same moment
    found = session.execute(
        sa.select(SignInAttempt)
        .where(SignInAttempt.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    if found.locked_until is not None and found.locked_until > at:
        return False
    if found.locked_until is not None or not is_fresh(key, found.first_at, at):
        found.failures, found.first_at, found.locked_until = 0, at, None
    found.failures += 1
    locks = key.startswith("name:") and found.failures >= TRIES
    if locks:
        found.locked_until = at + dt.timedelta(minutes=LOCK_MINUTES)
    session.flush()
    return locks


def forget(session: Session, key: str) -> None:
    """Forget the failures of a key."""
    session.execute(sa.delete(SignInAttempt).where(SignInAttempt.key == key))


def end(session: Session, *, actor: Actor, session_id: int, at: dt.datetime) -> None:
    """Sign out: the session ends on the server, whoever still holds its cookie."""
    audit.begin(session, actor=actor, action="session.end", subject=("user", actor.user_id or 0))
    session.execute(
        sa.update(UserSession)
        .where(
            UserSession.id == session_id, UserSession.user_id == actor.user_id, UserSession.ended_at.is_(None)
        )
        .values(ended_at=at, end_reason="sign-out")
    )


def end_all(session: Session, user_id: int, *, at: dt.datetime, reason: str, keep: int | None = None) -> None:
    """End every session of a person, but for the one with the id `keep`. Part of a named transaction."""
    statement = sa.update(UserSession).where(UserSession.user_id == user_id, UserSession.ended_at.is_(None))
    if keep is not None:
        statement = statement.where(UserSession.id != keep)
    session.execute(statement.values(ended_at=at, end_reason=reason))


def end_one(session: Session, *, actor: Actor, session_id: int, at: dt.datetime) -> None:
    """Sign out one of one's own devices. Raises `Missing` (404) when there is no such open session of one's own."""
    audit.begin(session, actor=actor, action="session.end-one", subject=("user", actor.user_id or 0))
    ended = session.scalars(
        sa.update(UserSession)
        .where(
            UserSession.id == session_id, UserSession.user_id == actor.user_id, UserSession.ended_at.is_(None)
        )
        .values(ended_at=at, end_reason="one")
        .returning(UserSession.id)
    ).all()
    if not ended:
        raise Missing(N_("没有这台设备，或者它已经退出。"))


def end_elsewhere(session: Session, *, actor: Actor, here: int, at: dt.datetime) -> None:
    """Sign out on every device but this one."""
    assert actor.user_id is not None  # noqa: S101 - narrows the type
    audit.begin(session, actor=actor, action="session.end-elsewhere", subject=("user", actor.user_id))
    end_all(session, actor.user_id, at=at, reason="elsewhere", keep=here)


def see(session: Session, session_id: int, *, at: dt.datetime) -> None:
    """Note that a session is in use."""
    session.execute(sa.update(UserSession).where(UserSession.id == session_id).values(seen_at=at))


def remember_password(session: Session, user: User) -> None:
    """Keep the hash of the password that is about to be replaced, as far as the policy remembers."""
    count = password_policy(session).remembered
    if count and not user.must_change_password:  # a one-time password is nobody's choice
        session.add(OldPassword(user_id=user.id, password_hash=user.password_hash))
        session.flush()
    kept = (
        sa.select(OldPassword.id)
        .where(OldPassword.user_id == user.id)
        .order_by(OldPassword.id.desc())
        .limit(count)
    )
    session.execute(
        sa.delete(OldPassword).where(
            OldPassword.user_id == user.id, OldPassword.id.not_in(session.scalars(kept).all())
        )
    )


def change_password(
    session: Session, user: User, *, actor: Actor, new_hash: str, address: str, agent: str, at: dt.datetime
) -> str:
    """Set one's own new password (already checked and hashed): all sessions end, one new one begins. Its secret."""
    audit.begin(session, actor=actor, action="password.change", subject=("user", user.id))
    remember_password(session, user)
    user.password_hash = new_hash
    user.password_changed_at = at
    user.must_change_password, user.one_time_at = False, None
    session.flush()
    end_all(session, user.id, at=at, reason="password")
    return start(session, user, actor=actor, address=address, agent=agent, at=at)


def refuse_password(session: Session, *, actor: Actor, username: str, at: dt.datetime) -> None:
    """Count a wrong present password given while changing it: a stolen session must not guess on."""
    locks = count(session, account_key(username), at)
    audit.begin(
        session,
        actor=actor,
        action="session.lock" if locks else "password.refuse",
        is_success=False,
        subject=("user", actor.user_id or 0),
        minutes=LOCK_MINUTES,
    )
    session.flush()


def choose_language(session: Session, user: User, *, actor: Actor, language: str) -> None:
    """Remember the language a person reads."""
    if user.language == language:
        return
    audit.begin(session, actor=actor, action="person.language", subject=("user", user.id))
    user.language = language
    session.flush()


def clear(session: Session, *, at: dt.datetime) -> int:
    """Delete sign-ins that ended long ago, and failed attempts nobody counts any more. Returns how many sessions."""
    old = session.execute(
        sa.delete(UserSession)
        .where(UserSession.expires_at < at - SESSIONS_KEPT)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        sa.delete(SignInAttempt)
        .where(
            SignInAttempt.first_at < at - ATTEMPTS_KEPT,
            sa.or_(SignInAttempt.locked_until.is_(None), SignInAttempt.locked_until < at),
        )
        .execution_options(synchronize_session=False)
    )
    return int(getattr(old, "rowcount", 0))

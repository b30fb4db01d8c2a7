"""Writes about accounts: add, edit, deactivate and back, unlock, a new one-time password. Never deletion."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.accounts.actions import sessions
from crm.accounts.models import SORT_CHARS, Unit, User
from crm.accounts.queries import holders, roles_of
from crm.accounts.rules import ADMINISTRATORS, account_key, check_username
from crm.core import audit
from crm.core.permissions import Actor, Forbidden
from crm.core.pinyin import sort_key
from crm.core.words import N_, Conflict, Refused

CHANGED = N_("这条记录刚刚被别人改过。")


def check_version(row: User | Unit, version: int | None) -> None:
    """Raises `Conflict` (409) when the record is no longer the one the form was filled from."""
    if version is not None and row.version != version:
        raise Conflict(CHANGED)


def add(
    session: Session,
    *,
    actor: Actor,
    username: str,
    name: str,
    unit_id: int | None,
    password_hash: str,
    at: dt.datetime,
    email: str | None = None,
) -> User:
    """Create an account without any role; its password is for one use. Raises `Refused` for a name taken."""
    actor.require("account:manage")
    key = check_username(username)
    _check_unit(session, unit_id)
    audit.begin(session, actor=actor, action="person.add", name=name)
    user = User(
        username=username,
        username_key=key,
        name=name,
        unit_id=unit_id,
        email=email,
        password_hash=password_hash,
        password_changed_at=at,
        must_change_password=True,
        one_time_at=at,
    )
    _put(session, user)
    _name_subject(session, user)
    return user


def edit(
    session: Session,
    user: User,
    *,
    actor: Actor,
    version: int | None,
    username: str,
    name: str,
    unit_id: int | None,
    email: str | None = None,
) -> None:
    """Change the facts of an account."""
    actor.require("account:manage")
    check_version(user, version)
    key = check_username(username)
    _check_unit(session, unit_id)
    audit.begin(session, actor=actor, action="person.edit", subject=("user", user.id), name=name)
    user.username, user.username_key, user.unit_id = username, key, unit_id
    user.name, user.name_sort = name, sort_key(name)[:SORT_CHARS]
    user.email = email
    _put(session, user)


def choose_email(
    session: Session, user: User, *, actor: Actor, version: int | None, email: str | None
) -> bool:
    """Say where one's own mails go. Returns whether that is new; raises `Conflict`."""
    if user.id != actor.user_id:
        raise Forbidden(N_("这里只能改自己的邮箱。"))
    check_version(user, version)
    if user.email == email:
        return False
    audit.begin(session, actor=actor, action="person.email", subject=("user", user.id))
    user.email = email
    session.flush()
    return True


def deactivate(
    session: Session,
    user: User,
    *,
    actor: Actor,
    version: int | None,
    on: dt.date,
    reason: str,
    at: dt.datetime,
) -> None:
    """Close an account: every session of it ends now. Not one's own, not the last administrator of a kind."""
    actor.require("account:manage")
    check_version(user, version)
    if user.id == actor.user_id:
        raise Refused(N_("不能停用自己的账号。"))
    if not user.is_active:
        raise Refused(N_("这个账号已经停用。"))
    for role in roles_of(session, [user.id]).get(user.id, []):
        check_not_last(session, role, user.id)
    audit.begin(session, actor=actor, action="person.deactivate", subject=("user", user.id), name=user.name)
    user.is_active, user.deactivated_on, user.deactivation_reason = False, on, reason
    session.flush()
    sessions.end_all(session, user.id, at=at, reason="deactivated")


def reactivate(session: Session, user: User, *, actor: Actor, version: int | None) -> None:
    """Open a closed account again, with the roles it had."""
    actor.require("account:manage")
    check_version(user, version)
    if user.is_active:
        raise Refused(N_("这个账号在用。"))
    audit.begin(session, actor=actor, action="person.reactivate", subject=("user", user.id), name=user.name)
    user.is_active, user.deactivated_on, user.deactivation_reason = True, None, None
    session.flush()


def unlock(session: Session, user: User, *, actor: Actor) -> None:
    """Let a locked account try again at once."""
    actor.require("account:manage")
    audit.begin(session, actor=actor, action="person.unlock", subject=("user", user.id), name=user.name)
    sessions.forget(session, account_key(user.username))


def end_sessions(session: Session, user: User, *, actor: Actor, at: dt.datetime) -> None:
    """Sign a person out on every device."""
    actor.require("account:manage")
    audit.begin(session, actor=actor, action="person.end-sessions", subject=("user", user.id), name=user.name)
    sessions.end_all(session, user.id, at=at, reason="administrator")


def check_may_reset(session: Session, user: User, *, actor: Actor) -> None:
    """An administrator's password is reset on the server only, else one of the three could become another."""
    actor.require("account:manage")
    if actor.is_system:
        return
    if user.id == actor.user_id:
        raise Refused(N_("自己的口令请在「我的账户」里修改。"))
    if ADMINISTRATORS & set(roles_of(session, [user.id]).get(user.id, [])):
        raise Refused(N_("三员的口令只能在服务器上用命令 people reset-password 重置。"))


def reset_password(
    session: Session, user: User, *, actor: Actor, password_hash: str, at: dt.datetime
) -> None:
    """Give an account a new one-time password: its sessions end, a lock is lifted."""
    check_may_reset(session, user, actor=actor)
    audit.begin(session, actor=actor, action="password.reset", subject=("user", user.id), name=user.name)
    sessions.remember_password(session, user)
    user.password_hash, user.password_changed_at = password_hash, at
    user.must_change_password, user.one_time_at = True, at
    session.flush()
    sessions.end_all(session, user.id, at=at, reason="password")
    sessions.forget(session, account_key(user.username))


def check_not_last(session: Session, role: str, user_id: int) -> None:
    """Raises `Refused` when nobody else active would hold this administrator's role."""
    for kind in ADMINISTRATORS:
        if kind == role and not holders(session, kind, besides=user_id):
            raise Refused(N_("这是最后一个在用的%(role)s，不能停用或收回。"), role=kind)


def _check_unit(session: Session, unit_id: int | None) -> None:
    if unit_id is not None and session.get(Unit, unit_id) is None:
        raise Refused(N_("没有这个单位。"), field="unit_id")


def _put(session: Session, user: User) -> None:
    taken = session.execute(
        sa.select(User.id).where(User.username_key == user.username_key, User.id != (user.id or 0))
    ).first()
    refusal = Refused(N_("用户名「%(name)s」已经有人用了。"), name=user.username, field="username")
    if taken:
        raise refusal
    try:
        with session.begin_nested():
            session.add(user)
            session.flush()
    except IntegrityError:
        raise refusal from None


def _name_subject(session: Session, user: User) -> None:
    operation = audit.running(session)
    if operation is not None and operation.subject is None:
        operation.subject = ("user", user.id)

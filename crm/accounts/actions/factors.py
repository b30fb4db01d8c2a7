"""The second factor: set up, confirmed with a first code, used once a code, removed; recovery codes for a lost phone."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.actions.people import check_may_reset
from crm.accounts.models import RecoveryCode, User, UserFactor
from crm.accounts.rules.second_factor import (
    RECOVERY_CODES,
    RECOVERY_LENGTH,
    in_groups,
    matching_step,
    recovery_form,
)
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused


def new_secret() -> str:
    """160 random bits as base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def factor_of(session: Session, user_id: int) -> UserFactor | None:
    """The row of a person's second factor, locked where the database can."""
    return session.execute(
        sa.select(UserFactor)
        .where(UserFactor.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def confirm(session: Session, *, actor: Actor, secret: str, code: str, at: dt.datetime) -> list[str]:
    """Turn the second factor on with the first code of the app; an earlier one is replaced, its recovery codes too.

    Returns the new recovery codes, kept nowhere. Raises `Refused`.
    """
    assert actor.user_id is not None  # noqa: S101 - narrows the type
    step = matching_step(secret, code, at=at, last_step=0)
    if step is None:
        raise Refused(N_("验证码不对。请看手机上的时间是否准确，再输入当前的 6 位数字。"), field="code")
    audit.begin(session, actor=actor, action="factor.confirm", subject=("user", actor.user_id))
    found = factor_of(session, actor.user_id)
    if found is None:
        found = UserFactor(user_id=actor.user_id)
        session.add(found)
    found.secret, found.confirmed_at, found.last_step = secret, at, step
    session.flush()
    return _new_codes(session, actor.user_id)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _new_codes(session: Session, user_id: int) -> list[str]:
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    made = [
        base64.b32encode(secrets.token_bytes(RECOVERY_LENGTH * 5 // 8)).decode()
        for _ in range(RECOVERY_CODES)
    ]
    session.add_all(RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in made)
    session.flush()
    return [in_groups(code) for code in made]


def renew_codes(session: Session, *, actor: Actor) -> list[str]:
    """Ten new recovery codes, kept nowhere; the old ones stop working. Raises `Refused` without a second factor."""
    assert actor.user_id is not None  # noqa: S101 - narrows the type
    found = factor_of(session, actor.user_id)
    if found is None or found.confirmed_at is None:
        raise Refused(N_("请先启用第二因素。"))
    audit.begin(session, actor=actor, action="factor.codes", subject=("user", actor.user_id))
    return _new_codes(session, actor.user_id)


def use(session: Session, user_id: int, code: str, *, at: dt.datetime) -> bool:
    """Whether the code is right now and was not used before; it is used up by this. A recovery code counts, too."""
    found = factor_of(session, user_id)
    if found is None or found.confirmed_at is None:
        return False
    recovery = recovery_form(code)
    if recovery is not None:
        return _use_recovery(session, user_id, recovery, at)
    step = matching_step(found.secret, code, at=at, last_step=found.last_step)
    if step is None:
        return False
    found.last_step = step
    session.flush()
    return True


def _use_recovery(session: Session, user_id: int, code: str, at: dt.datetime) -> bool:
    statement = sa.update(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash(code), RecoveryCode.used_at.is_(None)
    )
    return len(session.scalars(statement.values(used_at=at).returning(RecoveryCode.id)).all()) == 1


def _take_off(session: Session, user_id: int) -> None:
    session.execute(sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.execute(sa.delete(UserFactor).where(UserFactor.user_id == user_id))


def drop(session: Session, *, actor: Actor, is_required: bool) -> None:
    """Take off one's own second factor (the password has been asked for). Raises `Refused` where it is required."""
    assert actor.user_id is not None  # noqa: S101 - narrows the type
    if is_required:
        raise Refused(N_("您的角色必须启用第二因素，不能停用；换了手机请用「更换手机」。"))
    audit.begin(session, actor=actor, action="factor.drop", subject=("user", actor.user_id))
    _take_off(session, actor.user_id)


def remove(session: Session, user: User, *, actor: Actor) -> None:
    """Take a lost second factor off an account; an administrator's on the server only."""
    check_may_reset(session, user, actor=actor)
    audit.begin(session, actor=actor, action="factor.remove", subject=("user", user.id), name=user.name)
    _take_off(session, user.id)

"""The second factor: set up, confirmed with a first code, used once a code, removed."""

from __future__ import annotations

import base64
import datetime as dt
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.actions.people import check_may_reset
from crm.accounts.models import User, UserFactor
from crm.accounts.rules.second_factor import matching_step
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


def confirm(session: Session, *, actor: Actor, secret: str, code: str, at: dt.datetime) -> None:
    """Turn the second factor on with the first code of the app; an earlier one is replaced. Raises `Refused`."""
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


def use(session: Session, user_id: int, code: str, *, at: dt.datetime) -> bool:
    """Whether the code is right now and was not used before; it is used up by this."""
    found = factor_of(session, user_id)
    if found is None or found.confirmed_at is None:
        return False
    step = matching_step(found.secret, code, at=at, last_step=found.last_step)
    if step is None:
        return False
    found.last_step = step
    session.flush()
    return True


def remove(session: Session, user: User, *, actor: Actor) -> None:
    """Take a lost second factor off an account; an administrator's on the server only."""
    check_may_reset(session, user, actor=actor)
    audit.begin(session, actor=actor, action="factor.remove", subject=("user", user.id), name=user.name)
    session.execute(sa.delete(UserFactor).where(UserFactor.user_id == user.id))

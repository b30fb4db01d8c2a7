"""What a person is told: dismissed, or answered with "this wasn't me"."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Notice, User, UserSession
from crm.accounts.queries.notices import NEW_SIGN_IN, is_from_here
from crm.accounts.rules.sign_in import browser
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused


def tell_new_sign_in(
    session: Session, user_id: int, *, session_id: int, address: str, agent: str, at: dt.datetime
) -> None:
    """Tell a person of a sign-in from where the account was never used. Part of a named transaction."""
    params = {"browser": browser(agent), "address": address[:64]}
    session.add(Notice(user_id=user_id, code=NEW_SIGN_IN, params=params, at=at, session_id=session_id))
    session.flush()


def dismiss(
    session: Session, notice: Notice, *, actor: Actor, address: str, agent: str, at: dt.datetime
) -> None:
    """Take a notice away. Where the sign-in itself was it is only hidden: a stranger cannot hide it from the owner."""
    audit.begin(session, actor=actor, action="notice.dismiss", subject=("user", notice.user_id))
    if is_from_here(notice, address, agent):
        notice.hidden_at = at
    else:
        notice.dismissed_at = at
    session.flush()


def disown(
    session: Session,
    notice: Notice,
    *,
    actor: Actor,
    here: int,
    address: str,
    agent: str,
    at: dt.datetime,
) -> None:
    """This wasn't me: every session but this one (`here`) ends, and the password has to be changed now. Raises
    `Refused` where the sign-in itself was."""
    if is_from_here(notice, address, agent):
        raise Refused(N_("这就是您现在的这次登录。如果不放心，请修改口令，其他设备会一起退出。"))
    audit.begin(
        session, actor=actor, action="session.disown", subject=("user", notice.user_id), **notice.params
    )
    session.execute(
        sa.update(UserSession)
        .where(UserSession.user_id == notice.user_id, UserSession.ended_at.is_(None), UserSession.id != here)
        .values(ended_at=at, end_reason="not-me")
    )
    user = session.get_one(User, notice.user_id)
    user.must_change_password = True
    notice.dismissed_at = at
    session.flush()

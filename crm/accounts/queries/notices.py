"""What a person is told, and whether a sign-in is from where the person signs in."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Notice, UserSession
from crm.accounts.rules.sign_in import browser
from crm.core.words import N_, Missing

NEW_SIGN_IN = "sign-in.new"


def is_from_here(notice: Notice, address: str, agent: str) -> bool:
    """Whether a notice is about a sign-in from this very browser and address."""
    return notice.params.get("address") == address[:64] and notice.params.get("browser") == browser(agent)


def open_notices(session: Session, user_id: int, *, address: str, agent: str) -> Sequence[Notice]:
    """What a person has not dismissed yet, newest first; what is hidden where the sign-in was is left out there."""
    found = session.scalars(
        sa.select(Notice)
        .where(Notice.user_id == user_id, Notice.dismissed_at.is_(None))
        .order_by(Notice.id.desc())
        .limit(20)
    ).all()
    return [row for row in found if row.hidden_at is None or not is_from_here(row, address, agent)]


def get_notice(session: Session, notice_id: int, *, user_id: int) -> Notice:
    """One's own open notice. Raises `Missing` (404)."""
    found = session.execute(
        sa.select(Notice).where(
            Notice.id == notice_id, Notice.user_id == user_id, Notice.dismissed_at.is_(None)
        )
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这条提示，或者已经处理过了。"))
    return found


def is_new_place(session: Session, user_id: int, *, address: str, agent: str) -> bool:
    """Whether the account was used before, but never from this browser at this address."""
    agents = session.scalars(
        sa.select(UserSession.agent)
        .where(UserSession.user_id == user_id, UserSession.address == address[:64])
        .distinct()
        .limit(200)
    ).all()
    if any(browser(known) == browser(agent) for known in agents):
        return False
    return bool(session.scalar(sa.select(sa.exists().where(UserSession.user_id == user_id))))

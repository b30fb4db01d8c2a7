"""Clearing one's own inbox: dismissed, or put away until a day. Not business data, so not in the audit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import InboxItem
from crm.core.permissions import Actor
from crm.core.words import N_, Refused

LONGEST = 90  # days an item may be put away


def dismiss(session: Session, item: InboxItem, *, at: dt.datetime) -> None:
    """It is dealt with."""
    item.dismissed_at = item.dismissed_at or at
    session.flush()


def bring_back(session: Session, item: InboxItem) -> None:
    """It was not."""
    item.dismissed_at, item.snoozed_until = None, None
    session.flush()


def snooze(session: Session, item: InboxItem, *, until: dt.date | None, today: dt.date) -> None:
    """Not before a day. Raises `Refused` for a day gone by or too far away."""
    if until is None or until <= today or (until - today).days > LONGEST:
        raise Refused(N_("请选择明天到 %(days)s 天后之间的一天。"), days=LONGEST, field="until")
    item.snoozed_until = until
    session.flush()


def dismiss_all(session: Session, ids: Iterable[int], *, actor: Actor, at: dt.datetime) -> int:
    """These of one's own items. Returns how many."""
    done = session.execute(
        sa.update(InboxItem)
        .where(
            InboxItem.id.in_(list(ids)),
            InboxItem.user_id == actor.user_id,
            InboxItem.dismissed_at.is_(None),
        )
        .values(dismissed_at=at)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]

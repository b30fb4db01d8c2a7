"""Whose calendar a secret opens."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.queries import actor_of
from crm.activities.models import CalendarFeed
from crm.core.permissions import Actor


def owner_of_feed(session: Session, hashed: str) -> Actor | None:
    """The person a live link belongs to, with the rights of today; None for a revoked one or a closed account."""
    user_id = session.scalar(
        sa.select(CalendarFeed.user_id).where(
            CalendarFeed.token_hash == hashed, CalendarFeed.revoked_at.is_(None)
        )
    )
    found = actor_of(session, user_id) if user_id is not None else None
    return found if found is not None and found.may("activity:add") else None


def has_feed(session: Session, viewer: Actor) -> bool:
    """Whether this person has a live link."""
    statement = sa.select(CalendarFeed.id).where(
        CalendarFeed.user_id == viewer.user_id, CalendarFeed.revoked_at.is_(None)
    )
    return session.scalar(statement.limit(1)) is not None

"""A person's calendar link: a secret in its address, shown once; a new one revokes the old."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import CalendarFeed
from crm.activities.rules.words import Act
from crm.core import audit
from crm.core.permissions import Actor


def token_hash(token: str) -> str:
    """What is stored of a feed's secret."""
    return hashlib.sha256(token.encode("utf-8", "ignore")).hexdigest()


def revoke_feeds(session: Session, *, actor: Actor, at: dt.datetime) -> int:
    """End all links of this person. Returns how many there were."""
    feeds = session.scalars(
        sa.select(CalendarFeed).where(
            CalendarFeed.user_id == actor.user_id, CalendarFeed.revoked_at.is_(None)
        )
    ).all()
    if feeds:
        audit.begin(session, actor=actor, action=Act.FEED, subject=("user", actor.user_id or 0))
    for feed in feeds:
        feed.revoked_at = at
    session.flush()
    return len(feeds)


def new_feed(session: Session, *, actor: Actor, at: dt.datetime) -> str:
    """A new secret; links given out before end. Returns it: it is stored nowhere."""
    actor.require("activity:add")
    audit.begin(session, actor=actor, action=Act.FEED, subject=("user", actor.user_id or 0))
    revoke_feeds(session, actor=actor, at=at)
    token = secrets.token_urlsafe(32)
    session.add(CalendarFeed(user_id=actor.user_id, token_hash=token_hash(token)))
    session.flush()
    return token

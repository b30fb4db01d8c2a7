"""What of the ladder waits for somebody's decision: lists that were read and not yet written."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.firms.rules.words import BatchState
from crm.ladder.models import TagBatch


@dataclass(frozen=True, slots=True)
class OpenList:
    """A published list that has been read and waits to be decided and written."""

    batch_id: int
    title: str
    doubtful: int


def open_lists(session: Session, viewer: Actor, *, limit: int = 5) -> list[OpenList]:
    """Lists this person has read and not written yet, the newest first. One statement."""
    if not viewer.may("ladder:tag"):
        return []
    rows = session.execute(
        sa.select(TagBatch.id, TagBatch.title, TagBatch.counts)
        .where(TagBatch.state == BatchState.READY, TagBatch.created_by_id == viewer.user_id)
        .order_by(TagBatch.id.desc())
        .limit(limit)
    )
    return [OpenList(row.id, row.title, int((row.counts or {}).get("doubtful", 0))) for row in rows]

"""What stands in a person's inbox: only what is about records that may still be seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import InboxItem
from crm.activities.queries.scope import subject_visible
from crm.core.permissions import Actor
from crm.core.records import titles
from crm.core.words import N_, Missing

PAGE = 50
MOST = 99


@dataclass(frozen=True, slots=True)
class Told:
    """An item with the name of its record, as the viewer may read it now."""

    item: InboxItem
    title: str


def _open(viewer: Actor, today: dt.date) -> sa.ColumnElement[bool]:
    return sa.and_(
        InboxItem.user_id == viewer.user_id,
        InboxItem.dismissed_at.is_(None),
        sa.or_(InboxItem.snoozed_until.is_(None), InboxItem.snoozed_until <= today),
        sa.or_(InboxItem.kind.is_(None), subject_visible(InboxItem.kind, InboxItem.subject_id, viewer)),
    )


def count_inbox(session: Session, viewer: Actor, *, today: dt.date) -> int:
    """How many items wait, counted up to `MOST` + 1. One statement."""
    inner = sa.select(InboxItem.id).where(_open(viewer, today)).limit(MOST + 1).subquery()
    return int(session.execute(sa.select(sa.func.count()).select_from(inner)).scalar_one())


def list_inbox(
    session: Session, viewer: Actor, *, today: dt.date, after: int | None = None, size: int = PAGE
) -> tuple[list[Told], bool]:
    """The waiting items, newest first, behind the item `after`; whether there are more."""
    statement = sa.select(InboxItem).where(_open(viewer, today))
    if after is not None:
        statement = statement.where(InboxItem.id < after)
    items = list(session.scalars(statement.order_by(InboxItem.id.desc()).limit(size + 1)))
    named = titles(
        session,
        {(item.kind, item.subject_id) for item in items if item.kind and item.subject_id is not None},
        viewer=viewer,
    )
    told = [Told(item, named.get((item.kind or "", item.subject_id or 0), "")) for item in items[:size]]
    return told, len(items) > size


def get_item(session: Session, item_id: int, *, viewer: Actor) -> InboxItem:
    """One of the viewer's own items. Raises `Missing`."""
    found = session.scalar(
        sa.select(InboxItem).where(InboxItem.id == item_id, InboxItem.user_id == viewer.user_id)
    )
    if found is None:
        raise Missing(N_("收件箱里没有这一条。"))
    return found


def own_items(session: Session, ids: Sequence[int], *, viewer: Actor) -> Sequence[InboxItem]:
    """Those of these items that are the viewer's."""
    return session.scalars(
        sa.select(InboxItem).where(InboxItem.id.in_(ids), InboxItem.user_id == viewer.user_id)
    ).all()

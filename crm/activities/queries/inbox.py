"""What stands in a person's inbox: only what is about records that may still be seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import Activity, InboxItem, NextStep
from crm.activities.queries.scope import entry_visible, subject_visible
from crm.activities.rules.inbox import WAITING
from crm.activities.rules.steps import asked_of
from crm.activities.rules.words import StepState
from crm.core.drafts import Draft
from crm.core.permissions import Actor
from crm.core.records import titles
from crm.core.words import N_, Missing

PAGE = 50
MOST = 99


@dataclass(frozen=True, slots=True)
class Told:
    """An item with the name of its record, and what the step or entry it leads to says, as the viewer may read it now."""

    item: InboxItem
    title: str
    text: str = ""


def stands(viewer: Actor) -> sa.ColumnElement[bool]:
    """The viewer's own items that still say something: of a record, an entry, a step that is there and may be seen; of
    something to do, while it is his and open; of something typed, while it is not saved."""
    step = sa.select(sa.func.count()).where(
        NextStep.id == InboxItem.step_id,
        subject_visible(NextStep.kind, NextStep.subject_id, viewer),
        sa.or_(
            InboxItem.code.not_in(sorted(WAITING)),
            sa.and_(NextStep.state == StepState.OPEN, NextStep.owner_id == viewer.user_id),
        ),
    )
    draft = sa.select(sa.func.count()).where(Draft.id == InboxItem.draft_id, Draft.user_id == viewer.user_id)
    return sa.and_(
        InboxItem.user_id == viewer.user_id,
        sa.or_(InboxItem.kind.is_(None), subject_visible(InboxItem.kind, InboxItem.subject_id, viewer)),
        sa.or_(InboxItem.activity_id.is_(None), entry_visible(InboxItem.activity_id, viewer)),
        sa.or_(InboxItem.step_id.is_(None), step.scalar_subquery() == 1),
        sa.or_(InboxItem.draft_id.is_(None), draft.scalar_subquery() == 1),
    )


def _open(viewer: Actor, today: dt.date, *, later: bool = False) -> sa.ColumnElement[bool]:
    is_now = sa.or_(InboxItem.snoozed_until.is_(None), InboxItem.snoozed_until <= today)
    return sa.and_(
        InboxItem.dismissed_at.is_(None),
        InboxItem.snoozed_until > today if later else is_now,
        stands(viewer),
    )


def count_inbox(session: Session, viewer: Actor, *, today: dt.date, later: bool = False) -> int:
    """How many items wait (or are put away until `later`), counted up to `MOST` + 1. One statement."""
    inner = sa.select(InboxItem.id).where(_open(viewer, today, later=later)).limit(MOST + 1).subquery()
    return int(session.execute(sa.select(sa.func.count()).select_from(inner)).scalar_one())


def list_inbox(
    session: Session,
    viewer: Actor,
    *,
    today: dt.date,
    after: int | None = None,
    size: int = PAGE,
    later: bool = False,
) -> tuple[list[Told], bool]:
    """The waiting items (or those put away until `later`), newest first, behind the item `after`; whether there are
    more."""
    statement = sa.select(InboxItem).where(_open(viewer, today, later=later))
    if after is not None:
        statement = statement.where(InboxItem.id < after)
    items = list(session.scalars(statement.order_by(InboxItem.id.desc()).limit(size + 1)))
    named = titles(
        session,
        {(item.kind, item.subject_id) for item in items if item.kind and item.subject_id is not None},
        viewer=viewer,
    )
    said = _said(session, items[:size])
    told = [
        Told(item, named.get((item.kind or "", item.subject_id or 0), ""), said.get(item.id, ""))
        for item in items[:size]
    ]
    return told, len(items) > size


def _said(session: Session, items: Sequence[InboxItem]) -> dict[int, str]:
    """What the steps and entries of these items, which may be seen, say: the first line. Two statements."""
    steps = {item.step_id for item in items if item.step_id}
    entries = {item.activity_id for item in items if item.activity_id}
    of_step = {
        row.id: row.text
        for row in session.execute(sa.select(NextStep.id, NextStep.text).where(NextStep.id.in_(steps)))
    }
    of_entry = {
        row.id: asked_of(row.summary)
        for row in session.execute(
            sa.select(Activity.id, Activity.summary).where(
                Activity.id.in_(entries), Activity.withdrawn_on.is_(None)
            )
        )
    }
    found = {}
    for item in items:
        by_step = "" if "to" in item.params else of_step.get(item.step_id or 0, "")
        found[item.id] = by_step or of_entry.get(item.activity_id or 0, "")
    return found


def get_item(session: Session, item_id: int, *, viewer: Actor) -> InboxItem:
    """One of the viewer's own items. Raises `Missing`."""
    found = session.scalar(
        sa.select(InboxItem).where(InboxItem.id == item_id, InboxItem.user_id == viewer.user_id)
    )
    if found is None:
        raise Missing(N_("收件箱里没有这一条。"))
    return found

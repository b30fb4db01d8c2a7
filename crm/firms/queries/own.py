"""A service officer's own firms: how many, and those nobody has been in touch with for longest."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import Activity, ActivitySubject
from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.queries.scope import visible_to


@dataclass(frozen=True, slots=True)
class Quiet:
    """A firm and the day something last happened with it; None: never."""

    firm_id: int
    name: str
    last_on: dt.date | None


def _own(viewer: Actor) -> list[sa.ColumnElement[bool]]:
    return [Firm.officer_id == viewer.user_id, Firm.archived_on.is_(None), visible_to(viewer)]


def count_own(session: Session, viewer: Actor) -> int:
    """How many firms this person serves."""
    return int(session.scalar(sa.select(sa.func.count()).select_from(Firm).where(*_own(viewer))) or 0)


def quiet_firms(
    session: Session, viewer: Actor, *, before: dt.date, limit: int = 5
) -> tuple[list[Quiet], int]:
    """Own firms with which nothing happened since `before` (by the day it happened, not the day it was typed), the
    longest quiet first, and how many there are. Two statements."""
    last = (
        sa.select(sa.func.max(ActivitySubject.on))
        .join(Activity, Activity.id == ActivitySubject.activity_id)
        .where(
            ActivitySubject.kind == "firm",
            ActivitySubject.subject_id == Firm.id,
            Activity.withdrawn_on.is_(None),
        )
        .correlate(Firm)
        .scalar_subquery()
    )
    where = [*_own(viewer), sa.or_(last.is_(None), last < before)]
    total = int(session.scalar(sa.select(sa.func.count()).select_from(Firm).where(*where)) or 0)
    rows = session.execute(
        sa.select(Firm.id, Firm.name, last.label("last_on"))
        .where(*where)
        .order_by(sa.func.coalesce(last, dt.date(1970, 1, 1)), Firm.name_sort)
        .limit(limit)
    )
    return [Quiet(row.id, row.name, row.last_on) for row in rows], total

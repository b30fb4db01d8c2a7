"""Firms somebody looks after (a service officer's own, a street's): how many, and those nobody has been in touch with
for longest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit
from crm.accounts.rules import UnitKind
from crm.activities.models import Activity, ActivitySubject
from crm.activities.queries.scope import entry_visible
from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.queries.scope import visible_to


@dataclass(frozen=True, slots=True)
class Quiet:
    """A firm and the day something last happened with it; None: never."""

    firm_id: int
    name: str
    last_on: dt.date | None


@dataclass(frozen=True, slots=True)
class Kept:
    """The firms somebody looks after: how many, how many of them are quiet, and the longest quiet ones."""

    firms: int
    quiet: int
    longest: list[Quiet]


def last_contact(viewer: Actor) -> Any:
    """The day something last happened with a firm, by the day it happened, not the day it was typed, as far as the
    viewer may read of it."""
    return (
        sa.select(sa.func.max(ActivitySubject.on))
        .join(Activity, Activity.id == ActivitySubject.activity_id)
        .where(
            ActivitySubject.kind == "firm",
            ActivitySubject.subject_id == Firm.id,
            Activity.withdrawn_on.is_(None),
            entry_visible(ActivitySubject.activity_id, viewer),
        )
        .correlate(Firm)
        .scalar_subquery()
    )


def quiet_since(day: dt.date, viewer: Actor) -> sa.ColumnElement[bool]:
    """Firms with which nothing the viewer may read of has happened from this day on."""
    last = last_contact(viewer)
    return sa.or_(last.is_(None), last < day)


def kept(
    session: Session, viewer: Actor, *, quiet_from: dt.date, street_id: int | None = None, limit: int = 5
) -> Kept:
    """The firms this person serves, or those of a street. Two statements."""
    mine = Firm.officer_id == viewer.user_id if street_id is None else Firm.street_id == street_id
    where = [mine, Firm.archived_on.is_(None), visible_to(viewer)]
    total, quiet = session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.case((quiet_since(quiet_from, viewer), 1))))
        .select_from(Firm)
        .where(*where)
    ).one()
    last = last_contact(viewer)
    rows = session.execute(
        sa.select(Firm.id, Firm.name, last.label("last_on"))
        .where(*where, quiet_since(quiet_from, viewer))
        .order_by(sa.func.coalesce(last, dt.date(1970, 1, 1)), Firm.name_sort, Firm.id)
        .limit(limit)
    )
    return Kept(int(total), int(quiet), [Quiet(row.id, row.name, row.last_on) for row in rows])


def street_of(session: Session, unit_ids: Collection[int]) -> tuple[int, str] | None:
    """The street among these units: id and short name. One statement."""
    row = session.execute(
        sa.select(Unit.id, Unit.short_name)
        .where(Unit.id.in_(sorted(unit_ids)), Unit.kind == UnitKind.STREET)
        .order_by(Unit.id)
        .limit(1)
    ).first()
    return (row.id, row.short_name) if row else None

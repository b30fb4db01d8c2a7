"""The cards of the board: which firms come first in a column, and what stands on their cards."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.models import Application, Certification, StageInterval
from crm.ladder.queries.counts import at_stage, valid_on
from crm.ladder.queries.within import ONE, Within, open_on
from crm.ladder.rules.words import ApplicationStep, Stage

CARDS = 20


class Group(NamedTuple):
    """So many firms of a stage whose next change is on one day (None = none known)."""

    until: dt.date | None
    firms: int


@dataclass(slots=True)
class Held:
    """A certificate on a card."""

    kind: str
    number: str | None
    granted_on: dt.date
    expires_on: dt.date | None


@dataclass(slots=True)
class Card:
    """A firm on the board."""

    id: int
    name: str
    industry: LeadingIndustry
    street: str | None
    officer: str | None
    registered_on: dt.date | None
    since: dt.date
    until: dt.date | None
    is_pending: bool
    held: list[Held] = field(default_factory=list)
    applications: list[tuple[str, ApplicationStep, dt.date]] = field(default_factory=list)

    @property
    def last_day(self) -> dt.date | None:
        """The last day at this stage as things stand."""
        return self.until - dt.timedelta(days=1) if self.until else None


def cards(session: Session, rows: Sequence[Any], as_of: dt.date) -> list[Card]:
    """Cards for rows of `_card_rows`, with what each firm holds and is on the way to. Two statements."""
    ids = [row.id for row in rows]
    held, under_way = held_by(session, ids, as_of), under_way_of(session, ids, as_of)
    return [
        Card(
            row.id, row.name, row.leading_industry, row.street, row.officer, row.registered_on, row.from_on,
            row.to_on, row.is_pending, held[row.id], under_way[row.id],
        )
        for row in rows
    ]  # fmt: skip


def held_by(session: Session, ids: Sequence[int], as_of: dt.date) -> dict[int, list[Held]]:
    """The certificates of these firms that hold on the day; a lapsed national SME is not among them."""
    found: dict[int, list[Held]] = defaultdict(list)
    query = sa.select(
        Certification.firm_id, Certification.kind, Certification.number, Certification.granted_on,
        Certification.expires_on,
    ).where(Certification.firm_id.in_(ids), valid_on(as_of))  # fmt: skip
    for row in session.execute(query.order_by(Certification.granted_on, Certification.id)) if ids else ():
        found[row.firm_id].append(Held(row.kind, row.number, row.granted_on, row.expires_on))
    return found


def under_way_of(
    session: Session, ids: Sequence[int], as_of: dt.date
) -> dict[int, list[tuple[str, ApplicationStep, dt.date]]]:
    """The applications of these firms that are under way: (kind, step now, since)."""
    found: dict[int, list[tuple[str, ApplicationStep, dt.date]]] = defaultdict(list)
    query = sa.select(Application.firm_id, Application.kind, Application.step, Application.step_on).where(
        Application.firm_id.in_(ids), open_on(as_of)
    )
    for row in session.execute(query.order_by(Application.step_on.desc(), Application.id)) if ids else ():
        found[row.firm_id].append((row.kind, row.step, row.step_on))
    return found


def first(
    session: Session,
    within: Within,
    viewer: Actor,
    groups: Mapping[Stage, Sequence[Group]],
    stages: Sequence[Stage],
    after: int = 0,
) -> list[Any]:
    """The next cards of each stage's column, `after` so many, in the order of the board: the next change first,
    then those that are applying, then by name; 待复评 among them. One statement, whatever the number of firms.

    The groups say which day of change the cards end at. Those before it are few and sorted as they are. The day
    itself may be that of thousands (the end of a national registration, no end at all): those that are applying
    are few again, the others are met in the order of names, or sorted where that is the shorter way.
    """
    wanted = after + CARDS
    total = sum(group.firms for found in groups.values() for group in found)
    parts: list[sa.Select[*tuple[Any, ...]]] = []
    skipped: dict[Stage, int] = {}
    for stage in stages:
        found = groups[stage]
        before, number = 0, 0
        while number < len(found) and before + found[number].firms <= after:
            before += found[number].firms
            number += 1
        skipped[stage] = after - before
        first = number
        while number < len(found) and before + found[number].firms < wanted:
            before += found[number].firms
            number += 1
        if number > first:
            days = [group.until for group in found[first:number]]
            parts.append(_some(within, viewer, stage, days, wanted))
        if number < len(found):
            group, left = found[number], wanted - before
            if within.is_narrow or group.firms * group.firms <= left * total:
                parts.append(_some(within, viewer, stage, [group.until], left))
            else:
                parts.append(_some(within, viewer, stage, [group.until], left, True))
                parts.append(_some(within, viewer, stage, [group.until], left, False))
    if not parts:
        return []
    chosen = sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery()
    here = at_stage(within.as_of, pending=None)
    order = (
        *_by_change(), chosen.c.followed.desc(), Firm.name_sort, Firm.id,
    )  # fmt: skip
    rows = session.execute(
        _card_rows()
        .join(chosen, chosen.c.firm_id == Firm.id)
        .join(StageInterval, sa.and_(StageInterval.firm_id == chosen.c.firm_id, here))
        .order_by(*order)
    ).all()
    shown: list[Any] = []
    for stage in stages:
        own = [row for row in rows if row.stage is stage]
        shown += own[skipped[stage] : skipped[stage] + CARDS]
    return shown


def _some(
    within: Within,
    viewer: Actor,
    stage: Stage,
    days: Sequence[dt.date | None],
    limit: int,
    followed: bool | None = None,
) -> sa.Select[*tuple[Any, ...]]:
    """The first firms of a stage whose next change is between the first and the last of these days: (firm_id,
    followed). Without `followed` those that are applying come first, else there are only they or only the others."""
    applying = sa.select(Application.firm_id).where(open_on(within.as_of))
    is_followed = sa.exists(ONE).where(Application.firm_id == Firm.id, open_on(within.as_of))
    if days[-1] is None:
        until: sa.ColumnElement[bool] = StageInterval.to_on.is_(None)
        if days[0] is not None:
            until = sa.or_(until, StageInterval.to_on >= days[0])
    else:
        until = StageInterval.to_on.between(days[0], days[-1])
    at = (StageInterval.stage == stage, until, StageInterval.from_on <= within.as_of)
    if followed is False:
        there = sa.exists(ONE).where(StageInterval.firm_id == Firm.id, *at)
        query = sa.select(Firm.id.label("firm_id"), sa.false().label("followed")).where(
            there, sa.not_(is_followed), *within.where(viewer)
        )
        return query.order_by(Firm.name_sort, Firm.id).limit(limit)
    query = (
        sa.select(Firm.id.label("firm_id"), (sa.true() if followed else is_followed).label("followed"))
        .join(StageInterval, StageInterval.firm_id == Firm.id)
        .where(*at, *within.of(StageInterval.firm_id, viewer))
    )
    if followed:
        query = query.where(StageInterval.firm_id.in_(applying))
    return query.order_by(
        *_by_change(), sa.desc("followed"), Firm.name_sort, Firm.id
    ).limit(limit)  # fmt: skip


def _by_change() -> tuple[sa.UnaryExpression[Any] | sa.ColumnElement[Any], ...]:
    return StageInterval.to_on.is_(None), StageInterval.to_on.asc()


def _card_rows() -> sa.Select[*tuple[Any, ...]]:
    street, officer = aliased(Unit), aliased(User)
    return (
        sa.select(
            Firm.id, Firm.name, Firm.leading_industry, Firm.registered_on, street.short_name.label("street"),
            officer.name.label("officer"), StageInterval.stage, StageInterval.from_on, StageInterval.to_on, StageInterval.is_pending,
        )
        .outerjoin(street, street.id == Firm.street_id)
        .outerjoin(officer, officer.id == Firm.officer_id)
    )  # fmt: skip

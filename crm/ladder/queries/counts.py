"""How many, as of a day: by stage or certificate, by today's leading industry and street."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit
from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.ladder.models import Certification, StageInterval
from crm.ladder.queries.within import Within
from crm.ladder.rules.words import Stage

ALL, NONE = "all", "none"


@dataclass(slots=True)
class Group:
    """Firms of one group; `key` is the code of the industry, the street's name, ``all`` or ``none``."""

    key: str
    ids: list[int] = field(default_factory=list)


def at_stage(
    as_of: dt.date, stage: Stage | None = None, *, pending: bool | None = False
) -> sa.ColumnElement[bool]:
    """Intervals that hold on a day. `pending` False leaves 待复评 out (as counts do), True asks for it, None both."""
    clauses: list[sa.ColumnElement[bool]] = [
        StageInterval.from_on <= as_of,
        sa.or_(StageInterval.to_on.is_(None), StageInterval.to_on > as_of),
    ]
    if stage is not None:
        clauses.append(StageInterval.stage == stage)
    if pending is not None:
        clauses.append(StageInterval.is_pending.is_(pending))
    return sa.and_(*clauses)


def stage_counts(session: Session, within: Within, *, viewer: Actor) -> dict[Stage, int]:
    """How many firms were at each stage on the day, 待复评 left out: every stage, none included. One statement."""
    rows = session.execute(
        sa.select(StageInterval.stage, sa.func.count())
        .where(at_stage(within.as_of), *within.of(StageInterval.firm_id, viewer))
        .group_by(StageInterval.stage)
    )
    found = {stage: int(number) for stage, number in rows}
    return {stage: found.get(stage, 0) for stage in Stage}


def firms_at(value: str, as_of: dt.date) -> sa.ColumnElement[bool] | None:
    """Firms at a stage on a day, 待复评 included as on their page, or at ``none``; None for an unknown value."""
    known = {stage.value: stage for stage in Stage}
    if value == NONE:
        return Firm.id.not_in(present_on(as_of))
    if value not in known:
        return None
    return Firm.id.in_(sa.select(StageInterval.firm_id).where(at_stage(as_of, known[value], pending=None)))


def valid_on(as_of: dt.date, kind: str | None = None) -> sa.ColumnElement[bool]:
    """Certificates that hold on a day: granted, not lapsed, not ended."""
    clauses: list[sa.ColumnElement[bool]] = [
        Certification.granted_on <= as_of,
        sa.or_(Certification.expires_on.is_(None), Certification.expires_on >= as_of),
        sa.or_(Certification.ended_on.is_(None), Certification.ended_on > as_of),
    ]
    if kind is not None:
        clauses.append(Certification.kind == kind)
    return sa.and_(*clauses)


def present_on(as_of: dt.date) -> sa.Select[Any]:
    """Ids of the firms in the zone on a day: those that have a stage."""
    return sa.select(StageInterval.firm_id).where(at_stage(as_of, pending=None))


def count_firms(
    session: Session,
    *,
    as_of: dt.date,
    viewer: Actor,
    kind: str | None = None,
    stage: Stage | None = None,
    by: str | None = None,
) -> list[Group]:
    """Firms with a valid certificate of `kind`, or at `stage`, on a day, in groups. One statement.

    A firm outside the zone on that day counts for nothing; 待复评 is left out. Industry and street are today's.
    """
    if kind is not None:
        chosen = Firm.id.in_(sa.select(Certification.firm_id).where(valid_on(as_of, kind)))
        where = sa.and_(chosen, Firm.id.in_(present_on(as_of)))
    else:
        where = Firm.id.in_(sa.select(StageInterval.firm_id).where(at_stage(as_of, stage)))
    key: sa.ColumnElement[Any] = sa.literal(ALL)
    statement = sa.select(Firm.id)
    if by == "leading-industry":
        key = sa.type_coerce(Firm.leading_industry, sa.String)
    elif by == "street":
        key = sa.type_coerce(Unit.short_name, sa.String)
        statement = statement.outerjoin(Unit, Unit.id == Firm.street_id)
    groups: dict[str, Group] = {} if by else {ALL: Group(ALL)}
    rows = session.execute(
        statement.add_columns(key.label("key")).where(where, visible_to(viewer)).order_by(Firm.id)
    )
    for firm_id, name in rows:
        found = name or NONE
        groups.setdefault(found, Group(found)).ids.append(firm_id)
    return sorted(groups.values(), key=lambda group: (group.key == NONE, group.key))

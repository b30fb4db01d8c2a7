"""How firms went from stage to stage between two days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.ladder.models import StageInterval
from crm.ladder.queries.counts import at_stage
from crm.ladder.queries.within import Within
from crm.ladder.rules.words import Stage


@dataclass(frozen=True, slots=True)
class Flow:
    """So many firms went from one stage (None = not in the zone) to another between two days."""

    since: dt.date
    until: dt.date
    old: Stage | None
    new: Stage | None
    count: int


def flows(
    session: Session, days: Sequence[dt.date], *, viewer: Actor, within: Within | None = None
) -> list[Flow]:
    """Between each two neighbouring days: one statement a pair. 待复评 counts as its stage here."""
    clauses = within.where(viewer) if within is not None else [visible_to(viewer)]
    found: list[Flow] = []
    for since, until in pairwise(days):
        old = (
            sa.select(StageInterval.firm_id, StageInterval.stage)
            .where(at_stage(since, pending=None))
            .subquery()
        )
        new = (
            sa.select(StageInterval.firm_id, StageInterval.stage)
            .where(at_stage(until, pending=None))
            .subquery()
        )
        query = (
            sa.select(old.c.stage, new.c.stage, sa.func.count())
            .select_from(Firm)
            .outerjoin(old, old.c.firm_id == Firm.id)
            .outerjoin(new, new.c.firm_id == Firm.id)
            .where(sa.or_(old.c.firm_id.is_not(None), new.c.firm_id.is_not(None)), *clauses)
            .group_by(old.c.stage, new.c.stage)
        )
        found.extend(Flow(since, until, *row) for row in session.execute(query))
    return found

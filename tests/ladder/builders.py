"""Firms for the ladder's tests, entered as the product would."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms.actions.guards import named
from crm.firms.models import Firm
from crm.ladder.models import StageInterval
from crm.ladder.rules.words import Stage

D = dt.date
TODAY = D(2026, 11, 23)
SYSTEM = system("tests")
NUMBER = "GR2025330{:05d}"


def firms(session: Session, count: int, **values: Any) -> list[Firm]:
    """So many firms, registered in 2015, committed."""
    audit.begin(session, actor=SYSTEM, action="tests.firms")
    rows = [
        {"registered_on": D(2015, 3, 1), **values, **named(f"浙江试验{index:05d}电气有限公司")}
        for index in range(count)
    ]
    ids = audit.insert_many(session, Firm, rows)
    commit(session)
    return [session.get_one(Firm, firm_id) for firm_id in ids]


def firm(session: Session, name: str = "浙江松岳电气有限公司", **values: Any) -> Firm:
    audit.begin(session, actor=SYSTEM, action="tests.firm")
    made = Firm(**{"registered_on": D(2015, 3, 1), **values, **named(name)})
    session.add(made)
    session.flush()
    commit(session)
    return made


def stages(session: Session, firm_id: int) -> list[tuple[dt.date, dt.date | None, Stage, bool]]:
    rows = session.execute(
        sa.select(StageInterval.from_on, StageInterval.to_on, StageInterval.stage, StageInterval.is_pending)
        .where(StageInterval.firm_id == firm_id)
        .order_by(StageInterval.from_on)
    )
    return [tuple(row) for row in rows]


def stage_on(session: Session, firm_id: int, day: dt.date) -> Stage | None:
    for since, until, stage, _pending in stages(session, firm_id):
        if since <= day and (until is None or day < until):
            return stage
    return None

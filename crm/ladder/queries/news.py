"""What changed on the ladder within some days: firms that came to another stage, certificates granted and ended."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.ladder.models import StageInterval
from crm.ladder.rules.words import Stage


@dataclass(frozen=True, slots=True)
class StageMove:
    """A firm came to a stage (None: it left the ladder), from another (None: it came in)."""

    firm_id: int
    firm: str
    on: dt.date
    before: Stage | None
    after: Stage | None
    is_up: bool


_ORDER = list(Stage)


def _moved(viewer: Actor, first: dt.date, last: dt.date) -> tuple[Any, Any, list[sa.ColumnElement[bool]]]:
    now, was = aliased(StageInterval), aliased(StageInterval)
    return now, was, [
        now.from_on.between(first, last),
        sa.or_(was.stage.is_(None), was.stage != now.stage),
        visible_to(viewer),
        Firm.archived_on.is_(None),
    ]  # fmt: skip


def stage_moves(
    session: Session,
    viewer: Actor,
    *,
    first: dt.date,
    last: dt.date,
    limit: int = 6,
    officer_id: int | None = None,
) -> tuple[list[StageMove], int]:
    """Firms that came to another stage in these days, the latest first, and how many there are. Two statements."""
    now, was, where = _moved(viewer, first, last)
    if officer_id is not None:
        where.append(Firm.officer_id == officer_id)
    source = (
        sa.select(now.firm_id, Firm.name, now.from_on, was.stage.label("before"), now.stage.label("after"))
        .join(Firm, Firm.id == now.firm_id)
        .outerjoin(was, sa.and_(was.firm_id == now.firm_id, was.to_on == now.from_on))
        .where(*where)
    )
    total = session.execute(sa.select(sa.func.count()).select_from(source.subquery())).scalar_one()
    rows = session.execute(source.order_by(now.from_on.desc(), now.firm_id).limit(limit))
    return [
        StageMove(
            row.firm_id, row.name, row.from_on, row.before, row.after,
            row.before is None or _ORDER.index(row.after) > _ORDER.index(row.before),
        )
        for row in rows
    ], int(total)  # fmt: skip

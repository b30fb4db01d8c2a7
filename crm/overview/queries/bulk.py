"""Reads of bulk changes: one's own only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import lists
from crm.core.permissions import Actor
from crm.core.records import RecordKind
from crm.core.words import N_, Missing
from crm.overview.models import BulkRow, BulkRun
from crm.overview.rules.bulk import BulkResult

SORT = lists.Sort("id", N_("序号"), BulkRow.id)
NAMED = 20  # names on the page that asks


def get_run(session: Session, run_id: int, *, viewer: Actor, lock: bool = False) -> BulkRun:
    """A bulk change of one's own. Raises `Missing` for others'."""
    statement = sa.select(BulkRun).where(BulkRun.id == run_id, BulkRun.owner_id == (viewer.user_id or 0))
    found = session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise Missing(N_("没有这次批量修改，或者它是别人的。"))
    return found


def sample(session: Session, run: BulkRun, kind: RecordKind, *, viewer: Actor) -> tuple[list[str], int]:
    """Names of the first chosen rows with what they hang on, and how many of all the viewer may not change."""
    chosen = sa.select(BulkRow.row_id).where(BulkRow.run_id == run.id)
    name, row_id = kind.column(kind.name), kind.column("id")
    rows = session.execute(
        sa.select(row_id.label("id"), name.label("name"))
        .where(row_id.in_(chosen), kind.visible_to(viewer))
        .order_by(row_id)
        .limit(NAMED)
    ).all()
    told = about(session, kind, [row.id for row in rows], viewer=viewer)
    may = session.scalar(
        sa.select(sa.func.count()).select_from(kind.model).where(row_id.in_(chosen), kind.editable_by(viewer))
    )
    names = [f"{row.name or '—'}（{told[row.id]}）" if told.get(row.id) else row.name or "—" for row in rows]
    return names, run.total - int(may or 0)


def about(session: Session, kind: RecordKind, ids: Sequence[int], *, viewer: Actor) -> Mapping[int, str]:
    """What rows hang on, where their kind says so."""
    return kind.about(session, ids, viewer) if kind.about is not None and ids else {}


def _rows(run: BulkRun, kind: RecordKind, result: BulkResult | None, viewer: Actor) -> sa.Select[Any]:
    """Rows of a run with the names the viewer may still see."""
    name, link = kind.column(kind.name), kind.column(kind.id_from)
    seen = sa.and_(kind.column("id") == BulkRow.row_id, kind.visible_to(viewer))
    statement = (
        sa.select(
            BulkRow.id,
            BulkRow.row_id,
            BulkRow.result,
            BulkRow.message,
            name.label("name"),
            link.label("link"),
        )
        .select_from(BulkRow)  # said: what a viewer sees may name further tables
        .outerjoin(kind.model, seen)
        .where(BulkRow.run_id == run.id)
    )
    return statement.where(BulkRow.result == result) if result is not None else statement


def results(
    session: Session,
    run: BulkRun,
    kind: RecordKind,
    wanted: lists.Asked,
    result: BulkResult | None,
    *,
    viewer: Actor,
) -> lists.Page:
    """One page of what became of each row."""
    return lists.page(session, _rows(run, kind, result, viewer), wanted, BulkRow.id)


def every_result(
    session: Session, run: BulkRun, kind: RecordKind, *, viewer: Actor
) -> Iterator[Sequence[Any]]:
    """All of them, a thousand at a time."""
    last = 0
    while True:
        statement = _rows(run, kind, None, viewer).where(BulkRow.id > last).order_by(BulkRow.id).limit(1000)
        rows = session.execute(statement).all()
        if rows:
            yield rows
            last = rows[-1].id
        if len(rows) < 1000:
            return

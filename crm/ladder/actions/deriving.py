"""The stage intervals, recomputed for the firms a transaction touched: set-based, and only what changed is written."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.core import audit
from crm.core.bulk import insert_rows, within
from crm.core.clock import local
from crm.core.transaction import Derive
from crm.firms.models import AboveScale, Firm, FirmMove, YearFigures
from crm.firms.rules.words import PRESENT, FirmStatus, LeadingIndustry
from crm.ladder.models import Certification, StageInterval
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.stages import Facts, Interval, Title, derive
from crm.ladder.rules.words import CountsFor

CHUNK = 2000
_SOURCES: dict[str, Any] = {
    model.__tablename__: model for model in (Certification, AboveScale, FirmMove, YearFigures)
}
_COUNTED = [kind.code for kind in KINDS.values() if kind.counts_for is not CountsFor.BADGE]
_CAUSES = {
    FirmStatus.ACTIVE: "reopened",
    FirmStatus.MOVED_IN: "moved-in",
    FirmStatus.MOVED_OUT: "moved-out",
    FirmStatus.CLOSED: "closed",
}


def recompute(session: Session, touched: dict[str, set[int]]) -> None:
    """Bring the stage intervals of the touched firms up to date. `touched` is table → row ids."""
    rebuild(session, list(_firms(session, touched)))


def rebuild(session: Session, firm_ids: Sequence[int]) -> int:
    """Derive the stages of these firms anew. Returns how many intervals were written or removed."""
    written = 0
    ids = sorted(set(firm_ids))
    for start in range(0, len(ids), CHUNK):
        written += _rebuild(session, ids[start : start + CHUNK])
    return written


STAGES = Derive(
    "ladder.stages",
    frozenset({"firms", "firm_moves", "certifications", "above_scale", "year_figures"}),
    recompute,
)


def _firms(session: Session, touched: dict[str, set[int]]) -> set[int]:
    """The firms behind touched rows; rows deleted or moved to another firm are found in the change rows."""
    firms = set(touched.get("firms", ()))
    tables = [table for table in touched if table in _SOURCES]
    for table in tables:
        model = _SOURCES[table]
        ids = sorted(touched[table])
        for start in range(0, len(ids), CHUNK):
            firms.update(
                session.scalars(
                    sa.select(model.firm_id).where(model.id.in_(ids[start : start + CHUNK])).distinct()
                )
            )
    operation = audit.running(session)
    if operation is not None and tables:
        before = sa.select(audit.AuditChange.before).where(
            audit.AuditChange.operation == operation.id,
            audit.AuditChange.kind.in_(tables),
            audit.AuditChange.verb != "insert",
        )
        firms.update(int(row["firm_id"]) for row in session.scalars(before) if row.get("firm_id") is not None)
    return firms


def _rebuild(session: Session, firm_ids: Sequence[int]) -> int:
    columns = (
        Firm.id, Firm.registered_on, Firm.created_at, Firm.status, Firm.status_on, Firm.archived_on,
        Firm.leading_industry, Firm.merged_into_id,
    )  # fmt: skip

    def among(column: InstrumentedAttribute[int]) -> sa.ColumnElement[bool]:
        return within(column, firm_ids)

    # the lock makes a second writer of the same firm wait, and then read what the first has committed
    firms = session.execute(
        sa.select(*columns).where(among(Firm.id)).order_by(Firm.id).with_for_update(key_share=True)
    ).all()
    titles: dict[int, list[Title]] = defaultdict(list)
    cells = (
        Certification.firm_id, Certification.kind, Certification.granted_on, Certification.expires_on,
        Certification.ended_on, Certification.end_cause, Certification.number,
    )  # fmt: skip
    held = sa.select(*cells).where(among(Certification.firm_id), Certification.kind.in_(_COUNTED))
    for row in session.execute(held.order_by(Certification.granted_on, Certification.id)):
        titles[row.firm_id].append(
            Title(row.kind, row.granted_on, row.expires_on, row.ended_on, row.end_cause, row.number)
        )
    scale: dict[int, dict[int, bool]] = defaultdict(dict)
    query = sa.select(AboveScale.firm_id, AboveScale.year, AboveScale.is_above)
    for firm_id, year, is_above in session.execute(query.where(among(AboveScale.firm_id))):
        scale[firm_id][year] = is_above
    revenue: dict[int, dict[int, int]] = defaultdict(dict)
    figures = sa.select(YearFigures.firm_id, YearFigures.year, YearFigures.revenue_yuan).where(
        among(YearFigures.firm_id), YearFigures.revenue_yuan.is_not(None)
    )
    for firm_id, year, amount in session.execute(figures):
        revenue[firm_id][year] = amount or 0
    moves: dict[int, list[tuple[dt.date, FirmStatus]]] = defaultdict(list)
    steps = sa.select(FirmMove.firm_id, FirmMove.on, FirmMove.status).where(among(FirmMove.firm_id))
    for firm_id, on, status in session.execute(steps.order_by(FirmMove.on, FirmMove.id)):
        moves[firm_id].append((on, status))
    wanted: dict[int, list[Interval]] = {}
    industries: dict[int, LeadingIndustry] = {}
    days: dict[dt.datetime, dt.date] = {}  # rows of one import share their moment
    for firm_id, registered_on, created_at, status, status_on, archived_on, industry, merged_into_id in firms:
        industries[firm_id] = industry
        if merged_into_id is not None:
            continue  # counted where it went, and nowhere twice
        if created_at not in days:
            days[created_at] = local(created_at).date()
        first = [title.granted_on for title in titles[firm_id]]
        facts = Facts(
            presence(registered_on, days[created_at], first, moves[firm_id], status, status_on, archived_on),
            titles[firm_id],
            scale[firm_id],
            revenue[firm_id],
        )
        wanted[firm_id] = derive(facts)
    return _write(session, firm_ids, wanted, industries)


def presence(
    registered_on: dt.date | None,
    seen_on: dt.date,
    granted: Iterable[dt.date],
    moves: Sequence[tuple[dt.date, FirmStatus]],
    status: FirmStatus,
    status_on: dt.date | None,
    archived_on: dt.date | None,
) -> list[tuple[dt.date, bool, str]]:
    """The days a firm came into the zone and left it. It is there from its registration, or from the first day
    anything is known of it; when its first move is 迁入, from that day."""
    steps = list(moves)
    if not steps and status_on is not None:
        steps = [(status_on, status)]
    found: list[tuple[dt.date, bool, str]] = []
    if steps and steps[0][1] is FirmStatus.MOVED_IN:
        pass
    elif not steps and status not in PRESENT:
        return []  # outside, and nobody says since when
    else:
        days = [*granted, *(on for on, _ in steps), seen_on]
        first = min(days if registered_on is None else [*days, registered_on])
        found.append((first, True, "registered" if registered_on == first else "first-seen"))
    found.extend((on, step in PRESENT, _CAUSES[step]) for on, step in steps)
    if archived_on is not None:
        found = [item for item in found if item[0] < archived_on] + [(archived_on, False, "archived")]
    return found


def _write(
    session: Session,
    firm_ids: Sequence[int],
    wanted: dict[int, list[Interval]],
    industries: dict[int, LeadingIndustry],
) -> int:
    """Replace what differs: unchanged intervals keep their rows."""
    known: dict[int, dict[tuple[Any, ...], int]] = defaultdict(dict)
    cells = (
        StageInterval.firm_id, StageInterval.id, StageInterval.from_on, StageInterval.to_on, StageInterval.stage,
        StageInterval.is_pending, StageInterval.cause, StageInterval.params, StageInterval.industry,
    )  # fmt: skip
    for firm_id, row_id, *rest in session.execute(
        sa.select(*cells).where(within(StageInterval.firm_id, firm_ids))
    ):
        known[firm_id][_key(*rest)] = row_id
    gone: list[int] = []
    rows: list[dict[str, Any]] = []
    for firm_id in firm_ids:
        old = known[firm_id]
        for item in wanted.get(firm_id, ()):
            if old.pop(_key(*item, industries[firm_id]), None) is None:
                rows.append({"firm_id": firm_id, **item._asdict(), "industry": industries[firm_id]})
        gone.extend(old.values())
    for start in range(0, len(gone), CHUNK):
        session.execute(
            sa.delete(StageInterval).where(StageInterval.id.in_(gone[start : start + CHUNK])),
            execution_options={"synchronize_session": False},
        )
    insert_rows(session.connection(), cast(sa.Table, StageInterval.__table__), rows)
    return len(gone) + len(rows)


def _key(
    from_on: dt.date, to_on: Any, stage: Any, is_pending: bool, cause: str, params: Any, industry: Any
) -> tuple[Any, ...]:
    return from_on, to_on, stage, is_pending, cause, tuple(sorted(params.items())), industry

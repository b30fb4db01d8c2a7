"""Cells of a staged row put right on screen: judged again by the same rules as the file, and against the other rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Conflict, Message, Refused
from crm.firms.actions.staging import Staged, judge, require
from crm.firms.actions.targets import target_of, whole_of
from crm.firms.models import ImportBatch, ImportRow
from crm.firms.queries.staged import rows_beside
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.joining import Joined, Seen
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import Act, BatchState, RowOutcome, SheetKind


def judge_again(
    session: Session, batch: ImportBatch, reads: Sequence[Any], *, actor: Actor, today: dt.date
) -> list[Staged]:
    """The verdicts on rows `reads` (`firms.sheets.Parsed`, put right), beside the other rows of their batch. Writes
    nothing."""
    staged = judge(session, reads, actor=actor, sheet=batch.sheet, mode=batch.mode, today=today)
    good = [item for item in staged if item.joined.outcome is not RowOutcome.REFUSED]
    others = {read.row_no for read in reads}
    if SHEETS[batch.sheet].stands_alone:
        _refuse_twice_in_records(session, batch, good, others)
    elif batch.sheet is SheetKind.REGISTRY:
        _refuse_twice_in_registry(session, batch, good, others)
    else:
        _refuse_twice_in_holdings(session, batch, good, others)
    return staged


def _refuse_twice_in_registry(
    session: Session, batch: ImportBatch, good: Sequence[Staged], mine: Collection[int]
) -> None:
    seen = Seen()
    for row_no, values, firm_id in rows_beside(session, batch.id) if good else ():
        if row_no not in mine:
            seen.before(row_no, firm_id, values)
    for item in good:
        twice = seen.before(item.read.row_no, item.joined.firm_id, item.read.values)
        if twice is not None:
            item.joined, item.changes = twice, {}


def _refuse_twice_in_records(
    session: Session, batch: ImportBatch, good: Sequence[Staged], mine: Collection[int]
) -> None:
    key = whole_of(batch.sheet).key
    seen = {
        key(record_id or 0, values): row_no
        for row_no, values, record_id in (rows_beside(session, batch.id) if good else ())
        if row_no not in mine
    }
    for item in good:
        earlier = seen.get(key(item.joined.firm_id or 0, item.read.values))
        if earlier is not None:
            reason = Message(N_("与第 %(row)s 行重复"), {"row": earlier})
            item.joined, item.changes = Joined(RowOutcome.REFUSED, reasons=[kept(reason)]), {}


def _refuse_twice_in_holdings(
    session: Session, batch: ImportBatch, good: Sequence[Staged], mine: Collection[int]
) -> None:
    key = target_of(batch.sheet).key
    for item in good:
        firm_id = item.joined.firm_id
        if firm_id is None:
            continue
        wanted = key(firm_id, item.read.values)
        for row_no, values, _firm in rows_beside(session, batch.id, firm_id):
            if row_no not in mine and key(firm_id, values) == wanted:
                reason = Message(N_("与第 %(row)s 行重复"), {"row": row_no})
                item.joined = Joined(RowOutcome.REFUSED, reasons=[kept(reason)])
                item.changes = {}
                break


def fix(
    session: Session, batch: ImportBatch, staged: Staged, *, actor: Actor, seen_fixes: Mapping[str, str]
) -> ImportRow:
    """Store the new verdict on a row. `seen_fixes` are the corrections the judged row had before; raises `Conflict`
    when somebody has put it right meanwhile."""
    require(actor, batch.sheet)
    row = session.scalars(
        sa.select(ImportRow)
        .where(ImportRow.batch_id == batch.id, ImportRow.row_no == staged.read.row_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    check_open(batch, row)
    if dict(row.fixes) != dict(seen_fixes):
        raise Conflict(N_("这一行刚刚被别人改过，请重新查看后再改。"))
    audit.begin(
        session, actor=actor, action=Act.IMPORT_DECIDE, subject=("import", batch.id), row=row.row_no,
        columns=sorted(staged.read.fixes),
    )  # fmt: skip
    counts = dict(batch.counts)
    counts[row.outcome.value] = counts.get(row.outcome.value, 0) - 1
    joined = staged.joined
    counts[joined.outcome.value] = counts.get(joined.outcome.value, 0) + 1
    row.raw, row.values, row.fixes = dict(staged.read.raw), dict(staged.read.values), dict(staged.read.fixes)
    row.outcome, row.firm_id, row.how = (
        joined.outcome,
        joined.firm_id,
        joined.how.value if joined.how else None,
    )
    row.candidates, row.reasons, row.changes = joined.candidates, joined.reasons, staged.changes
    row.decision = None
    batch.counts = counts
    session.flush()
    return row


def check_open(batch: ImportBatch, row: ImportRow) -> None:
    """Raises `Refused` unless the row is refused or doubtful (or was put right on screen) in an open batch."""
    may_fix = row.outcome in (RowOutcome.REFUSED, RowOutcome.DOUBTFUL) or bool(row.fixes)
    if batch.state is not BatchState.READY or not may_fix:
        raise Refused(N_("这一行现在不能改。"))

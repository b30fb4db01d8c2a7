"""A staged import is written and taken back. A long one goes part by part, each an operation of its own, so that
nobody's save waits long; what was written of one that cannot be ended is taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.undo import Blocked, undo
from crm.core.words import N_, Conflict, Refused
from crm.firms.actions import appointing, registering
from crm.firms.actions.registering import Entry
from crm.firms.actions.staging import FIRM, SKIP, require
from crm.firms.actions.targets import Incoming, target_of, whole_of
from crm.firms.models import ImportBatch, ImportFile, ImportPart, ImportRow
from crm.firms.queries.known import known_firms
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.words import Act, BatchState, RowOutcome, SheetKind


@dataclass(frozen=True, slots=True)
class Part:
    """What was written at once: how many rows, and whether it was the last of them."""

    operation: audit.Operation
    count: int
    is_last: bool


def wanted(batch_id: int, after: int = 0) -> sa.ColumnElement[bool]:
    """The rows to write behind a row: new and changed ones, and doubtful ones that somebody has decided."""
    return sa.and_(
        ImportRow.batch_id == batch_id,
        ImportRow.row_no > after,
        sa.or_(
            ImportRow.outcome.in_([RowOutcome.NEW, RowOutcome.CHANGED]),
            sa.and_(ImportRow.outcome == RowOutcome.DOUBTFUL, ImportRow.decision.is_not(None)),
        ),
    )


def check(session: Session, batch: ImportBatch) -> int:
    """How many rows are to be written. Raises `Conflict` when some firm has been registered by somebody else since;
    reads only, so that a long import that must fail does so before its first part."""
    if batch.sheet is SheetKind.REGISTRY:
        rows = session.execute(
            sa.select(ImportRow.row_no, ImportRow.values)
            .where(wanted(batch.id, _last(session, batch.id)), ImportRow.outcome == RowOutcome.NEW)
            .order_by(ImportRow.row_no)
        )
        registering.refuse_newer(session, [Entry(row.row_no, row.values) for row in rows])
    return session.scalars(sa.select(sa.func.count()).select_from(ImportRow).where(wanted(batch.id))).one()


def write(session: Session, batch: ImportBatch, *, actor: Actor, today: dt.date) -> audit.Operation:
    """Write the batch as it was previewed and decided: all of it or nothing. Doubtful rows nobody decided are
    left out. Raises `Conflict` when the registry has moved on."""
    return write_part(session, batch, actor=actor, today=today, most=None).operation


def write_part(
    session: Session, batch: ImportBatch, *, actor: Actor, today: dt.date, most: int | None
) -> Part:
    """Write the next rows, at most so many; with the last of them the batch is done. Raises `Conflict`."""
    require(actor, batch.sheet)
    session.refresh(batch, with_for_update=True)  # sent twice: the second waits here, and then finds it done
    if batch.state not in (BatchState.READY, BatchState.WRITING):
        raise Refused(N_("这次导入已经是「%(state)s」。"), state=batch.state)
    operation = audit.begin(
        session, actor=actor, action=Act.IMPORT_WRITE, subject=("import", batch.id), sheet=batch.sheet.value,
        filename=batch.filename, sha256=batch.sha256, counts=batch.counts,
    )  # fmt: skip
    after = _last(session, batch.id)
    statement = (
        sa.select(
            ImportRow.row_no, ImportRow.values, ImportRow.outcome, ImportRow.firm_id, ImportRow.changes,
            ImportRow.decision,
        )
        .where(wanted(batch.id, after))
        .order_by(ImportRow.row_no)
    )  # fmt: skip
    rows = session.execute(statement.limit(most + 1) if most is not None else statement).all()
    is_last = most is None or len(rows) <= most
    rows = rows if is_last else rows[:most]
    try:
        _write_rows(session, batch, rows, actor=actor, today=today)
    except IntegrityError:
        session.rollback()
        raise Conflict(N_("同样的内容刚刚由别人保存了，请刷新后核对。")) from None
    last = rows[-1].row_no if rows else after
    session.add(ImportPart(batch_id=batch.id, operation=operation.id, last_row=last, count=len(rows)))
    if SHEETS[batch.sheet].is_private:
        _forget(session, batch.id, None if is_last else last)
    if is_last:
        batch.operation, batch.state, batch.problem = operation.id, BatchState.DONE, None
        session.execute(sa.delete(ImportFile).where(ImportFile.batch_id == batch.id))
    elif batch.state is BatchState.READY:
        batch.state = BatchState.WRITING  # a part is in: no other columns, no other decisions from here on
    session.flush()
    return Part(operation, len(rows), is_last)


def _last(session: Session, batch_id: int) -> int:
    found = session.scalar(sa.select(sa.func.max(ImportPart.last_row)).where(ImportPart.batch_id == batch_id))
    return found or 0


def written(session: Session, batch_id: int) -> int:
    """How many rows are in so far."""
    count = sa.select(sa.func.sum(ImportPart.count)).where(ImportPart.batch_id == batch_id)
    return int(session.scalar(count) or 0)


def parts_of(session: Session, batch_id: int) -> list[ImportPart]:
    """The parts that are in, the newest first: the order in which they can be taken back."""
    return list(
        session.scalars(
            sa.select(ImportPart).where(ImportPart.batch_id == batch_id).order_by(ImportPart.id.desc())
        )
    )


def take_back(session: Session, batch: ImportBatch, part: ImportPart, *, actor: Actor) -> audit.Operation:
    """Undo one part. Raises `Blocked` with what is in the way."""
    require(actor, batch.sheet)
    audit.begin(session, actor=actor, action=Act.IMPORT_UNDO, subject=("import", batch.id))
    done = undo(session, part.operation, actor=actor)
    session.delete(part)
    session.flush()
    return done


def bring_back(
    session: Session,
    batch: ImportBatch,
    undone: audit.Operation | str,
    part: tuple[int, int],
    *,
    actor: Actor,
) -> None:
    """Undo the undo of a part `(last row, count)`: the whole could not be taken back, so none of it is."""
    audit.begin(session, actor=actor, action=Act.IMPORT_WRITE, subject=("import", batch.id))
    done = undo(session, undone if isinstance(undone, str) else undone.id, actor=actor)
    session.add(ImportPart(batch_id=batch.id, operation=done.id, last_row=part[0], count=part[1]))
    session.flush()


def reopen(session: Session, batch: ImportBatch, *, actor: Actor) -> None:
    """Nothing of the batch is in any more: it can be put right and written again."""
    audit.begin(session, actor=actor, action=Act.IMPORT_DECIDE, subject=("import", batch.id))
    batch.state = BatchState.READY
    session.flush()


def close(
    session: Session, batch: ImportBatch, *, actor: Actor, state: BatchState, operation: str | None
) -> None:
    """The end of taking a long import back: undone, or done as before when something stood in the way."""
    audit.begin(session, actor=actor, action=Act.IMPORT_UNDO, subject=("import", batch.id))
    batch.state = state
    if state is BatchState.UNDONE:
        batch.undo_operation = operation
    session.flush()


def undo_import(session: Session, batch: ImportBatch, *, actor: Actor) -> None:
    """Take a whole import back in one transaction. Raises `Blocked` with what is in the way."""
    check_undo(batch, actor)
    session.refresh(batch, with_for_update=True)
    check_undo(batch, actor)
    audit.begin(session, actor=actor, action=Act.IMPORT_UNDO, subject=("import", batch.id))
    done = None
    for part in parts_of(session, batch.id):
        done = take_back(session, batch, part, actor=actor)
    if done is None:  # written before imports had parts
        done = undo(session, batch.operation or "", actor=actor)
    batch.state, batch.undo_operation = BatchState.UNDONE, done.id
    session.flush()


def check_undo(batch: ImportBatch, actor: Actor) -> None:
    """Raises `Refused` when there is nothing to take back."""
    require(actor, batch.sheet)
    if batch.state is not BatchState.DONE or batch.operation is None:
        raise Refused(N_("这次导入没有可以撤销的写入。"))


def hand_over(session: Session, batch: ImportBatch, *, actor: Actor) -> None:
    """Mark a large batch as being written by the queue, so that nobody writes it twice."""
    require(actor, batch.sheet)
    session.refresh(batch, with_for_update=True)
    if batch.state is not BatchState.READY:
        raise Refused(N_("这次导入已经是「%(state)s」。"), state=batch.state)
    audit.begin(session, actor=actor, action=Act.IMPORT_DECIDE, subject=("import", batch.id))
    batch.state = BatchState.WRITING
    session.flush()


def _write_rows(
    session: Session, batch: ImportBatch, rows: Sequence[Any], *, actor: Actor, today: dt.date
) -> None:
    source = batch.source or batch.filename
    if batch.sheet is SheetKind.REGISTRY:
        entries = _entries(session, rows)
        appointing.check_entries(session, entries, actor)
        registering.write(session, entries, actor=actor, today=today, source=source)
        return
    if SHEETS[batch.sheet].stands_alone:
        whole_of(batch.sheet).write(session, _records(rows), actor=actor, today=today, source=source)
        return
    incoming = [
        Incoming(row.row_no, firm_id, row.values, row.outcome)
        for row in rows
        if (firm_id := _chosen(row)) is not None
    ]
    target_of(batch.sheet).write(session, incoming, actor=actor, today=today, source=source)


def _records(rows: Sequence[Any]) -> list[Incoming]:
    """Rows that are records of their own: each with the record it means, 0 for a new one."""
    found = []
    for row in rows:
        is_decided = row.outcome is RowOutcome.DOUBTFUL
        if is_decided and row.decision == SKIP:
            continue
        record_id = (_chosen(row) if is_decided else row.firm_id) or 0
        found.append(Incoming(row.row_no, record_id, row.values, row.outcome))
    return found


def _chosen(row: Any) -> int | None:
    if row.outcome is not RowOutcome.DOUBTFUL:
        return int(row.firm_id)
    return int(row.decision.partition(":")[2]) if row.decision.startswith(f"{FIRM}:") else None


def _entries(session: Session, rows: Sequence[Any]) -> list[Entry]:
    entries: list[Entry] = []
    decided: list[Entry] = []
    for row in rows:
        if row.outcome is RowOutcome.DOUBTFUL:
            if row.decision == SKIP:
                continue
            entry = Entry(row.row_no, row.values, _chosen(row))
            if entry.firm_id is not None:
                decided.append(entry)
        else:
            entry = Entry(row.row_no, row.values, row.firm_id, row.changes)
        entries.append(entry)
    if decided:
        known = known_firms(session, sorted({entry.firm_id or 0 for entry in decided}))
        if any(entry.firm_id not in known.names for entry in decided):
            raise Conflict(N_("选定的企业刚刚被合并了，请重新核对后再写入。"))
        pairs = [(entry.firm_id or 0, entry.values) for entry in decided]
        for entry, changes in zip(decided, registering.compare(session, pairs, known), strict=True):
            entry.changes = changes
    return entries


def _forget(session: Session, batch_id: int, last_row: int | None) -> None:
    """What is private stands in one place only once it is written."""
    upto = sa.true() if last_row is None else ImportRow.row_no <= last_row
    session.execute(
        sa.update(ImportRow)
        .where(ImportRow.batch_id == batch_id, ImportRow.outcome != RowOutcome.REFUSED, upto)
        .values(raw={}, values={}, changes={}, fixes={})
    )


__all__ = [
    "Blocked", "Part", "bring_back", "check", "check_undo", "close", "hand_over", "parts_of", "reopen",
    "take_back", "undo_import", "wanted", "write", "write_part", "written",
]  # fmt: skip

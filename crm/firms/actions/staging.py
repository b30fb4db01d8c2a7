"""Imports, from upload to undo: staged and matched first, shown, then written in one short transaction."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.bulk import insert_rows
from crm.core.permissions import Actor
from crm.core.undo import undo
from crm.core.words import N_, Conflict, Message, Refused
from crm.firms.actions import appointing, registering
from crm.firms.actions.registering import Entry
from crm.firms.actions.targets import Incoming, target_of
from crm.firms.models import ImportBatch, ImportFile, ImportRow
from crm.firms.queries.known import Places, known_firms, places
from crm.firms.rules.joining import Joined, Known, join_holdings, join_registry
from crm.firms.rules.reasons import kept
from crm.firms.rules.standing import check_past
from crm.firms.rules.words import Act, BatchState, ImportMode, RowOutcome, SheetKind

FIRM, NEW, SKIP = "firm", "new", "skip"  # decisions on a doubtful row: "firm:<id>", "new", "skip"


@dataclass(slots=True)
class Read:
    """A row as read from the file (`firms.sheets.Parsed`)."""

    row_no: int
    raw: Mapping[str, str]
    values: dict[str, Any]
    reasons: list[dict[str, Any]]


@dataclass(slots=True)
class Staged:
    """A row with its verdict, before it is stored."""

    read: Any
    joined: Joined
    changes: dict[str, list[Any]]


def upload(
    session: Session,
    *,
    actor: Actor,
    sheet: SheetKind,
    mode: ImportMode,
    filename: str,
    content: bytes,
    source: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> ImportBatch:
    """Take a file in; nothing of it is read yet."""
    require(actor, sheet)
    audit.begin(session, actor=actor, action=Act.IMPORT_READ)
    batch = ImportBatch(
        sheet=sheet, mode=mode, state=BatchState.PARSING, source=(source or "")[:80] or None,
        filename=filename[-200:] or "-", sha256=hashlib.sha256(content).hexdigest(), size=len(content),
        mapping={}, options=dict(options or {}), headings=[], counts={},
    )  # fmt: skip
    session.add(batch)
    session.flush()
    session.execute(sa.insert(ImportFile).values(batch_id=batch.id, content=content))
    return batch


def require(actor: Actor, sheet: SheetKind) -> None:
    """Raises `Forbidden` when the actor may not import this sheet."""
    actor.require("firm:import")
    actor.require("firm:edit" if sheet is SheetKind.REGISTRY else target_of(sheet).permission)


def judge(
    session: Session, rows: Sequence[Any], *, actor: Actor, sheet: SheetKind, mode: ImportMode, today: dt.date
) -> list[Staged]:
    """Match the rows read against the registry and say what each would do. Writes nothing."""
    known = known_firms(session)
    if sheet is SheetKind.REGISTRY:
        staged = _judge_registry(session, rows, known, mode, today)
        appointing.refuse_rows(session, staged, actor)
        return staged
    return _judge_holdings(session, rows, known, sheet, mode, today)


def _judge_registry(
    session: Session, rows: Sequence[Any], known: Known, mode: ImportMode, today: dt.date
) -> list[Staged]:
    lookup = places(session)
    for row in rows:
        _resolve(row, lookup)
        if registered := row.values.get("registered_on"):
            try:
                check_past(dt.date.fromisoformat(registered), today, "registered_on")
            except Refused as refusal:
                row.reasons.append(kept(refusal))
    good = [row for row in rows if not row.reasons]
    verdicts = iter(join_registry([(row.row_no, row.values) for row in good], known, mode))
    staged = [
        Staged(row, Joined(RowOutcome.REFUSED, reasons=row.reasons) if row.reasons else next(verdicts), {})
        for row in rows
    ]
    sure = [
        item for item in staged if item.joined.outcome is RowOutcome.SAME and mode is not ImportMode.CREATE
    ]
    pairs = [(item.joined.firm_id or 0, item.read.values) for item in sure]
    for item, changes in zip(sure, registering.compare(session, pairs, known), strict=True):
        item.changes = changes
        if changes:
            item.joined.outcome = RowOutcome.CHANGED
    return staged


def _judge_holdings(
    session: Session, rows: Sequence[Any], known: Known, sheet: SheetKind, mode: ImportMode, today: dt.date
) -> list[Staged]:
    target = target_of(sheet)
    good = [row for row in rows if not row.reasons]
    verdicts = iter(join_holdings([(row.row_no, row.values) for row in good], known, target.key))
    staged = [
        Staged(row, Joined(RowOutcome.REFUSED, reasons=row.reasons) if row.reasons else next(verdicts), {})
        for row in rows
    ]
    sure = [item for item in staged if item.joined.firm_id is not None]
    incoming = [Incoming(item.read.row_no, item.joined.firm_id or 0, item.read.values) for item in sure]
    target.compare(session, incoming, today=today)
    for item, row in zip(sure, incoming, strict=True):
        item.joined.outcome, item.changes = row.outcome, row.changes
        item.joined.reasons += row.reasons
        if row.outcome is RowOutcome.NEW and mode is ImportMode.UPDATE:
            item.joined.outcome = RowOutcome.REFUSED
            item.joined.reasons.append(kept(Message(N_("库里还没有这一条，「只更新」不新建"))))
        elif row.outcome is RowOutcome.CHANGED and mode is ImportMode.CREATE:
            item.joined.outcome, item.changes = RowOutcome.SAME, {}
            item.joined.reasons.append(kept(Message(N_("已在库里，「只新增」不修改"))))
    return staged


def _resolve(row: Any, lookup: Places) -> None:
    """Street and officer by their ids; a name nobody knows is a reason against the row."""
    street = row.values.pop("street", None)
    if street is not None:
        found = lookup.street(street)
        if found is None:
            row.reasons.append(
                {
                    **kept(Message(N_("没有「%(name)s」这个街道"), {"name": street})),
                    "field": "street",
                    "column": "街道",
                }
            )
        else:
            row.values["street_id"] = found
    officer = row.values.pop("officer", None)
    if officer is not None:
        found = lookup.officer(officer)
        if found is None:
            text = N_("没有叫「%(name)s」的在用人员，或不止一位")
            row.reasons.append(
                {**kept(Message(text, {"name": officer})), "field": "officer", "column": "服务专员"}
            )
        else:
            row.values["officer_id"] = found


def counts_of(staged: Sequence[Staged]) -> dict[str, int]:
    """Rows by outcome, every outcome named."""
    found = Counter(item.joined.outcome.value for item in staged)
    return {outcome.value: found.get(outcome.value, 0) for outcome in RowOutcome}


def stage(
    session: Session,
    batch: ImportBatch,
    staged: Sequence[Staged],
    *,
    actor: Actor,
    mapping: Mapping[str, str],
    headings: Sequence[str],
    sheet_names: Sequence[str] = (),
) -> ImportBatch:
    """Store the verdicts for the preview, in the place of earlier ones."""
    audit.begin(session, actor=actor, action=Act.IMPORT_READ, subject=("import", batch.id))
    session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    rows = [
        {
            "batch_id": batch.id,
            "row_no": item.read.row_no,
            "raw": item.read.raw,
            "parsed": item.read.values,
            "outcome": item.joined.outcome,
            "firm_id": item.joined.firm_id,
            "how": item.joined.how.value if item.joined.how else None,
            "candidates": item.joined.candidates,
            "reasons": item.joined.reasons,
            "changes": item.changes,
            "decision": None,
        }
        for item in staged
    ]
    insert_rows(session.connection(), cast(sa.Table, ImportRow.__table__), rows)
    batch.mapping, batch.headings = dict(mapping), list(headings)
    batch.options = {**batch.options, "sheet_names": list(sheet_names)}
    batch.counts, batch.state, batch.problem = counts_of(staged), BatchState.READY, None
    session.flush()
    return batch


def fail(
    session: Session,
    batch: ImportBatch,
    refusal: Refused,
    *,
    actor: Actor,
    headings: Sequence[str] = (),
    mapping: Mapping[str, str] | None = None,
    sheet_names: Sequence[str] = (),
) -> None:
    """Note why a file could not be read; with its headings, so that the columns can be put right."""
    audit.begin(session, actor=actor, action=Act.IMPORT_READ, subject=("import", batch.id))
    session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    batch.state, batch.problem, batch.counts = BatchState.REFUSED, kept(refusal), {}
    batch.headings, batch.mapping = list(headings), dict(mapping or {})
    batch.options = {**batch.options, "sheet_names": list(sheet_names)}
    session.flush()


def again(
    session: Session,
    batch: ImportBatch,
    *,
    actor: Actor,
    mode: ImportMode | None = None,
    mapping: Mapping[str, str] | None = None,
    **options: Any,
) -> ImportBatch:
    """Change how a file is read (columns, worksheet, unit, mode); it is then read anew."""
    require(actor, batch.sheet)
    if batch.state not in (BatchState.READY, BatchState.REFUSED):
        raise Refused(N_("这次导入已经是「%(state)s」。"), state=batch.state)
    audit.begin(session, actor=actor, action=Act.IMPORT_READ, subject=("import", batch.id))
    batch.mode = mode or batch.mode
    batch.mapping = dict(mapping or {})
    batch.options = {**batch.options, **options}
    batch.state = BatchState.PARSING
    session.flush()
    return batch


def undo_import(session: Session, batch: ImportBatch, *, actor: Actor) -> None:
    """Take a whole import back. Raises `Blocked` with what is in the way."""
    require(actor, batch.sheet)
    if batch.state is not BatchState.DONE or batch.operation is None:
        raise Refused(N_("这次导入没有可以撤销的写入。"))
    audit.begin(session, actor=actor, action=Act.IMPORT_UNDO, subject=("import", batch.id))
    done = undo(session, batch.operation, actor=actor)
    batch.state, batch.undo_operation = BatchState.UNDONE, done.id
    session.flush()


def decide(
    session: Session, batch: ImportBatch, row: ImportRow, *, actor: Actor, decision: str | None
) -> None:
    """Decide a doubtful row: ``firm:<id>`` of one of its candidates, ``new``, ``skip``, or None to think again."""
    require(actor, batch.sheet)
    if batch.state is not BatchState.READY or row.outcome is not RowOutcome.DOUBTFUL:
        raise Refused(N_("这一行现在不能改。"))
    allowed = {SKIP, *(f"{FIRM}:{each['id']}" for each in row.candidates)}
    if batch.sheet is SheetKind.REGISTRY and batch.mode is not ImportMode.UPDATE and row.values.get("name"):
        allowed.add(NEW)
    if decision is not None and decision not in allowed:
        raise Refused(N_("请在列出的企业里选择。"))
    if decision not in (None, SKIP) and batch.sheet is SheetKind.REGISTRY:
        firm_id = None if decision == NEW else int((decision or "").partition(":")[2])
        appointing.check_row(session, row.row_no, firm_id, row.values, actor)
    row.decision = decision
    session.flush()


def write(session: Session, batch: ImportBatch, *, actor: Actor, today: dt.date) -> audit.Operation:
    """Write the batch as it was previewed and decided: all of it or nothing. Doubtful rows nobody decided are
    left out. Raises `Conflict` when the registry has moved on."""
    require(actor, batch.sheet)
    session.refresh(batch, with_for_update=True)  # sent twice: the second waits here, and then finds it done
    if batch.state not in (BatchState.READY, BatchState.WRITING):
        raise Refused(N_("这次导入已经是「%(state)s」。"), state=batch.state)
    operation = audit.begin(
        session, actor=actor, action=Act.IMPORT_WRITE, subject=("import", batch.id), sheet=batch.sheet.value,
        filename=batch.filename, sha256=batch.sha256, counts=batch.counts,
    )  # fmt: skip
    rows = session.execute(
        sa.select(
            ImportRow.row_no, ImportRow.values, ImportRow.outcome, ImportRow.firm_id, ImportRow.changes,
            ImportRow.decision,
        )
        .where(
            ImportRow.batch_id == batch.id,
            sa.or_(
                ImportRow.outcome.in_([RowOutcome.NEW, RowOutcome.CHANGED]),
                sa.and_(ImportRow.outcome == RowOutcome.DOUBTFUL, ImportRow.decision.is_not(None)),
            ),
        )
        .order_by(ImportRow.row_no)
    ).all()  # fmt: skip
    try:
        _write_rows(session, batch, rows, actor=actor, today=today)
    except IntegrityError:
        session.rollback()
        raise Conflict(N_("同样的内容刚刚由别人保存了，请刷新后核对。")) from None
    batch.operation, batch.state = operation.id, BatchState.DONE
    session.execute(sa.delete(ImportFile).where(ImportFile.batch_id == batch.id))
    if batch.sheet is SheetKind.CONTACTS:
        _forget(session, batch.id)
    session.flush()
    return operation


def _write_rows(
    session: Session, batch: ImportBatch, rows: Sequence[Any], *, actor: Actor, today: dt.date
) -> None:
    source = batch.source or batch.filename
    if batch.sheet is SheetKind.REGISTRY:
        entries = _entries(session, rows)
        appointing.check_entries(session, entries, actor)
        registering.write(session, entries, actor=actor, today=today, source=source)
        return
    incoming = [
        Incoming(row.row_no, firm_id, row.values, row.outcome)
        for row in rows
        if (firm_id := _chosen(row)) is not None
    ]
    target_of(batch.sheet).write(session, incoming, actor=actor, today=today, source=source)


def hand_over(session: Session, batch: ImportBatch, *, actor: Actor) -> None:
    """Mark a large batch as being written by the queue, so that nobody writes it twice."""
    require(actor, batch.sheet)
    if batch.state is not BatchState.READY:
        raise Refused(N_("这次导入已经是「%(state)s」。"), state=batch.state)
    audit.begin(session, actor=actor, action=Act.IMPORT_DECIDE, subject=("import", batch.id))
    batch.state = BatchState.WRITING
    session.flush()


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
        known = known_firms(session)
        pairs = [(entry.firm_id or 0, entry.values) for entry in decided]
        for entry, changes in zip(decided, registering.compare(session, pairs, known), strict=True):
            entry.changes = changes
    return entries


def _forget(session: Session, batch_id: int) -> None:
    """Staged contacts are personal: once written they stand in one place only."""
    session.execute(
        sa.update(ImportRow)
        .where(ImportRow.batch_id == batch_id, ImportRow.outcome != RowOutcome.REFUSED)
        .values(raw={}, values={}, changes={})
    )


def drop(session: Session, batch: ImportBatch, *, actor: Actor) -> None:
    """Give an import up before it is written."""
    require(actor, batch.sheet)
    if batch.state in (BatchState.DONE, BatchState.UNDONE, BatchState.WRITING):
        raise Refused(N_("已经写入的导入请用撤销。"))
    audit.begin(session, actor=actor, action=Act.IMPORT_DROP, subject=("import", batch.id))
    batch.state = BatchState.CANCELLED
    session.execute(sa.delete(ImportFile).where(ImportFile.batch_id == batch.id))
    session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    session.flush()

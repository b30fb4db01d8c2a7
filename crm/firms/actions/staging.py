"""Imports up to their preview: taken in, matched with the registry, staged, decided. `writing` writes them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.bulk import CHUNK, insert_rows
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Refused
from crm.firms.actions import appointing, registering
from crm.firms.actions.targets import Incoming, target_of, whole_of
from crm.firms.models import ImportBatch, ImportFile, ImportRow
from crm.firms.queries.known import Places, known_firms, places
from crm.firms.queries.staged import staged_by
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.joining import Joined, Known, join_holdings, join_registry
from crm.firms.rules.reasons import kept
from crm.firms.rules.staged import MOST_BYTES, MOST_STAGED
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
    _refuse_hoard(session, actor, len(content))
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


def _refuse_hoard(session: Session, actor: Actor, size: int) -> None:
    """Files that wait to be written hold names and numbers of people: nobody piles them up."""
    if actor.user_id is None:
        return
    count, size_there = staged_by(session, actor)
    if count >= MOST_STAGED:
        raise Refused(
            N_("您还有 %(count)s 份没有写入的名单，最多 %(most)s 份。请先写入或放弃一些。"),
            count=count, most=MOST_STAGED, field="file",
        )  # fmt: skip
    if size_there + size > MOST_BYTES:
        raise Refused(
            N_("您没有写入的名单加上这一份超过 %(most)s MB。请先写入或放弃一些。"),
            most=MOST_BYTES // 1_000_000, field="file",
        )  # fmt: skip


def require(actor: Actor, sheet: SheetKind) -> None:
    """Raises `Forbidden` when the actor may not import this sheet, `Refused` for one nobody takes."""
    if sheet not in SHEETS:
        raise Refused(N_("还不能导入「%(sheet)s」。"), sheet=sheet)
    actor.require(SHEETS[sheet].base)
    actor.require(SHEETS[sheet].permission)


def judge(
    session: Session, rows: Sequence[Any], *, actor: Actor, sheet: SheetKind, mode: ImportMode, today: dt.date
) -> list[Staged]:
    """Match the rows read against the registry and say what each would do. Writes nothing."""
    if sheet is SheetKind.REGISTRY:
        staged = _judge_registry(session, rows, known_firms(session), mode, today)
        appointing.refuse_rows(session, staged, actor)
        return staged
    if SHEETS[sheet].stands_alone:
        verdicts = whole_of(sheet).judge(session, rows, actor=actor, mode=mode, today=today)
        return [Staged(row, joined, changes) for row, (joined, changes) in zip(rows, verdicts, strict=True)]
    return _judge_holdings(session, rows, known_firms(session, viewer=actor), sheet, mode, today)


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
        item.joined.candidates = row.candidates or item.joined.candidates
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
    **told: Any,
) -> ImportBatch:
    """Store the verdicts for the preview, in the place of earlier ones."""
    session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    put(session, batch.id, staged)
    return settle(
        session, batch, counts_of(staged), actor=actor, mapping=mapping, headings=headings,
        sheet_names=sheet_names, **told,
    )  # fmt: skip


def put(session: Session, batch_id: int, staged: Sequence[Staged]) -> None:
    """Store some of the verdicts; a long import puts them part by part, and `settle` ends it. Never a second copy of
    all of them in memory."""
    for start in range(0, len(staged), CHUNK):
        rows = [
            {
                "batch_id": batch_id,
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
                "fixes": getattr(item.read, "fixes", None) or {},
            }
            for item in staged[start : start + CHUNK]
        ]
        insert_rows(session.connection(), cast(sa.Table, ImportRow.__table__), rows)


def settle(
    session: Session,
    batch: ImportBatch,
    counts: Mapping[str, int],
    *,
    actor: Actor,
    mapping: Mapping[str, str],
    headings: Sequence[str],
    sheet_names: Sequence[str] = (),
    **told: Any,
) -> ImportBatch:
    """The rows are staged: ready for the preview. `told` is what the page says of the reading (options)."""
    audit.begin(session, actor=actor, action=Act.IMPORT_READ, subject=("import", batch.id))
    batch.mapping, batch.headings = dict(mapping), list(headings)
    batch.options = {**batch.options, **told, "sheet_names": list(sheet_names)}
    batch.counts, batch.state, batch.problem = dict(counts), BatchState.READY, None
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
    **told: Any,
) -> None:
    """Note why a file could not be read; with its headings, so that the columns can be put right."""
    audit.begin(session, actor=actor, action=Act.IMPORT_READ, subject=("import", batch.id))
    session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    batch.state, batch.problem, batch.counts = BatchState.REFUSED, kept(refusal), {}
    batch.headings, batch.mapping = list(headings), dict(mapping or {})
    batch.options = {**batch.options, **told, "sheet_names": list(sheet_names)}
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


def clear(session: Session, batch_id: int, *, most: int) -> bool:
    """Drop some staged rows. True while there may be more."""
    some = sa.select(ImportRow.id).where(ImportRow.batch_id == batch_id).limit(most)
    ids = list(session.scalars(some))
    for start in range(0, len(ids), 5000):
        session.execute(sa.delete(ImportRow).where(ImportRow.id.in_(ids[start : start + 5000])))
    return len(ids) == most


def prune(session: Session, batch: ImportBatch, *, actor: Actor) -> None:
    """Nobody has touched the import for long: its file and rows go; one that was not written is given up."""
    audit.begin(session, actor=actor, action=Act.IMPORT_DROP, subject=("import", batch.id))
    if batch.state in (BatchState.PARSING, BatchState.READY, BatchState.REFUSED):
        batch.state = BatchState.CANCELLED
    session.execute(sa.delete(ImportFile).where(ImportFile.batch_id == batch.id))
    session.execute(sa.delete(ImportRow).where(ImportRow.batch_id == batch.id))
    session.flush()


def stuck(session: Session, batch: ImportBatch, refusal: Refused, rows: int, *, actor: Actor) -> None:
    """A long import could neither be ended nor be taken back: say exactly what is in."""
    audit.begin(session, actor=actor, action=Act.IMPORT_DECIDE, subject=("import", batch.id))
    told = N_("写到一半停下了，又不能自动撤回：%(why)s 已写入前 %(rows)s 行，其余没有写入。")
    batch.state, batch.operation = BatchState.DONE, batch.operation or "-"
    batch.problem = kept(Message(told, {"why": refusal, "rows": rows}))
    session.flush()

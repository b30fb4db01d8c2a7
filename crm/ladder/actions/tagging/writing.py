"""The batch is written in one transaction, and undone as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit, undo
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Refused
from crm.firms.actions import named
from crm.firms.models import Firm, FirmName
from crm.firms.rules.codes import check_code
from crm.firms.rules.names import fold, normalise
from crm.firms.rules.words import BatchState, FirmStatus, NameKind
from crm.ladder.actions.certifications import Entered, Grant, grant_many, judge_many
from crm.ladder.actions.tagging.staging import counts_of, open_for
from crm.ladder.models import TagBatch, TagRow
from crm.ladder.rules.certifications import check_day
from crm.ladder.rules.tagging import stored, will_be_written
from crm.ladder.rules.words import Act, RowResult, TagDecision

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """What writing a batch would do, and did: counts, and what was refused by row number."""

    granted: int
    renewed: int
    same: int
    new_firms: int
    aliases: int
    applications: int
    refused: tuple[tuple[int, Message], ...]


def preview(session: Session, batch: TagBatch, *, today: dt.date) -> Plan:
    """What writing the batch now would do. Writes nothing."""
    rows = _to_write(session, batch)
    known = [row for row in rows if row.firm_id is not None]
    answers = judge_many(
        session, [_grant(batch, _values(row), row.firm_id or 0) for row in known], today=today
    )
    fresh = {normalise(row.name) for row in rows if row.firm_id is None}
    refused = [
        (row.row_no, answer.refusal.message)
        for row, answer in zip(known, answers, strict=True)
        if answer.refusal
    ]
    return _plan(answers, refused, len(fresh), len(_aliases(session, known)), 0)


def write(session: Session, batch: TagBatch, *, actor: Actor, today: dt.date) -> Plan:
    """Write the batch: new firms, remembered spellings, certificates; open applications are closed. One operation,
    which `undo_batch` takes back. Raises `Refused` when there is nothing to write or no day of grant."""
    actor.require("ladder:tag")
    locked = session.scalars(
        sa.select(TagBatch)
        .where(TagBatch.id == batch.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    open_for(locked, actor)
    rows = _to_write(session, batch)
    if not rows:
        raise Refused(N_("没有可以写入的行。"))
    if batch.granted_on is None and any(row.granted_on is None for row in rows):
        raise Refused(N_("名单里没有发证日期，请先填写。"), field="granted_on")
    if batch.granted_on is not None:
        check_day(batch.granted_on, today, field="granted_on")
    operation = audit.begin(
        session, actor=actor, action=Act.TAG_WRITE, subject=("tag_batch", batch.id), kind=batch.kind,
        rows=len(rows), sha256=batch.sha256, title=batch.title or batch.filename,
    )  # fmt: skip
    refused: list[tuple[int, Message]] = []
    made, new_count = _new_firms(session, batch, [row for row in rows if row.firm_id is None], refused)
    aliases = _aliases(session, [row for row in rows if row.decision is TagDecision.ACCEPTED])
    audit.insert_many(session, FirmName, aliases)
    wanted = [(row, row.firm_id or made[row.id]) for row in rows if row.firm_id or row.id in made]
    answers = grant_many(
        session, [_grant(batch, _values(row), firm_id) for row, firm_id in wanted], actor=actor, today=today
    )
    results: list[dict[str, Any]] = []
    for (row, firm_id), answer in zip(wanted, answers, strict=True):
        if answer.refusal is not None:
            refused.append((row.row_no, answer.refusal.message))
        results.append(_result(row, firm_id, answer.result, answer.certification_id, answer.refusal))
    reasons = dict(refused)
    for row in rows:
        if row.firm_id is None and row.id not in made:
            results.append(_result(row, None, RowResult.NOT_WRITTEN, None, reasons.get(row.row_no)))
    _store(session, results)
    plan = _plan(
        answers, sorted(refused, key=lambda item: item[0]), new_count, len(aliases), _closed(operation)
    )
    batch.state, batch.operation = BatchState.DONE, operation.id
    session.flush()
    batch.counts = {**counts_of(session, batch), "granted": plan.granted, "renewed": plan.renewed, "same": plan.same,
                    "new_firms": plan.new_firms, "aliases": plan.aliases, "applications": plan.applications,
                    "refused_rows": len(plan.refused)}  # fmt: skip
    session.flush()
    return plan


def undo_batch(session: Session, batch: TagBatch, *, actor: Actor) -> TagBatch:
    """Take back everything the batch wrote. Raises `Blocked` (a `Refused`) when later work stands on it."""
    actor.require("ladder:tag")
    if batch.state is not BatchState.DONE or batch.operation is None:
        raise Refused(N_("这份名单没有写入，不用撤销。"))
    audit.begin(session, actor=actor, action=Act.TAG_UNDO, subject=("tag_batch", batch.id))
    done = undo.undo(session, batch.operation, actor=actor)
    batch.state, batch.undo_operation = BatchState.UNDONE, done.id
    session.execute(
        sa.update(TagRow).where(TagRow.batch_id == batch.id).values(result=None, certification_id=None),
        execution_options={"synchronize_session": False},
    )
    session.flush()
    return batch


def drop_batch(session: Session, batch: TagBatch, *, actor: Actor) -> TagBatch:
    """Put a list away that will not be written."""
    actor.require("ladder:tag")
    if batch.state not in (BatchState.READY, BatchState.PARSING):
        raise Refused(N_("这份名单已经写入或放弃，不能再改。"))
    audit.begin(session, actor=actor, action=Act.TAG_DROP, subject=("tag_batch", batch.id))
    batch.state = BatchState.CANCELLED
    session.flush()
    return batch


def _to_write(session: Session, batch: TagBatch) -> list[TagRow]:
    rows = session.scalars(sa.select(TagRow).where(TagRow.batch_id == batch.id).order_by(TagRow.row_no))
    return [row for row in rows if will_be_written(row.outcome, row.decision)]


def _values(row: TagRow) -> dict[str, Any]:
    return {"granted_on": row.granted_on, "number": row.number}


def _grant(batch: TagBatch, row: Mapping[str, Any], firm_id: int) -> Grant:
    granted_on = row["granted_on"] or batch.granted_on or dt.date.max
    return Grant(
        firm_id,
        batch.kind,
        granted_on,
        row["number"],
        document=batch.document or batch.title[:120],
        batch_id=batch.id,
    )


def _new_firms(
    session: Session, batch: TagBatch, rows: Sequence[TagRow], refused: list[tuple[int, Message]]
) -> tuple[dict[int, int], int]:
    """Register the firms of these rows, one a name: row id → firm id. A name or code that is taken is refused."""
    keys = {normalise(row.name)[:200] for row in rows}
    codes = {row.code for row in rows if row.code}
    taken: set[str] = set()
    for column, wanted in ((Firm.name_key, sorted(keys)), (Firm.code, sorted(codes))):
        for start in range(0, len(wanted), CHUNK):
            part = wanted[start : start + CHUNK]
            query = sa.select(column).where(column.in_(part), Firm.merged_into_id.is_(None))
            taken.update(value for value in session.scalars(query) if value)
    firms: dict[str, dict[str, Any]] = {}
    owners: dict[int, str] = {}
    for row in rows:
        key = normalise(row.name)[:200]
        if key in taken or (row.code and row.code in taken):
            refused.append((row.row_no, Message(N_("这家企业已经在名录里，请在核对页选它。"))))
            continue
        firms.setdefault(
            key,
            {**named(row.name), "code": _whole_code(row.code), "status": FirmStatus.ACTIVE,
             "source": batch.title[:80], "source_number": row.number,
             "created_by_id": None},  # whoever brings a list in does not make its firms their own
        )  # fmt: skip
        owners[row.id] = key
    ids = dict(zip(firms, audit.insert_many(session, Firm, list(firms.values())), strict=True))
    return {row_id: ids[key] for row_id, key in owners.items()}, len(ids)


def _whole_code(code: str | None) -> str | None:
    try:
        return check_code(code) if code else None
    except Refused:
        return None


def _aliases(session: Session, rows: Sequence[TagRow]) -> list[dict[str, Any]]:
    """Spellings people have confirmed that the firm is not known by yet, and that are no other firm's name."""
    wanted: dict[tuple[int, str], str] = {}
    for row in rows:
        if row.decision is TagDecision.ACCEPTED and row.firm_id is not None:
            wanted.setdefault((row.firm_id, normalise(row.name)[:200]), row.name)
    keys = sorted({key for _, key in wanted})
    owners: dict[str, set[int]] = {}
    for start in range(0, len(keys), CHUNK):
        part = keys[start : start + CHUNK]
        queries = (
            sa.select(Firm.name_key, Firm.id).where(Firm.name_key.in_(part), Firm.archived_on.is_(None)),
            sa.select(FirmName.name_key, FirmName.firm_id).where(FirmName.name_key.in_(part)),
        )
        for query in queries:
            for key, firm_id in session.execute(query):
                owners.setdefault(key, set()).add(firm_id)
    return [
        {"firm_id": firm_id, "kind": NameKind.ALIAS, "name": fold(name), "name_key": key, "until_on": None}
        for (firm_id, key), name in wanted.items()
        if not owners.get(key)
    ]


def _result(
    row: TagRow,
    firm_id: int | None,
    result: RowResult,
    certification_id: int | None,
    why: Refused | Message | None,
) -> dict[str, Any]:
    reasons = list(row.reasons)
    if why is not None:
        reasons.append(stored(why.message if isinstance(why, Refused) else why))
    return {
        "b_id": row.id, "b_firm": firm_id, "b_result": result, "b_certification": certification_id, "b_reasons": reasons,
    }  # fmt: skip


def _store(session: Session, results: Sequence[dict[str, Any]]) -> None:
    table = TagRow.__table__
    statement = (
        sa.update(TagRow)
        .where(table.c.id == sa.bindparam("b_id"))
        .values(
            firm_id=sa.bindparam("b_firm"),
            result=sa.bindparam("b_result", type_=table.c.result.type),
            certification_id=sa.bindparam("b_certification"),
            reasons=sa.bindparam("b_reasons", type_=table.c.reasons.type),
        )
    )
    connection = session.connection()
    for start in range(0, len(results), CHUNK):
        connection.execute(statement, list(results[start : start + CHUNK]))
    session.expire_all()


def _closed(operation: audit.Operation) -> int:
    return len(operation.touched.get("applications", ()))


def _plan(
    answers: Sequence[Entered],
    refused: Sequence[tuple[int, Message]],
    new_firms: int,
    aliases: int,
    closed: int,
) -> Plan:
    results = [answer.result for answer in answers]
    return Plan(
        granted=results.count(RowResult.GRANTED),
        renewed=results.count(RowResult.RENEWED),
        same=results.count(RowResult.SAME),
        new_firms=new_firms,
        aliases=aliases,
        applications=closed,
        refused=tuple(refused),
    )

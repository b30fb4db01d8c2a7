"""Bulk changes, for every kind of record: freeze a selection, judge each row by the rules of its form, write what may
be written, keep what became of each row. A row changed since it was chosen is reported, never overwritten."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.activities.actions import tell
from crm.activities.rules.words import Notice
from crm.core import audit, lists
from crm.core.bulk import insert_rows
from crm.core.clock import local
from crm.core.permissions import Actor
from crm.core.records import RecordKind, Setting, chosen_kind
from crm.core.sentences import packed
from crm.core.words import N_, Conflict, Message, Refused
from crm.overview.models import BulkRow, BulkRun
from crm.overview.rules.bulk import ACTS, MOST, MOST_SLOW, BulkResult, BulkState, BulkVerb

CHUNK = 2000
Tell = Callable[[int, int], None]

BY = N_("%(who)s 于 %(when)s 改过，这一行没有动。")
GONE = N_("这条记录已经不在，或者您不能再查看它。")


@dataclass(slots=True)
class Verdict:
    """What is to become of a row: `before` and `after` are the values to write, if any."""

    row_id: int
    result: BulkResult
    message: Message | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def start(
    session: Session,
    declared: lists.List,
    *,
    actor: Actor,
    verb: BulkVerb,
    fact: str | None,
    value: str | None,
    chosen: Sequence[int] | None,
    query: str,
    wanted: lists.Asked,
    at: dt.datetime,
) -> BulkRun:
    """Freeze a selection: the ids and versions of the ticked rows, or (`chosen` None) of all the filter finds now.

    Raises `Refused` for nothing, too much, and for what this list cannot do."""
    kind = _kind(declared, actor, verb)
    if verb is BulkVerb.SET:
        parsed(session, kind, actor, fact, value)
    ids, _understood = declared.matching(session, wanted, actor)
    if chosen is not None:
        ids = sa.select(kind.column("id")).where(kind.column("id").in_(chosen), kind.visible_to(actor))
    columns = [kind.column("id"), kind.column("version")]
    frozen = session.execute(
        sa.select(*columns).where(kind.column("id").in_(ids)).order_by(kind.column("id")).limit(MOST + 1)
    ).all()
    if not frozen:
        raise Refused(N_("请先选择要改的行。"))
    most = MOST if kind.judge and verb is BulkVerb.SET else MOST_SLOW
    if len(frozen) > most:
        raise Refused(N_("一次最多 %(most)s 行，请再加些条件。"), most=most)
    run = BulkRun(
        list_key=declared.key,
        kind=kind.code,
        verb=verb,
        fact=fact,
        value=value,
        query=query[:4000],
        is_all=chosen is None,
        state=BulkState.ASKED,
        total=len(frozen),
        counts={},
        owner_id=actor.user_id or 0,
        created_at=at,
    )
    session.add(run)
    session.flush()
    insert_rows(
        session.connection(),
        cast(sa.Table, BulkRow.__table__),
        [{"run_id": run.id, "row_id": row[0], "seen_version": row[1]} for row in frozen],
    )
    return run


def _kind(declared: lists.List, actor: Actor, verb: BulkVerb) -> RecordKind:
    if declared.kind is None:
        raise Refused(N_("这个列表没有批量修改。"))
    kind = chosen_kind(declared.kind)
    if not any(actor.may(permission) for permission in kind.edit):
        for permission in kind.edit[:1]:
            actor.require(permission)
    able = {BulkVerb.SET: kind.change, BulkVerb.ARCHIVE: kind.archive, BulkVerb.RESTORE: kind.restore}
    if able[verb] is None:
        raise Refused(N_("这个列表没有批量修改。"))
    return kind


def parsed(
    session: Session, kind: RecordKind, actor: Actor, fact: str | None, value: str | None
) -> tuple[Setting, Any, str]:
    """The setting, the column's value, and what people call it. Raises `Refused` for what is not offered."""
    setting = next((item for item in kind.settings if item.fact == fact), None)
    if setting is None:
        raise Refused(N_("请选择要改成什么。"))
    if value is None:
        if setting.none is None:
            raise Refused(N_("请选择要改成什么。"))
        return setting, None, setting.none
    label = dict(setting.choices(session, actor)).get(value)
    if label is None:
        raise Refused(N_("请选择要改成什么。"))
    column = kind.column(setting.fact)
    if isinstance(column.type, sa.Integer):
        return setting, int(value), label
    return setting, audit.revive(column.type, value), label


def judge(
    session: Session, run: BulkRun, *, actor: Actor, today: dt.date, reason: str, tell: Tell | None = None
) -> list[Verdict]:
    """What is to become of every row. Writes nothing where the kind judges for itself. Raises `Refused`."""
    kind = chosen_kind(run.kind)
    values: dict[str, Any] = {}
    if run.verb is BulkVerb.SET:
        setting, value, _label = parsed(session, kind, actor, run.fact, run.value)
        values = {setting.fact: value}
    if not (kind.judge and run.verb is BulkVerb.SET):
        begin(session, run, actor=actor, reason=reason)
    verdicts: list[Verdict] = []
    rows = session.execute(
        sa.select(BulkRow.row_id, BulkRow.seen_version)
        .where(BulkRow.run_id == run.id)
        .order_by(BulkRow.row_id)
    ).all()
    for start_at in range(0, len(rows), CHUNK):
        verdicts += _judge_part(
            session, kind, run, rows[start_at : start_at + CHUNK], values, actor, today, reason
        )
        if tell is not None:
            tell(min(start_at + CHUNK, len(rows)), len(rows))
    return verdicts


def _judge_part(
    session: Session,
    kind: RecordKind,
    run: BulkRun,
    part: Sequence[Any],
    values: Mapping[str, Any],
    actor: Actor,
    today: dt.date,
    reason: str,
) -> list[Verdict]:
    versions = {row.row_id: row.seen_version for row in part}
    found = session.scalars(
        sa.select(kind.model)
        .where(kind.column("id").in_(list(versions)), kind.visible_to(actor))
        .execution_options(populate_existing=True)
    ).all()
    there: dict[int, Any] = {cast(Any, row).id: row for row in found}
    verdicts = [Verdict(key, BulkResult.GONE, Message(GONE)) for key in versions if key not in there]
    late = {key for key, row in there.items() if row.version != versions[key]}
    who = _editors(session, kind, [there[key] for key in late])
    verdicts += [Verdict(key, BulkResult.CHANGED, who[key]) for key in sorted(late)]
    ready = [row for key, row in sorted(there.items()) if key not in late]
    if run.verb is BulkVerb.SET and kind.judge is not None:
        return verdicts + _by_judge(session, kind, ready, values, actor, today)
    return verdicts + [
        _by_action(session, kind, run.verb, row, values, actor, today, reason) for row in ready
    ]


def _by_judge(
    session: Session,
    kind: RecordKind,
    rows: Sequence[Any],
    values: Mapping[str, Any],
    actor: Actor,
    today: dt.date,
) -> list[Verdict]:
    refused = (
        kind.judge(session, rows, actor=actor, today=today, values=values) if kind.judge and rows else {}
    )
    verdicts: list[Verdict] = []
    for row in rows:
        is_same = all(getattr(row, name) == value for name, value in values.items())
        more = kind.further(row, values, actor=actor) if kind.further is not None and not is_same else {}
        wanted = {**values, **more}
        before = {name: getattr(row, name) for name, value in wanted.items() if getattr(row, name) != value}
        if row.id in refused:
            verdicts.append(Verdict(row.id, BulkResult.REFUSED, refused[row.id].message))
        elif is_same:
            verdicts.append(Verdict(row.id, BulkResult.UNCHANGED))
        else:
            after = {name: wanted[name] for name in before}
            verdicts.append(Verdict(row.id, BulkResult.DONE, None, before, after))
    return verdicts


def _by_action(
    session: Session,
    kind: RecordKind,
    verb: BulkVerb,
    row: Any,
    values: Mapping[str, Any],
    actor: Actor,
    today: dt.date,
    reason: str,
) -> Verdict:
    """One row through the feature's own action, written at once; what it refuses leaves no trace."""
    row_id, version = row.id, row.version
    is_there = kind.archived is not None and (getattr(row, kind.archived) is not None) == (
        verb is BulkVerb.ARCHIVE
    )
    if verb is not BulkVerb.SET and is_there:
        return Verdict(row_id, BulkResult.UNCHANGED)
    try:
        with session.begin_nested():
            if verb is BulkVerb.SET and kind.change is not None:
                kind.change(
                    session, row, actor=actor, today=today, version=version, values=values, reason=reason
                )
            elif verb is BulkVerb.ARCHIVE and kind.archive is not None:
                kind.archive(session, row, actor=actor, today=today, version=version, reason=reason)
            elif verb is BulkVerb.RESTORE and kind.restore is not None:
                kind.restore(session, row, actor=actor, today=today, version=version, reason=reason)
            session.flush()
    except Conflict as conflict:
        return Verdict(row_id, BulkResult.CHANGED, conflict.message)
    except Refused as refusal:
        return Verdict(row_id, BulkResult.REFUSED, refusal.message)
    return Verdict(row_id, BulkResult.DONE if row.version != version else BulkResult.UNCHANGED)


def _editors(session: Session, kind: RecordKind, rows: Sequence[Any]) -> dict[int, Message]:
    """By whom and when rows were changed meanwhile."""
    ids = {row.updated_by_id for row in rows if getattr(row, "updated_by_id", None)}
    names: dict[int, str] = (
        dict(iter(session.execute(sa.select(User.id, User.name).where(User.id.in_(ids))))) if ids else {}
    )
    return {
        row.id: Message(BY, {"who": names.get(row.updated_by_id, "—"), "when": row.updated_at})
        for row in rows
    }


def begin(session: Session, run: BulkRun, *, actor: Actor, reason: str) -> audit.Operation:
    """Name the operation. Called before the first row is written."""
    return audit.begin(
        session,
        actor=actor,
        action=chosen_kind(run.kind).acts.get(run.verb.value, ACTS[run.verb].value),
        subject=("bulk", run.id),
        kind=run.kind,
        fact=run.fact,
        value=run.value,
        reason=reason or None,
        filter=run.query[:500] if run.is_all else None,
        rows=run.total,
    )


def write(
    session: Session, run: BulkRun, verdicts: Sequence[Verdict], *, actor: Actor, reason: str, at: dt.datetime
) -> None:
    """Write what was judged writable, as one operation, and what became of each row. A row changed between judging
    and writing is left alone."""
    kind = chosen_kind(run.kind)
    writes = [verdict for verdict in verdicts if verdict.after is not None]
    operation = begin(session, run, actor=actor, reason=reason)
    if writes:
        late = _late(session, kind, run, [verdict.row_id for verdict in writes])
        for verdict in writes:
            if verdict.row_id in late:
                verdict.result, verdict.message = BulkResult.CHANGED, late[verdict.row_id]
        written = [
            (verdict.row_id, verdict.before or {}, verdict.after or {})
            for verdict in writes
            if verdict.row_id not in late
        ]
        audit.update_many(session, kind.model, written)
        if kind.follow is not None and written:
            kind.follow(session, written, actor=actor, at=at, today=local(at).date(), reason=reason)
    counts = Counter(verdict.result for verdict in verdicts)
    run.state, run.done_at, run.reason = BulkState.DONE, at, reason or None
    run.counts = {result.value: number for result, number in counts.items()}
    run.operation = operation.id if counts[BulkResult.DONE] else None
    operation.params["counts"] = dict(run.counts)
    session.flush()
    if left := counts[BulkResult.CHANGED]:
        key = f"job:{run.job_id}" if run.job_id is not None else f"bulk:{run.id}"  # once, not also as a job
        tell(
            session, run.owner_id or None, Notice.BULK_LEFT, key=key, at=at, n=left, to="overview.bulk_show",
            values={"run_id": run.id},
        )  # fmt: skip
    _keep(session, run, verdicts)


def _late(session: Session, kind: RecordKind, run: BulkRun, ids: Sequence[int]) -> dict[int, Message]:
    late: dict[int, Message] = {}
    for start_at in range(0, len(ids), CHUNK):
        part = ids[start_at : start_at + CHUNK]
        columns = [kind.column(name) for name in ("id", "updated_by_id", "updated_at")]
        rows = session.execute(
            sa.select(*columns)
            .join(BulkRow, sa.and_(BulkRow.run_id == run.id, BulkRow.row_id == kind.column("id")))
            .where(kind.column("id").in_(part), kind.column("version") != BulkRow.seen_version)
        ).all()
        late |= _editors(session, kind, rows)
    return late


def _keep(session: Session, run: BulkRun, verdicts: Sequence[Verdict]) -> None:
    table = cast(sa.Table, BulkRow.__table__)
    statement = (
        sa.update(table)
        .where(table.c.run_id == run.id, table.c.row_id == sa.bindparam("b_row"))
        .values(result=sa.bindparam("b_result"), message=sa.bindparam("b_message"))
    )
    rows = [
        {
            "b_row": verdict.row_id,
            "b_result": verdict.result,
            "b_message": packed(verdict.message) if verdict.message else None,
        }
        for verdict in verdicts
    ]
    for start_at in range(0, len(rows), CHUNK):
        session.connection().execute(statement, rows[start_at : start_at + CHUNK])

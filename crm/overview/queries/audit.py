"""Reads of the audit trail, for the auditor: a list by filter, one envelope with its change rows, the export."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit import COMMITTED, AuditChange, AuditEnvelope, AuditPersonal
from crm.core.clock import ZONE
from crm.core.lists import Asked, Column, Filter, Kind, List, Sort, conditions
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Message, Missing
from crm.overview.rules import MESSAGES, SUBJECTS, told

CHANGES = 100  # change rows a page
# what the envelope says already: left out of the page, kept in the chain
STAMPS = {"created_at", "updated_at", "created_by_id", "updated_by_id", "version"}


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """The whole log, or nothing: it is the auditor's."""
    if not viewer.may("audit:read"):
        raise Forbidden(N_("只有审计员能读日志。"))
    return sa.true()


def _day(value: str) -> dt.datetime | None:
    try:
        return dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), ZONE)
    except ValueError:
        return None


def since(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    start = _day(value)
    return AuditEnvelope.at >= start if start else None


def until(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    start = _day(value)
    return AuditEnvelope.at < start + dt.timedelta(days=1) if start and start.year < 9999 else None


def _actor(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool]:
    return AuditEnvelope.actor_name.contains(value, autoescape=True)


def _action(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool]:
    return AuditEnvelope.action == value[:60]


def _outcome(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value not in ("done", "refused"):
        return None
    return AuditEnvelope.is_success.is_(value == "done")


def _subject(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    kind, _, number = value.partition(":")
    if not number:
        return AuditEnvelope.subject_kind == kind[:40]
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        return None
    return sa.and_(AuditEnvelope.subject_kind == kind[:40], AuditEnvelope.subject_id == int(number))


_PLACEHOLDER = re.compile(r"%\((\w+)\)")


def _actions(_session: Session, _viewer: Actor) -> list[tuple[str, Message]]:
    """Every action by its words, with dots for what differs from time to time."""
    return [
        (code, Message("%(what)s · %(code)s", {"what": _dotted(text), "code": code}))
        for code, text in sorted(MESSAGES.items())
    ]


def _dotted(text: str) -> Message:
    return Message(text, dict.fromkeys(_PLACEHOLDER.findall(text), "…"))


SORTS = (Sort("seq", N_("序号"), AuditEnvelope.seq, is_descending=True),)
FILTERS = (
    Filter("since", N_("从"), since, kind="day", is_first=True),
    Filter("until", N_("到"), until, kind="day", is_first=True),
    Filter("who", N_("谁"), _actor, kind="text", is_first=True),
    Filter("action", N_("操作"), _action, _actions, is_first=True),
    Filter(
        "outcome",
        N_("结果"),
        _outcome,
        lambda _s, _v: [("done", N_("成功")), ("refused", N_("被拒绝"))],
        is_first=True,
    ),
    Filter("subject", N_("对象，如 user:12"), _subject, kind="text", is_first=True),
)


def list_envelopes(viewer: Actor) -> sa.Select[*tuple[Any, ...]]:
    """The rows of the log."""
    row = AuditEnvelope
    return sa.select(
        row.seq.label("id"),
        row.seq,
        row.at,
        row.actor_name,
        row.action,
        row.params,
        row.subject_kind,
        row.subject_id,
        row.is_success,
        row.address,
        row.changes_count,
    ).where(visible_to(viewer))


def _matching(session: Session, asked: Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    clauses, understood = conditions(session, asked, FILTERS, viewer)
    return sa.select(AuditEnvelope.seq.label("id")).where(visible_to(viewer), *clauses), understood


def _rows(ids: sa.Select[Any], _asked: Asked) -> sa.Select[Any]:
    row = AuditEnvelope
    return ids.with_only_columns(
        row.seq.label("id"), row.seq, row.at, row.actor_name, row.action, row.action.label("name"), row.params,
        row.subject_kind, row.subject_id, row.is_success, row.address, row.changes_count.label("count"),
    )  # fmt: skip


def _cells(
    session: Session, columns: Sequence[Column], ids: Sequence[int], _viewer: Actor, _asked: Asked
) -> dict[str, Mapping[int, Any]]:
    """Subject and outcome in words: one statement for both."""
    rows = session.execute(
        sa.select(
            AuditEnvelope.seq,
            AuditEnvelope.subject_kind,
            AuditEnvelope.subject_id,
            AuditEnvelope.is_success,
            AuditEnvelope.action,
            AuditEnvelope.params,
        ).where(AuditEnvelope.seq.in_(ids))
    ).all()
    return {
        "name": {row.seq: told(row.action, row.params) for row in rows},
        "subject": {row.seq: subject_of(row) for row in rows if row.subject_kind},
        "outcome": {row.seq: Message(N_("成功") if row.is_success else N_("被拒绝")) for row in rows},
    }


def subject_of(row: Any) -> Message:
    """The subject in words: 账号 12."""
    label = SUBJECTS.get(row.subject_kind)
    return Message(
        "%(kind)s %(id)s", {"kind": Message(label) if label else row.subject_kind, "id": row.subject_id}
    )


LIST = List(
    key="audit",
    label=N_("审计日志"),
    unit=N_("条"),
    endpoint="overview.audit_log",
    needs=("audit:read",),
    id=AuditEnvelope.seq,
    sorts=SORTS,
    filters=FILTERS,
    columns=(
        Column("seq", N_("序号"), kind=Kind.NUMBER, sort="seq"),
        Column("at", N_("时间"), kind=Kind.MOMENT),
        Column("actor_name", N_("谁")),
        Column("subject", N_("对象")),
        Column("outcome", N_("结果")),
        Column("address", N_("地址")),
        Column("count", N_("改动行数"), kind=Kind.NUMBER),
    ),
    matching=_matching,
    rows=_rows,
    cells=_cells,
    head=N_("操作"),
    exports="export:log",
    always=(Column("name", N_("操作"), width=60),),
    export_act="list.export",
)


def get_envelope(session: Session, seq: int, *, viewer: Actor) -> AuditEnvelope:
    """One link of the chain. Raises `Missing` (404)."""
    found = session.execute(
        sa.select(AuditEnvelope).where(AuditEnvelope.seq == seq, visible_to(viewer))
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这条日志。"))
    return found


def envelope_of(session: Session, operation: str) -> AuditEnvelope:
    """The envelope of an operation: who, when and what, for a history the caller has checked."""
    return session.scalars(sa.select(AuditEnvelope).where(AuditEnvelope.operation == operation)).one()


@dataclass(frozen=True, slots=True)
class Changed:
    """One row changed: its table, id, what happened, and the columns with both values, ready to show."""

    n: int
    kind: str
    row_id: int
    verb: str
    columns: Sequence[tuple[str, str | Message | None, str | Message | None]]


def changes(
    session: Session, envelope: AuditEnvelope, *, after: int = -1
) -> tuple[list[Changed], int | None]:
    """A page of an envelope's change rows, and where the next one begins. Personal values are masked."""
    rows = session.scalars(
        sa.select(AuditChange)
        .where(AuditChange.operation == envelope.operation, AuditChange.n > after)
        .order_by(AuditChange.n)
        .limit(CHANGES + 1)
    ).all()
    there = kept_values(session, [side for row in rows for side in (row.before, row.after)])
    shown = [
        Changed(row.n, row.kind, row.row_id, row.verb, columns_changed(row.before, row.after, there))
        for row in rows[:CHANGES]
    ]
    return shown, shown[-1].n if len(rows) > CHANGES else None


def kept_values(session: Session, sides: Sequence[Mapping[str, Any]]) -> set[str]:
    """The commitments among these values whose personal value has not been erased."""
    wanted = {
        value.removeprefix(COMMITTED)
        for side in sides
        for value in side.values()
        if isinstance(value, str) and value.startswith(COMMITTED)
    }
    if not wanted:
        return set()
    return set(
        session.scalars(
            sa.select(AuditPersonal.commitment).where(AuditPersonal.commitment.in_(sorted(wanted)))
        )
    )


def columns_changed(
    before: Mapping[str, Any], after: Mapping[str, Any], there: set[str]
) -> list[tuple[str, str | Message | None, str | Message | None]]:
    return [
        (name, masked(before.get(name), there), masked(after.get(name), there))
        for name in sorted((before.keys() | after.keys()) - STAMPS)
    ]


ERASED = Message(N_("已抹去"))


def masked(value: Any, there: set[str] | None = None) -> str | Message | None:
    """A stored value as text; a personal one stays hidden, only that it changed is seen, or that it is erased."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.startswith(COMMITTED):
        is_there = there is None or value.removeprefix(COMMITTED) in there
        return "••••••" if is_there else ERASED
    return str(value)[:500]


def export_rows(
    session: Session,
    clauses: Sequence[sa.ColumnElement[bool]],
    *,
    viewer: Actor,
    sentence: Callable[[Any], str],
) -> Iterator[tuple[Any, ...]]:
    """The log under a filter, newest first, a thousand at a time."""
    last: int | None = None
    while True:
        statement = list_envelopes(viewer).where(*clauses).order_by(AuditEnvelope.seq.desc()).limit(1000)
        if last is not None:
            statement = statement.where(AuditEnvelope.seq < last)
        rows = session.execute(statement.add_columns(AuditEnvelope.request_id, AuditEnvelope.hash)).all()
        for row in rows:
            yield (
                row.seq,
                row.at,
                row.actor_name,
                row.action,
                sentence(row),
                row.subject_kind,
                row.subject_id,
                row.is_success,
                row.address,
                row.request_id,
                row.changes_count,
                row.hash,
            )
        if len(rows) < 1000:
            return
        last = rows[-1].seq

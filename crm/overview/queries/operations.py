"""Recent operations: what has been done to the records a person may see, with the rows it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import lists
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.audit.journal import columns_of
from crm.core.db import Base
from crm.core.permissions import Actor, Scope
from crm.core.records import CHOSEN, SUBJECTS, RecordKind, listed, may_open
from crm.core.words import N_, Message, Missing
from crm.overview.queries.audit import CHANGES, Changed, columns_changed, kept_values, since, until
from crm.overview.queries.naming import NAMELESS, Named, names_of
from crm.overview.rules import told
from crm.overview.rules.operations import EVERY, FEW, OF, SELECTED, WORK, Work

MANY = 2_000  # change rows beyond which a list does not look which kinds they are
K = lists.Kind


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Operations on records, for whoever may read any kind of them; those on one record, for who may see it (or it is
    gone). The rows have their own conditions."""
    if not any(viewer.may(permission) for kind in SUBJECTS.values() for permission in kind.read):
        return sa.false()
    return sa.and_(
        AuditEnvelope.action.in_(EVERY), AuditEnvelope.changes_count > 0, AuditEnvelope.is_success.is_(True),
        *(_not_hidden(kind, viewer) for kind in SUBJECTS.values()),
    )  # fmt: skip


def exportable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """All one sees, or one's own, as far as one's exports reach."""
    if viewer.scope("export:run") is Scope.ALL:
        return sa.true()
    return AuditEnvelope.actor_id == (viewer.user_id or 0)


def _not_hidden(kind: RecordKind, viewer: Actor) -> sa.ColumnElement[bool]:
    reach = kind.visible_to(viewer) if may_open(kind, viewer) else sa.false()
    if isinstance(reach, sa.True_):
        return sa.true()
    hidden = sa.exists().where(kind.column("id") == AuditEnvelope.subject_id, sa.not_(reach))
    return sa.or_(AuditEnvelope.subject_kind.is_distinct_from(kind.code), sa.not_(hidden))


def _work(work: Work) -> sa.ColumnElement[bool]:
    selected = sa.and_(AuditEnvelope.action.in_(SELECTED), AuditEnvelope.changes_count > FEW)
    clause = AuditEnvelope.action.in_(WORK[work])
    if work is Work.TAG:
        return sa.or_(clause, selected)
    return sa.and_(clause, sa.not_(selected)) if work is Work.EDIT else clause


def _work_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == "any":
        return sa.true()
    return _work(Work(value)) if value in set(Work) else None


def _who(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool]:
    if value == "me":
        return AuditEnvelope.actor_id == (viewer.user_id or 0)
    return AuditEnvelope.actor_name.contains(value, autoescape=True)


def _mine(_session: Session, value: str, viewer: Actor) -> sa.ColumnElement[bool] | None:
    return AuditEnvelope.actor_id == (viewer.user_id or 0) if value == "yes" else None


def _kind_where(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    kind = listed().get(value)
    if kind is None:
        return None
    tables = [kind.table, *(part.model.__tablename__ for part in kind.parts)]
    return sa.exists().where(AuditChange.operation == AuditEnvelope.operation, AuditChange.kind.in_(tables))


def _matching(session: Session, asked: lists.Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    clauses, understood = lists.conditions(session, asked, FILTERS, viewer)
    if "work" not in understood:
        clauses.append(sa.not_(_work(Work.EDIT)))
    return sa.select(AuditEnvelope.seq.label("id")).where(visible_to(viewer), *clauses), understood


def _rows(ids: sa.Select[Any], _asked: lists.Asked) -> sa.Select[Any]:
    row = AuditEnvelope
    return ids.with_only_columns(
        row.seq.label("id"), row.seq, row.operation, row.at, row.actor_name.label("who"), row.action,
        row.params, row.changes_count.label("count"), row.action.label("name"),
    )  # fmt: skip


def _cells(
    session: Session, columns: Sequence[lists.Column], ids: Sequence[int], viewer: Actor, _asked: lists.Asked
) -> dict[str, Mapping[int, Any]]:
    """Kind of work, rows by kind, whether undone: three statements."""
    rows = session.execute(
        sa.select(
            AuditEnvelope.seq, AuditEnvelope.operation, AuditEnvelope.action, AuditEnvelope.changes_count,
            AuditEnvelope.params,
        ).where(AuditEnvelope.seq.in_(ids))
    ).all()  # fmt: skip
    keys = {column.key for column in columns}
    cells: dict[str, Mapping[int, Any]] = {
        "work": {
            row.seq: Work.TAG if row.action in SELECTED and row.changes_count > FEW else OF.get(row.action)
            for row in rows
        },
        "name": {row.seq: told(row.action, row.params) for row in rows},
    }
    if "rows" in keys:
        small = {row.operation: row.seq for row in rows if row.changes_count <= MANY}
        by_kind = _by_kind(session, list(small))
        counted = {seq: by_kind.get(operation, []) for operation, seq in small.items()}
        big = {
            row.seq: [Message(N_("共 %(n)s 处改动"), {"n": row.changes_count})]
            for row in rows
            if row.changes_count > MANY
        }
        cells["rows"] = {**counted, **big}
    if "state" in keys:
        undone = undone_by(session, [row.operation for row in rows])
        cells["state"] = {row.seq: Message(N_("已撤销")) for row in rows if row.operation in undone}
    return cells


def _by_kind(session: Session, operations: Sequence[str]) -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = {}
    statement = (
        sa.select(AuditChange.operation, AuditChange.kind, sa.func.count(sa.distinct(AuditChange.row_id)))
        .where(AuditChange.operation.in_(operations))
        .group_by(AuditChange.operation, AuditChange.kind)
        .order_by(
            AuditChange.operation, sa.func.count(sa.distinct(AuditChange.row_id)).desc(), AuditChange.kind
        )
    )
    for operation, table, number in session.execute(statement) if operations else ():
        found.setdefault(operation, []).append(
            Message(N_("%(kind)s %(n)s"), {"kind": Message(label_of(table)), "n": number})
        )
    return found


def undone_by(session: Session, operations: Sequence[str]) -> dict[str, int]:
    """Operation → the envelope that undid it. An undo that was undone itself does not count."""
    if not operations:
        return {}
    undos = sa.select(AuditEnvelope.seq, AuditEnvelope.operation, AuditEnvelope.params).where(
        AuditEnvelope.action.in_(WORK[Work.UNDO])
    )
    first = sa.select(sa.func.min(AuditEnvelope.seq)).where(AuditEnvelope.operation.in_(operations))
    rows = session.execute(
        undos.where(AuditEnvelope.seq > first.scalar_subquery())
        .order_by(AuditEnvelope.seq.desc())
        .limit(2000)
    ).all()
    taken_back: set[str] = set()
    found: dict[str, int] = {}
    for row in rows:  # newest first: an undo taken back is met before the undo itself
        target = row.params.get("undone")
        if row.operation in taken_back or not target:
            continue
        taken_back.add(target)
        found.setdefault(target, row.seq)
    return {key: seq for key, seq in found.items() if key in set(operations)}


def label_of(table: str) -> str:
    """What people call a row of a table."""
    for kind in listed().values():
        if kind.table == table:
            return kind.label
    model = models().get(table)
    return (model.__label__ or table) if model is not None else table


def models() -> dict[str, type[Base]]:
    return {
        mapper.class_.__tablename__: cast("type[Base]", mapper.class_) for mapper in Base.registry.mappers
    }


FILTERS = (
    lists.Filter(
        "work", N_("类型"), _work_where,
        lambda _s, _v: [("any", N_("全部，含单条修改")), *((item.value, item.label) for item in Work)], is_first=True,
    ),
    lists.Filter("mine", N_("范围"), _mine, lambda _s, _v: [("yes", N_("只看我的"))], is_first=True),
    lists.Filter("who", N_("谁"), _who, kind="text", is_first=True),
    lists.Filter(
        "kind", N_("记录"), _kind_where, lambda _s, _v: [(kind.code, kind.label) for kind in listed().values()], is_first=True
    ),
    lists.Filter("since", N_("从"), since, kind="day", is_first=True),
    lists.Filter("until", N_("到"), until, kind="day", is_first=True),
)  # fmt: skip
LIST = lists.List(
    key="operations",
    label=N_("最近操作"),
    unit=N_("次"),
    endpoint="overview.operations",
    needs=("firm:read",),
    id=AuditEnvelope.seq,
    sorts=(lists.Sort("seq", N_("时间"), AuditEnvelope.seq, is_descending=True),),
    filters=FILTERS,
    columns=(
        lists.Column("at", N_("时间"), kind=K.MOMENT, sort="seq"),
        lists.Column("who", N_("谁")),
        lists.Column("work", N_("类型"), kind=K.WORD),
        lists.Column("rows", N_("改了什么")),
        lists.Column("count", N_("改动行数"), kind=K.NUMBER),
        lists.Column("state", N_("状态")),
    ),
    matching=_matching,
    rows=_rows,
    cells=_cells,
    head=N_("操作"),
    exports="export:run",
    exportable_by=exportable_by,
    always=(lists.Column("name", N_("操作"), width=60),),
)


def get_operation(session: Session, operation: str, *, viewer: Actor) -> AuditEnvelope:
    """One operation, if it is among those the viewer may see. Raises `Missing`."""
    found = session.scalar(
        sa.select(AuditEnvelope).where(
            AuditEnvelope.operation == operation.replace("\x00", "")[:32], visible_to(viewer)
        )
    )
    if found is None:
        raise Missing(N_("没有这次操作，或者您不能查看它。"))
    return found


def seen_rows(viewer: Actor) -> sa.ColumnElement[bool]:
    """Change rows of records, and of what hangs on them, that the viewer may see. A row that is gone is not seen."""
    clauses: list[sa.ColumnElement[bool]] = []
    for kind in SUBJECTS.values():
        if not any(viewer.may(permission) for permission in kind.read):
            continue
        ids = sa.select(kind.column("id")).where(kind.visible_to(viewer))
        clauses.append(sa.and_(AuditChange.kind == kind.table, AuditChange.row_id.in_(ids)))
        for part in kind.parts:
            columns = columns_of(part.model)
            reach = ids if part.reach is None else ids.where(part.reach(viewer))
            rows = sa.select(columns["id"]).where(columns[part.column].in_(reach))
            clauses.append(
                sa.and_(AuditChange.kind == part.model.__tablename__, AuditChange.row_id.in_(rows))
            )
    for kind in CHOSEN.values():
        if may_open(kind, viewer):
            clauses += _seen_by_key(kind, viewer)
    return sa.or_(*clauses) if clauses else sa.false()


def _seen_by_key(kind: RecordKind, viewer: Actor) -> list[sa.ColumnElement[bool]]:
    """Rows that hang on any record are looked up one by one: a list of all one may see would be made for every page."""
    found = [(kind.table, kind.column("id") == AuditChange.row_id, kind.model)]
    for part in kind.parts:
        columns = columns_of(part.model)
        row = sa.select(columns[part.column]).where(columns["id"] == AuditChange.row_id)
        owner = row.correlate(AuditChange).scalar_subquery()
        found.append((part.table, kind.column("id") == owner, kind.model))
    return [
        sa.and_(
            AuditChange.kind == table,
            sa.select(sa.func.count())
            .select_from(model)
            .where(clause, kind.visible_to(viewer))
            .correlate(AuditChange)
            .scalar_subquery()
            == 1,
        )
        for table, clause, model in found
    ]


def changed_rows(
    session: Session, envelope: AuditEnvelope, *, viewer: Actor, after: int = -1
) -> tuple[list[tuple[Changed, str, Named]], int | None]:
    """A page of what an operation changed, as far as the viewer may see it: (change, kind in words, the record's name
    and page); and where the next page begins. Personal values are masked."""
    rows = session.scalars(
        sa.select(AuditChange)
        .where(AuditChange.operation == envelope.operation, AuditChange.n > after, seen_rows(viewer))
        .order_by(AuditChange.n)
        .limit(CHANGES + 1)
    ).all()
    shown = rows[:CHANGES]
    names = names_of(session, shown, viewer=viewer)
    there = kept_values(session, [side for row in shown for side in (row.before, row.after)])
    found = [
        (
            Changed(row.n, row.kind, row.row_id, row.verb, columns_changed(row.before, row.after, there)),
            label_of(row.kind),
            names.get((row.kind, row.row_id), NAMELESS),
        )
        for row in shown
    ]
    return found, shown[-1].n if len(rows) > CHANGES else None


def withheld(session: Session, envelope: AuditEnvelope, *, viewer: Actor) -> int:
    """How many change rows of an operation the viewer may not see."""
    seen = session.scalar(
        sa.select(sa.func.count())
        .select_from(AuditChange)
        .where(AuditChange.operation == envelope.operation, seen_rows(viewer))
    )
    return int(envelope.changes_count - int(seen or 0))


def tables_of(session: Session, operation: str) -> dict[str, set[str]]:
    """Table → verbs of an operation's change rows."""
    found: dict[str, set[str]] = {}
    statement = (
        sa.select(AuditChange.kind, AuditChange.verb).where(AuditChange.operation == operation).distinct()
    )
    for table, verb in session.execute(statement):
        found.setdefault(table, set()).add(verb)
    return found


def owner_of(table: str) -> tuple[RecordKind, str] | None:
    """The record kind a table's rows are, or hang on, and by which column."""
    for kind in listed().values():
        if kind.table == table:
            return kind, "id"
        for part in kind.parts:
            if part.model.__tablename__ == table:
                return kind, part.column
    return None


def beyond(session: Session, operation: str, table: str, *, viewer: Actor, is_own: bool = False) -> int:
    """How many rows of a table that an operation touched, and that are there, the viewer may not change. Of an
    operation of one's own (`is_own`) what was given away with it counts as one's own while it is seen."""
    owner = owner_of(table)
    model = models().get(table)
    if owner is None or model is None:
        return 0
    kind, column = owner
    touched = sa.select(AuditChange.row_id).where(
        AuditChange.operation == operation, AuditChange.kind == table
    )
    columns = columns_of(model)
    reach = kind.visible_to if is_own and kind.is_givers else kind.editable_by
    may = sa.select(kind.column("id")).where(reach(viewer))
    if kind.code in CHOSEN:  # looked up one by one, so only those asked about
        may = may.where(kind.column("id").in_(sa.select(columns[column]).where(columns["id"].in_(touched))))
    return int(
        session.scalar(
            sa.select(sa.func.count())
            .select_from(model)
            .where(columns["id"].in_(touched), columns[column].not_in(may))
        )
        or 0
    )


def operation_at(session: Session, seq: int) -> str | None:
    """The operation of an envelope."""
    return session.scalar(sa.select(AuditEnvelope.operation).where(AuditEnvelope.seq == seq))

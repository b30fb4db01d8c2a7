"""Undo of an operation from its change rows, whole or not at all. An undo is an operation itself: it can be undone.

Inserted rows are deleted when they are unchanged and nothing refers to them; changed columns get their old values
back where they still hold what the operation wrote; deleted rows come back with their ids. Versions only grow.
Derived state follows by `transaction.DERIVE` at the commit.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import sort_tables_and_constraints as sort_tables

from crm.core import audit
from crm.core.audit import AuditChange, AuditEnvelope, AuditPersonal
from crm.core.audit.journal import STAMPS, chunks, columns_of, present, restore_rows, write_updates
from crm.core.db import Base
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing, Refused

MOST = 20  # obstacles named


class Blocked(Refused):
    """The operation cannot be undone: `items` name the record and the later operation in the way."""


@dataclass
class Net:
    """What an operation did to one row, all its change rows taken together. None stands for "no row"."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass
class Plan:
    """What the undo will write to one table, in values the columns take."""

    model: type[Base]
    updates: dict[int, dict[str, Any]] = field(default_factory=dict)
    deletes: set[int] = field(default_factory=set)
    inserts: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Obstacle:
    """Why a row cannot be undone: columns changed since, or the row that refers to it."""

    model: type[Base]
    row_id: int
    columns: tuple[str, ...] = ()
    text: str = ""
    by: tuple[type[Base], int] | None = None


CHANGED = N_("%(name)s(%(kind)s %(id)s)后来在「%(action)s」中改过,操作人 %(who)s,时间 %(when)s")
CHANGED_UNKNOWN = N_("%(name)s(%(kind)s %(id)s)后来改过")
REFERRED = N_(
    "%(name)s(%(kind)s %(id)s)已被 %(by_name)s(%(by_kind)s %(by_id)s)引用:「%(action)s」,操作人 %(who)s,时间 %(when)s"
)
REFERRED_UNKNOWN = N_("%(name)s(%(kind)s %(id)s)已被 %(by_name)s(%(by_kind)s %(by_id)s)引用")
ERASED = N_("%(name)s(%(kind)s %(id)s)的个人信息已按规定删除,无法还原")
SECRET = N_("%(name)s(%(kind)s %(id)s)含保密内容,日志里没有留存,无法还原")
IN_THE_WAY = N_("这次操作之后,相关记录又有改动,不能整体撤销。什么都没有改。")


def undoable() -> dict[str, type[Base]]:
    """Table → model of everything the audit keeps change rows of."""
    models = (cast("type[Base]", mapper.class_) for mapper in Base.registry.mappers)
    return {model.__tablename__: model for model in models if model.__audited__}


def undo(session: Session, operation_id: str, *, actor: Actor) -> audit.Operation:
    """Undo a committed operation; the caller commits. Returns the operation the undo is part of.

    Raises `Blocked` (nothing changed) when something later stands in the way, `Missing` when there is no such
    operation, `Refused` when it changed nothing.
    """
    session.flush()
    envelope = _envelope(session, operation_id)
    plans, obstacles = _plan(session, operation_id)
    if obstacles:
        raise _blocked(session, envelope, obstacles)
    operation = audit.begin(
        session,
        actor=actor,
        action="operation.undone",
        subject=(envelope.subject_kind, envelope.subject_id or 0) if envelope.subject_kind else None,
        undone=operation_id,
        undone_action=envelope.action,
    )
    operation.params.setdefault("undone", operation_id)
    try:
        with session.begin_nested():
            _write(session, plans, operation)
    except IntegrityError as error:
        raise Blocked(IN_THE_WAY) from error
    session.expire_all()
    return operation


def can_undo(session: Session, operation_id: str) -> Refused | None:
    """What would stop an undo now; None when nothing does."""
    try:
        envelope = _envelope(session, operation_id)
        _, obstacles = _plan(session, operation_id, lock=False)
    except Refused as refusal:
        return refusal
    return _blocked(session, envelope, obstacles) if obstacles else None


def _envelope(session: Session, operation_id: str) -> AuditEnvelope:
    found = session.scalar(sa.select(AuditEnvelope).where(AuditEnvelope.operation == operation_id))
    if found is None:
        raise Missing(N_("没有这次操作。"))
    return found


# ── what it did, and what undoing it takes ────────────────────────────────────────────────────────────────────


def _net(session: Session, operation_id: str) -> dict[str, dict[int, Net]]:
    """Table → row → what the operation did to it in all."""
    table = cast(sa.Table, AuditChange.__table__)
    statement = (
        sa.select(table.c.kind, table.c.row_id, table.c.verb, table.c.before, table.c.after)
        .where(table.c.operation == operation_id)
        .order_by(table.c.n)
    )
    found: dict[str, dict[int, Net]] = {}
    for kind, row_id, verb, before, after in session.execute(statement):
        rows = found.setdefault(kind, {})
        net = rows.get(row_id)
        if net is None:
            rows[row_id] = Net(None if verb == "insert" else before, None if verb == "delete" else after)
        elif verb == "update":
            if net.before is not None:  # the first value seen of a column is the one before
                net.before = {**before, **net.before}
            net.after = {**(net.after or {}), **after}
        elif verb == "delete":
            net.before = None if net.before is None else {**before, **net.before}
            net.after = None
        else:
            net.after = after
    return found


def _plan(session: Session, operation_id: str, *, lock: bool = True) -> tuple[list[Plan], list[Obstacle]]:
    models = undoable()
    nets = _net(session, operation_id)
    if not nets:
        raise Refused(N_("这次操作没有改动任何记录,没有可以撤销的。"))
    plans: list[Plan] = []
    obstacles: list[Obstacle] = []
    for kind, rows in nets.items():
        model = models.get(kind)
        if model is None:
            raise Blocked(N_("这次操作改过的「%(kind)s」现在已经没有了,不能撤销。"), kind=kind)
        plan = Plan(model)
        personal = _personal(session, rows.values()) if model.__personal__ else {}
        now_there = present(session, model, rows, lock=lock)
        for row_id, net in rows.items():
            obstacle = _plan_row(plan, row_id, net, now_there.get(row_id), personal)
            if obstacle is not None:
                obstacles.append(obstacle)
        plans.append(plan)
    return plans, obstacles + _referring(session, plans)


def _plan_row(
    plan: Plan, row_id: int, net: Net, row: dict[str, Any] | None, personal: Mapping[str, str]
) -> Obstacle | None:
    model, columns = plan.model, columns_of(plan.model)
    if net.before is None and net.after is None:
        return None
    if net.after is None:  # it deleted the row
        if row is not None:
            return Obstacle(model, row_id, ("id",))
        return _restore(plan, plan.inserts, row_id, net.before or {}, personal)
    if row is None:
        return Obstacle(model, row_id, ("id",))
    names = set(net.after) if net.before is not None else set(columns) - STAMPS - {"id"}
    changed = sorted(
        name
        for name in names - STAMPS
        if name in columns and not _same(model, name, row[name], net.after.get(name), personal)
    )
    if changed:
        return Obstacle(model, row_id, tuple(changed))
    if net.before is None:
        plan.deletes.add(row_id)
        return None
    # a row deleted and made again within the operation: columns it did not have before become NULL again
    return _restore(plan, plan.updates, row_id, {name: net.before.get(name) for name in names}, personal)


def _restore(
    plan: Plan,
    into: dict[int, dict[str, Any]],
    row_id: int,
    values: Mapping[str, Any],
    personal: Mapping[str, str],
) -> Obstacle | None:
    """Turn journal values into column values; what the journal does not hold any more stands in the way."""
    columns = columns_of(plan.model)
    ready: dict[str, Any] = {}
    for name, value in values.items():
        if name not in columns or (name in STAMPS and into is plan.updates):
            continue
        if name in plan.model.__secret__:
            return Obstacle(plan.model, row_id, (name,), SECRET)
        if isinstance(value, str) and value.startswith(audit.COMMITTED) and name in plan.model.__personal__:
            text = personal.get(value.removeprefix(audit.COMMITTED))
            if text is None:
                return Obstacle(plan.model, row_id, (name,), ERASED)
            value = json.loads(text)
        ready[name] = audit.revive(columns[name].type, value)
    if ready:
        into[row_id] = ready
    return None


def _same(model: type[Base], name: str, value: Any, written: Any, personal: Mapping[str, str]) -> bool:
    if name in model.__secret__:
        return bool(value) == bool(written)
    if name in model.__personal__ and isinstance(written, str) and written.startswith(audit.COMMITTED):
        text = personal.get(written.removeprefix(audit.COMMITTED))
        return value is not None and text is not None and json.loads(text) == audit.jsonable(value)
    return bool(audit.jsonable(value) == written)


def _personal(session: Session, nets: Iterable[Net]) -> dict[str, str]:
    """Commitment → value of every personal value these changes name, as far as it has not been erased."""
    wanted = sorted(
        {
            value.removeprefix(audit.COMMITTED)
            for net in nets
            for side in (net.before, net.after)
            for value in (side or {}).values()
            if isinstance(value, str) and value.startswith(audit.COMMITTED)
        }
    )
    found: dict[str, str] = {}
    for part in chunks(wanted, 5000):
        rows = session.execute(
            sa.select(AuditPersonal.commitment, AuditPersonal.value).where(AuditPersonal.commitment.in_(part))
        )
        found.update((commitment, value) for commitment, value in rows)
    return found


# ── who refers to the rows that will go ───────────────────────────────────────────────────────────────────────


def _references() -> list[tuple[type[Base], str, str]]:
    """(model, attribute, table referred to): foreign keys, and columns that say so (`info={"refers_to": …}`)."""
    found: list[tuple[type[Base], str, str]] = []
    for mapper in Base.registry.mappers:
        model = cast("type[Base]", mapper.class_)
        for name, column in columns_of(model).items():
            for key in column.foreign_keys:
                follows = not model.__audited__ and key.ondelete in ("CASCADE", "SET NULL")
                if not follows and key.column.name == "id":
                    found.append((model, name, key.column.table.name))
            if "refers_to" in column.info:
                found.append((model, name, column.info["refers_to"]))
    return found


def _referring(session: Session, plans: list[Plan]) -> list[Obstacle]:
    """Rows that refer to rows about to be deleted, and are neither deleted nor set elsewhere by the same undo."""
    by_table = {plan.model.__tablename__: plan for plan in plans}
    obstacles: list[Obstacle] = []
    for model, name, table in _references():
        target = by_table.get(table)
        if target is None or not target.deletes:
            continue
        own = by_table.get(model.__tablename__, Plan(model))
        columns = columns_of(model)
        for part in chunks(sorted(target.deletes), 5000):
            statement = sa.select(columns["id"], columns[name]).where(columns[name].in_(part))
            for row_id, refers_to in session.execute(statement):
                if row_id in own.deletes or name in own.updates.get(row_id, {}):
                    continue
                obstacles.append(Obstacle(target.model, refers_to, (), REFERRED, (model, row_id)))
                if len(obstacles) > 10 * MOST:
                    return obstacles
    return obstacles


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────


def _write(session: Session, plans: list[Plan], operation: audit.Operation) -> None:
    """Updates that let go of rows first, then deletes (children first), rows that come back (parents first), and
    last the updates that refer to those."""
    order = {table.name: n for n, table in enumerate(_sorted_tables())}
    plans = sorted(plans, key=lambda plan: order[plan.model.__tablename__])
    back = {plan.model.__tablename__: set(plan.inserts) for plan in plans}
    later: list[tuple[Plan, dict[int, dict[str, Any]]]] = []
    for plan in plans:
        targets = {name: table for model, name, table in _references() if model is plan.model}
        waiting = (
            {
                row_id: values
                for row_id, values in plan.updates.items()
                if any(values.get(name) in back.get(table, ()) for name, table in targets.items())
            }
            if any(back.values())
            else {}
        )
        _update(session, plan, {i: v for i, v in plan.updates.items() if i not in waiting}, operation)
        later.append((plan, waiting))
    for plan in reversed(plans):
        if plan.deletes:
            _delete(session, plan)
    for plan in plans:
        restore_rows(session, plan.model, plan.inserts)
    for plan, waiting in later:
        _update(session, plan, waiting, operation)


def _update(
    session: Session, plan: Plan, updates: dict[int, dict[str, Any]], operation: audit.Operation
) -> None:
    if not updates:
        return
    names = set().union(*updates.values())
    now_there = present(session, plan.model, updates, names)
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for row_id, values in updates.items():
        groups.setdefault(tuple(sorted(values)), []).append((row_id, values))
    for writes in groups.values():
        write_updates(session, plan.model, writes, operation)
    audit.record(
        session,
        plan.model,
        (
            (row_id, "update", {name: now_there[row_id][name] for name in updates[row_id]}, updates[row_id])
            for row_id in sorted(updates)
        ),
    )


def _delete(session: Session, plan: Plan) -> None:
    """Rows of a table that refer to each other go newest first."""
    selves = [
        name for model, name, table in _references() if model is plan.model and table == model.__tablename__
    ]
    if not selves:
        audit.delete_many(session, plan.model, plan.deletes)
        return
    columns = columns_of(plan.model)
    left = set(plan.deletes)
    while left:
        held: set[int] = set()
        for name in selves:
            statement = sa.select(columns[name], columns["id"]).where(columns[name].is_not(None))
            for part in chunks(sorted(left), 5000):
                held |= {
                    to for to, by in session.execute(statement.where(columns["id"].in_(part))) if to != by
                }
        free = left - held or left
        audit.delete_many(session, plan.model, free)
        left -= free


def _sorted_tables() -> list[sa.Table]:
    """Parents before children; tables that refer to each other in a circle come in any order."""
    ordered = sort_tables(list(Base.metadata.tables.values()))  # type: ignore[no-untyped-call]
    return [table for table, _ in ordered if table is not None]


# ── saying what stands in the way ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Later:
    action: str
    who: str
    when: dt.datetime
    undone: str | None


def _blocked(session: Session, envelope: AuditEnvelope, obstacles: list[Obstacle]) -> Refused:
    items: list[Message] = []
    for obstacle in obstacles[:MOST]:
        model, row_id = obstacle.by or (obstacle.model, obstacle.row_id)
        later = _later(
            session, envelope.operation, model, row_id, obstacle.columns if not obstacle.by else ()
        )
        if later is not None and later.undone == envelope.operation:
            return Blocked(
                N_("这次操作已经由 %(who)s 于 %(when)s 撤销过了。"), who=later.who, when=later.when
            )
        params: dict[str, Any] = _named(session, obstacle.model, obstacle.row_id)
        if obstacle.by:
            params |= {f"by_{key}": value for key, value in _named(session, *obstacle.by).items()}
        if obstacle.text in (ERASED, SECRET):
            items.append(Message(obstacle.text, params))
            continue
        if later is not None:
            params |= {"action": later.action, "who": later.who, "when": later.when}
        known, unknown = (REFERRED, REFERRED_UNKNOWN) if obstacle.by else (CHANGED, CHANGED_UNKNOWN)
        items.append(Message(known if later else unknown, params))
    if len(obstacles) > MOST:
        items.append(Message(N_("……共 %(count)s 处"), {"count": len(obstacles)}))
    return Blocked(IN_THE_WAY, items=items)


def _later(
    session: Session, operation_id: str, model: type[Base], row_id: int, columns: tuple[str, ...]
) -> Later | None:
    """The latest operation other than this one that wrote these columns of a row (any, when none are named)."""
    statement = (
        sa.select(
            AuditChange.before,
            AuditChange.after,
            AuditChange.verb,
            AuditEnvelope.action,
            AuditEnvelope.actor_name,
            AuditEnvelope.at,
            AuditEnvelope.params,
        )
        .join(AuditEnvelope, AuditEnvelope.operation == AuditChange.operation)
        .where(
            AuditChange.kind == model.__tablename__,
            AuditChange.row_id == row_id,
            AuditChange.operation != operation_id,
        )
        .order_by(AuditChange.id.desc())
        .limit(50)
    )
    for before, after, verb, action, who, when, params in session.execute(statement):
        if verb != "update" or not columns or set(columns) & (before.keys() | after.keys()):
            return Later(action, who, when, params.get("undone"))
    return None


def _named(session: Session, model: type[Base], row_id: int) -> dict[str, Any]:
    """How a person knows a row: its name, else the name of what it belongs to."""
    return {
        "kind": getattr(model, "__label__", model.__tablename__),
        "id": row_id,
        "name": _name(session, model, row_id),
    }


def _name(session: Session, model: type[Base], row_id: int) -> str:
    columns = columns_of(model)
    if "name" in columns and "name" not in model.__personal__:
        found = session.execute(sa.select(columns["name"]).where(columns["id"] == row_id)).scalar()
        return f"「{found}」" if found else ""
    models = undoable()
    for column in columns.values():
        for key in column.foreign_keys:
            parent = models.get(key.column.table.name)
            if parent is None or parent is model or "name" in parent.__personal__:
                continue
            above = columns_of(parent)
            if "name" in above:
                found = session.execute(
                    sa.select(above["name"]).join(model, column == above["id"]).where(columns["id"] == row_id)
                ).scalar()
                return f"「{found}」" if found else ""
    return ""

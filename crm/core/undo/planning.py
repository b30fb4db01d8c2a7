"""What an operation did to each row in all, and what undoing it takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit import AuditChange, AuditPersonal
from crm.core.audit.journal import STAMPS, chunks, columns_of, present
from crm.core.bulk import within
from crm.core.db import Base
from crm.core.undo.obstacles import (
    ERASED,
    GONE,
    MOST,
    REFERRED,
    SECRET,
    TAKEN,
    Blocked,
    Obstacle,
    undoable,
)
from crm.core.words import N_, Refused


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


def plan_of(session: Session, operation_id: str, *, lock: bool = True) -> tuple[list[Plan], list[Obstacle]]:
    models = undoable()
    nets = _net(session, operation_id)
    if not nets:
        raise Refused(N_("这次操作没有改动任何记录，没有可以撤销的。"))
    plans: list[Plan] = []
    obstacles: list[Obstacle] = []
    for kind, rows in nets.items():
        model = models.get(kind)
        if model is None:
            raise Blocked(N_("这次操作改过的「%(kind)s」现在已经没有了，不能撤销。"), kind=kind)
        plan = Plan(model)
        personal = _personal(session, rows.values()) if model.__personal__ else {}
        now_there = present(session, model, rows, lock=lock)
        for row_id, net in rows.items():
            obstacle = _plan_row(plan, row_id, net, now_there.get(row_id), personal)
            if obstacle is not None:
                obstacles.append(obstacle)
        plans.append(plan)
    return plans, obstacles + referring(session, plans) + orphaned(session, plans, lock=lock)


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


def references() -> list[tuple[type[Base], str, str]]:
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


def referring(session: Session, plans: list[Plan]) -> list[Obstacle]:
    """Rows that refer to rows about to be deleted, and are neither deleted nor set elsewhere by the same undo."""
    by_table = {plan.model.__tablename__: plan for plan in plans}
    obstacles: list[Obstacle] = []
    for model, name, table in references():
        target = by_table.get(table)
        if target is None or not target.deletes:
            continue
        own = by_table.get(model.__tablename__, Plan(model))
        columns = columns_of(model)
        for part in chunks(sorted(target.deletes), 5000):
            statement = sa.select(columns["id"], columns[name]).where(within(columns[name], part))
            for row_id, refers_to in session.execute(statement):
                if row_id in own.deletes or name in own.updates.get(row_id, {}):
                    continue
                obstacles.append(Obstacle(target.model, refers_to, (), REFERRED, (model, row_id)))
                if len(obstacles) > 10 * MOST:
                    return obstacles
    return obstacles


def orphaned(session: Session, plans: list[Plan], *, lock: bool) -> list[Obstacle]:
    """Rows that would come back, or refer again, to a row that is no longer there."""
    by_table = {plan.model.__tablename__: plan for plan in plans}
    models = undoable()
    obstacles: list[Obstacle] = []
    for model, name, table in references():
        plan, target = by_table.get(model.__tablename__), models.get(table)
        if plan is None or target is None:
            continue
        written = {**plan.updates, **plan.inserts}
        wanted = {row_id: values[name] for row_id, values in written.items() if values.get(name) is not None}
        beside = by_table.get(table, Plan(target))
        there = set(present(session, target, sorted(set(wanted.values())), {"id"}, lock=lock))
        there = (there - beside.deletes) | set(beside.inserts)
        for row_id, refers_to in sorted(wanted.items()):
            if refers_to not in there:
                obstacles.append(Obstacle(model, row_id, (name,), GONE, (target, refers_to)))
    return obstacles


def taken(session: Session, plans: list[Plan], constraint: str | None) -> list[Obstacle]:
    """The rows that hold today what a unique key would have to give back, after the database refused it."""
    for plan in plans:
        key = _unique(plan.model, constraint)
        if not key:
            continue
        columns = columns_of(plan.model)
        written = {**plan.updates, **plan.inserts}
        whole = present(session, plan.model, plan.updates)
        obstacles = []
        for row_id, values in written.items():
            row = {**whole.get(row_id, {}), **values}
            held = sa.and_(*(columns[name] == row.get(name) for name in key), columns["id"] != row_id)
            for other in session.scalars(sa.select(columns["id"]).where(held)):
                if other not in plan.deletes:
                    obstacles.append(Obstacle(plan.model, row_id, key, TAKEN, (plan.model, other)))
        return obstacles
    return []


def _unique(model: type[Base], constraint: str | None) -> tuple[str, ...]:
    """The attributes of a unique key of a model, by its name."""
    names = {column.key: name for name, column in columns_of(model).items()}
    table = cast(sa.Table, model.__table__)
    keys: list[sa.UniqueConstraint | sa.Index] = [*table.indexes]
    keys += [item for item in table.constraints if isinstance(item, sa.UniqueConstraint)]
    for item in keys:
        if item.name == constraint:
            return tuple(names[column.key] for column in item.columns)
    return ()

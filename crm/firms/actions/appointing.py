"""Asking `rules.appointing` about firms in the database: before a write, and of every transaction before its commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core import audit
from crm.core.audit import AuditChange
from crm.core.bulk import within
from crm.core.permissions import Actor, Scope
from crm.core.transaction import Derive
from crm.core.words import Message, Refused
from crm.firms.models import Firm
from crm.firms.rules.appointing import ROWS, Standing, check, check_taking, objection
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import RowOutcome

MOVING = {"contacts": "contact:reveal", "year_figures": "figure:read", "equity_rounds": "figure:read"}
OWNERS = frozenset({"officer_id", "street_id"})
FACTS = ("officer_id", "created_by_id", "street_id")


def standings(session: Session, firm_ids: Iterable[int]) -> dict[int, Standing]:
    """Whose these firms are. One statement for 5,000."""
    ids = sorted(set(firm_ids))
    found: dict[int, Standing] = {}
    for start in range(0, len(ids), 5000):
        rows = session.execute(
            sa.select(Firm.id, Firm.officer_id, Firm.created_by_id, Firm.street_id, User.unit_id)
            .outerjoin(User, User.id == Firm.officer_id)
            .where(within(Firm.id, ids[start : start + 5000]))
        )
        found.update({row[0]: Standing(*row[1:]) for row in rows})
    return found


def units_of(session: Session, user_ids: Iterable[int | None]) -> dict[int, int | None]:
    """The unit of each of these people."""
    ids = sorted({user_id for user_id in user_ids if user_id is not None})
    rows = session.execute(sa.select(User.id, User.unit_id).where(User.id.in_(ids))) if ids else ()
    return {row[0]: row[1] for row in rows}


def after(before: Standing, values: Mapping[str, Any], units: Mapping[int, int | None]) -> Standing:
    """The standing once `values` (officer_id, street_id) are written."""
    officer = values.get("officer_id", before.officer_id)
    unit = before.officer_unit_id if officer == before.officer_id else units.get(officer or 0)
    return Standing(officer, before.creator_id, values.get("street_id", before.street_id), unit)


def objections_among(
    session: Session, firm_ids: Sequence[int], *, actor: Actor, values: Mapping[str, Any]
) -> dict[int, Message]:
    """The firms among these that the actor may not bring to `values`, and why."""
    if actor.user_id is None or not OWNERS & set(values):
        return {}
    units = units_of(session, [values.get("officer_id")])
    found: dict[int, Message] = {}
    for firm_id, before in standings(session, firm_ids).items():
        reason = objection(actor, before, after(before, values, units))
        if reason is not None:
            found[firm_id] = reason
    return found


def refuse_rows(session: Session, staged: Sequence[Any], actor: Actor) -> None:
    """Rows of an import (`staging.Staged`) that would make a firm the importer's own are refused, with the reason."""
    told = {
        item.read.row_no: (item.joined.firm_id, item.read.values)
        for item in staged
        if item.joined.outcome is RowOutcome.NEW
        or (item.joined.outcome is RowOutcome.CHANGED and OWNERS & set(item.changes))
    }
    barred = objections(session, told, actor)
    for item in staged:
        if (reason := barred.get(item.read.row_no)) is not None:
            item.joined.outcome, item.changes = RowOutcome.REFUSED, {}
            item.joined.reasons.append({**kept(reason), "field": "officer", "column": "服务专员"})


def check_row(
    session: Session, row_no: int, firm_id: int | None, values: Mapping[str, Any], actor: Actor
) -> None:
    """Raises `Refused` when deciding a doubtful row this way would make the firm the actor's own."""
    for reason in objections(session, {row_no: (firm_id, values)}, actor).values():
        raise Refused(reason.text, **reason.params)


def check_entries(session: Session, entries: Sequence[Any], actor: Actor) -> None:
    """Whoever writes an import (`registering.Entry`) may be another person than the one who read the file.
    Raises `Refused` naming the rows."""
    told = {
        entry.row_no: (entry.firm_id, entry.values)
        for entry in entries
        if entry.firm_id is None or OWNERS & set(entry.changes)
    }
    if barred := sorted(objections(session, told, actor)):
        shown = "、".join(str(row_no) for row_no in barred[:10]) + (" …" if len(barred) > 10 else "")
        raise Refused(ROWS, rows=shown)


def objections(
    session: Session, rows: Mapping[int, tuple[int | None, Mapping[str, Any]]], actor: Actor
) -> dict[int, Message]:
    """The objections by row number to rows `(firm id or None for a new one, values)`; an empty cell changes
    nothing. The importer is not the creator of what an import enters."""
    if actor.user_id is None:
        return {}
    given = {
        row_no: (firm_id, {name: values[name] for name in OWNERS if values.get(name) is not None})
        for row_no, (firm_id, values) in rows.items()
        if any(values.get(name) is not None for name in OWNERS)
    }
    known = standings(session, [firm_id for firm_id, _ in given.values() if firm_id])
    units = units_of(session, {values.get("officer_id") for _, values in given.values()})
    found: dict[int, Message] = {}
    for row_no, (firm_id, values) in given.items():
        before = known.get(firm_id or 0, Standing())
        if (reason := objection(actor, before, after(before, values, units))) is not None:
            found[row_no] = reason
    return found


def guard(session: Session, touched: dict[str, set[int]]) -> None:
    """Raises `Refused` when this transaction, whatever it is called, makes a firm its actor's own."""
    operation = audit.running(session)
    actor = operation.actor if operation is not None else None
    if operation is None or actor is None or actor.user_id is None:
        return
    if firms := touched.get("firms"):
        _guard_firms(session, operation.id, actor, firms)
    for table, permission in MOVING.items():
        if table in touched and actor.scope(permission) in (Scope.OWN, Scope.UNIT):
            _guard_moves(session, operation.id, actor, table, permission)


def _guard_firms(session: Session, operation: str, actor: Actor, firm_ids: set[int]) -> None:
    near = [Firm.officer_id == actor.user_id]
    if actor.scope("figure:read") is Scope.UNIT:
        near += [Firm.street_id.in_(actor.unit_ids), User.unit_id.in_(actor.unit_ids)]
    ids = sorted(firm_ids)
    for start in range(0, len(ids), 5000):
        part = ids[start : start + 5000]
        mine = set(
            session.scalars(
                sa.select(Firm.id)
                .outerjoin(User, User.id == Firm.officer_id)
                .where(within(Firm.id, part), sa.or_(*near))
            )
        )
        if not mine:
            continue
        there = standings(session, mine)
        was: dict[int, dict[str, Any]] = {}
        born: set[int] = set()
        rows = session.execute(
            sa.select(AuditChange.row_id, AuditChange.verb, AuditChange.before)
            .where(
                AuditChange.operation == operation, AuditChange.kind == "firms",
                within(AuditChange.row_id, sorted(mine)),
            )
            .order_by(AuditChange.n)
        )  # fmt: skip
        for firm_id, verb, before in rows:
            if verb == "insert":
                born.add(firm_id)
            for name in FACTS:
                if name in before:
                    was.setdefault(firm_id, {}).setdefault(name, before[name])
        for firm_id, now in there.items():
            if firm_id in born:  # a firm nobody had: its creator's, or nobody's
                before_it = Standing(creator_id=now.creator_id)
            else:
                known = was.get(firm_id, {})
                officer = known.get("officer_id", now.officer_id)
                before_it = Standing(
                    officer, known.get("created_by_id", now.creator_id), known.get("street_id", now.street_id),
                    now.officer_unit_id if officer == now.officer_id else units_of(session, [officer]).get(officer or 0),
                )  # fmt: skip
            if firm_id in born and now.officer_id != actor.user_id:
                continue  # registering in one's own street is a reporter's work
            check(actor, before_it, now)


def _guard_moves(session: Session, operation: str, actor: Actor, table: str, permission: str) -> None:
    rows = session.execute(
        sa.select(AuditChange.before, AuditChange.after).where(
            AuditChange.operation == operation, AuditChange.kind == table, AuditChange.verb == "update"
        )
    )
    moves = {
        (before["firm_id"], new["firm_id"])
        for before, new in rows
        if "firm_id" in new and "firm_id" in before
    }
    known = standings(session, {firm_id for move in moves for firm_id in move})
    for source, target in sorted(moves):
        check_taking(actor, permission, known.get(source, Standing()), known.get(target, Standing()))


APPOINTING = Derive("firms.appointing", frozenset({"firms", *MOVING}), guard)

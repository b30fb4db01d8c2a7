"""Freezing a month, and the guard of all frozen ones: by no road does a number that was reported change.

The guard runs with the transaction (slot `DERIVE`): it reads the change rows, so that an action, an undo, a merge and
an import are all the same to it. A frozen month closes those before it: the numbers are as of a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit.journal import chunks, present
from crm.core.permissions import Actor
from crm.core.transaction import Derive
from crm.core.words import N_, Refused
from crm.projects.models import FrozenMonth, ProjectCount, ProjectPayment
from crm.projects.queries.counting import closed, frozen_months
from crm.projects.queries.counts import tallies
from crm.projects.rules.counting import check_month
from crm.projects.rules.words import Act

# what of a row the numbers are made of, besides its two days
WATCHED: Mapping[type[Any], tuple[str, ...]] = {
    ProjectCount: ("yuan", "fixed_yuan", "headquarters", "is_innovative"),
    ProjectPayment: ("yuan", "origin", "kind"),
}
LOCK = "projects.frozen"


def one_at_a_time(session: Session) -> None:
    """Whoever freezes, and whoever changes what may be frozen, come one after the other until they commit: on SQLite
    there is one writer anyway (a marked dialect branch)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(LOCK, 0))))


def freeze(session: Session, *, actor: Actor, today: dt.date, month: str) -> FrozenMonth:
    """Freeze a month that is over: its figures are kept as they are reported. Raises `Forbidden`, `Refused`."""
    actor.require("plan:manage")
    one_at_a_time(session)
    end = check_month(month, {row.month for row in frozen_months(session)}, today)
    audit.begin(session, actor=actor, action=Act.FREEZE, month=month)
    figures = {key: tally.reported for key, tally in tallies(session, end, viewer=actor).items()}
    made = FrozenMonth(month=month, frozen_on=today, figures=figures)
    session.add(made)
    session.flush()
    return made


def guard(session: Session, touched: dict[str, set[int]]) -> None:
    """Raises `Refused` when this transaction changes what a closed day counts, or a frozen month itself."""
    one_at_a_time(session)
    operation = audit.running(session)
    if operation is None:
        return
    if FrozenMonth.__tablename__ in touched:
        _guard_months(session, operation)
    until = closed(session)
    if until is None:
        return
    for model, names in WATCHED.items():
        if ids := touched.get(model.__tablename__):
            _guard_rows(session, operation, model, names, ids, until)


def _guard_months(session: Session, operation: audit.Operation) -> None:
    changed = session.execute(
        sa.select(audit.AuditChange.id)
        .where(
            audit.AuditChange.operation == operation.id,
            audit.AuditChange.kind == FrozenMonth.__tablename__,
            audit.AuditChange.verb != "insert",
        )
        .limit(1)
    )
    if changed.scalar_one_or_none() is not None:
        raise Refused(N_("冻结的月份不能再改，也不能撤销。"))


def _guard_rows(
    session: Session,
    operation: audit.Operation,
    model: type[Any],
    names: tuple[str, ...],
    ids: set[int],
    until: dt.date,
) -> None:
    wanted = ("counts_on", "withdrawn_on", *names)
    after = present(session, model, ids, wanted, lock=False)
    changes = _changes(session, operation, model, ids)
    for row_id in ids:
        now = after.get(row_id)
        before = _rewound(now, changes.get(row_id, []), wanted)
        if _told(before, names, until) != _told(now, names, until):
            raise Refused(N_("%(until)s 及以前的数已经冻结上报，不能改动；请在以后的月份更正。"), until=until)


def _changes(
    session: Session, operation: audit.Operation, model: type[Any], ids: set[int]
) -> dict[int, list[Any]]:
    """By row, what this transaction did to it, the latest first."""
    found: dict[int, list[Any]] = {}
    for part in chunks(sorted(ids)):
        rows = session.execute(
            sa.select(audit.AuditChange.row_id, audit.AuditChange.verb, audit.AuditChange.before)
            .where(
                audit.AuditChange.operation == operation.id,
                audit.AuditChange.kind == model.__tablename__,
                audit.AuditChange.row_id.in_(part),
            )
            .order_by(audit.AuditChange.n.desc())
        )
        for row in rows:
            found.setdefault(row.row_id, []).append(row)
    return found


def _rewound(
    now: Mapping[str, Any] | None, changes: list[Any], wanted: tuple[str, ...]
) -> Mapping[str, Any] | None:
    """The row as it was before this transaction, in the words of the journal; None when it was not there."""
    row: dict[str, Any] | None = None if now is None else dict(audit.jsonable(now))
    for change in changes:
        if change.verb == "insert":
            row = None
        elif change.verb == "delete":
            row = {name: change.before.get(name) for name in wanted}
        elif row is not None:
            row |= {name: value for name, value in change.before.items() if name in wanted}
    return row


def _told(row: Mapping[str, Any] | None, names: tuple[str, ...], until: dt.date) -> tuple[Any, ...] | None:
    """What the closed days tell of a row: nothing, or its values and the day it was withdrawn within them."""
    if row is None:
        return None
    values = audit.jsonable(dict(row))
    last = until.isoformat()
    if values["counts_on"] is None or values["counts_on"] > last:
        return None
    withdrawn = values["withdrawn_on"]
    if withdrawn is not None and withdrawn <= values["counts_on"]:
        return None  # it counted on no day
    return (
        values["counts_on"],
        withdrawn if withdrawn is not None and withdrawn <= last else None,
        *(values[name] for name in names),
    )


FROZEN = Derive(
    "projects.frozen",
    frozenset({ProjectCount.__tablename__, ProjectPayment.__tablename__, FrozenMonth.__tablename__}),
    guard,
)

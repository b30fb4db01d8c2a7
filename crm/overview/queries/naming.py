"""How people call the records an operation changed, and where they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit import AuditChange
from crm.core.audit.journal import columns_of
from crm.core.permissions import Actor
from crm.core.records import RecordKind, listed, may_open


class Named(NamedTuple):
    """A record's name, and its page (endpoint and values); no page for who may not open it."""

    name: str
    page: tuple[str, dict[str, int]] | None


NAMELESS = Named("", None)


def names_of(session: Session, rows: Sequence[AuditChange], *, viewer: Actor) -> dict[tuple[str, int], Named]:
    """The names of the records changed: their own, or that of the record they hang on. A statement a table."""
    by_table: dict[str, list[int]] = {}
    for row in rows:
        by_table.setdefault(row.kind, []).append(row.row_id)
    found: dict[tuple[str, int], Named] = {}
    for table, ids in by_table.items():
        for kind, row_id, name, place in _named(session, table, ids):
            page = (kind.endpoint, {kind.id_name: place}) if place and may_open(kind, viewer) else None
            found[(table, row_id)] = Named(name or "", page)
    return found


def _named(
    session: Session, table: str, ids: Sequence[int]
) -> list[tuple[RecordKind, int, str | None, int | None]]:
    for kind in listed().values():
        told: list[Any] = [kind.column(kind.name), kind.column(kind.id_from)]
        if kind.table == table:
            query = sa.select(kind.column("id"), *told).where(kind.column("id").in_(ids))
            return [(kind, *row) for row in session.execute(query)]
        for part in kind.parts:
            if part.model.__tablename__ == table:
                columns = columns_of(part.model)
                query = (
                    sa.select(columns["id"], *told)
                    .join(kind.model, kind.column("id") == columns[part.column])
                    .where(columns["id"].in_(ids))
                )
                return [(kind, *row) for row in session.execute(query)]
    return []

"""Keep the search index in step with firms and their names; a DERIVE entry of the factory."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit, search
from crm.core.audit import AuditChange
from crm.core.bulk import within
from crm.core.transaction import Derive
from crm.firms.models import Firm, FirmName
from crm.firms.queries.finding import KIND

CHUNK = 5000


def reindex(session: Session, touched: dict[str, set[int]]) -> None:
    """Bring the index up to date with the firms whose rows or names were touched, whatever touched them."""
    ids = set(touched.get("firms", ()))
    names = sorted(touched.get("firm_names", ()))
    for part in _parts(names):
        ids.update(session.scalars(sa.select(FirmName.firm_id).where(FirmName.id.in_(part))))
    if names:
        ids.update(_dropped_from(session, names))
    for part in _parts(sorted(ids)):
        search.index(session, KIND, _docs(session, part))
        gone = set(part) - set(session.scalars(sa.select(Firm.id).where(within(Firm.id, part))))
        if gone:
            search.remove(session, KIND, sorted(gone))


def reindex_all(session: Session) -> int:
    """Build the whole index anew. Returns the number of firms."""
    ids = list(session.scalars(sa.select(Firm.id).order_by(Firm.id)))
    for part in _parts(ids):
        search.index(session, KIND, _docs(session, part))
    return len(ids)


def _docs(session: Session, ids: list[int]) -> Iterator[tuple[int, search.SearchDoc]]:
    others: dict[int, list[str]] = {}
    for firm_id, name in session.execute(
        sa.select(FirmName.firm_id, FirmName.name).where(within(FirmName.firm_id, ids)).order_by(FirmName.id)
    ):
        others.setdefault(firm_id, []).append(name)
    rows = session.execute(sa.select(Firm.id, Firm.name, Firm.code).where(within(Firm.id, ids)))
    for firm_id, name, code in rows:
        yield firm_id, search.SearchDoc([name, *others.get(firm_id, ())], [code] if code else [])


def _dropped_from(session: Session, name_ids: list[int]) -> set[int]:
    """Firms whose names this transaction has deleted: their change rows still say whose they were."""
    from_journal: set[int] = set()
    operation = audit.running(session)
    if operation is None:
        return from_journal
    for part in _parts(name_ids):
        rows = session.execute(
            sa.select(AuditChange.before).where(
                AuditChange.operation == operation.id,
                AuditChange.kind == "firm_names",
                AuditChange.verb == "delete",
                AuditChange.row_id.in_(part),
            )
        )
        from_journal.update(row.before["firm_id"] for row in rows)
    return from_journal


def _parts(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


SEARCH = Derive("firms.search", frozenset({"firms", "firm_names"}), reindex)

"""The edge's commit: flush, recompute what is derived, seal the audit envelope, commit. Nothing else commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.db import db, intent


@dataclass(frozen=True, slots=True)
class Derive:
    """State to recompute when rows of `tables` change: called with the session and the touched (table, ids)."""

    name: str
    tables: frozenset[str]
    recompute: Callable[[Session, dict[str, set[int]]], None]


DERIVE: list[Derive] = []  # filled by the factory, in feature order


def derive(session: Session) -> None:
    """Bring derived state up to date with what this transaction has changed so far."""
    operation = audit.running(session)
    if operation is None:
        return
    for entry in DERIVE:
        touched = {table: set(ids) for table, ids in operation.touched.items() if table in entry.tables}
        if touched:
            entry.recompute(session, touched)
            session.flush()


def commit(session: Session | None = None) -> audit.AuditEnvelope | None:
    """Commit the unit of work. Returns the envelope, if the transaction did anything the audit knows."""
    target = session if session is not None else db.session()
    target.flush()
    derive(target)
    envelope = audit.seal(target)
    target.commit()
    return envelope


@contextmanager
def fresh(*, write: bool = True, origin: audit.Origin | None = None) -> Iterator[Session]:
    """A session of its own for an edge that must not join the request's (an audit row about a refused request,
    the queue's bookkeeping). Committed by `commit(session)`; rolled back when left without."""
    session = Session(db.engine, expire_on_commit=False, autoflush=False)
    outer = db.session.info.get("origin") if db.session.registry.has() else None
    session.info["origin"] = origin or outer or audit.Origin()
    with intent("write" if write else "read"):
        try:
            yield session
        finally:
            session.close()

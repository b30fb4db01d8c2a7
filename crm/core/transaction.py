"""The edge's commit: flush, recompute what is derived, seal the audit envelope, commit. Nothing else commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit.hooks import WROTE
from crm.core.db import Base, db, intent
from crm.core.words import Refused

log = structlog.get_logger("tidui")


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
    """Commit the unit of work. Returns the envelope, if the transaction did anything the audit knows.

    The link is also told to the log, which is kept elsewhere: an anchor against a chain cut short.
    """
    target = session if session is not None else db.session()
    target.flush()
    derive(target)
    envelope = audit.seal(target)
    target.commit()
    if envelope is not None:
        log.info("audit", action=envelope.action, link=f"{envelope.seq}:{envelope.hash}")
    return envelope


def let_go() -> None:
    """On SQLite, end the request's transaction when it has only read, so that another session can write.
    Raises `RuntimeError` when it has written."""
    outer = db.session() if db.session.registry.has() else None
    if outer is None or not outer.in_transaction() or db.engine.dialect.name != "sqlite":
        return
    if outer.new or outer.dirty or outer.deleted or outer.info.get(WROTE):
        raise RuntimeError("a second writing session while the first has written: commit or roll back first")
    outer.commit()  # nothing was written; objects stay loaded (expire_on_commit is off)


@contextmanager
def fresh(
    *, write: bool = True, origin: audit.Origin | None = None, patience: float | None = None
) -> Iterator[Session]:
    """A session of its own for an edge that must not join the request's (an audit row about a refused request,
    the queue's bookkeeping). Committed by `commit(session)`; rolled back when left without.

    SQLite has one writer: where the request's transaction has read only, it is let go first; where it has
    written, `RuntimeError` is raised, since the second would wait for the first for ever. `patience`: seconds to
    wait for SQLite's one writer, where what is written is not worth waiting for.
    """
    outer = db.session() if db.session.registry.has() else None
    if write:
        let_go()
    session = Session(db.engine, expire_on_commit=False, autoflush=False)
    session.info["origin"] = (
        origin or (outer.info.get("origin") if outer is not None else None) or audit.Origin()
    )
    with intent("write" if write else "read", patience=patience):
        try:
            yield session
        finally:
            session.close()


@contextmanager
def refusing(session: Session, sentences: Mapping[str, Refused]) -> Iterator[None]:
    """Turn the violation of a named constraint into a sentence: two at once wanted the same key.

    ``with refusing(session, {"uq_firms_code": Refused(N_("…"), field="code")}): …`` flushes at its end. What the
    block wrote is undone (a savepoint); the transaction itself goes on. Other violations are raised as they are.
    """
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        name = violated(error)
        if name is not None and name in sentences:
            raise sentences[name] from error
        raise


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint a write violated, on either database (a marked dialect branch)."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name) if diagnosis.constraint_name else None
    text = str(error.orig)
    what, _, rest = text.partition(" constraint failed: ")
    if what == "CHECK":
        return rest
    if what != "UNIQUE":
        return None
    if rest.startswith("index "):
        return rest.removeprefix("index ").strip("'")
    pairs = [part.strip().split(".", 1) for part in rest.split(",")]
    table = Base.metadata.tables.get(pairs[0][0])
    columns = [column for _, column in pairs]
    return _unique_on(table, columns) if table is not None else None


def _unique_on(table: sa.Table, columns: list[str]) -> str | None:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint) and [c.name for c in constraint.columns] == columns:
            return str(constraint.name)
    for index in table.indexes:
        if index.unique and [c.name for c in index.columns] == columns:
            return str(index.name)
    return None

"""Text search over names, former names, codes and pinyin, the same on SQLite and PostgreSQL.

``search_entries`` keeps the folded texts of each subject (kind, id); ``search_grams`` is the index over them: a
contentless FTS5 table on SQLite, an array under GIN on PostgreSQL, neither of them a model. Grams narrow, the texts decide,
so an answer is what a scan with LIKE would give. Written in the caller's transaction, never audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from zlib import crc32

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, scoped_session

from crm.core import pinyin
from crm.core.bulk import insert_rows
from crm.core.db import Base, BigId
from crm.core.folding import fold
from crm.core.grams import (
    ANYTHING,
    All,
    Need,
    grams,
    is_code,
    match_expression,
    needs,
    plain_code,
    split,
)
from crm.core.words import N_, Message

CHUNK = 2_000
FILTERED = 2_000  # subjects a list filter takes at most by pinyin alone
LINE = "\n"

entries = sa.Table(
    "search_entries",
    Base.metadata,
    sa.Column("entry", BigId, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("subject_id", sa.BigInteger, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("others", sa.Text, nullable=False),
    sa.Column("codes", sa.Text, nullable=False),
    sa.Column("length", sa.Integer, nullable=False),
    comment="what can be searched: title as written; name, others, codes folded, several on lines of their own",
)
_index = sa.table(
    "search_grams", sa.column("rowid"), sa.column("entry"), sa.column("grams", postgresql.ARRAY(sa.Text))
)

SessionLike = Session | scoped_session[Session]


@dataclass(frozen=True, slots=True)
class SearchDoc:
    """One subject's texts: ``names`` (the present one first, then former and other names) and ``codes``."""

    names: Sequence[str]
    codes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A subject found. ``name`` as it was written, ``why`` it was found, ``score`` 0..100 by kind of likeness."""

    id: int
    name: str
    why: Message
    score: int


# --- the tables -------------------------------------------------------------------------------------------------


def create_search(connection: sa.Connection) -> None:
    """Make both tables where they are missing. Called by the migration."""
    entries.create(connection, checkfirst=True)
    _create_index(connection)


def drop_search(connection: sa.Connection) -> None:
    """Remove both tables."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS search_grams")
    entries.drop(connection, checkfirst=True)


def is_index_table(name: str | None) -> bool:
    """Whether a table belongs to the gram index: autogenerate must leave it alone."""
    return (name or "").startswith("search_grams")


def _create_index(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE IF NOT EXISTS search_grams USING fts5("
            "grams, content='', detail=none, columnsize=0, tokenize='ascii')"
        )
        return
    connection.exec_driver_sql(
        "CREATE TABLE IF NOT EXISTS search_grams (entry BIGINT PRIMARY KEY, grams TEXT[] NOT NULL)"
    )
    connection.exec_driver_sql(
        "CREATE INDEX IF NOT EXISTS ix_search_grams_grams ON search_grams USING gin (grams)"
    )


@event.listens_for(entries, "after_create")
def _with_index(_table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    _create_index(connection)


@event.listens_for(entries, "before_drop")
def _without_index(_table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    connection.exec_driver_sql("DROP TABLE IF EXISTS search_grams")


# --- writing ----------------------------------------------------------------------------------------------------


def entry_of(kind: str, subject_id: int) -> int:
    """The number of a subject in the index: 18 bits for the kind, 44 for the id."""
    return (crc32(kind.encode()) & 0x3FFFF) << 44 | subject_id


def index(session: SessionLike, kind: str, rows: Iterable[tuple[int, SearchDoc]]) -> int:
    """Put subjects into the index, or their new texts in place of the old. Returns how many had changed."""
    connection = session.connection()
    changed = 0
    stream = iter(rows)
    while chunk := dict(islice(stream, CHUNK)):
        wanted = {entry_of(kind, number): _row(kind, number, doc) for number, doc in chunk.items()}
        known = _known(connection, list(wanted))
        stale = [row for entry, row in known.items() if row != wanted[entry]]
        fresh = [row for entry, row in wanted.items() if known.get(entry) != row]
        _remove(connection, stale)
        _add(connection, fresh)
        changed += len(fresh)
    return changed


def remove(session: SessionLike, kind: str, ids: Iterable[int]) -> int:
    """Take subjects out of the index. Returns how many were in it."""
    connection = session.connection()
    removed = 0
    stream = iter(ids)
    while chunk := [entry_of(kind, number) for number in islice(stream, CHUNK)]:
        known = list(_known(connection, chunk).values())
        _remove(connection, known)
        removed += len(known)
    return removed


def rebuild(session: SessionLike) -> int:
    """Write the gram index anew from the stored texts (after the grams have changed). Returns the entries."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("INSERT INTO search_grams(search_grams) VALUES ('delete-all')")
    else:
        connection.exec_driver_sql("TRUNCATE search_grams")
    done, last = 0, -1
    while True:
        page = sa.select(entries).where(entries.c.entry > last).order_by(entries.c.entry).limit(CHUNK)
        rows = [dict(row) for row in connection.execute(page).mappings()]
        if not rows:
            return done
        _add_grams(connection, rows)
        done, last = done + len(rows), rows[-1]["entry"]


def _row(kind: str, number: int, doc: SearchDoc) -> dict[str, Any]:
    folded = list(dict.fromkeys(name for text in doc.names if (name := fold(text))))
    codes = list(dict.fromkeys(code for text in doc.codes if (code := plain_code(text))))
    name = folded[0] if folded else ""
    return {
        "entry": entry_of(kind, number),
        "kind": kind,
        "subject_id": number,
        "title": doc.names[0] if doc.names else "",
        "name": name,
        "others": LINE.join(folded[1:]),
        "codes": LINE.join(codes),
        "length": len(name),
    }


def _known(connection: sa.Connection, numbers: list[int]) -> dict[int, dict[str, Any]]:
    found = connection.execute(sa.select(entries).where(entries.c.entry.in_(numbers))).mappings()
    return {row["entry"]: dict(row) for row in found}


def _grams_of(row: dict[str, Any]) -> list[str]:
    others = row["others"].split(LINE) if row["others"] else []
    return grams([row["name"], *others], row["codes"].split(LINE) if row["codes"] else [])


def _add(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert_rows(connection, entries, rows)
        _add_grams(connection, rows)


def _add_grams(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "INSERT INTO search_grams(rowid, grams) VALUES (?, ?)",
            [(row["entry"], " ".join(_grams_of(row))) for row in rows],
        )
    else:
        connection.exec_driver_sql(
            "INSERT INTO search_grams (entry, grams) VALUES (%s, %s)",
            [(row["entry"], _grams_of(row)) for row in rows],
        )


def _remove(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        # a row of a contentless table is removed by naming its old grams
        connection.exec_driver_sql(
            "INSERT INTO search_grams(search_grams, rowid, grams) VALUES ('delete', ?, ?)",
            [(row["entry"], " ".join(_grams_of(row))) for row in rows],
        )
    else:
        gone = sa.delete(_index).where(_index.c.entry.in_([row["entry"] for row in rows]))
        connection.execute(gone)
    connection.execute(sa.delete(entries).where(entries.c.entry.in_([row["entry"] for row in rows])))


# --- asking -----------------------------------------------------------------------------------------------------

EXACT, PREFIX, INSIDE, FORMER, CODE, SOUNDS, SOUNDS_FORMER = range(7)


def find(
    session: SessionLike, kind: str, query: str, *, limit: int = 20, visible: sa.Select[Any] | None = None
) -> list[Hit]:
    """Subjects whose texts have every term of ``query``: exact name first, then beginning, inside, former name,
    code, pinyin, pinyin of a former name (the worst term counts); shorter names first. ``visible`` selects the
    ids the viewer may see. An empty query finds nothing."""
    terms = split(query)
    if not terms or limit < 1:
        return []
    dialect = session.connection().dialect.name
    written = _written(dialect, kind, terms, visible)
    rank = _rank(dialect, terms)
    ordered = written.order_by(rank, entries.c.length, entries.c.subject_id).limit(limit)
    rows = list(session.execute(ordered))
    if len(rows) < limit and any(map(pinyin.is_term, terms)):
        rows += _heard(
            session, _narrowed(dialect, kind, terms, visible, heard=True), terms, limit - len(rows)
        )
    return [_hit(row, terms) for row in rows]


def matching(session: SessionLike, kind: str, query: str) -> sa.Select[tuple[int]]:
    """A select of the subjects' ids, for list filters: ``Firm.id.in_(search.matching(…))``. What is found by
    pinyin alone is looked up at once, the ``FILTERED`` shortest names of it."""
    terms = split(query)
    c = entries.c
    if not terms:
        return sa.select(c.subject_id).where(sa.false())
    dialect = session.connection().dialect.name
    found = _written(dialect, kind, terms, None).with_only_columns(c.subject_id)
    if not any(map(pinyin.is_term, terms)):
        return found
    heard = _heard(session, _narrowed(dialect, kind, terms, None, heard=True), terms, FILTERED)
    either = sa.or_(c.entry.in_(found.with_only_columns(c.entry)), c.entry.in_([row.entry for row in heard]))
    return sa.select(c.subject_id).where(either)


def _narrowed(
    dialect: str, kind: str, terms: list[str], visible: sa.Select[Any] | None, *, heard: bool
) -> sa.Select[Any]:
    """Entries of the kind whose grams allow every term."""
    c = entries.c
    wanted: sa.Select[Any] = sa.select(c.entry, c.subject_id, c.title, c.name, c.others, c.codes, c.length)
    first, last = entry_of(kind, 0), entry_of(kind, (1 << 44) - 1)
    if visible is not None:
        wanted = wanted.where(c.subject_id.in_(visible))
    parts = tuple(need for term in terms if (need := needs(term, heard=heard)) != ANYTHING)
    if not parts:
        return wanted.where(c.entry.between(first, last))
    if dialect == "sqlite":
        asked = sa.literal(match_expression(All(parts)), sa.Text)
        found = sa.select(_index.c.rowid).where(sa.literal_column("search_grams").op("MATCH")(asked))
        return wanted.where(c.entry.in_(found.where(_index.c.rowid.between(first, last))))
    # OFFSET 0 and the kind outside: else a prepared statement, planned without its values, scans every text
    found = sa.select(_index.c.entry).where(_contains(All(parts))).offset(sa.literal_column("0"))
    return wanted.where(c.kind == kind, c.entry.in_(found))


def _contains(need: Need) -> sa.ColumnElement[bool]:
    column = _index.c.grams
    if isinstance(need, str):
        return column.contains([need])
    plain = [part for part in need.parts if isinstance(part, str)]
    rest = [_contains(part) for part in need.parts if not isinstance(part, str)]
    if isinstance(need, All):
        return sa.and_(*([column.contains(plain)] if plain else []), *rest)
    return sa.or_(*([column.overlap(plain)] if plain else []), *rest)


def _inside(dialect: str, column: sa.ColumnElement[str], term: str) -> sa.ColumnElement[bool]:
    where = sa.func.instr(column, term) if dialect == "sqlite" else sa.func.strpos(column, term)
    return where > 0


def _written(dialect: str, kind: str, terms: list[str], visible: sa.Select[Any] | None) -> sa.Select[Any]:
    """Entries that have every term in writing: in a name, a former name or a code."""
    wanted = _narrowed(dialect, kind, terms, visible, heard=False)
    for term in terms:
        columns = [entries.c.name, entries.c.others, *([entries.c.codes] if is_code(term) else [])]
        wanted = wanted.where(sa.or_(*(_inside(dialect, column, term) for column in columns)))
    return wanted


def _rank(dialect: str, terms: list[str]) -> sa.ColumnElement[int]:
    """The worst rank of the terms that `_written` has found."""
    c = entries.c

    def up_to(rank: int, term: str) -> sa.ColumnElement[bool]:
        begins = sa.func.substr(c.name, 1, len(term)) == term
        if rank == EXACT:
            return c.name == term
        if rank == PREFIX:
            return begins
        inside = _inside(dialect, c.name, term)
        return inside if rank == INSIDE else sa.or_(inside, _inside(dialect, c.others, term))

    ranks = (EXACT, PREFIX, INSIDE, FORMER)
    return sa.case(*((sa.and_(*(up_to(rank, term) for term in terms)), rank) for rank in ranks), else_=CODE)


def _heard(session: SessionLike, wanted: sa.Select[Any], terms: list[str], limit: int) -> list[sa.Row[Any]]:
    """The best of the narrowed entries that need pinyin for one of the terms. Read in their order and only as
    far as needed."""
    ordered = wanted.order_by(entries.c.length, entries.c.subject_id)
    found: list[sa.Row[Any]] = []
    formerly: list[sa.Row[Any]] = []
    with session.execute(ordered, execution_options={"yield_per": 200}) as result:
        for row in result:
            rank = _rank_of(row, terms)
            if rank == SOUNDS:
                found.append(row)
                if len(found) == limit:
                    break
            elif rank == SOUNDS_FORMER and len(formerly) < limit:
                formerly.append(row)
    return (found + formerly)[:limit]


def _rank_of(row: sa.Row[Any], terms: list[str]) -> int | None:
    """The worst rank of the terms in an entry; None when one of them is not found."""
    ranks = [_rank_of_term(row, term) for term in terms]
    return None if None in ranks else max(rank for rank in ranks if rank is not None)


def _rank_of_term(row: sa.Row[Any], term: str) -> int | None:
    if term in row.name:
        return EXACT if term == row.name else PREFIX if row.name.startswith(term) else INSIDE
    if term in row.others:
        return FORMER
    if is_code(term) and term in row.codes:
        return CODE
    if not pinyin.is_term(term):
        return None
    if pinyin.position(term, pinyin.sounded(row.name)) >= 0:
        return SOUNDS
    return SOUNDS_FORMER if _heard_in(row.others, term) else None


def _heard_in(others: str, term: str) -> str | None:
    names = others.split(LINE) if others else []
    return next((name for name in names if pinyin.position(term, pinyin.sounded(name)) >= 0), None)


def _hit(row: sa.Row[Any], terms: list[str]) -> Hit:
    rank, term = max((rank, term) for term in terms if (rank := _rank_of_term(row, term)) is not None)
    return Hit(row.subject_id, row.title, _why(row, rank, term), 100 - 10 * rank)


def _why(row: sa.Row[Any], rank: int, term: str) -> Message:
    if rank == FORMER:
        former = next(name for name in row.others.split(LINE) if term in name)
        return Message(N_("曾用名：%(name)s"), {"name": former})
    if rank == CODE:
        code = next(code for code in row.codes.split(LINE) if term in code)
        return Message(N_("代码：%(code)s"), {"code": code.upper()})
    if rank == SOUNDS_FORMER:
        return Message(N_("曾用名（拼音）：%(name)s"), {"name": _heard_in(row.others, term)})
    texts = {EXACT: N_("名称一致"), PREFIX: N_("名称开头"), INSIDE: N_("名称包含")}
    return Message(texts.get(rank, N_("拼音")))

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
from crm.core.db import Base, BigId
from crm.core.folding import fold
from crm.core.grams import (
    ANYTHING,
    NOTHING,
    All,
    Need,
    grams,
    is_code,
    match_expression,
    needs,
    plain_code,
    split,
    tag,
    tagged,
)
from crm.core.words import N_, Message

CHUNK = 2_000
FILTERED = 10_000  # subjects a list filter by pinyin takes at most
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
    """Whether a table belongs to the gram index, which autogenerate must leave alone."""
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
    mark = tag(row["kind"])
    names = [row["name"], *row["others"].split(LINE)]
    return [mark + gram for gram in grams(names, row["codes"].split(LINE))]


def _add(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(entries), rows)
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

EXACT, PREFIX, INSIDE, FORMER, CODE, SOUNDS_FIRST, SOUNDS, SOUNDS_FORMER = range(8)


def find(
    session: SessionLike, kind: str, query: str, *, limit: int = 20, visible: sa.Select[Any] | None = None
) -> list[Hit]:
    """Subjects whose texts have every term of ``query``: exact name first, then beginning, inside, former name,
    code, pinyin; shorter names first. ``visible`` selects the ids the viewer may see. Empty query: nothing."""
    terms = split(query)
    if not terms or limit < 1:
        return []
    dialect = session.connection().dialect.name
    wanted = _narrowed(dialect, kind, terms, visible)
    if not any(map(pinyin.is_term, terms)):
        wanted = wanted.add_columns(_rank(dialect, terms).label("rank")).where(*_checks(dialect, terms))
        rows = session.execute(
            wanted.order_by(sa.text("rank"), entries.c.length, entries.c.subject_id).limit(limit)
        )
        return [_hit(row, terms) for row in rows]
    return [_hit(row, terms) for _, row in _heard(session, wanted, terms)[:limit]]


def matching(session: SessionLike, kind: str, query: str) -> sa.Select[tuple[int]]:
    """A select of the subjects' ids, for list filters: ``Firm.id.in_(search.matching(…))``. Terms that may be
    pinyin are resolved at once (the ``FILTERED`` best)."""
    terms = split(query)
    ids = sa.select(entries.c.subject_id).where(entries.c.kind == kind)
    if not terms:
        return ids.where(sa.false())
    dialect = session.connection().dialect.name
    if any(map(pinyin.is_term, terms)):
        found = _heard(session, _narrowed(dialect, kind, terms, None), terms)[:FILTERED]
        return ids.where(entries.c.entry.in_([row.entry for _, row in found]))
    narrow = _narrowed(dialect, kind, terms, None).where(*_checks(dialect, terms))
    return narrow.with_only_columns(entries.c.subject_id)


def _narrowed(dialect: str, kind: str, terms: list[str], visible: sa.Select[Any] | None) -> sa.Select[Any]:
    c = entries.c
    wanted: sa.Select[Any] = sa.select(c.entry, c.subject_id, c.title, c.name, c.others, c.codes, c.length)
    wanted = wanted.where(c.kind == kind)
    if visible is not None:
        wanted = wanted.where(c.subject_id.in_(visible))
    parts = tuple(need for term in terms if (need := needs(term)) != ANYTHING)
    if NOTHING in parts:
        return wanted.where(sa.false())
    if not parts:
        return wanted
    need = tagged(All(parts), kind)
    if dialect == "sqlite":
        found = sa.select(_index.c.rowid).where(
            sa.literal_column("search_grams").op("MATCH")(
                sa.bindparam("grams", match_expression(need), sa.Text)
            )
        )
    else:
        found = sa.select(_index.c.entry).where(_contains(need))
    return wanted.where(c.entry.in_(found))


def _contains(need: Need) -> sa.ColumnElement[bool]:
    column = _index.c.grams
    if isinstance(need, str):
        return column.contains([need])
    plain = [part for part in need.parts if isinstance(part, str)]
    rest = [_contains(part) for part in need.parts if not isinstance(part, str)]
    if isinstance(need, All):
        return sa.and_(sa.true(), *([column.contains(plain)] if plain else []), *rest)
    return sa.or_(sa.false(), *([column.overlap(plain)] if plain else []), *rest)


def _inside(dialect: str, column: sa.ColumnElement[str], term: str) -> sa.ColumnElement[bool]:
    where = sa.func.instr(column, term) if dialect == "sqlite" else sa.func.strpos(column, term)
    return where > 0


def _checks(dialect: str, terms: list[str]) -> list[sa.ColumnElement[bool]]:
    checks = []
    for term in terms:
        columns = [entries.c.name, entries.c.others, *([entries.c.codes] if is_code(term) else [])]
        checks.append(sa.or_(*(_inside(dialect, column, term) for column in columns)))
    return checks


def _rank(dialect: str, terms: list[str]) -> sa.ColumnElement[int]:
    c = entries.c
    total: sa.ColumnElement[int] = sa.literal(0)
    for term in terms:
        total = total + sa.case(
            (c.name == term, EXACT),
            (sa.func.substr(c.name, 1, len(term)) == term, PREFIX),
            (_inside(dialect, c.name, term), INSIDE),
            (_inside(dialect, c.others, term), FORMER),
            else_=CODE,
        )
    return total


def _heard(
    session: SessionLike, wanted: sa.Select[Any], terms: list[str]
) -> list[tuple[tuple[int, int, int], sa.Row[Any]]]:
    """The narrowed rows that have every term, pinyin included, best first: (order, row)."""
    found = []
    for row in session.execute(wanted):
        ranks = [_rank_of(row, term) for term in terms]
        if None not in ranks:
            found.append(((sum(filter(None, ranks)), row.length, row.subject_id), row))
    found.sort(key=lambda pair: pair[0])
    return found


def _rank_of(row: sa.Row[Any], term: str) -> int | None:
    """How a term is found in an entry; None when it is not."""
    if term in row.name:
        return EXACT if term == row.name else PREFIX if row.name.startswith(term) else INSIDE
    if term in row.others:
        return FORMER
    if is_code(term) and term in row.codes:
        return CODE
    if not pinyin.is_term(term):
        return None
    at = pinyin.position(term, pinyin.sounded(row.name))
    if at >= 0:
        return SOUNDS if at else SOUNDS_FIRST
    heard = any(pinyin.position(term, pinyin.sounded(name)) >= 0 for name in row.others.split(LINE))
    return SOUNDS_FORMER if heard else None


def _hit(row: sa.Row[Any], terms: list[str]) -> Hit:
    ranks = [(rank, term) for term in terms if (rank := _rank_of(row, term)) is not None]
    worst, term = max(ranks)
    return Hit(row.subject_id, row.title, _why(row, worst, term), 100 - 10 * worst)


def _why(row: sa.Row[Any], rank: int, term: str) -> Message:
    if rank == FORMER:
        return Message(
            N_("曾用名：%(name)s"), {"name": next(name for name in row.others.split(LINE) if term in name)}
        )
    if rank == CODE:
        code = next(code for code in row.codes.split(LINE) if term in code)
        return Message(N_("代码：%(code)s"), {"code": code.upper()})
    if rank == SOUNDS_FORMER:
        heard = (name for name in row.others.split(LINE) if pinyin.position(term, pinyin.sounded(name)) >= 0)
        return Message(N_("曾用名（拼音）：%(name)s"), {"name": next(heard)})
    texts = {EXACT: N_("名称一致"), PREFIX: N_("名称开头"), INSIDE: N_("名称包含")}
    return Message(texts.get(rank, N_("拼音")))

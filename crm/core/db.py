"""The database: one declarative base, the column types that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.orm import registry as Registry
from sqlalchemy.types import TypeDecorator

from crm.core import turns
from crm.core.clock import now
from crm.core.words import Word

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC moment; SQLite would give naive ones back."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Worded(TypeDecorator[Word]):
    """A `Word` member stored as its short code."""

    impl = sa.String(40)
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Word | str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Word | None:
        return None if value is None else self.words(value)


BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Pk = Annotated[int, mapped_column(BigId, primary_key=True)]
Yuan = Annotated[int, mapped_column(sa.BigInteger)]
Moment = Annotated[dt.datetime, mapped_column(UtcDateTime)]


class Base(DeclarativeBase):
    """Base of all models. `__audited__ = False` marks caches and journals that write no change rows."""

    registry = Registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={dt.datetime: UtcDateTime, dict[str, Any]: sa.JSON, list[Any]: sa.JSON},
    )
    __label__: ClassVar[str] = ""  # what people call a row of it
    __audited__: ClassVar[bool] = True
    __personal__: ClassVar[frozenset[str]] = frozenset()  # columns kept apart in the audit as commitments
    __secret__: ClassVar[frozenset[str]] = frozenset()  # columns whose values never reach the audit


@event.listens_for(sa.Table, "after_parent_attach")
def _never_reuse(table: sa.Table, metadata: sa.MetaData) -> None:
    """SQLite would give the id of a deleted row to the next one, and the audit would mix the two up."""
    if metadata is Base.metadata and "id" in table.primary_key.columns:
        table.dialect_kwargs["sqlite_autoincrement"] = True


class Versioned:
    """Optimistic locking: a second writer of the same version gets `StaleDataError` → 409."""

    version: Mapped[int] = mapped_column(sa.Integer, default=1, server_default="1")

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__table__.c.version} if hasattr(cls, "__table__") else {}


class Stamped:
    """When a row was made and last changed, and by whom (the account's id; None is the system)."""

    created_at: Mapped[Moment] = mapped_column(default=now)
    updated_at: Mapped[Moment] = mapped_column(default=now, onupdate=now)
    created_by_id: Mapped[int | None] = mapped_column(BigId)
    updated_by_id: Mapped[int | None] = mapped_column(BigId)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "autoflush": False})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


_TURN = "turn"  # a connection's place among the writers (crm.core.turns)
_intent: ContextVar[str] = ContextVar("tidui_intent", default="write")
_patience: ContextVar[float | None] = ContextVar("tidui_patience", default=None)
BUSY = 15000  # milliseconds a writer waits for the one before it


def reading() -> None:
    """From here on transactions of this context only read: SQLite takes no write lock for them."""
    _intent.set("read")


def writing() -> None:
    """From here on transactions of this context may write: SQLite takes the write lock at their start,
    so that a reader never has to be upgraded (which fails at once when somebody else has written)."""
    _intent.set("write")


@contextmanager
def intent(kind: str, *, patience: float | None = None) -> Iterator[None]:
    """Within the block transactions read (`"read"`) or may write (`"write"`); afterwards as before.

    `patience`: seconds a SQLite writer waits for its turn here, when it is not to wait as long as others.
    """
    token, waits = _intent.set(kind), _patience.set(patience)
    try:
        yield
    finally:
        _patience.reset(waits)
        _intent.reset(token)


def engine_options(url: str) -> dict[str, Any]:
    """Pool and time-outs by database; durable SQLite (`synchronous=FULL`) is set on each connection."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 15, "check_same_thread": False}}
    return {
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 10,
        "pool_timeout": 8,
        "connect_args": {
            "connect_timeout": 5,
            "tcp_user_timeout": 10000,  # a network that swallows everything is noticed, not waited for
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "options": "-c statement_timeout=60000 -c lock_timeout=10000 "
            "-c idle_in_transaction_session_timeout=120000 -c timezone=UTC",
        },
    }


def prepare(engine: Engine) -> None:
    """Hook the SQLite settings onto an engine; on PostgreSQL bound how long a connection waits."""
    if engine.dialect.name != "sqlite":
        from crm.core.patience import limit_waits

        limit_waits(engine)
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY}",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    name = engine.url.database
    queue = f"{name}-turns" if name and name != ":memory:" else ""

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        _leave(connection.info)
        if _intent.get() != "write":
            connection.exec_driver_sql("BEGIN")
            return
        patience = _patience.get()
        if patience is None:
            connection.info[_TURN] = turns.wait(queue)
        else:
            connection.info[_TURN] = turns.wait(queue, patience)
            connection.exec_driver_sql(f"PRAGMA busy_timeout={round(patience * 1000)}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except Exception:
            _leave(connection.info)
            raise
        finally:
            if patience is not None:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY}")

    @event.listens_for(engine, "checkin")
    def _in(_connection: Any, record: Any) -> None:
        _leave(record.info)


def _leave(info: Any) -> None:
    turn = info.pop(_TURN, None)
    if turn is not None:
        turn.leave()


def dispose(engine: Engine) -> None:
    with suppress(Exception):
        engine.dispose()

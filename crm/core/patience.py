"""A PostgreSQL connection that does not wait for ever: a server that hangs still accepts and acknowledges, so neither
the connect time-out nor the network notices, and no statement time-out is ever acted upon."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import Engine

GREETING = 5.0  # seconds for the ping before a pooled connection is used
STATEMENT = 65.0  # a little more than the server's own statement_timeout


class Patient(psycopg.Connection[Any]):
    """Gives a wait up after `patience` seconds and is closed then: what the server does meanwhile nobody knows."""

    patience = GREETING

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        limit = self.patience if timeout is None else timeout
        began = time.monotonic()
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if time.monotonic() - began >= limit:
                self.pgconn.finish()
            raise


def limit_waits(engine: Engine) -> None:
    """Make the engine's connections patient ones: briefly while idle in the pool, longer in use."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: Any, values: Any) -> Any:
        return Patient.connect(*args, **values)

    @event.listens_for(engine, "checkout")
    def _out(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.patience = STATEMENT

    @event.listens_for(engine, "checkin")
    def _in(connection: Any, _record: Any) -> None:
        if connection is not None:
            connection.patience = GREETING

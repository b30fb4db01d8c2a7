"""Is it alive, is it ready? Few words, nothing about the inside."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from crm.core import migrating
from crm.core.db import db, intent

_head: list[str | None] = []


def ready(data: Path) -> dict[str, bool]:
    """What must hold to serve: the database answers, it is at the newest version, the data folder takes a file."""
    return {"database": _database(), "migrations": _migrations(), "data": _data(data)}


def _database() -> bool:
    try:
        with intent("read"), db.engine.connect() as connection:
            return connection.execute(sa.select(1)).scalar() == 1
    except (SQLAlchemyError, OSError):
        return False


def _migrations() -> bool:
    if not _head:
        _head.append(migrating.head())
    try:
        return migrating.current() == _head[0]
    except (SQLAlchemyError, OSError):
        return False


def _data(folder: Path) -> bool:
    path = folder / f".ready-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        path.write_bytes(b"ready")
        path.unlink()
    except OSError:
        return False
    return True

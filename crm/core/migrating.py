"""Bringing the database to the newest version: quick when it is there already, one starter at a time."""

from __future__ import annotations

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import upgrade

from crm.config import ROOT
from crm.core.db import db, intent


def head() -> str | None:
    """The newest revision this version of the code knows."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def current() -> str | None:
    """The revision the database is at; None when it is empty."""
    with intent("read"), db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate() -> bool:
    """Upgrade when the database is not at the head. True when it was upgraded."""
    if current() == head():
        return False
    upgrade()
    return True

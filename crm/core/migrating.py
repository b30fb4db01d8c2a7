"""Bringing the database to the newest version: quick when it is there already, one starter at a time.

Alembic is imported only when there is something to upgrade: a command that finds its database in order is spared
a tenth of its start.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import Flask
from werkzeug.local import LocalProxy

from crm.config import ROOT
from crm.core.db import db, intent

FOLDER = ROOT / "migrations"
_REVISION = re.compile(r"""^(down_revision|revision)\b[^=\n]*= *(?:['"](\w+)['"]|None)""", re.MULTILINE)


def init(app: Flask) -> None:
    """Register the migrations with Flask; what they need is loaded when somebody asks for it."""

    @cache
    def extension() -> Any:
        from flask_migrate import Migrate

        Migrate(app, db, directory=str(FOLDER), render_as_batch=True, compare_type=True)
        return app.extensions["migrate"]

    app.extensions["migrate"] = LocalProxy(extension)


def head() -> str | None:
    """The newest revision this version of the code knows: the one that none goes on from."""
    known: dict[str, str | None] = {}
    for path in FOLDER.glob("versions/*.py"):
        found = dict(_REVISION.findall(path.read_text("utf-8")))
        if "revision" in found:
            known[found["revision"]] = found.get("down_revision") or None
    heads = known.keys() - known.values()
    return max(heads, default=None)


def current() -> str | None:
    """The revision the database is at; None when it is empty."""
    with intent("read"), db.engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def migrate() -> bool:
    """Upgrade when the database is not at the head. True when it was upgraded."""
    if current() == head():
        return False
    from flask_migrate import upgrade

    upgrade()
    return True

"""Alembic inside the app: the same engine, one starter at a time, the same types on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context

from crm.core.db import UtcDateTime, Worded, db, writing

MIGRATION_LOCK = 8_204_031


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """Write plain SQLAlchemy types into migrations, so that an old one never depends on today's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Worded):
        return "sa.String(40)"
    return False


def include_object(_item: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
    """The search index is made by hand (it differs by database)."""
    return not (kind in ("table", "index") and (name or "").startswith(("search_", "ix_search_")))


def run() -> None:
    writing()
    engine = db.engine
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            include_object=include_object,
            render_as_batch=True,
            compare_type=True,
            transactional_ddl=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
            connection.commit()


run()

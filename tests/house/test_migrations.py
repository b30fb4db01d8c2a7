"""Migrations: one head, equal to the models, down and up again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade

from crm.config import ROOT
from crm.core.db import db, writing
from crm.core.migrating import current, head


def shape() -> dict[str, set[str]]:
    inspector = sa.inspect(db.engine)
    return {
        table: {
            f"{column['name']} {column['type']!r} {column['nullable']}"
            for column in inspector.get_columns(table)
        }
        for table in inspector.get_table_names()
        if table != "alembic_version" and not table.startswith(("search_", "test_"))
    }


def test_there_is_one_head() -> None:
    heads = ScriptDirectory(str(ROOT / "migrations")).get_heads()
    assert heads == [head()]  # read without Alembic, which a command would have to load


def test_upgrading_an_empty_database_gives_the_models(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda item, name, kind, reflected, other: (
                    not (name or "").startswith(("search_", "ix_search_"))
                ),
            },
        )
        assert compare_metadata(context, db.metadata) == []


def test_down_and_up_again_gives_the_same(app: Flask) -> None:
    with app.app_context():
        writing()
        before = shape()
        downgrade(revision="base")
        assert shape() == {}
        assert current() is None
        upgrade()
        assert current() == head()
        assert shape() == before

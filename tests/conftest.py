"""Tests run on a real database and commit for real; each test gets a fresh copy of a migrated template with the cast.

`CRM_TEST_DATABASE_URL` (a PostgreSQL address whose user may create databases) selects PostgreSQL, else SQLite.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm import config as settings
from crm.app import create_app
from crm.core import audit
from crm.core.db import db, writing
from crm.core.migrating import migrate
from crm.core.permissions import system
from crm.core.transaction import commit
from tests import people
from tests.lint import LintingClient
from tests.records import sample

LOCAL = {"127.0.0.1", "::1", "localhost"}
TODAY = dt.date(2026, 11, 23)
HOUSE = Path(__file__).parent / "house"


class Template:
    """A migrated database with the cast in it, and how to make a fresh copy of it."""

    def __init__(self, folder: Path, worker: str) -> None:
        self.folder = folder
        self.admin_url = os.environ.get("CRM_TEST_DATABASE_URL", "")
        self.name = f"tidui_test_{worker}_{os.getpid()}"
        if self.admin_url:
            url = sa.make_url(self.admin_url).set(database=self.name)
            self.url = url.render_as_string(hide_password=False)
            self._admin(f"CREATE DATABASE {self.name}")
        else:
            self.url = ""

    def environment(self) -> dict[str, str]:
        return {
            "CRM_DATA": str(self.folder),
            "CRM_DATABASE_URL": self.url,
            "CRM_DEMO": "0",
            "CRM_SECRET_KEY": "0123456789abcdef0123456789abcdef",
        }

    def _admin(self, *statements: str) -> None:
        url = sa.make_url(self.admin_url).set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    def keep(self) -> None:
        """Make what is there now the template."""
        db.engine.dispose()
        if self.url:
            self._admin(f"CREATE DATABASE {self.name}_template TEMPLATE {self.name}")
        else:
            with closing(sqlite3.connect(self.folder / "tidui.sqlite")) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(self.folder / "tidui.sqlite", self.folder / "template.sqlite")

    def restore(self) -> None:
        """Put a fresh copy of the template in place."""
        db.engine.dispose()
        for anchors in self.folder.glob("audit-anchors*.log"):
            anchors.unlink()
        if self.url:
            self._admin(
                f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)",
                f"CREATE DATABASE {self.name} TEMPLATE {self.name}_template",
            )
        else:
            for suffix in ("-wal", "-shm"):
                (self.folder / f"tidui.sqlite{suffix}").unlink(missing_ok=True)
            shutil.copy(self.folder / "template.sqlite", self.folder / "tidui.sqlite")

    def drop(self) -> None:
        db.engine.dispose()
        if self.url:
            self._admin(
                f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)",
                f"DROP DATABASE IF EXISTS {self.name}_template WITH (FORCE)",
            )


@pytest.fixture(autouse=True)
def _no_socket_leads_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail and everything else beyond this machine fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in LOCAL:
            raise RuntimeError(f"a test opens a socket to {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[tuple[Flask, Template]]:
    folder = tmp_path_factory.mktemp("data")
    made = Template(folder, worker_id)
    app = create_app(settings.load(made.environment()), TESTING=True)
    with app.app_context():
        migrate()
        writing()
        db.metadata.create_all(db.engine, tables=sample.TABLES)  # a kind of record that only the tests have
        session = db.session()
        audit.begin(session, actor=system("tests"), action="people.cast")
        people.enter(session)
        commit(session)
        db.session.remove()
        made.keep()
    yield app, made
    with app.app_context():
        made.drop()


@pytest.fixture
def app(template: tuple[Flask, Template]) -> Iterator[Flask]:
    """The application on a fresh database. No application context is left open between tests."""
    flask_app, made = template
    with flask_app.app_context():
        made.restore()
    writing()
    flask_app.test_client_class = LintingClient
    yield flask_app
    with flask_app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser nobody has signed in with; `people.sign_in(client, people.SCIENCE)` signs a person in."""
    return app.test_client()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A database session within an application context; commit with `crm.core.transaction.commit`."""
    with app.app_context():
        yield db.session()
        db.session.remove()


@pytest.fixture(scope="session")
def trial_data() -> Path:
    """The folder of real lists; tests that need it carry the `trial` mark and are not collected without it."""
    return Path(os.environ["CRM_TRIAL_DATA"])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def is_run(item: pytest.Item) -> bool:
        if item.get_closest_marker("trial") and not os.environ.get("CRM_TRIAL_DATA"):
            return False
        reads_sources = HOUSE in item.path.parents and "template" not in getattr(item, "fixturenames", ())
        return not (reads_sources and os.environ.get("CRM_TEST_DATABASE_URL"))  # the same on every database

    left = [item for item in items if is_run(item)]
    config.hook.pytest_deselected(items=[item for item in items if not is_run(item)])
    items[:] = left

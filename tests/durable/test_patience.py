"""A PostgreSQL that hangs (stopped, not dead) is noticed: no request waits for it for ever."""

from __future__ import annotations

import os
import signal
import time

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.core.db import db
from tests import people

on_postgres = pytest.mark.skipif(
    not os.environ.get("CRM_TEST_DATABASE_URL"), reason="needs PostgreSQL of its own"
)


@on_postgres
def test_a_server_that_hangs_is_given_up_and_found_again(app: Flask, client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    assert client.get("/firms").status_code == 200  # a connection waits in the pool
    with app.app_context(), db.engine.connect() as connection:
        server = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    try:
        os.kill(server, signal.SIGSTOP)
    except (OSError, TypeError):
        pytest.skip("the server runs elsewhere")
    try:
        began = time.monotonic()
        answer = client.get("/firms")
        assert time.monotonic() - began < 15
        assert answer.status_code in (200, 503)
    finally:
        os.kill(server, signal.SIGCONT)
    assert client.get("/firms").status_code == 200

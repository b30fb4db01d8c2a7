"""Errors in plain words, also when the database is what fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from crm.core.db import db
from tests import people


@pytest.fixture
def broken(app: Flask, client: FlaskClient) -> Iterator[FlaskClient]:
    """A signed-in person, and then every statement fails as it does when the database has gone."""
    people.sign_in(client, people.SCIENCE)

    def fail(*_args: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("could not connect to server: Connection refused"))

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", fail)
    try:
        yield client
    finally:
        sa.event.remove(engine, "before_cursor_execute", fail)


def test_a_database_that_is_gone_is_503_and_nobody_is_signed_out(broken: FlaskClient) -> None:
    response = broken.get("/firms")
    assert response.status_code == 503
    text = response.get_data(as_text=True)
    assert "数据库" in text
    assert "Traceback" not in text
    assert "OperationalError" not in text
    with broken.session_transaction() as cookie:
        assert cookie["_user_id"]


def test_a_page_that_is_not_there_is_404_in_words(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    for path in ("/nowhere", "/firms/99999999999999999999", "/firms/-1", "/firms/0", "/firms/1%00"):
        response = client.get(path)
        assert response.status_code == 404, path
        assert response.headers["X-Request-Id"] in response.get_data(as_text=True)


@pytest.mark.parametrize("host", ["a" * 3000, "a..example", "." * 300, "[::1", "<script>", "x@y"])
def test_a_host_that_cannot_be_is_no_fault(client: FlaskClient, host: str) -> None:
    answer = client.get("/sign-in", headers={"Host": host})
    assert answer.status_code in (200, 400, 404), host
    assert "<script>" not in answer.text


def test_a_deep_json_body_on_a_form_is_refused_in_words(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    answer = client.post(
        "/account/second-factor",
        data=b"[" * 100_000,
        content_type="application/json",
        headers={"X-CSRFToken": people.csrf(client)},
    )
    assert answer.status_code == 415

"""Signing in and out: trust.md R02-R05, R09-R13, R25."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests import people


def test_the_cast_can_sign_in(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    assert client.get("/account").status_code == 200

"""What each role gets from each address equals the stored table; trust.md R17.

After adding a route look at what changes and store it: `python -m tests.house.matrix`.
"""

from __future__ import annotations

import csv

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crm.core import web
from tests import people
from tests.house import matrix


def stored() -> dict[tuple[str, str], dict[str, str]]:
    with matrix.FILE.open(encoding="utf-8", newline="") as file:
        return {(row["endpoint"], row["method"]): row for row in csv.DictReader(file)}


def test_the_matrix_is_the_stored_one(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "refused", lambda needed: None)
    built = {
        (row[0], row[1]): dict(zip(("endpoint", "method", *matrix.COLUMNS), row, strict=True))
        for row in matrix.table(app)
    }
    assert built == stored(), "look at the difference, then: python -m tests.house.matrix"


def test_anonymous_gets_sign_in_only() -> None:
    opened = {
        endpoint for (endpoint, _method), row in stored().items() if row["anonymous"] != matrix.TO_SIGN_IN
    }
    assert opened == {
        "accounts.sign_in",
        "accounts.sign_in_code",
        "accounts.set_language",
        "activities.feed",
        "digest.mute",
        "digest.mute_now",
        "ops.healthz",
        "ops.readyz",
    }


def test_administrators_reach_no_business_page() -> None:
    for (endpoint, method), row in stored().items():
        if endpoint.split(".")[0] in ("firms", "ladder", "listing", "projects", "registers", "plan"):
            for column in ("system-admin", "security-admin", "auditor", "no role"):
                assert row[column] == matrix.REFUSED, (endpoint, method, column)


@pytest.mark.parametrize("person", [*people.ONE_OF_EACH, None], ids=str)
def test_pages_answer_as_the_matrix_says(
    app: Flask, client: FlaskClient, person: people.Person | None
) -> None:
    """The same over HTTP, with rights as the database gives them, for every page that needs no id."""
    column = "anonymous" if person is None else person.role.value if person.role else "no role"
    if person is not None:
        people.sign_in(client, person)
    table = stored()
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static" or "<" in rule.rule or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint == "accounts.sign_in_code":
            continue  # public, but only for who has just given a password
        answer = client.get(rule.rule)
        expected = table[(rule.endpoint, "GET")][column]
        if answer.status_code == 403:
            got = matrix.REFUSED
        elif answer.status_code == 303 and answer.location.startswith("/sign-in"):
            got = matrix.TO_SIGN_IN
        else:
            got = matrix.ALLOWED
        assert got == expected, rule.rule

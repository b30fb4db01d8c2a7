"""What every answer carries."""

from __future__ import annotations

import dataclasses
import re

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from crm.app import create_app
from crm.core.db import db
from tests import people


def test_signed_in_pages_are_kept_nowhere(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    response = client.get("/firms")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_a_style_is_named_by_its_age_and_kept(client: FlaskClient) -> None:
    page = client.get("/sign-in").get_data(as_text=True)
    found = re.search(r'href="(/static/base/tokens\.css\?v=[0-9a-f]+)"', page)
    assert found is not None
    assert "immutable" in client.get(found[1]).headers["Cache-Control"]
    assert client.get("/static/base/tokens.css").headers["Cache-Control"] == "no-cache"


def test_cookies_in_production_are_secure_and_bound_to_the_host(app: Flask) -> None:
    """Behind https: `__Host-`, Secure, HttpOnly, SameSite, small, for the session and for the known browser (R11)."""
    made = create_app(
        dataclasses.replace(app.config["TIDUI"], base_url="https://tidui.example"), TESTING=True
    )
    client = made.test_client()
    raw = "a" * 40
    with client.session_transaction(base_url="https://tidui.example") as cookie:
        cookie["csrf_token"] = raw
    token = URLSafeTimedSerializer(made.secret_key, salt="wtf-csrf-token").dumps(raw)
    answer = client.post(
        "/sign-in",
        base_url="https://tidui.example",
        headers={"Referer": "https://tidui.example/sign-in"},
        data={"csrf_token": token, "username": people.SCIENCE.username, "password": people.PASSWORD},
    )
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Host-tidui", "__Host-tidui-known"}
    for cookie in cookies:
        assert all(mark in cookie for mark in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/")), (
            cookie
        )
        assert "Domain" not in cookie
        assert len(cookie) < 4096
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    with made.app_context():
        db.engine.dispose()

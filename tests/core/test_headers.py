"""What every answer carries."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

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

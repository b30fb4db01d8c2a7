"""The matrix role x endpoint: what each role gets from each address. Written by `python -m tests.house.matrix`."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from flask import Flask, g
from flask_login import AnonymousUserMixin
from werkzeug.exceptions import Forbidden

from crm.accounts.queries import SignedIn
from crm.accounts.rules import Role, grants
from crm.core import web
from crm.core.permissions import Actor

FILE = Path(__file__).with_name("matrix.csv")
COLUMNS: tuple[str, ...] = (*(role.value for role in Role), "no role", "anonymous")
ALLOWED, REFUSED, TO_SIGN_IN = "yes", "403", "sign-in"


def person(column: str) -> Any:
    """Somebody signed in with just this role."""
    if column == "anonymous":
        return AnonymousUserMixin()
    roles = [Role(column)] if column != "no role" else []
    actor = Actor(1, column, grants(roles), frozenset(role.value for role in roles))
    return SignedIn(actor, 1, "token", column, None, None)


def outcome(app: Flask, url: str, method: str, column: str) -> str:
    """What the guard in front of the view answers."""
    with app.test_request_context(url, method=method):
        g.request_id = "matrix"
        g._login_user = person(column)
        try:
            answer = web._guard()
        except Forbidden:
            return REFUSED
        return ALLOWED if answer is None else TO_SIGN_IN


def table(app: Flask) -> list[list[str]]:
    """One row an endpoint and method, one column a role."""
    rows = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule)):
        if rule.endpoint == "static":
            continue
        url = re.sub(r"<int:[^>]*>", "1", rule.rule)
        url = re.sub(r"<[^>]*>", "x", url)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            rows.append([rule.endpoint, method, *(outcome(app, url, method, column) for column in COLUMNS)])
    return rows


def text(rows: list[list[str]]) -> str:
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(["endpoint", "method", *COLUMNS])
    writer.writerows(rows)
    return made.getvalue()


def build() -> str:
    """The matrix of the application as it is."""
    from crm import config
    from crm.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            config.load({**os.environ, "CRM_DATA": folder, "CRM_DATABASE_URL": "", "CRM_DEMO": "0"})
        )
        web.refused = lambda needed: None
        return text(table(app))


def main() -> int:
    made = build()
    before = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    for line in sorted(set(before.splitlines()) ^ set(made.splitlines())):
        print(("+ " if line in made.splitlines() else "- ") + line)
    FILE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

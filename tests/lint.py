"""Every page a test visits is linted: one h1 that the title begins with, labels, no duplicate id, nothing inline."""

from __future__ import annotations

from contextvars import Context
from html.parser import HTMLParser
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crm.core.db import db

UNLABELLED = {"hidden", "submit", "button", "reset", "image"}


class Page(HTMLParser):
    """What the lint needs to know of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.ids: dict[str, int] = {}
        self.labels_for: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.title = ""
        self.h1: list[str] = []
        self.forms: list[list[Any]] = []
        self._in: list[str] = []
        self._label_depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if "style" in values:
            self.problems.append(f"style attribute on <{tag}>")
        self.problems.extend(f"{name} on <{tag}>" for name in values if name.startswith("on"))
        if tag == "style":
            self.problems.append("a style element")
        if tag == "script" and not values.get("src") and values.get("type") not in ("application/json",):
            self.problems.append("an inline script")
        if (identity := values.get("id")) is not None:
            self.ids[identity] = self.ids.get(identity, 0) + 1
        if tag == "label":
            self._label_depth += 1
            if values.get("for"):
                self.labels_for.add(str(values["for"]))
        if tag in ("input", "select", "textarea") and values.get("type") not in UNLABELLED:
            self.controls.append({**values, "wrapped": "1" if self._label_depth else None, "tag": tag})
        if tag == "form":
            self.forms.append([str(values.get("method", "get")).lower(), values, False])
        if tag == "input" and values.get("name") == "csrf_token" and self.forms:
            self.forms[-1][2] = True
        if tag == "h1":
            self.h1.append("")
        if tag in ("title", "h1") and "svg" not in self._in:
            self._in.append(tag)
        elif tag == "svg":
            self._in.append("svg")
        if tag == "img" and "alt" not in values:
            self.problems.append("an image without alt")
        for name in ("href", "src", "action"):
            value = values.get(name) or ""
            if value.startswith(("http:", "https:", "//", "javascript:")):
                self.problems.append(f"{name} leads outside: {value}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._label_depth -= 1
        if tag in self._in and self._in[-1] == tag:
            self._in.pop()

    def handle_data(self, data: str) -> None:
        if self._in and self._in[-1] == "title":
            self.title += data
        if "h1" in self._in:
            self.h1[-1] += data

    def findings(self, *, whole: bool) -> list[str]:
        found = list(self.problems)
        found += [f"id {name} stands {n} times" for name, n in self.ids.items() if n > 1]
        for control in self.controls:
            named = control["wrapped"] or control.get("aria-label") or control.get("aria-labelledby")
            if not named and control.get("id") not in self.labels_for:
                found.append(f"<{control['tag']} name={control.get('name')}> has no label")
        found += [
            f"a form without token: {form[1].get('action')}"
            for form in self.forms
            if form[0] == "post" and not form[2]
        ]
        if whole:
            heads = [" ".join(text.split()) for text in self.h1]
            if len(heads) != 1:
                found.append(f"{len(heads)} h1")
            elif (
                not heads[0]
                .replace(" ", "")
                .startswith(" ".join(self.title.split()).split(" · ")[0].replace(" ", ""))
            ):
                found.append(f"title {self.title.strip()!r} does not begin with the h1 {heads[0]!r}")
        return found


def lint(html: str) -> list[str]:
    """What is wrong with a page or a part of one."""
    page = Page()
    page.feed(html)
    return page.findings(whole="<html" in html)


class LintingClient(FlaskClient):
    """The test client of every page test: it refuses to return a page with a fault.

    Each request runs in a context of its own, as on a server: nothing of an open `session` fixture (signed-in person,
    loaded rows) leaks into it, and what that fixture has not committed is rolled back: it would hold the write lock.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if has_app_context():
            db.session.rollback()
        kwargs.setdefault("buffered", True)
        response = Context().run(super().open, *args, **kwargs)
        for name, value in response.headers:  # the test client sends what a server cannot
            assert value.isascii(), f"{response.request.path}: {name} is no header: {value}"
        if response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 304, 405):
            found = lint(response.get_data(as_text=True))
            assert found == [], f"{response.request.path}: {found}"
        if response.mimetype == "text/html":
            assert "unsafe" not in response.headers["Content-Security-Policy"]
            assert response.status_code < 500 or response.status_code == 503, response.request.path
        return response

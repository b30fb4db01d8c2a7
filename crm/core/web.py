"""What every request passes: request id, sign-in and permission check, headers, CSRF, errors in plain words."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, abort, current_app, g, has_request_context, redirect, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.routing import IntegerConverter
from werkzeug.wrappers import Response as BaseResponse

from crm.core import audit
from crm.core.db import db, reading, writing
from crm.core.permissions import Actor

log = structlog.get_logger("tidui")
csrf = CSRFProtect()

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "object-src 'none'"
)
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ANONYMOUS = Actor(user_id=None, name="anonymous")


def actor() -> Actor:
    """Who is asking: the signed-in person, or nobody with no rights."""
    if has_request_context() and current_user.is_authenticated:
        return cast(Actor, current_user.actor)
    return ANONYMOUS


def origin() -> audit.Origin:
    """Where the request comes from, for the audit."""
    return audit.Origin(address=request.remote_addr or "", request_id=g.get("request_id", ""))


def is_htmx() -> bool:
    """Whether only a part of the page is asked for."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def safe_next(target: str | None) -> str | None:
    """A path inside this site, or None: `next=` never leads outside."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or re.search(r"[\x00-\x20\\]", target):
        return None
    return target


def back_to(endpoint: str, **values: Any) -> BaseResponse:
    """Redirect after a POST (303), to a whole page also when htmx asked."""
    target = url_for(endpoint, **values)
    if is_htmx():
        response = Response(status=204)
        response.headers["HX-Redirect"] = target
        return response
    return redirect(target, 303)


def outside(endpoint: str, **values: Any) -> str:
    """The whole address of a page, to be kept elsewhere: as CRM_BASE_URL says, whatever host was asked; else as
    the browser has it."""
    base: str = current_app.config["TIDUI"].base_url
    return base + url_for(endpoint, **values) if base else url_for(endpoint, **values, _external=True)


def _begin() -> None:
    incoming = request.headers.get("X-Request-Id", "")
    g.request_id = incoming if re.fullmatch(r"[0-9A-Za-z-]{8,40}", incoming) else secrets.token_hex(8)
    g.started = time.perf_counter()
    (writing if request.method in UNSAFE else reading)()
    db.session.info["origin"] = origin()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _guard() -> BaseResponse | None:
    """Every view declares @needs, @signed_in or @public; what declares nothing is refused."""
    if request.endpoint is None or request.endpoint == "static":
        return None
    view: Callable[..., Any] = current_app.view_functions[request.endpoint]
    marks = view.__dict__
    if marks.get("public"):
        return None
    if "needs" not in marks:
        log.error("route.unmarked", endpoint=request.endpoint)
        abort(403)
    if not current_user.is_authenticated:
        return to_sign_in()
    if (first := getattr(current_user, "forced_to", None)) and not marks.get("while_forced"):
        return redirect(url_for(first), 303)
    needed = marks["needs"]
    if needed and not any(actor().may(permission) for permission in needed):
        refused(needed)
        abort(403)
    return None


def may_visit(endpoint: str) -> bool:
    """Whether the signed-in person may use a page, by what its route declares: no link leads to a refusal."""
    needed = getattr(current_app.view_functions.get(endpoint), "needs", ())
    return not needed or any(actor().may(permission) for permission in needed)


# what is done with a form that comes from a session that is over; returns the page to go back to (filled by the factory)
EXPIRED: list[Callable[[], str | None]] = []


def to_sign_in() -> BaseResponse:
    """Send the person to the sign-in page, and back to where they were afterwards. What they typed is kept."""
    here = request.full_path.rstrip("?") if request.method == "GET" and not is_htmx() else None
    if request.method == "POST" and not is_htmx():
        for keep in EXPIRED:
            here = keep()
    target = url_for("accounts.sign_in", next=safe_next(here) if here != "/" else None)
    if is_htmx():
        response = Response(status=401)
        response.headers["HX-Redirect"] = target
        return response
    return redirect(target, 303)


def refused(needed: tuple[str, ...]) -> None:
    """A refusal is worth an audit row of its own."""
    from crm.core.transaction import commit, fresh

    with fresh(origin=origin()) as session:
        audit.begin(
            session,
            actor=actor(),
            action="access.refused",
            is_success=False,
            endpoint=request.endpoint,
            method=request.method,
            needs=list(needed),
        )
        commit(session)


def _finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-Id"] = g.get("request_id", "-")
    headers["Content-Security-Policy"] = POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if current_app.config["TIDUI"].is_https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint == "static":
        # what a page names by its age may be kept; what a script or style asks for by itself is asked for again
        headers["Cache-Control"] = "max-age=31536000, immutable" if request.args.get("v") else "no-cache"
    else:
        headers["Cache-Control"] = "no-store"
        headers.add("Vary", "HX-Request")
        headers.add("Vary", "Cookie")
    if request.endpoint not in ("static", "ops.healthz", "ops.readyz"):
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
            user=actor().user_id,
        )
    return response


class Id(IntegerConverter):
    """An id in a URL: plain digits that fit the database; anything else is 404."""

    regex = "[0-9]{1,18}"


def version_static(app: Flask) -> None:
    """Give every static address the file's age, so that a new version is never shown with an old style."""
    seen: dict[str, str] = {}

    @app.url_defaults
    def _add(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values and app.static_folder:
            name = str(values.get("filename", ""))
            if name not in seen or app.debug:
                try:
                    seen[name] = f"{int(Path(app.static_folder, name).stat().st_mtime):x}"
                except OSError:
                    return
            values["v"] = seen[name]


def init(app: Flask) -> None:
    app.url_map.converters["int"] = Id
    app.before_request(_begin)
    csrf.init_app(app)
    app.before_request(_guard)
    app.after_request(_finish)

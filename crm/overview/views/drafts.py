"""Drafts: what is typed is kept while it is typed, offered when the form is opened again, and kept too when a form
comes from somebody whose session is over."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, current_app, jsonify, request, session, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from crm.accounts.queries import sessions as accounts
from crm.core import drafts
from crm.core.clock import local, now
from crm.core.db import db
from crm.core.i18n import gettext, moment
from crm.core.permissions import signed_in
from crm.core.transaction import commit, fresh
from crm.core.web import actor, safe_next
from crm.core.words import N_, Refused
from crm.overview.views.blueprint import bp


def _view(path: str, method: str) -> Any:
    """The view behind a path of this site, or None."""
    try:
        endpoint, _values = current_app.url_map.bind("").match(path, method=method)
    except (HTTPException, RequestRedirect):
        return None
    return current_app.view_functions[endpoint]


def _may_have(path: str) -> bool:
    """Whether the form sent to this path has drafts: forms of the trade, which need a permission. Passwords, codes and
    one's own account do not."""
    view = _view(path, "POST")
    needed = view.__dict__.get("needs", ()) if view is not None else ()
    return bool(needed) and any(actor().may(permission) for permission in needed)


def _asked() -> str:
    path = request.form.get("form", "")
    if len(path) > 200 or not _may_have(path):
        abort(404)
    return drafts.key_of(path)


@bp.post("/drafts")
@signed_in
def draft_keep() -> Any:
    """Keep what is typed: ``form`` is the path it will be sent to, ``typed`` JSON pairs of name and text."""
    key = _asked()
    owner = actor().user_id
    assert owner is not None  # noqa: S101 - signed in
    raw = request.form.get("typed", "")
    values: list[tuple[str, str]] = []
    try:
        read = json.loads(raw) if len(raw) <= 4 * drafts.MOST else None
        values = [(str(name)[:80], str(text)) for name, text in read or ()]
    except (ValueError, TypeError, RecursionError):
        abort(400)
    if read is None or not drafts.fits(values):
        raise Refused(N_("写得太长，没有暂存；请先保存。"))
    at = now()
    drafts.keep(db.session(), owner, key, values, version=request.form.get("version", ""), at=at)
    commit()
    return jsonify(told=gettext("已暂存 %(at)s", at=local(at).strftime("%H:%M")))


@bp.post("/drafts/drop")
@signed_in
def draft_drop() -> Any:
    """A draft is not wanted."""
    drafts.drop(db.session(), actor(), _asked())
    commit()
    return Response(status=204)


def draft_for(action: str) -> dict[str, Any] | None:
    """What a form needs to keep drafts, and the draft there is, offered where the form is opened (not where it came
    back refused, filled with what was typed). None for a form without drafts."""
    path = urlsplit(action).path.removeprefix(request.script_root) or request.path
    if actor().user_id is None or not _may_have(path):
        return None
    found = drafts.draft_of(db.session(), actor(), drafts.key_of(path)) if request.method == "GET" else None
    offer = None
    if found is not None:
        at = local(found.updated_at)
        told = at.strftime("%H:%M") if at.date() == local(now()).date() else moment(found.updated_at)
        offer = {"at": told, "data": {"values": found.values, "version": found.version_seen}}
    return {
        "key": path,
        "offer": offer,
        "keep": url_for("overview.draft_keep"),
        "drop": url_for("overview.draft_drop"),
    }


def keep_typed() -> str | None:
    """A form came from somebody whose session is over: keep it as that person's draft. Returns the form's page.

    The cookie is signed and its form token was right, so this is the browser the person sat at; the draft is shown to
    nobody else, and only after signing in.
    """
    here = request.path if _view(request.path, "GET") is not None else urlsplit(request.referrer or "").path
    view = _view(request.path, "POST")
    typed = drafts.typed(request.form)
    token = session.get("_user_id")
    if (
        view is not None
        and view.__dict__.get("needs")
        and isinstance(token, str)
        and typed
        and drafts.fits(typed)
    ):
        with fresh() as own:
            owner = accounts.owner_of(own, token)
            if owner is not None:
                key = drafts.key_of(request.path)
                drafts.keep(own, owner, key, typed, version=request.form.get("version", ""), at=now())
                commit(own)
    return safe_next(here)

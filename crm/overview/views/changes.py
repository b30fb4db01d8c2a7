"""What changed since a day, over all features: counts by kind, and the changes themselves."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from crm.core import news
from crm.core.clock import today
from crm.core.db import db
from crm.core.permissions import needs
from crm.core.web import actor
from crm.overview.rules.changes import last_monday, since_of
from crm.overview.views.blueprint import bp


@bp.get("/changes")
@needs("firm:read")
def changes() -> Any:
    session, viewer, day = db.session(), actor(), today()
    since = since_of(request.args.get("since", ""), day)
    known = {kind.code for kind in news.NEWS}
    only = request.args.get("kind") if request.args.get("kind") in known else None
    after = news.place_of(request.args.get("after", ""))
    counts = news.counts(session, viewer, first=since, last=day)
    lines, more = news.page(session, viewer, first=since, last=day, only=only, after=after)
    asked: dict[str, Any] = {"since": since.isoformat(), "kind": only}
    return render_template(
        "overview/changes.html",
        lines=lines,
        counts=counts,
        kinds=news.NEWS,
        only=only,
        total=counts[only] if only else sum(counts.values()),
        since=since,
        usual=last_monday(day),
        today=day,
        first_url=url_for("overview.changes", **asked) if after else None,
        next_url=url_for("overview.changes", after=str(more), **asked) if more else None,
    )

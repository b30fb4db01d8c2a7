"""The plan's counts as of a day, each opening its rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import render_template, request

from crm.core import settings
from crm.core.clock import today
from crm.core.db import db
from crm.core.permissions import needs
from crm.core.web import actor
from crm.listing import queries
from crm.listing.rules.counting import COUNT_WITHDRAWN, PLAN_BEGAN
from crm.listing.views.blueprint import bp


@bp.get("/listing/counts")
@needs("listing:read")
def counts() -> Any:
    day = today()
    try:
        asked = dt.date.fromisoformat(request.args.get("as_of", ""))
        day = min(max(asked, PLAN_BEGAN), day)
    except ValueError:
        pass
    found = queries.counts(db.session(), day, viewer=actor())
    return render_template(
        "listing/counts.html", day=day, counts=found, began=PLAN_BEGAN, today=today(),
        with_withdrawn=settings.value(db.session(), COUNT_WITHDRAWN),
    )  # fmt: skip

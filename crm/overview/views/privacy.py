"""The privacy notice for everybody, and for the auditor who has looked at how many contacts."""

from __future__ import annotations

from typing import Any

from flask import render_template

from crm.core.clock import now
from crm.core.db import db
from crm.core.permissions import needs, signed_in
from crm.core.web import actor
from crm.firms.queries import looked_by_all
from crm.firms.rules.contacts import COLLECTED, MOST_A_DAY, NOTICE
from crm.overview.views.blueprint import bp


@bp.get("/privacy")
@signed_in
def privacy() -> Any:
    """What is kept about people, why, how long, who sees it."""
    return render_template("overview/privacy.html", collected=COLLECTED, notice=NOTICE)


@bp.get("/audit/contacts")
@needs("audit:read")
def contacts_looked() -> Any:
    """How many contacts each person has looked at, without whose."""
    rows = looked_by_all(db.session(), now(), viewer=actor())
    return render_template("overview/contacts_looked.html", rows=rows, most=MOST_A_DAY)

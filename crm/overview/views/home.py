"""Home: the page of the day's work of whoever comes in."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for

from crm.core.permissions import signed_in
from crm.overview.views.blueprint import bp
from crm.overview.views.rail import navigation


@bp.get("/")
@signed_in
def home() -> Any:
    """The first page of the rail; a person without a role is told what is missing."""
    entries = navigation()
    if entries:
        return redirect(url_for(entries[0]["endpoint"]), 303)
    return render_template("overview/home.html")

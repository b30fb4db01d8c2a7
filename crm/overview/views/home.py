"""Home: what this person can do here."""

from __future__ import annotations

from typing import Any

from flask import render_template

from crm.core.permissions import signed_in
from crm.overview.views.blueprint import bp
from crm.overview.views.rail import navigation


@bp.get("/")
@signed_in
def home() -> Any:
    return render_template(
        "overview/home.html", entries=[item for item in navigation() if item["endpoint"] != "overview.home"]
    )

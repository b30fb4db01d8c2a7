"""The palette: pages by name. Firms join when their search is there."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from crm.core.i18n import gettext, say
from crm.core.permissions import signed_in
from crm.core.web import is_htmx
from crm.overview.navigation import navigation
from crm.overview.views.blueprint import bp


@bp.get("/search")
@signed_in
def search() -> Any:
    query = request.args.get("q", "").strip()[:100]
    pages = [
        {"url": url_for(item["endpoint"]), "name": say(item["label"]), "icon": item["icon"]}
        for item in navigation()
        if query.casefold() in say(item["label"]).casefold()
    ]
    groups = [{"label": gettext("页面"), "items": pages}]
    template = "ui/palette_results.html" if is_htmx() else "overview/search.html"
    return render_template(template, groups=groups, query=query)

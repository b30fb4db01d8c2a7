"""The palette and the search page: firms, people's pages by name. One answer for both, best first."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from crm.core.db import db
from crm.core.folding import fold
from crm.core.i18n import gettext, say
from crm.core.permissions import signed_in
from crm.core.pinyin import full, initials, is_term
from crm.core.web import actor, is_htmx
from crm.firms import queries
from crm.overview.views.blueprint import bp
from crm.overview.views.rail import navigation

IN_PALETTE, ON_PAGE = 8, 50


@bp.get("/search")
@signed_in
def search() -> Any:
    query = request.args.get("q", "").replace("\x00", "").strip()[:100]
    is_palette = is_htmx() or request.headers.get("X-Palette") == "1"
    groups = [
        {"label": gettext("企业"), "items": _firms(query, IN_PALETTE if is_palette else ON_PAGE)},
        {"label": gettext("页面"), "items": _pages(query)},
    ]
    template = "ui/palette_results.html" if is_palette else "overview/search.html"
    more = url_for("firms.index", q=query) if groups[0]["items"] else None
    return render_template(template, groups=groups, query=query, more_url=more)


def _firms(query: str, limit: int) -> list[dict[str, Any]]:
    viewer = actor()
    if not query or not viewer.may("firm:read"):
        return []
    return [
        {
            "url": url_for("firms.show", firm_id=found.id),
            "name": found.name,
            "note": found.code or gettext("无信用代码"),
            "why": say(found.why),
            "icon": "building",
        }
        for found in queries.search(db.session(), query, viewer, limit)
    ]


def _pages(query: str) -> list[dict[str, Any]]:
    """Pages the person may open whose name, or its pinyin, has the text; all of them for an empty one."""
    term = fold(query)
    found = []
    for item in navigation():
        label = say(item["label"])
        heard = is_term(term) and any(spelt.startswith(term) for spelt in (*initials(label), *full(label)))
        if term in fold(label) or heard:
            found.append({"url": url_for(item["endpoint"]), "name": label, "icon": item["icon"]})
    return found

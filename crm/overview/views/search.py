"""The palette and the search page: firms, projects, candidates, pages, actions, colleagues. One answer for both, best first."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from crm.accounts.queries import find_colleagues
from crm.core import palette, recent
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.palette import Entry, EntryKind
from crm.core.permissions import signed_in
from crm.core.web import actor, is_htmx
from crm.core.words import C_
from crm.firms import queries
from crm.listing.queries.finding import by_ids as candidates_by_ids
from crm.listing.queries.finding import search as find_candidates
from crm.listing.rules.words import State as Listing
from crm.overview.views.blueprint import bp
from crm.projects import queries as pipeline
from crm.projects.rules.words import State

IN_PALETTE, ON_PAGE, PEOPLE = 8, 50, 6


@bp.get("/search")
@signed_in
def search() -> Any:
    query = request.args.get("q", "").replace("\x00", "").strip()[:100]
    is_palette = is_htmx() or request.headers.get("X-Palette") == "1"
    firms, best_firm = _firms(query, IN_PALETTE if is_palette else ON_PAGE) if query else (_recent(), 0)
    entries = palette.matching(query, palette.allowed(actor(), palette.ENTRIES))
    records: dict[str, Any] = {"label": gettext("企业") if query else gettext("最近打开"), "items": firms}
    found, best_project = _projects(query, IN_PALETTE if is_palette else ON_PAGE)
    projects: dict[str, Any] = {"label": say(C_("records", "项目")), "items": found}
    candidates, best_candidate = _candidates(query, IN_PALETTE if is_palette else ON_PAGE)
    reserve: dict[str, Any] = {"label": gettext("上市后备"), "items": candidates}
    offers: list[dict[str, Any]] = [
        {
            "label": say(kind.label),
            "items": [_entry(entry) for _, entry in entries if entry.kind is kind],
        }
        for kind in EntryKind
    ]
    people = {"label": gettext("同事"), "items": _people(query)}
    best = entries[0] if entries else None
    is_meant = query and best is not None and best[0] >= palette.WHOLE - 2
    if len(query) >= 4 and not firms and not found and not is_meant and actor().may("firm:edit"):
        offers[1]["items"].append(_register(query))
    if is_meant and best is not None and best[1].kind is EntryKind.ACTION:
        offers.reverse()
    ranked = [(records, best_firm), (projects, best_project), (reserve, best_candidate)]
    kinds = [group for group, _best in sorted(ranked, key=lambda item: -item[1])]
    groups = [*offers, *kinds, people] if is_meant else [*kinds, *offers, people]
    return render_template(
        "ui/palette_results.html" if is_palette else "overview/search.html",
        groups=groups,
        query=query,
        found=sum(len(group["items"]) for group in groups),
        more_url=url_for("firms.index", q=query) if query and firms else None,
    )


def _firms(query: str, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Firms that answer the query, and the score of the best."""
    viewer = actor()
    if not viewer.may("firm:read"):
        return [], 0
    hits = queries.search(db.session(), query, viewer, limit)
    shown = [_firm(found.id, found.name, found.code, say(found.why)) for found in hits]
    return shown, max((found.score for found in hits), default=0)


def _projects(query: str, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Projects that answer the query and the viewer may see, and the score of the best."""
    viewer = actor()
    if not query or not viewer.may("project:read"):
        return [], 0
    hits = pipeline.search(db.session(), query, viewer, limit)
    shown = [
        _project(
            found.id,
            found.name,
            found.investor,
            " · ".join(
                [say((found.stage if found.state is State.ACTIVE else found.state).label), say(found.why)]
            ),
        )
        for found in hits
    ]
    return shown, max((found.score for found in hits), default=0)


def _candidates(query: str, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Candidates of the listing reserve that answer the query and the viewer may see, and the score of the best."""
    viewer = actor()
    if not query or not viewer.may("listing:read"):
        return [], 0
    hits = find_candidates(db.session(), query, viewer, limit)
    shown = [_candidate(found, say(found.why)) for found in hits]
    return shown, max((found.score for found in hits), default=0)


def _recent() -> list[dict[str, Any]]:
    """The firms, projects and candidates the person opened last, as far as they may still be seen."""
    viewer, session = actor(), db.session()
    opened = recent.opened(user_id=viewer.user_id)
    by_kind = {
        kind: [key for name, key in opened if name == kind] for kind in ("firm", "project", "candidate")
    }
    shown: dict[tuple[str, int], dict[str, Any]] = {}
    if by_kind["firm"] and viewer.may("firm:read"):
        for firm in queries.by_ids(session, by_kind["firm"], viewer=viewer):
            shown["firm", firm.id] = _firm(firm.id, firm.name, firm.code, "")
    if by_kind["project"] and viewer.may("project:read"):
        for row in pipeline.by_ids(session, by_kind["project"], viewer=viewer):
            shown["project", row.id] = _project(row.id, row.name, row.investor, "")
    if by_kind["candidate"] and viewer.may("listing:read"):
        for row in candidates_by_ids(session, by_kind["candidate"], viewer=viewer):
            shown["candidate", row.id] = _candidate(row, gettext("上市后备"))
    return [shown[mark] for mark in opened if mark in shown]


def _project(project_id: int, name: str, investor: str, why: str) -> dict[str, Any]:
    return {
        "url": url_for("projects.show", project_id=project_id),
        "name": name,
        "note": investor,
        "why": why,
        "icon": "briefcase",
    }


def _candidate(row: Any, why: str) -> dict[str, Any]:
    standing = row.stage if row.state is Listing.ACTIVE else row.state
    return {
        "url": url_for("listing.show", candidate_id=row.id),
        "name": row.name,
        "note": say(row.board.label) if row.board else "",
        "why": " · ".join([say(standing.label), why]),
        "icon": "chart-line",
    }


def _firm(firm_id: int, name: str, code: str | None, why: str) -> dict[str, Any]:
    return {
        "url": url_for("firms.show", firm_id=firm_id),
        "name": name,
        "note": code or gettext("无信用代码"),
        "why": why,
        "icon": "building",
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {"url": url_for(entry.endpoint, **entry.values), "name": say(entry.label), "icon": entry.icon}


def _register(query: str) -> dict[str, Any]:
    """What nobody has registered can be, under the name that was typed."""
    return {
        "url": url_for("firms.create", name=query),
        "name": gettext("登记企业「%(name)s」", name=query),
        "icon": "plus",
    }


def _people(query: str) -> list[dict[str, Any]]:
    """Colleagues: who keeps accounts is led to the account, others to the firms that person serves."""
    viewer = actor()
    if not query:
        return []
    keeps = viewer.may("account:manage") or viewer.may("role:grant")
    if not keeps and not viewer.may("firm:read"):
        return []
    return [
        {
            "url": url_for("accounts.people_show", user_id=row.id)
            if keeps
            else url_for("firms.index", officer=row.id),
            "name": row.name,
            "note": row.unit or "",
            "why": "" if keeps else gettext("服务的企业"),
            "icon": "user",
        }
        for row in find_colleagues(db.session(), query, viewer=viewer, limit=PEOPLE)
    ]

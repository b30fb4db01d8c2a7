"""Kanban, funnel and workload: views of the same filter as the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request, url_for

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, word
from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.core.web import actor, back_to, is_htmx
from crm.core.words import N_, Missing
from crm.projects import queries
from crm.projects.queries.funnel import Cohort
from crm.projects.rules.words import Stage
from crm.projects.views.blueprint import bp

VIEWS = (
    ("projects.index", N_("列表"), "list"),
    ("projects.board", N_("看板"), "layout-kanban"),
    ("projects.funnel", N_("漏斗"), "chart-bar"),
    ("projects.workload", N_("负荷"), "users"),
    # the map of where investors come from (招商地图) is a view of the same filter: its line goes here
)


def address(endpoint: str, query: Mapping[str, Any], **more: Any) -> str:
    """A page with this query string; empty values are left out."""
    values = {key: value for key, value in {**query, **more}.items() if value not in (None, "")}
    return url_for(endpoint) + (f"?{urlencode(values)}" if values else "")


def page_views(here: str, query: Mapping[str, Any]) -> list[tuple[str, str, bool, str]]:
    """The views of one filter, as the page switches between them."""
    kept = {key: value for key, value in query.items() if key not in ("columns", "sort")}
    return [
        (gettext(label), address(endpoint, kept), endpoint == here, icon) for endpoint, label, icon in VIEWS
    ]


bp.add_app_template_global(address, "projects_url")


@bp.get("/projects")
@needs("project:read")
def index() -> Any:
    known = {item.key for item in queries.FILTERS}
    query = {key: value for key, value in request.args.to_dict().items() if key in known}
    return list_page(queries.LIST, "projects/index.html", page_views=page_views("projects.index", query))


@bp.get("/projects/board")
@needs("project:read")
def board() -> Any:
    viewer, session = actor(), db.session()
    columns, understood = queries.board(session, queries.LIST.asked(request.args.to_dict(), today()), viewer)
    return render_template(
        "projects/board.html",
        columns=columns,
        total=sum(column.count for column in columns),
        query=understood,
        stages=list(Stage),
        page_size=queries.CARDS,
        page_views=page_views("projects.board", understood),
        here=address("projects.board", understood),
        today=today(),
    )


@bp.get("/projects/board/more")
@needs("project:read")
def board_more() -> Any:
    """The next cards of one column: a part for the board, the list for everybody else."""
    known = {member.value: member for member in Stage}
    asked = request.args.get("stage", "")
    if asked not in known:
        raise Missing(N_("没有这个阶段。"))
    raw = request.args.get("after", "")
    after = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 8 else 0
    args = {key: value for key, value in request.args.to_dict().items() if key not in ("stage", "after")}
    if not is_htmx():
        return back_to("projects.index", **{**args, "stage": asked})
    wanted = queries.LIST.asked(args, today())
    cards = queries.more(db.session(), wanted, actor(), known[asked], after)
    return render_template(
        "projects/_cards.html", cards=cards, stage=known[asked], stages=list(Stage), query=args,
        after=after + len(cards), has_more=len(cards) == queries.CARDS, here=address("projects.board", args),
        today=today(),
    )  # fmt: skip


@bp.get("/projects/funnel")
@needs("project:read")
def funnel() -> Any:
    wanted = queries.LIST.asked(request.args.to_dict(), today())
    cohorts, understood = queries.funnel(db.session(), wanted, actor())
    return render_template(
        "projects/funnel.html", cohorts=cohorts, stages=list(Stage), query=understood,
        options=_bars(cohorts, understood), page_views=page_views("projects.funnel", understood),
    )  # fmt: skip


def _bars(cohorts: list[Cohort], query: Mapping[str, Any]) -> dict[str, Any]:
    """An ECharts bar chart: a group a stage, a bar a year; each opens its rows."""
    shown = cohorts[:3]  # as many as there are colours; the table has every year
    return {
        "legend": {"top": 0},
        "grid": {"left": 40, "right": 12, "top": 36, "bottom": 48},
        "xAxis": {"type": "category", "data": [word(stage) for stage in Stage], "axisLabel": {"interval": 0, "rotate": 30}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "type": "bar", "name": str(cohort.year),
                "data": [
                    {
                        "value": cohort.reached[stage],
                        "href": address("projects.index", query, cohort=cohort.year, reached=stage.value),
                    }
                    for stage in Stage
                ],
            }
            for cohort in reversed(shown)
        ],
    }  # fmt: skip


@bp.get("/projects/workload")
@needs("project:read")
def workload() -> Any:
    session, viewer, day = db.session(), actor(), today()
    return render_template(
        "projects/workload.html", leaders=queries.by_leader(session, viewer, day),
        officers=queries.by_officer(session, viewer, day), today=day,
        page_views=page_views("projects.workload", {}), may_assign=viewer.may("project:assign"),
    )  # fmt: skip

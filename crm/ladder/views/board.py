"""The board, the flow between stages, the calendar and the three-zeroing list."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request, url_for

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, word
from crm.core.months import add_months
from crm.core.permissions import needs
from crm.core.web import actor, back_to, is_htmx
from crm.core.words import N_, Missing
from crm.firms.queries import officers, streets
from crm.firms.rules.words import LeadingIndustry
from crm.ladder import queries
from crm.ladder.queries import Within
from crm.ladder.queries.within import query_of, within_of
from crm.ladder.rules.board import AIMS, NOTICE_MONTHS, YELLOW_MONTHS, light, yearly_report_due
from crm.ladder.rules.kinds import HIGH_TECH, KINDS, NATIONAL_SME
from crm.ladder.rules.words import Stage
from crm.ladder.views.blueprint import bp

VIEWS = (
    ("ladder.board", N_("看板"), "layout-kanban"),
    ("ladder.index", N_("表格"), "list"),
    ("ladder.flow", N_("流向"), "chart-bar"),
    ("ladder.calendar", N_("证书日历"), "calendar"),
    ("ladder.three_zeroing", N_("三清零"), "checklist"),
)


A_MONTH = 20  # certificates shown of a month among others
ROWS = 50
YEAR, SHORT = NOTICE_MONTHS, YELLOW_MONTHS  # months of certificates the calendar shows


def frame(within: Within, day: dt.date, endpoint: str) -> dict[str, Any]:
    """What all pages of the ladder show above their content: the views and the filter."""
    session, query = db.session(), query_of(within, day)
    asking = actor()
    available = [view for view in VIEWS if view[0] != "ladder.three_zeroing" or asking.may("figure:read")]
    return {
        "within": within,
        "day": day,
        "endpoint": endpoint,
        "query": query,
        "page_views": [
            (gettext(label), address(target, query), target == endpoint, icon)
            for target, label, icon in available
        ],
        "industries": list(LeadingIndustry),
        "streets": streets(session),
        "officers": officers(session),
        "aims": AIMS,
        "may_tag": asking.may("ladder:tag"),
    }


def address(endpoint: str, query: Mapping[str, Any], **more: Any) -> str:
    """The page with this query string; empty values are left out."""
    values = {key: value for key, value in {**query, **more}.items() if value not in (None, "")}
    text = urlencode(values)
    return url_for(endpoint) + (f"?{text}" if text else "")


@bp.app_template_global("ladder_url")
def _ladder_url(endpoint: str, query: Mapping[str, Any], **more: Any) -> str:
    return address(endpoint, query, **more)


@bp.app_template_global("expiry_light")
def _expiry_light(expires_on: dt.date | None, as_of: dt.date) -> str | None:
    return light(expires_on, as_of)


@bp.get("/ladder")
@needs("firm:read")
def board() -> Any:
    viewer, session, day = actor(), db.session(), today()
    within = within_of(request.args, day, viewer)
    columns = queries.board(session, within, viewer=viewer)
    return render_template(
        "ladder/board.html",
        columns=columns,
        total=sum(column.count for column in columns),
        holders=queries.holders(session, within, viewer=viewer),
        kinds=KINDS,
        page_size=queries.CARDS,
        **frame(within, day, "ladder.board"),
    )


@bp.get("/ladder/board/more")
@needs("firm:read")
def board_more() -> Any:
    """The next cards of one column: a part for the board, the list for everybody else."""
    known = {member.value: member for member in Stage}
    stage = request.args.get("stage", "")
    if stage not in known:
        raise Missing(N_("没有这个阶段。"))
    viewer, session, day = actor(), db.session(), today()
    within = within_of(request.args, day, viewer)
    raw = request.args.get("after", "")
    after = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 8 else 0
    cards = queries.more_cards(session, within, known[stage], after=after, viewer=viewer)
    if not is_htmx():
        return back_to("ladder.index", stage=stage, **query_of(within, day))
    return render_template(
        "ladder/_cards.html",
        cards=cards,
        stage=known[stage],
        after=after + len(cards),
        total=None,
        has_more=len(cards) == queries.CARDS,
        within=within,
        query=query_of(within, day),
        may_tag=viewer.may("ladder:tag"),
    )


@bp.get("/ladder/flow")
@needs("firm:read")
def flow() -> Any:
    viewer, session, day = actor(), db.session(), today()
    within = within_of(request.args, day, viewer)
    raw = request.args.get("years", "3")
    years = int(raw) if raw in ("1", "2", "3", "5") else 3
    first = within.as_of.year - years
    days = [dt.date(year, 12, 31) for year in range(first, within.as_of.year)] + [within.as_of]
    found = queries.flows(session, days, viewer=viewer, within=within)
    return render_template(
        "ladder/flow.html",
        flows=found,
        days=days,
        years=years,
        options=_sankey(found, query_of(within, day)),
        stages=list(Stage),
        outside=queries.OUTSIDE,
        **frame(within, day, "ladder.flow"),
    )


def _flow_url(flow: queries.Flow, query: Mapping[str, str]) -> str | None:
    if flow.new is None:
        return None
    was = flow.old.value if flow.old else queries.OUTSIDE
    return address(
        "ladder.index", {**query, "as_of": flow.until.isoformat()}, stage=flow.new.value, was=was,
        was_on=flow.since.isoformat(), pending="any",
    )  # fmt: skip


bp.add_app_template_global(_flow_url, "flow_url")


def _sankey(flows: list[queries.Flow], query: Mapping[str, str]) -> dict[str, Any]:
    """An ECharts Sankey: a column a day, a node a stage; firms outside the zone are left to the table."""
    order = list(Stage)
    nodes: dict[str, dict[str, Any]] = {}
    links: list[dict[str, Any]] = []
    colours = ("@data-3", "@data-2", "@accent", "@ink-3")
    for item in flows:
        if item.old is None or item.new is None:
            continue
        ends = []
        for day, stage in ((item.since, item.old), (item.until, item.new)):
            name = f"{day.year} {word(stage)}"
            nodes.setdefault(
                name,
                {
                    "name": name, "depth": None, "rank": -order.index(stage), "itemStyle": {"color": colours[order.index(stage)]},
                    "href": address("ladder.index", {**query, "as_of": day.isoformat()}, stage=stage.value, pending="any"),
                },
            )  # fmt: skip
            ends.append(name)
        links.append(
            {"source": ends[0], "target": ends[1], "value": item.count, "href": _flow_url(item, query)}
        )
    years = sorted({name.split(" ", 1)[0] for name in nodes})
    for name, node in nodes.items():
        node["depth"] = years.index(name.split(" ", 1)[0])
    ordered = sorted(nodes.values(), key=lambda node: (node["depth"], node.pop("rank")))
    return {
        "series": [
            {
                "type": "sankey", "data": ordered, "links": links, "nodeAlign": "left", "nodeGap": 14,
                "nodeWidth": 12, "layoutIterations": 0, "draggable": False, "left": 8, "right": 150, "top": 12,
                "bottom": 12, "lineStyle": {"color": "source", "opacity": 0.25, "curveness": 0.5},
                "emphasis": {"focus": "adjacency"},
            }
        ]
    }  # fmt: skip


def _start(rows: int) -> int:
    """How many of so many rows come before the page asked for."""
    raw = request.args.get("page", "")
    page = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 8 else 1
    return max(0, min(page - 1, (rows - 1) // ROWS)) * ROWS


def _pages(endpoint: str, query: Mapping[str, Any], start: int, rows: int) -> dict[str, Any]:
    """What the pager shows of a page that begins after `start` of so many rows."""
    page = start // ROWS + 1
    return {
        "first": start + 1,
        "last": min(start + ROWS, rows),
        "previous_url": address(endpoint, query, page=page - 1 if page > 2 else "") if start else None,
        "next_url": address(endpoint, query, page=page + 1) if start + ROWS < rows else None,
    }


def month_of(text: str, *, until: dt.date) -> tuple[dt.date, dt.date]:
    """The first and last day of a month written 2027-01, the last one not after `until`."""
    first = dt.date.fromisoformat(f"{text}-01")
    return first, min(add_months(first, 1) - dt.timedelta(days=1), until)


@bp.get("/ladder/calendar")
@needs("firm:read")
def calendar() -> Any:
    """Certificates that lapse within a year, and what is due for high-tech enterprises and national SMEs."""
    viewer, session, day = actor(), db.session(), today()
    within = within_of(request.args, day, viewer)
    as_of = within.as_of
    kind = request.args.get("kind") if request.args.get("kind") in KINDS else None
    months_ahead = SHORT if request.args.get("months") == str(SHORT) else YEAR
    days = queries.expiry_days(session, within, viewer=viewer, months=months_ahead, kind=kind)
    numbers: Counter[str] = Counter()
    for expires_on, number in days:
        numbers[expires_on.strftime("%Y-%m")] += number
    only = request.args.get("month") if request.args.get("month") in numbers else None
    shown = [only] if only else list(numbers)
    start = _start(numbers[only]) if only else 0
    found = queries.expiries(
        session, within, [month_of(month, until=days[-1][0]) for month in shown], viewer=viewer, kind=kind,
        limit=ROWS if only else A_MONTH, skip=start,
    )  # fmt: skip
    months: dict[str, list[queries.Expiry]] = {month: [] for month in shown}
    for item in found:
        months[item.expires_on.strftime("%Y-%m")].append(item)
    short = SHORT if months_ahead == SHORT else None
    return render_template(
        "ladder/calendar.html",
        months=months,
        numbers=numbers,
        month_only=only,
        **_pages(
            "ladder.calendar",
            {**query_of(within, day), "kind": kind, "month": only, "months": short},
            start,
            numbers[only or ""],
        ),
        total=numbers.total(),
        short=short,
        spans=(YEAR, SHORT),
        within_six=sum(number for expires_on, number in days if expires_on <= add_months(as_of, 6)),
        kind=kind,
        kinds=[item for item in KINDS.values() if item.years is not None or item.until is not None],
        report_due=yearly_report_due(as_of),
        report_count=queries.count_holders(session, within, HIGH_TECH, viewer=viewer),
        renames=queries.renames(session, within, viewer=viewer),
        pending=queries.pending(session, within, viewer=viewer),
        lapse_on=queries.last_national_lapse(as_of),
        lapse_count=queries.count_holders(session, within, NATIONAL_SME, viewer=viewer),
        high_tech=HIGH_TECH,
        national=NATIONAL_SME,
        **frame(within, day, "ladder.calendar"),
    )


@bp.get("/ladder/three-zeroing")
@needs("figure:read")
def three_zeroing() -> Any:
    """三清零: above-scale industrial firms without R&D institution, R&D expense or invention patent in a year."""
    viewer, session, day = actor(), db.session(), today()
    within = within_of(request.args, day, viewer)
    known = queries.years_known(session)
    complete = next((year for year in known if year < day.year), known[0] if known else day.year)
    raw_year = request.args.get("year", "")
    year = int(raw_year) if raw_year in {str(each) for each in known} else complete
    rows = queries.three_zeroing(session, year, viewer=viewer)
    lack = request.args.get("lack", "")
    tests: dict[str, Callable[[queries.Zero], bool]] = {
        "institution": lambda row: not row.institution,
        "expense": lambda row: row.expense is False,
        "patents": lambda row: row.patents is False,
        "unknown": lambda row: row.expense is None or row.patents is None,
    }
    chosen = [row for row in rows if row.is_listed and (lack not in tests or tests[lack](row))]
    start = _start(len(chosen))
    query = {"year": year, "lack": lack if lack in tests else ""}
    return render_template(
        "ladder/three_zeroing.html",
        rows=chosen[start : start + ROWS],
        **_pages("ladder.three_zeroing", query, start, len(chosen)),
        found=len(chosen),
        all=len(rows),
        listed=sum(row.is_listed for row in rows),
        counts={key: sum(test(row) for row in rows) for key, test in tests.items()},
        lack=lack if lack in tests else "",
        year=year,
        years=known,
        **frame(within, day, "ladder.three_zeroing"),
    )

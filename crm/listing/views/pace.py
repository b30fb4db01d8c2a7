"""The board by stage, the calendar, the bottlenecks, and what changed in a month."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import render_template, request

from crm.core.clock import today
from crm.core.db import db
from crm.core.lists.showing import filter_bar
from crm.core.permissions import needs
from crm.core.web import actor
from crm.listing import queries
from crm.listing.queries.board import board_of
from crm.listing.views.blueprint import bp


@bp.get("/listing/board")
@needs("listing:read")
def board_page() -> Any:
    viewer, session = actor(), db.session()
    wanted = queries.LIST.asked(request.args.to_dict(), today())
    columns, understood = board_of(session, wanted, viewer)
    kept = {key: value for key, value in understood.items() if key != "stage"}
    bar = filter_bar(queries.LIST, "listing.board_page", understood)
    return render_template(
        "listing/board.html", columns=columns, kept=kept, total=sum(column.count for column in columns),
        today=today(), bar=bar,
    )  # fmt: skip


@bp.get("/listing/calendar")
@needs("listing:read")
def calendar() -> Any:
    day = today()
    first = month_of(request.args.get("month", ""), day)
    last = (first + dt.timedelta(95)).replace(day=1) - dt.timedelta(1)
    rows = queries.coming(db.session(), actor(), first, last)
    return render_template(
        "listing/calendar.html", rows=rows, first=first, last=last, today=day,
        before=(first - dt.timedelta(80)).replace(day=1), after=last + dt.timedelta(1),
    )  # fmt: skip


@bp.get("/listing/bottlenecks")
@needs("listing:read")
def bottlenecks() -> Any:
    session, viewer = db.session(), actor()
    found = queries.steps(session, viewer)
    return render_template(
        "listing/bottlenecks.html", steps=found, stuck=queries.stuck(session, viewer, today(), found),
        firms=queries.by_intermediary(session, viewer),
    )  # fmt: skip


@bp.get("/listing/changes")
@needs("listing:read")
def changes() -> Any:
    day = today()
    first = month_of(request.args.get("month", ""), day)
    last = (first + dt.timedelta(32)).replace(day=1) - dt.timedelta(1)
    rows = queries.changed_in(db.session(), actor(), first, last)
    return render_template(
        "listing/changes.html", rows=rows, first=first, today=day,
        before=(first - dt.timedelta(1)).replace(day=1), after=last + dt.timedelta(1),
    )  # fmt: skip


def month_of(text: str, day: dt.date) -> dt.date:
    """The first day of a month written ``2026-11``; of today's for anything else."""
    try:
        first = dt.date.fromisoformat(f"{text}-01")
    except ValueError:
        return day.replace(day=1)
    return first if 2000 <= first.year < 2100 else day.replace(day=1)

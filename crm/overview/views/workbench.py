"""The workbench: what do I do now, what waits for me, what changed. Different by role; every count opens its list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import redirect, render_template, request, url_for

from crm.activities import queries as follow_up
from crm.activities.queries import Whose
from crm.activities.rules.words import When
from crm.core.clock import today
from crm.core.db import db
from crm.core.permissions import signed_in
from crm.core.web import actor
from crm.firms.queries.own import count_own, quiet_firms
from crm.ladder import queries as ladder
from crm.ladder.queries import Within
from crm.ladder.queries.news import stage_moves
from crm.ladder.queries.waiting import open_lists
from crm.overview.views.blueprint import bp
from crm.overview.views.rail import navigation

SHOWN = 12  # next steps on the workbench; the others are one click away
QUIET_DAYS = 60
SOON_MONTHS = 6


def last_monday(day: dt.date) -> dt.date:
    """The Monday of the week before: what changed since then is news."""
    return day - dt.timedelta(day.weekday() + 7)


@bp.get("/")
@signed_in
def home() -> Any:
    """The workbench of whoever has business here; administrators and people without a role go to their first page."""
    viewer = actor()
    if not viewer.may("firm:read"):
        entries = navigation()
        if entries:
            return redirect(url_for(entries[0]["endpoint"]), 303)
        return render_template("overview/home.html")
    session, day = db.session(), today()
    may_log = viewer.may("activity:add")
    whose = Whose.GIVEN if request.args.get("whose") == "given" else Whose.MINE
    lines, _more = follow_up.list_steps(session, viewer, whose=whose, today=day, size=SHOWN)
    counts = follow_up.count_steps(session, viewer, whose=whose, today=day)
    other = Whose.MINE if whose is Whose.GIVEN else Whose.GIVEN
    told, _more_told = follow_up.list_inbox(session, viewer, today=day, size=5)
    since = last_monday(day)
    moves, moved = stage_moves(session, viewer, first=since, last=day)
    quiet, quiet_count = (
        quiet_firms(session, viewer, before=day - dt.timedelta(QUIET_DAYS)) if may_log else ([], 0)
    )
    within = Within(as_of=day)
    expiring = sum(n for _day, n in ladder.expiry_days(session, within, viewer=viewer, months=SOON_MONTHS))
    return render_template(
        "overview/workbench.html",
        may_log=may_log,
        lines=lines,
        counts=counts,
        nears=When,
        whose=whose,
        total=sum(counts.values()),
        others=sum(follow_up.count_steps(session, viewer, whose=other, today=day).values()),
        told=told,
        since=since,
        moves=moves,
        moved=moved,
        quiet=quiet,
        quiet_count=quiet_count,
        quiet_days=QUIET_DAYS,
        own=count_own(session, viewer),
        expiring=expiring,
        soon=SOON_MONTHS,
        lists=open_lists(session, viewer),
        today=day,
        viewer=viewer,
    )

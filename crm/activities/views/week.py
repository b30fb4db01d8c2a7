"""A week of next steps, and the same as a calendar other programs subscribe to."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from flask import Response, abort, flash, render_template, request

from crm.activities import queries
from crm.activities.actions import feeds as actions
from crm.activities.queries.feeds import has_feed, owner_of_feed
from crm.activities.rules.calendar import Event, calendar
from crm.activities.rules.words import StepState
from crm.activities.views.blueprint import bp
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs, public
from crm.core.transaction import commit
from crm.core.web import actor, back_to, outside

BEFORE, AHEAD = 30, 180  # days of a calendar feed
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


def monday_of(raw: str, day: dt.date) -> dt.date:
    """The Monday of an ISO week as 2026-W48; of this week for anything else."""
    match = _WEEK.fullmatch(raw)
    if match and 1900 <= int(match[1]) <= 2999:
        try:
            return dt.date.fromisocalendar(int(match[1]), int(match[2]), 1)
        except ValueError:
            pass
    return day - dt.timedelta(day.weekday())


def week_of(day: dt.date) -> str:
    """The ISO week of a day, as addresses write it."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


@bp.get("/week")
@needs("activity:add")
def week() -> Any:
    """My steps of a week, day by day; what is overdue stands in front of today's week."""
    session, viewer, day = db.session(), actor(), today()
    monday = monday_of(request.args.get("of", ""), day)
    sunday = monday + dt.timedelta(6)
    lines = queries.due_between(session, viewer, first=monday, last=sunday, today=day)
    days = [monday + dt.timedelta(n) for n in range(7)]
    return render_template(
        "activities/week.html",
        days=[(item, [line for line in lines if line.step.due_on == item]) for item in days],
        counts=queries.count_steps(session, viewer, whose=queries.Whose.MINE, today=day),
        is_now=monday <= day <= sunday,
        monday=monday,
        sunday=sunday,
        before=week_of(monday - dt.timedelta(7)),
        after=week_of(monday + dt.timedelta(7)),
        today=day,
        has_feed=has_feed(session, viewer),
        fresh=None,
    )


@bp.post("/week/feed")
@needs("activity:add")
def feed_new() -> Any:
    """A new link, shown this once."""
    token = actions.new_feed(db.session(), actor=actor(), at=now())
    commit()
    address = outside("activities.feed", token=token)
    return render_template("activities/feed.html", address=address)


@bp.post("/week/feed/revoke")
@needs("activity:add")
def feed_revoke() -> Any:
    actions.revoke_feeds(db.session(), actor=actor(), at=now())
    commit()
    flash(gettext("日历订阅链接已停用。"), "done")
    return back_to("activities.week")


@bp.get("/calendar/<string:token>.ics")
@public
def feed(token: str) -> Any:
    """The steps of whoever the secret belongs to; 404 for any other."""
    session = db.session()
    owner = owner_of_feed(session, actions.token_hash(token)) if 20 <= len(token) <= 100 else None
    if owner is None:
        abort(404)
    day = today()
    lines = queries.due_between(
        session, owner, first=day - dt.timedelta(BEFORE), last=day + dt.timedelta(AHEAD), today=day, most=1000
    )
    events = [
        Event(
            f"step-{line.step.id}@tidui", line.step.due_on,
            f"✓ {line.step.text}" if line.step.state is StepState.DONE else line.step.text, line.title,
            outside("activities.step", step_id=line.step.id), line.step.updated_at,
        )
        for line in lines
    ]  # fmt: skip
    body = calendar(gettext("梯队 · %(name)s", name=owner.name), events, at=now())
    return Response(body, content_type="text/calendar; charset=utf-8")

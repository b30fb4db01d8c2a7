"""The reported numbers as of a day, their rows, the frozen months."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, render_template, request

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.web import actor, back_to
from crm.projects import actions
from crm.projects.forms import FreezeForm
from crm.projects.queries.counting import closed, frozen_months
from crm.projects.queries.counts import UNCOUNTED, get_figure, opened, tallies
from crm.projects.rules.counting import FIGURES, Group, month_end
from crm.projects.views.blueprint import bp


def _asked() -> dt.date:
    """The day asked for; today for none, one that cannot be read, or one to come."""
    try:
        day = dt.date.fromisoformat(request.args.get("as_of", ""))
    except ValueError:
        return today()
    return min(day, today()) if day.year >= 1950 else today()


def _page(form: FreezeForm, refused: str | None = None) -> str:
    session, viewer, day = db.session(), actor(), _asked()
    found = tallies(session, day, viewer=viewer)
    months = frozen_months(session)
    stored = next((month for month in months if month_end(month.month) == day), None)
    waiting = opened(session, UNCOUNTED, day, viewer=viewer)
    return render_template(
        "projects/counts.html",
        form=form,
        refused=refused,
        day=day,
        today=today(),
        groups=[(group, [found[each.key] for each in FIGURES if each.group is group]) for group in Group],
        months=[(month, month_end(month.month)) for month in months],
        stored=stored,
        closed=closed(session),
        uncounted=waiting.count,
        may_freeze=viewer.may("plan:manage"),
    )


@bp.get("/projects/counts")
@needs("project:read")
def counts() -> Any:
    last = today().replace(day=1) - dt.timedelta(1)
    form = FreezeForm()
    form.month.data = f"{last:%Y-%m}"
    return _page(form)


@bp.post("/projects/counts/freeze")
@needs("plan:manage")
def freeze() -> Any:
    form = FreezeForm()

    def write() -> None:
        actions.freeze(db.session(), actor=actor(), today=today(), month=form.month.value or "")

    def done() -> Any:
        flash(gettext("%(month)s 已冻结，上报的数不再变。", month=form.month.value), "done")
        return back_to("projects.counts", as_of=month_end(form.month.value or "").isoformat())

    return save(form, write, done=done, again=lambda sentence: _page(form, sentence))


@bp.get("/projects/counts/<string:key>")
@needs("project:read")
def counted(key: str) -> Any:
    """The rows behind a figure: those one may see, each with why it counts, and how many are withheld."""
    day = _asked()
    label = gettext("签约未计数") if key == UNCOUNTED else say(get_figure(key).label)
    raw = request.args.get("page", "1")
    page = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 7 else 1
    found = opened(db.session(), key, day, viewer=actor(), page=page)
    is_money = key != UNCOUNTED and get_figure(key).is_money
    return render_template(
        "projects/counted.html", found=found, key=key, label=label, day=day, is_money=is_money
    )

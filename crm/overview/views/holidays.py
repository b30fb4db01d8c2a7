"""Working days: what differs from the weekday in a year, set and taken back by the system administrator."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.core import workdays
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing
from crm.overview.forms import HolidayForm
from crm.overview.views.blueprint import bp

SEE = ("setting:manage", "audit:read")


def _year() -> int:
    raw = request.values.get("year", "")
    return int(raw) if raw.isascii() and raw.isdigit() and int(raw[:5]) in workdays.YEARS else today().year


def _page(form: HolidayForm, year: int, refused: str | None = None) -> str:
    session = db.session()
    return render_template(
        "overview/holidays.html", form=form, year=year, rows=workdays.year_of(session, year), refused=refused,
        may_change=actor().may("setting:manage"), known=year in workdays.known_years(),
        unknown=workdays.unknown_years(session, [today().year, today().year + 1]),
    )  # fmt: skip


@bp.get("/settings/working-days")
@needs(*SEE)
def holidays() -> Any:
    year = _year()
    return _page(HolidayForm(MultiDict({"on": f"{year}-"})), year)


@bp.post("/settings/working-days")
@needs("setting:manage")
def holiday_set() -> Any:
    form = HolidayForm()

    def write() -> None:
        workdays.set_day(
            db.session(), actor=actor(), on=form.on.value, is_workday=form.is_workday.data == "yes",
            name=form.name.value or "",
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("%(day)s 已设定。", day=form.on.value.isoformat()), "done")
        return back_to("overview.holidays", year=form.on.value.year)

    return save(form, write, done=done, again=lambda sentence: _page(form, _year(), sentence))


@bp.post("/settings/working-days/<int:holiday_id>/remove")
@needs("setting:manage")
def holiday_drop(holiday_id: int) -> Any:
    session = db.session()
    row = session.get(workdays.Holiday, holiday_id)
    if row is None:
        raise Missing(N_("这一天已经不在设定里。"))
    raw = request.form.get("version", "")
    version = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
    day = row.on
    workdays.drop_day(session, row, actor=actor(), version=version)
    commit()
    flash(gettext("%(day)s 按星期几算。", day=day.isoformat()), "done")
    return back_to("overview.holidays", year=day.year)


@bp.post("/settings/working-days/fill")
@needs("setting:manage")
def holiday_fill() -> Any:
    year = _year()
    count = workdays.seed_year(db.session(), actor=actor(), year=year)
    commit()
    flash(gettext("%(year)s 年补入 %(n)s 天。", year=year, n=count), "done")
    return back_to("overview.holidays", year=year)

"""Logging a lead: four fields and one tap, on a phone; its look-alikes while one types."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.activities.actions import Planned
from crm.core import audit
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.transaction import commit, fresh
from crm.core.web import actor, back_to
from crm.core.words import N_, Refused
from crm.core.workdays import add_workdays
from crm.firms.queries import by_ids
from crm.firms.queries import near as near_firms
from crm.projects import actions
from crm.projects.actions import Known
from crm.projects.forms import LeadForm
from crm.projects.models import Project
from crm.projects.queries import alike
from crm.projects.queries.alike import Hidden, Typed
from crm.projects.queries.clocks import terms_of
from crm.projects.rules.alike import HIDDEN_AN_HOUR
from crm.projects.rules.columns import amount
from crm.projects.rules.words import Act, Confidentiality, Source
from crm.projects.views.blueprint import bp
from crm.projects.views.holding import question


def days(day: dt.date) -> list[tuple[str, str]]:
    """The days one tap away: tomorrow, and the Friday that comes."""
    tomorrow = day + dt.timedelta(1)
    friday = day + dt.timedelta((4 - day.weekday()) % 7 or 7)
    found = [(tomorrow.isoformat(), gettext("明天 %(day)s", day=tomorrow.strftime("%m-%d")))]
    if friday != tomorrow:
        found.append((friday.isoformat(), gettext("周五 %(day)s", day=friday.strftime("%m-%d"))))
    return found


def _firm_of(raw: str) -> Any:
    chosen = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 16 else None
    found = by_ids(db.session(), [chosen], viewer=actor()) if chosen is not None else []
    return found[0] if found else None


@bp.get("/projects/new")
@needs("lead:log")
def create() -> Any:
    start = {
        "investor": request.args.get("investor", "").replace("\x00", "")[:200],
        "confidentiality": Confidentiality.ZONE.value,
        "firm": request.args.get("firm", ""),
    }
    firm = _firm_of(start["firm"])
    if firm is not None and not start["investor"]:
        start["investor"] = firm.name
    return _page(LeadForm(MultiDict(start)), None, None)


def _page(form: LeadForm, refused: str | None, known: Known | None) -> str:
    return render_template(
        "projects/new.html", form=form, refused=refused, known=known, days=days(today()),
        firm=_firm_of(form.firm.data or ""),
        reply_by=add_workdays(db.session(), today(), terms_of(db.session()).reply),
    )  # fmt: skip


@bp.post("/projects/new")
@needs("lead:log")
def add() -> Any:
    form = LeadForm()
    form.confidentiality.data = form.confidentiality.data or Confidentiality.ZONE.value
    if "use_firm" in request.form:  # 「就是它」: nothing is written yet
        firm = _firm_of(request.form["use_firm"])
        if firm is not None:
            form.firm.data, form.investor.data = str(firm.id), firm.name
        return _page(form, None, None)
    made: list[Project] = []
    known: list[Known] = []

    def write() -> None:
        chosen, firm = form.confidentiality.value, _firm_of(form.firm.data or "")
        day = form.due_on.value or form.quick_day
        if day is None:
            raise Refused(N_("请写下一步的日期，如 明天、下周三、11-30。"), field="due_on")
        made.append(
            actions.report(
                db.session(),
                actor=actor(),
                at=now(),
                today=today(),
                investor=form.investor.value,
                name=form.name.value,
                source=Source(form.source.data),
                step=Planned(form.step.value, day),
                is_another=form.is_another.data,
                firm_id=firm.id if firm is not None else None,
                confidentiality=Confidentiality(chosen) if chosen else Confidentiality.ZONE,
                product=form.product.value,
                total_yuan=form.total_yuan.value,
                investor_code=form.investor_code.value,
                controller=form.controller.value,
                source_note=form.source_note.value,
            )
        )

    def done() -> Any:
        flash(gettext("已登记线索「%(name)s」，首报时间已记下。", name=made[0].name), "done")
        return back_to("projects.show", project_id=made[0].id)

    def refused(refusal: Refused) -> None:
        known[:] = [refusal] if isinstance(refusal, Known) else []

    def again(sentence: str | None) -> str:
        return _page(form, sentence, known[0] if known else None)

    return save(form, write, done=done, again=again, refused=refused)


@bp.get("/projects/look-alikes")
@needs("lead:log")
def look_alikes() -> Any:
    """Firms and projects that may be the one being typed: a part of the form."""
    typed = Typed(
        **{
            name: request.args.get(field, "").replace("\x00", "")[:200]
            for name, field in (
                ("investor", "investor"), ("code", "investor_code"), ("controller", "controller"),
                ("product", "product"),
            )
        },
        yuan=_amount(request.args.get("total_yuan", "")),
    )  # fmt: skip
    viewer, session = actor(), db.session()
    firms = (
        near_firms(session, name=typed.investor, code=typed.code, viewer=viewer, limit=3)
        if viewer.may("firm:read")
        else []
    )
    seen, hidden = alike.near(session, typed, viewer=viewer)
    told, is_held_back = _tell(hidden) if hidden else ([], False)
    return render_template(
        "projects/_alike.html", firms=firms, seen=seen, is_held_back=is_held_back,
        hidden=[(item, question(item.id)) for item in told],
    )  # fmt: skip


def _amount(raw: str) -> int | None:
    try:
        return amount(raw[:40])
    except Refused:
        return None


def _tell(hidden: list[Hidden]) -> tuple[list[Hidden], bool]:
    """Those that may be told within the hour's limit; each that is new leaves its line in the log."""
    viewer = actor()
    with fresh() as session:
        known = alike.looked_lately(session, viewer.user_id, now() - dt.timedelta(hours=1))
    told, new, is_held_back = alike.within_limit(hidden, known, HIDDEN_AN_HOUR)
    for item in new:
        with fresh() as session:
            audit.begin(session, actor=viewer, action=Act.NEAR, subject=("project", item.id))
            commit(session)
    return told, is_held_back

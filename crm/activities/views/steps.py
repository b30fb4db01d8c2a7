"""Next steps: the lists, one step, and what is done with it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.activities import actions, queries
from crm.activities.forms import FinishForm, HandOverForm, PutOffForm, StepForm, WhyForm
from crm.activities.models import NextStep
from crm.activities.queries import Whose
from crm.activities.rules.words import When
from crm.activities.views.blueprint import bp, toast
from crm.activities.views.timeline import page_of, subject
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.records import name_of
from crm.core.transaction import commit
from crm.core.web import actor, back_to, safe_next
from crm.core.words import Refused


def _after(raw: str) -> tuple[dt.date, int] | None:
    day, _, key = raw.partition(".")
    try:
        return (
            (dt.date.fromisoformat(day), int(key))
            if key.isascii() and key.isdigit() and len(key) < 19
            else None
        )
    except ValueError:
        return None


@bp.get("/steps")
@needs("activity:add")
def steps() -> Any:
    """Open steps by nearness: mine, given by me, of my unit."""
    session, viewer, day = db.session(), actor(), today()
    heads = bool(queries.units_headed(session, viewer.user_id, day))
    allowed = [whose for whose in Whose if whose is not Whose.UNIT or heads]
    wanted = request.args.get("whose", "")
    whose = next((item for item in allowed if item.value == wanted), Whose.MINE)
    lines, more = queries.list_steps(
        session, viewer, whose=whose, today=day, after=_after(request.args.get("after", ""))
    )
    last = lines[-1].step if lines and more else None
    return render_template(
        "activities/steps.html",
        lines=lines,
        counts=queries.count_steps(session, viewer, whose=whose, today=day),
        nears=list(When),
        whose=whose,
        views=[(item, url_for("activities.steps", whose=item.value)) for item in allowed],
        next_url=url_for("activities.steps", whose=whose.value, after=f"{last.due_on.isoformat()}.{last.id}")
        if last
        else None,
        today=day,
        viewer=viewer,
    )


@bp.get("/steps/<int:step_id>")
@needs("activity:add")
def step(step_id: int) -> Any:
    """One step with everything that can be done with it, and what was."""
    return _page(queries.get_step(db.session(), step_id, viewer=actor()))


def _page(found: NextStep, refused: str | None = None, status: int = 200, **forms: Any) -> Any:
    session, viewer = db.session(), actor()
    kind, row = subject(found.kind, found.subject_id)
    start = MultiDict({"version": str(found.version)})
    hand_over = forms.get("hand_over") or HandOverForm(start)
    if "hand_over" not in forms:
        hand_over.offer(queries.colleagues(session), found.owner_id)
    line = queries.lines(session, [found.id], viewer, today=today())[0]
    page = render_template(
        "activities/step.html",
        step=found,
        line=line,
        moves=queries.moves_of(session, found.id),
        title=name_of(kind, row),
        back=page_of(kind, row),
        finish=forms.get("finish") or FinishForm(start),
        put_off=forms.get("put_off") or PutOffForm(start),
        hand_over=hand_over,
        drop=forms.get("drop") or WhyForm(start),
        refused=refused,
        today=today(),
        is_mine=viewer.user_id in (found.owner_id, found.given_by_id),
    )
    return (page, status) if status != 200 else page


def _back(found: NextStep) -> Any:
    """Where one came from (the workbench, the list), else the record."""
    target = safe_next(request.form.get("next"))
    kind, row = subject(found.kind, found.subject_id)
    if target:
        return redirect(target, 303)
    return back_to(kind.endpoint, **{kind.id_name: getattr(row, kind.id_from)})


def _own(step_id: int) -> NextStep:
    """The step, for changing it: 404 when it may not be seen, 403 when it is somebody else's, before any form."""
    found = queries.get_step(db.session(), step_id, viewer=actor())
    actions.check_step(found, actor=actor())
    return found


def _said(found: NextStep, text: str) -> None:
    toast(text, undo=url_for("activities.step_reopen", step_id=found.id))


@bp.post("/steps/<int:step_id>/done")
@needs("activity:add")
def step_done(step_id: int) -> Any:
    found, form = _own(step_id), FinishForm()
    form.validate()
    try:
        actions.finish(
            db.session(), found, actor=actor(), at=now(), today=today(), version=form.version_seen,
            outcome=form.outcome.value,
        )  # fmt: skip
        commit()
    except Refused as refusal:
        db.session.rollback()
        refused = form.refuse(refusal)
        found = queries.get_step(db.session(), step_id, viewer=actor())
        return _page(found, refused, form.http_status, finish=form)
    _said(found, gettext("已办：%(what)s", what=found.text))
    return _back(found)


@bp.post("/steps/<int:step_id>/put-off")
@needs("activity:add")
def step_put_off(step_id: int) -> Any:
    found, form = _own(step_id), PutOffForm()
    refused = None
    if form.validate():
        try:
            actions.put_off(
                db.session(), found, actor=actor(), today=today(), due_on=form.due_on.value,
                reason=form.reason.value, version=form.version_seen,
            )  # fmt: skip
            commit()
            flash(gettext("改到 %(day)s。", day=found.due_on.isoformat()), "done")
            return _back(found)
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
            found = queries.get_step(db.session(), step_id, viewer=actor())
    return _page(found, refused, form.http_status, put_off=form)


@bp.post("/steps/<int:step_id>/hand-over")
@needs("activity:add")
def step_hand_over(step_id: int) -> Any:
    found, form = _own(step_id), HandOverForm()
    form.offer(queries.colleagues(db.session()), found.owner_id)
    refused = None
    if form.validate():
        try:
            owner = int(form.owner.value) if form.owner.value else None
            actions.hand_over(
                db.session(), found, actor=actor(), at=now(), today=today(), owner_id=owner,
                reason=form.reason.value, version=form.version_seen,
            )  # fmt: skip
            commit()
            flash(gettext("已转交，对方的收件箱里会看到。"), "done")
            return _back(found)
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
            found = queries.get_step(db.session(), step_id, viewer=actor())
    return _page(found, refused, form.http_status, hand_over=form)


@bp.post("/steps/<int:step_id>/drop")
@needs("activity:add")
def step_drop(step_id: int) -> Any:
    found, form = _own(step_id), WhyForm()
    refused = None
    if form.validate():
        try:
            actions.drop(
                db.session(), found, actor=actor(), at=now(), today=today(), reason=form.reason.value or "",
                version=form.version_seen,
            )  # fmt: skip
            commit()
            _said(found, gettext("不办了：%(what)s", what=found.text))
            return _back(found)
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
            found = queries.get_step(db.session(), step_id, viewer=actor())
    return _page(found, refused, form.http_status, drop=form)


@bp.post("/steps/<int:step_id>/reopen")
@needs("activity:add")
def step_reopen(step_id: int) -> Any:
    found = _own(step_id)
    try:
        actions.reopen(db.session(), found, actor=actor())
        commit()
        flash(gettext("又在待办里了：%(what)s", what=found.text), "done")
    except Refused as refusal:
        db.session.rollback()
        found = queries.get_step(db.session(), step_id, viewer=actor())
        return _page(found, str(refusal), 422)
    return _back(found)


@bp.route("/records/<string:kind>/<int:row_id>/steps/new", methods=["GET", "POST"])
@needs("activity:add")
def step_new(kind: str, row_id: int) -> Any:
    found, row = subject(kind, row_id)
    form, refused = StepForm(), None
    form.offer(queries.colleagues(db.session()), actor().user_id)
    if request.method == "POST" and form.validate():
        try:
            actions.plan(
                db.session(), actor=actor(), at=now(), today=today(), subject=(kind, row_id),
                text=form.step.value or "", due_on=form.due_on.value,
                owner_id=int(form.owner.value) if form.owner.value else actor().user_id,
            )  # fmt: skip
            commit()
            flash(gettext("已安排下一步。"), "done")
            return back_to(found.endpoint, **{found.id_name: getattr(row, found.id_from)})
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
            found, row = subject(kind, row_id)
    page = render_template(
        "activities/step_new.html", form=form, kind=found, row_id=row_id, title=name_of(found, row),
        back=page_of(found, row), refused=refused,
    )  # fmt: skip
    return (page, form.http_status) if refused or form.errors else page

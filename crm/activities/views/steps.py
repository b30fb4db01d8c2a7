"""Next steps: the lists, one step, and what is done with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.accounts.queries import names
from crm.activities import actions, queries
from crm.activities.forms import FinishForm, GiveUpForm, HandOverForm, PutOffForm, StepForm
from crm.activities.models import NextStep
from crm.activities.queries import Whose
from crm.activities.rules.words import StepState, When
from crm.activities.views.blueprint import bp, toast
from crm.activities.views.mentioning import mentions
from crm.activities.views.timeline import page_of, subject
from crm.core import audit
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.forms import VersionedForm
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.records import Fact, name_of
from crm.core.saving import Over, save
from crm.core.transaction import commit
from crm.core.web import actor, back_to, safe_next
from crm.core.words import N_, Refused


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


def _page(found: NextStep, refused: str | None = None, **forms: Any) -> str:
    session, viewer = db.session(), actor()
    kind, row = subject(found.kind, found.subject_id)
    start = MultiDict({"version": str(found.version)})
    hand_over = forms.get("hand_over") or HandOverForm(start)
    if "hand_over" not in forms:
        hand_over.offer(queries.colleagues(session), found.owner_id)
    line = queries.lines(session, [found.id], viewer, today=today())[0]
    return render_template(
        "activities/step.html",
        step=found,
        line=line,
        moves=queries.moves_of(session, found.id),
        title=name_of(kind, row),
        back=page_of(kind, row),
        finish=forms.get("finish") or FinishForm(start),
        put_off=forms.get("put_off") or PutOffForm(start),
        hand_over=hand_over,
        drop=forms.get("drop") or GiveUpForm(start),
        refused=refused,
        next=safe_next(request.values.get("next")),
        today=today(),
        is_mine=viewer.user_id in (found.owner_id, found.given_by_id),
        is_last=actions.is_last(session, found),
        may_drop=not found.is_instruction or viewer.user_id == found.given_by_id,
    )


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


def _settle(
    step_id: int,
    name: str,
    form: VersionedForm,
    write: Callable[[NextStep], object],
    said: Callable[[NextStep], None],
    over: Over | None = None,
) -> Any:
    """One of the forms of a step's page (`name`) is sent: written, said, and back to where one came from. When the step
    is another by now, `over` shows both versions field by field while it is open; what ends a step is asked again, on
    the page as it is now, with what was typed."""
    found = _own(step_id)

    def again(refused: str | None) -> str:
        now_there = queries.get_step(db.session(), step_id, viewer=actor())
        if refused and form.http_status == 409:
            form.version.raw_data, form.version.data = [str(now_there.version)], str(now_there.version)
        return _page(now_there, refused, **{name: form})

    def done() -> Any:
        said(found)
        return _back(found)

    is_open = found.state is StepState.OPEN
    return save(form, lambda: write(found), done=done, again=again, over=over if is_open else None)


def _over(step_id: int, texts: Callable[[Any], dict[str, str]], title: str) -> Over:
    """The step a form is over. What of it the form does not show is its day, or whose it is."""
    return Over(
        lambda: _own(step_id), texts, title=title, back=url_for("activities.step", step_id=step_id),
        show=lambda name, value: names(db.session(), [int(value)]).get(int(value)) if name == "owner" else None,
        facts=(
            Fact("due_on", N_("日期")),
            Fact("owner_id", N_("经办"), lambda session, value: names(session, [value]).get(value, "")),
        ),
    )  # fmt: skip


def _following(form: Any) -> actions.Planned | None:
    """The step that follows, if one was written."""
    text = form.following.value
    return actions.Planned(text, form.following_on.value) if text else None


@bp.post("/steps/<int:step_id>/done")
@needs("activity:add")
def step_done(step_id: int) -> Any:
    form = FinishForm()
    return _settle(
        step_id, "finish", form,
        lambda found: actions.finish(
            db.session(), found, actor=actor(), at=now(), today=today(), version=form.version_seen,
            outcome=form.outcome.value, following=_following(form),
        ),
        lambda found: _said(found, gettext("已办：%(what)s", what=found.text)),
    )  # fmt: skip


@bp.post("/steps/<int:step_id>/put-off")
@needs("activity:add")
def step_put_off(step_id: int) -> Any:
    over = _over(step_id, lambda row: {"due_on": row.due_on.isoformat()}, gettext("改期"))
    form = over.form(PutOffForm)
    return _settle(
        step_id, "put_off", form,
        lambda found: actions.put_off(
            db.session(), found, actor=actor(), today=today(), due_on=form.due_on.value, reason=form.reason.value,
            version=form.version_seen,
        ),
        lambda found: flash(gettext("改到 %(day)s。", day=found.due_on.isoformat()), "done"), over,
    )  # fmt: skip


@bp.post("/steps/<int:step_id>/hand-over")
@needs("activity:add")
def step_hand_over(step_id: int) -> Any:
    over = _over(step_id, lambda row: {"owner": str(row.owner_id)}, gettext("转交"))
    form = over.form(
        HandOverForm, lambda made: made.offer(queries.colleagues(db.session()), over.row.owner_id)
    )
    operations: list[str] = []

    def write(found: NextStep) -> None:
        actions.hand_over(
            db.session(), found, actor=actor(), at=now(), today=today(), version=form.version_seen,
            owner_id=int(form.owner.value) if form.owner.value else None, reason=form.reason.value,
        )  # fmt: skip
        running = audit.running(db.session())
        operations.extend([running.id] if running is not None else [])

    def said(_found: NextStep) -> None:
        toast(
            gettext("已转交，对方的收件箱里会看到。"),
            undo=url_for("overview.operation_undo", operation=operations[-1]),
        )

    return _settle(step_id, "hand_over", form, write, said, over)


@bp.post("/steps/<int:step_id>/drop")
@needs("activity:add")
def step_drop(step_id: int) -> Any:
    form = GiveUpForm()
    return _settle(
        step_id, "drop", form,
        lambda found: actions.drop(
            db.session(), found, actor=actor(), at=now(), today=today(), version=form.version_seen,
            reason=form.reason.value or "", following=_following(form),
        ),
        lambda found: _said(found, gettext("不办了：%(what)s", what=found.text)),
    )  # fmt: skip


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
        return _page(found, say(refusal)), 422
    return _back(found)


@bp.route("/records/<string:kind>/<int:row_id>/steps/new", methods=["GET", "POST"])
@needs("activity:add")
def step_new(kind: str, row_id: int) -> Any:
    found, row = subject(kind, row_id)
    target = {found.id_name: getattr(row, found.id_from)}
    form = StepForm()
    form.offer(queries.colleagues(db.session()), actor().user_id)

    def write() -> None:
        actions.plan(
            db.session(), actor=actor(), at=now(), today=today(), subject=(kind, row_id),
            text=form.step.value or "", due_on=form.due_on.value,
            owner_id=int(form.owner.value) if form.owner.value else actor().user_id,
            mentions=mentions(form.step.value or "", field="step"),
        )  # fmt: skip

    def again(refused: str | None) -> str:
        declared, record = subject(kind, row_id)
        return render_template(
            "activities/step_new.html", form=form, kind=declared, row_id=row_id, title=name_of(declared, record),
            back=page_of(declared, record), refused=refused,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已安排下一步。"), "done")
        return back_to(found.endpoint, **target)

    if request.method == "GET":
        return again(None)
    return save(form, write, done=done, again=again)

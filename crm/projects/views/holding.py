"""Who follows a lead: claim, release, feedback, dispute and decision; the panel that shows it."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict

from crm.core import workdays
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing
from crm.projects import actions, queries
from crm.projects.actions import holding
from crm.projects.forms import DecisionForm, DisputeForm, ReasonForm
from crm.projects.models import Project, ProjectDispute
from crm.projects.queries import holding as reads
from crm.projects.queries.clocks import clocks_of
from crm.projects.queries.pulse import pulse_of
from crm.projects.rules.words import Decision
from crm.projects.views.blueprint import bp, load, over_project

A_DAY = 86_400  # seconds a hidden look-alike may be asked about


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="look-alike")


def question(project_id: int) -> str:
    """Signs which hidden project a question is about and who was told of it: nobody else may ask by it."""
    return str(_signer().dumps([project_id, actor().user_id]))


@bp.get("/projects/<int:project_id>/holding")
@needs("project:read")
def holding_panel(project_id: int) -> Any:
    session, viewer = db.session(), actor()
    project = load(project_id)
    pulse = pulse_of(session, project_id)
    return render_template(
        "projects/_holding.html", project=project, pulse=pulse, claims=reads.claims_of(session, project_id),
        disputes=reads.disputes_of(session, project_id), rights=queries.rights(session, project_id, viewer),
        may_claim=viewer.may("lead:log") and reads.is_claimable(project),
        may_log=viewer.may("lead:log"), today=today(), me=viewer.user_id,
    )  # fmt: skip


@bp.get("/projects/<int:project_id>/clocks")
@needs("project:read")
def clocks_panel(project_id: int) -> Any:
    session, day = db.session(), today()
    load(project_id)
    found = clocks_of(session, [project_id], day).get(project_id, [])
    years = {clock.due_on.year for clock in found}
    return render_template(
        "projects/_clocks.html", clocks=found, today=day, unknown=workdays.unknown_years(session, years)
    )


def _reason_page(
    project_id: int, form: ReasonForm, title: str, button: str, refused: str | None = None
) -> str:
    return render_template(
        "projects/form.html", project=load(project_id), form=form, title=title, button=button, refused=refused,
        action=request.script_root + request.path,
    )  # fmt: skip


@bp.get("/projects/<int:project_id>/claim")
@needs("lead:log")
def claim(project_id: int) -> Any:
    form = ReasonForm(MultiDict({"version": str(load(project_id).version)}))
    return _reason_page(project_id, form, gettext("认领线索"), gettext("认领"))


@bp.post("/projects/<int:project_id>/claim")
@needs("lead:log")
def claim_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(project_id, gettext("认领线索"), lambda row: {"holder": str(row.holder_id or "")})
    form = over.form(ReasonForm)

    def write() -> None:
        holding.claim(
            db.session(), project, actor=actor(), today=today(), reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("「%(name)s」现在由您跟进。", name=project.name), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return _reason_page(project_id, form, gettext("认领线索"), gettext("认领"), sentence)

    return save(form, write, done=done, again=again, over=over)


@bp.get("/projects/<int:project_id>/release")
@needs("project:edit")
def release(project_id: int) -> Any:
    form = ReasonForm(MultiDict({"version": str(load(project_id).version)}))
    return _reason_page(project_id, form, gettext("放回线索池"), gettext("放回"))


@bp.post("/projects/<int:project_id>/release")
@needs("project:edit")
def release_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(project_id, gettext("放回线索池"), lambda row: {"holder": str(row.holder_id or "")})
    form = over.form(ReasonForm)

    def write() -> None:
        holding.release(
            db.session(), project, actor=actor(), today=today(), reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("「%(name)s」已放回线索池。", name=project.name), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return _reason_page(project_id, form, gettext("放回线索池"), gettext("放回"), sentence)

    return save(form, write, done=done, again=again, over=over)


@bp.post("/projects/<int:project_id>/feedback")
@needs("project:edit")
def feedback(project_id: int) -> Any:
    project = load(project_id)
    actions.note_feedback(db.session(), project, actor=actor(), today=today())
    commit()
    flash(gettext("已登记反馈。"), "done")
    return back_to("projects.show", project_id=project_id)


def _dispute_page(form: DisputeForm, action: str, back: str, refused: str | None = None) -> str:
    return render_template("projects/dispute.html", form=form, action=action, back=back, refused=refused)


@bp.get("/projects/<int:project_id>/dispute")
@needs("lead:log")
def dispute(project_id: int) -> Any:
    load(project_id)
    address = url_for("projects.dispute_save", project_id=project_id)
    return _dispute_page(DisputeForm(MultiDict()), address, url_for("projects.show", project_id=project_id))


@bp.post("/projects/<int:project_id>/dispute")
@needs("lead:log")
def dispute_save(project_id: int) -> Any:
    load(project_id)
    form = DisputeForm()
    back = url_for("projects.show", project_id=project_id)

    def done() -> Any:
        flash(gettext("争议已提出，裁定后会通知您。"), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return _dispute_page(form, url_for("projects.dispute_save", project_id=project_id), back, sentence)

    return save(form, lambda: _raise(project_id, form), done=done, again=again)


def _raise(project_id: int, form: DisputeForm) -> None:
    holding.dispute(db.session(), project_id, actor=actor(), at=now(), today=today(), text=form.text.value)


def _asked(token: str) -> int:
    gone = Missing(N_("这个链接已经失效，请重新输入线索再问。"))
    try:
        project_id, told = _signer().loads(token[:500], max_age=A_DAY)
    except (BadSignature, TypeError, ValueError):
        raise gone from None
    if told != actor().user_id:
        raise gone
    return int(project_id)


@bp.get("/projects/ask/<string:token>")
@needs("lead:log")
def ask(token: str) -> Any:
    """About a record one may not see: nothing of it is shown."""
    _asked(token)
    return _dispute_page(
        DisputeForm(MultiDict()), url_for("projects.ask_save", token=token), url_for("projects.create")
    )


@bp.post("/projects/ask/<string:token>")
@needs("lead:log")
def ask_save(token: str) -> Any:
    project_id = _asked(token)
    form = DisputeForm()

    def done() -> Any:
        flash(gettext("已转给单位负责人，裁定后会通知您。"), "done")
        return back_to("projects.index")

    def again(sentence: str | None) -> str:
        return _dispute_page(
            form, url_for("projects.ask_save", token=token), url_for("projects.create"), sentence
        )

    return save(form, lambda: _raise(project_id, form), done=done, again=again)


@bp.get("/projects/<int:project_id>/disputes/<int:dispute_id>")
@needs("project:assign")
def decide(project_id: int, dispute_id: int) -> Any:
    project = load(project_id)
    row = reads.get_dispute(db.session(), project_id, dispute_id)
    return _decide_page(DecisionForm(MultiDict()), project, row)


def _decide_page(
    form: DecisionForm, project: Project, row: ProjectDispute, refused: str | None = None
) -> str:
    raised = next(
        (
            (name, unit)
            for each, name, unit, _decider in reads.disputes_of(db.session(), project.id)
            if each.id == row.id
        ),
        (None, None),
    )
    return render_template(
        "projects/decide.html", project=project, row=row, raised=raised, form=form, refused=refused
    )


@bp.post("/projects/<int:project_id>/disputes/<int:dispute_id>")
@needs("project:assign")
def decide_save(project_id: int, dispute_id: int) -> Any:
    project = load(project_id)
    row = reads.get_dispute(db.session(), project_id, dispute_id)
    form = DecisionForm()

    def write() -> None:
        holding.decide(
            db.session(), project, row, actor=actor(), at=now(), today=today(),
            decision=Decision(form.decision.data), text=form.text.value,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("争议已裁定，双方都会收到通知。"), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return _decide_page(form, load(project_id), row, sentence)

    return save(form, write, done=done, again=again)

"""Money in place on a project: the panel, entering, checking, withdrawing."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.activities.queries.files import list_files
from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext, money
from crm.core.permissions import Forbidden, needs
from crm.core.saving import Over, save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_
from crm.projects import actions, queries
from crm.projects.forms import PaymentForm, ReasonForm
from crm.projects.models import Project, ProjectPayment
from crm.projects.queries.counting import may_check
from crm.projects.queries.payments import get_payment, growth, in_place, payments_of
from crm.projects.rules import drawing
from crm.projects.rules.words import Currency, Origin, PaymentKind
from crm.projects.views.blueprint import bp, load


@bp.get("/projects/<int:project_id>/payments")
@needs("project:read")
def payments(project_id: int) -> Any:
    """The panel: agreed, fixed and in place apart, how it grew, the rows."""
    session, viewer, project = db.session(), actor(), load(project_id)
    rows = payments_of(session, project_id, viewer=viewer)
    steps = growth(rows)
    return render_template(
        "projects/_payments.html",
        project=project,
        rows=rows,
        in_place=in_place(rows),
        waiting=sum(
            row.payment.yuan
            for row in rows
            if row.payment.checked_on is None and row.payment.withdrawn_on is None
        ),
        steps=steps,
        picture=drawing.growth([(day, total) for day, _paid, total in steps], project.agreed_yuan, today()),
        may_enter=queries.rights(session, project_id, viewer).edit and project.archived_on is None,
        may_check=may_check(session, project_id, viewer),
        viewer=viewer,
    )


def _offer(form: PaymentForm, project: Project) -> PaymentForm:
    files = list_files(db.session(), "project", project.id, viewer=actor()).files
    form.attachment.choices = options(
        [
            ("", gettext("不用文件，写凭证号")),
            *((str(row.attachment.id), row.attachment.name) for row in files),
        ]
    )
    return form


def _editable(project_id: int) -> Project:
    project = load(project_id)
    if not queries.rights(db.session(), project_id, actor()).edit:
        raise Forbidden(N_("您不在这个项目的专班里，也不是它的跟进人，不能改它。"))
    return project


@bp.get("/projects/<int:project_id>/payments/new")
@needs("project:edit")
def payment(project_id: int) -> Any:
    project = _editable(project_id)
    start = {
        "on": today().isoformat(), "currency": project.currency.value, "kind": PaymentKind.FIXED.value,
        "origin": (project.origin or Origin.LOCAL).value,
    }  # fmt: skip
    form = _offer(PaymentForm(MultiDict(start)), project)
    return render_template("projects/payment.html", form=form, project=project, refused=None)


@bp.post("/projects/<int:project_id>/payments/new")
@needs("project:edit")
def payment_save(project_id: int) -> Any:
    project = _editable(project_id)
    form = _offer(PaymentForm(), project)
    made: list[ProjectPayment] = []

    def write() -> None:
        made.append(
            actions.pay(
                db.session(), project, actor=actor(), today=today(), on=form.on.value,
                origin=Origin(form.origin.data), kind=PaymentKind(form.kind.data), yuan=form.yuan.value,
                currency=Currency(form.currency.data), foreign=form.foreign.value,
                rate_micros=form.rate_micros.value,
                attachment_id=int(form.attachment.value) if form.attachment.value else None,
                reference=form.reference.value,
            )
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已登记到位资金 %(amount)s，由别人核定后计入。", amount=money(made[0].yuan)), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template(
            "projects/payment.html", form=_offer(form, project), project=project, refused=sentence
        )

    return save(form, write, done=done, again=again)


def version_sent() -> int:
    """The version a button was shown with; 0, which no record has, when it is missing or not a number."""
    raw = request.form.get("version", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0


@bp.post("/projects/<int:project_id>/payments/<int:row_id>/check")
@needs("project:check")
def payment_check(project_id: int, row_id: int) -> Any:
    session, project = db.session(), load(project_id)
    row = get_payment(session, project_id, row_id)
    actions.check_payment(session, project, row, actor=actor(), today=today(), version=version_sent())
    commit()
    flash(gettext("已核定 %(amount)s，计入 %(on)s。", amount=money(row.yuan), on=row.counts_on), "done")
    return back_to("projects.show", project_id=project_id)


@bp.get("/projects/<int:project_id>/payments/<int:row_id>/withdraw")
@needs("project:edit", "project:check")
def payment_withdraw(project_id: int, row_id: int) -> Any:
    project = load(project_id)
    row = get_payment(db.session(), project_id, row_id)
    form = ReasonForm(MultiDict({"version": str(row.version)}))
    return render_template(
        "projects/payment_withdraw.html", form=form, project=project, row=row, refused=None
    )


@bp.post("/projects/<int:project_id>/payments/<int:row_id>/withdraw")
@needs("project:edit", "project:check")
def payment_withdraw_save(project_id: int, row_id: int) -> Any:
    project = load(project_id)
    over = Over(
        lambda: get_payment(db.session(), project_id, row_id),
        lambda row: {"reason": row.withdrawn_reason or ""},
        title=gettext("收回到位资金"),
        back=url_for("projects.show", project_id=project_id),
    )
    form = over.form(ReasonForm)

    def write() -> None:
        actions.withdraw_payment(
            db.session(), project, over.row, actor=actor(), today=today(), reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("这笔到位资金已收回，以前各月的数不变。"), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        row = get_payment(db.session(), project_id, row_id)
        return render_template(
            "projects/payment_withdraw.html", form=form, project=load(project_id), row=row, refused=sentence
        )

    return save(form, write, done=done, again=again, over=over)

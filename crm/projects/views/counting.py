"""Why a project counts or does not: the panel, and what the checker does there."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing
from crm.projects import actions, queries
from crm.projects.forms import IncreaseForm, ReasonForm
from crm.projects.models import ProjectCount
from crm.projects.queries.counting import count_of, counts_of, facts_of, may_check, own_of
from crm.projects.queries.counts import original_of
from crm.projects.rules.counting import FIGURES, reasons
from crm.projects.views.blueprint import bp, load, over_project
from crm.projects.views.payments import version_sent


@bp.get("/projects/<int:project_id>/counting")
@needs("project:read")
def counting(project_id: int) -> Any:
    """The panel: every line, the figures it is in, earlier counts."""
    session, viewer, project = db.session(), actor(), load(project_id)
    row = count_of(session, project_id)
    lines = reasons(facts_of(session, [project_id])[project_id])
    checks = may_check(session, project_id, viewer)
    return render_template(
        "projects/_counting.html",
        project=project,
        row=row,
        shown=lines if row is not None or project.signed_on is not None else lines[:1],
        figures=[
            figure
            for figure in FIGURES
            if row is not None and figure.takes_count(row.yuan, row.headquarters, row.is_innovative)
        ],
        earlier=[each for each in counts_of(session, project_id) if each.withdrawn_on is not None],
        original=original_of(session, project, viewer=viewer),
        may_check=checks,
        is_own=checks and viewer.user_id in own_of(session, project),
        is_ready=all(line.is_met for line in lines[:-1]),
        rights=queries.rights(session, project_id, viewer),
    )


@bp.post("/projects/<int:project_id>/counting")
@needs("project:check")
def count(project_id: int) -> Any:
    project = load(project_id)
    made = actions.count(db.session(), project, actor=actor(), today=today(), version=version_sent())
    commit()
    flash(gettext("「%(name)s」已核定计数，计入 %(on)s。", name=project.name, on=made.counts_on), "done")
    return back_to("projects.show", project_id=project_id)


def _count(project_id: int) -> ProjectCount:
    row = count_of(db.session(), project_id)
    if row is None:
        raise Missing(N_("这个项目没有计数。"))
    return row


@bp.get("/projects/<int:project_id>/counting/withdraw")
@needs("project:check")
def uncount(project_id: int) -> Any:
    project, row = load(project_id), _count(project_id)
    form = ReasonForm(MultiDict({"version": str(row.version)}))
    return render_template("projects/uncount.html", form=form, project=project, row=row, refused=None)


@bp.post("/projects/<int:project_id>/counting/withdraw")
@needs("project:check")
def uncount_save(project_id: int) -> Any:
    project, row = load(project_id), _count(project_id)
    row_id = row.id
    over = Over(
        lambda: db.session().get_one(ProjectCount, row_id),
        lambda each: {"reason": each.withdrawn_reason or ""},
        title=gettext("撤销计数"),
        back=url_for("projects.show", project_id=project_id),
    )
    form = over.form(ReasonForm)

    def write() -> None:
        actions.uncount(
            db.session(), project, actor=actor(), today=today(), reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("计数已撤销，从今天起不再计入；以前各月的数不变。"), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template(
            "projects/uncount.html", form=form, project=load(project_id),
            row=db.session().get_one(ProjectCount, row_id), refused=sentence,
        )  # fmt: skip

    return save(form, write, done=done, again=again, over=over)


@bp.get("/projects/<int:project_id>/increase")
@needs("project:edit")
def increase(project_id: int) -> Any:
    project = load(project_id)
    start = {"version": str(project.version), "original": str(project.increases_id or "")}
    return render_template(
        "projects/increase.html", form=IncreaseForm(MultiDict(start)), project=project, refused=None
    )


@bp.post("/projects/<int:project_id>/increase")
@needs("project:edit")
def increase_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(
        project_id, gettext("注明增资"), lambda row: {"original": str(row.increases_id or "")}
    )
    form = over.form(IncreaseForm)

    def write() -> None:
        raw = form.original.value or ""
        chosen = int(raw) if raw.isascii() and raw.isdigit() else None if not raw else -1
        actions.mark_increase(
            db.session(), project, actor=actor(), original_id=chosen, version=form.version_seen
        )

    def done() -> Any:
        flash(gettext("已保存「%(name)s」。", name=project.name), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template(
            "projects/increase.html", form=form, project=load(project_id), refused=sentence
        )

    return save(form, write, done=done, again=again, over=over)

"""Moving a project on, putting it aside, going on with it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from crm.core import audit
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, word
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.web import actor, back_to, safe_next
from crm.projects import actions, queries
from crm.projects.forms import AsideForm, MoveForm, ResumeForm
from crm.projects.models import Project
from crm.projects.rules.stages import PIPELINE
from crm.projects.rules.words import Stage, State
from crm.projects.views.blueprint import bp, load, over_project, started
from crm.projects.views.record import section_of


def _move_page(form: MoveForm, project: Project, refused: str | None = None) -> str:
    """The form, and under it every gate on the way to the stage chosen that still lacks something."""
    session = db.session()
    target, lines = queries.next_gate(session, project)
    chosen = {stage.value: stage for stage in Stage}.get(form.stage.data or "")
    gates = queries.gates_on_the_way(session, project, chosen) if chosen is not None else []
    return render_template(
        "projects/move.html",
        form=form,
        project=project,
        gates=gates or ([(target, lines)] if target is not None else []),
        section_of=section_of,
        rights=queries.rights(session, project.id, actor()),
        refused=refused,
        items=(),  # told with their links by the gates
    )


@bp.get("/projects/<int:project_id>/move")
@needs("project:edit")
def move(project_id: int) -> Any:
    project = load(project_id)
    asked = request.args.get("stage", "")
    target = (
        asked
        if asked in {stage.value for stage in Stage}
        else PIPELINE.next_of(project.stage) or project.stage
    )
    return _move_page(MoveForm(started(project, stage=str(target))), project)


@bp.post("/projects/<int:project_id>/move")
@needs("project:edit")
def move_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(
        project_id,
        gettext("移到阶段"),
        lambda row: {"stage": row.stage.value, "on": row.stage_on.isoformat()},
    )
    form = over.form(MoveForm)
    operations: list[str] = []

    def write() -> None:
        actions.move(
            db.session(), project, actor=actor(), today=today(), stage=Stage(form.stage.data),
            on=form.on.value, reason=form.reason.value, version=form.version_seen,
        )  # fmt: skip
        running = audit.running(db.session())
        operations.extend([running.id] if running is not None else [])

    def done() -> Any:
        text = gettext("「%(name)s」已到「%(stage)s」。", name=project.name, stage=word(project.stage))
        message: Any = {"text": text, "undo": url_for("overview.operation_undo", operation=operations[0])}
        flash(message, "done")
        target = safe_next(request.form.get("next"))
        return redirect(target, 303) if target else back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return _move_page(form, load(project_id), sentence)

    return save(form, write, done=done, again=again, over=over)


@bp.get("/projects/<int:project_id>/aside")
@needs("project:edit")
def aside(project_id: int) -> Any:
    project = load(project_id)
    return render_template(
        "projects/aside.html", form=AsideForm(started(project)), project=project, refused=None
    )


def _standing(row: Project) -> dict[str, str]:
    return {"state": row.state.value, "on": row.state_on.isoformat() if row.state_on else ""}


@bp.post("/projects/<int:project_id>/aside")
@needs("project:edit")
def aside_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(project_id, gettext("暂缓或退出"), _standing)
    form = over.form(AsideForm)

    def write() -> None:
        actions.set_aside(
            db.session(), project, actor=actor(), today=today(), state=State(form.state.data),
            on=form.on.value, reason=form.reason.value, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(
            gettext("「%(name)s」已转为「%(state)s」。", name=project.name, state=word(project.state)), "done"
        )
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template("projects/aside.html", form=form, project=load(project_id), refused=sentence)

    return save(form, write, done=done, again=again, over=over)


@bp.get("/projects/<int:project_id>/resume")
@needs("project:edit")
def resume(project_id: int) -> Any:
    project = load(project_id)
    return render_template(
        "projects/resume.html", form=ResumeForm(started(project)), project=project, refused=None
    )


@bp.post("/projects/<int:project_id>/resume")
@needs("project:edit")
def resume_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(project_id, gettext("重新推进"), _standing)
    form = over.form(ResumeForm)

    def write() -> None:
        actions.resume(
            db.session(), project, actor=actor(), today=today(), on=form.on.value, reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("「%(name)s」重新推进。", name=project.name), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template("projects/resume.html", form=form, project=load(project_id), refused=sentence)

    return save(form, write, done=done, again=again, over=over)

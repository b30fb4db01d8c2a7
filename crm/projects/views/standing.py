"""Linking a project to its firm; putting it away and back; what a firm's page shows of its projects."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.firms.queries import get_firm, search
from crm.projects import actions, queries
from crm.projects.forms import LinkForm, ReasonForm
from crm.projects.models import Project
from crm.projects.views.blueprint import bp, load, over_project


@bp.get("/projects/<int:project_id>/firm")
@needs("project:edit")
def firm(project_id: int) -> Any:
    """Choose the firm: found by name or code; or none."""
    project = load(project_id)
    return _firm_page(LinkForm(MultiDict({"version": str(project.version)})), project)


def _firm_page(form: LinkForm, project: Project, refused: str | None = None) -> str:
    wanted = request.args.get("q", project.investor).replace("\x00", "")[:100].strip()
    found = search(db.session(), wanted, viewer=actor(), limit=8) if wanted else []
    return render_template(
        "projects/firm.html", form=form, project=project, found=found, wanted=wanted, refused=refused
    )


@bp.post("/projects/<int:project_id>/firm")
@needs("project:edit")
def firm_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(project_id, gettext("关联企业"), lambda row: {"firm": str(row.firm_id or "")})
    form = over.form(LinkForm)

    def write() -> None:
        raw = form.firm.value or ""
        chosen = int(raw) if raw.isascii() and raw.isdigit() else None if not raw else -1
        actions.link_firm(db.session(), project, actor=actor(), firm_id=chosen, version=form.version_seen)

    def done() -> Any:
        flash(gettext("已关联企业。") if project.firm_id else gettext("已取消关联。"), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return _firm_page(form, load(project_id), sentence)

    return save(form, write, done=done, again=again, over=over)


@bp.get("/projects/<int:project_id>/archive")
@needs("project:edit")
def archive(project_id: int) -> Any:
    project = load(project_id)
    form = ReasonForm(MultiDict({"version": str(project.version)}))
    return render_template("projects/archive.html", form=form, project=project, refused=None)


@bp.post("/projects/<int:project_id>/archive")
@needs("project:edit")
def archive_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(project_id, gettext("归档项目"), lambda row: {"reason": row.archive_reason or ""})
    form = over.form(ReasonForm)

    def write() -> None:
        actions.archive(
            db.session(), project, actor=actor(), today=today(), reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("「%(name)s」已归档。", name=project.name), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template("projects/archive.html", form=form, project=load(project_id), refused=sentence)

    return save(form, write, done=done, again=again, over=over)


@bp.post("/projects/<int:project_id>/restore")
@needs("project:edit")
def restore(project_id: int) -> Any:
    raw = request.form.get("version", "")
    version = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
    project = load(project_id)
    actions.restore(db.session(), project, actor=actor(), version=version)
    commit()
    flash(gettext("「%(name)s」已恢复。", name=project.name), "done")
    return back_to("projects.show", project_id=project_id)


@bp.get("/firms/<int:firm_id>/projects")
@needs("project:read")
def firm_panel(firm_id: int) -> Any:
    """A firm's projects, as this person may see them: a part of the firm's page."""
    session, viewer = db.session(), actor()
    get_firm(session, firm_id, viewer=viewer)
    return render_template("projects/_firm_panel.html", rows=queries.of_firm(session, firm_id, viewer=viewer))

"""Evidence on a project, and why an item of its gate is not there."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.activities.queries.files import list_files
from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.pipeline import Item, WaiverKind
from crm.core.saving import save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing
from crm.projects import actions, queries
from crm.projects.forms import EvidenceForm, ReasonForm, WaiverForm
from crm.projects.models import Project, ProjectEvidence
from crm.projects.rules.stages import PIPELINE
from crm.projects.rules.words import Evidence
from crm.projects.views.blueprint import bp, load


def _offer(form: EvidenceForm, project: Project) -> EvidenceForm:
    files = list_files(db.session(), "project", project.id, viewer=actor()).files
    form.attachment.choices = options(
        [("", gettext("不用文件，写文号")), *((str(row.attachment.id), row.attachment.name) for row in files)]
    )
    return form


@bp.get("/projects/<int:project_id>/evidence/new")
@needs("project:edit")
def evidence(project_id: int) -> Any:
    project = load(project_id)
    asked = request.args.get("kind", "")
    start = {"on": today().isoformat(), "kind": asked if asked in {kind.value for kind in Evidence} else ""}
    form = _offer(EvidenceForm(MultiDict(start)), project)
    return render_template("projects/evidence.html", form=form, project=project, refused=None)


@bp.post("/projects/<int:project_id>/evidence/new")
@needs("project:edit")
def evidence_save(project_id: int) -> Any:
    project = load(project_id)
    form = _offer(EvidenceForm(), project)

    def write() -> None:
        actions.prove(
            db.session(), project, actor=actor(), today=today(), kind=Evidence(form.kind.data), on=form.on.value,
            reference=form.reference.value,
            attachment_id=int(form.attachment.value) if form.attachment.value else None,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("佐证已登记。"), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template(
            "projects/evidence.html", form=_offer(form, project), project=project, refused=sentence
        )

    return save(form, write, done=done, again=again)


def _evidence(project: Project, row_id: int) -> ProjectEvidence:
    return queries.get_evidence(db.session(), project.id, row_id)


@bp.get("/projects/<int:project_id>/evidence/<int:row_id>/put-away")
@needs("project:edit")
def evidence_drop(project_id: int, row_id: int) -> Any:
    project = load(project_id)
    row = _evidence(project, row_id)
    form = ReasonForm(MultiDict({"version": str(row.version)}))
    return render_template("projects/evidence_drop.html", form=form, project=project, row=row, refused=None)


@bp.post("/projects/<int:project_id>/evidence/<int:row_id>/put-away")
@needs("project:edit")
def evidence_drop_save(project_id: int, row_id: int) -> Any:
    project = load(project_id)
    row = _evidence(project, row_id)
    form = ReasonForm()

    def write() -> None:
        actions.put_away(db.session(), project, row, actor=actor(), today=today(), reason=form.reason.value)

    def done() -> Any:
        flash(gettext("佐证已收起。"), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return render_template(
            "projects/evidence_drop.html", form=form, project=project, row=row, refused=sentence
        )

    return save(form, write, done=done, again=again)


def _item(code: str) -> Item:
    if code not in PIPELINE.items:
        abort(404)
    return PIPELINE.items[code]


def _kinds(form: WaiverForm, item: Item) -> WaiverForm:
    form.kind.choices = options([(kind.value, say(kind.label)) for kind in item.waivers])
    return form


@bp.get("/projects/<int:project_id>/items/<string:code>")
@needs("project:edit")
def excuse(project_id: int, code: str) -> Any:
    project, item = load(project_id), _item(code)
    row = queries.waivers_of(db.session(), project_id).get(code)
    start = {"kind": (WaiverKind.UNKNOWN if item.can_be_unknown else WaiverKind.WAIVED).value}
    if row is not None:
        until = row.until_on.isoformat() if row.until_on else ""
        start = {"kind": row.kind.value, "reason": row.reason, "until_on": until}
    form = _kinds(WaiverForm(MultiDict(start)), item)
    return render_template(
        "projects/excuse.html", form=form, project=project, item=item, row=row, refused=None
    )


@bp.post("/projects/<int:project_id>/items/<string:code>")
@needs("project:edit")
def excuse_save(project_id: int, code: str) -> Any:
    project, item = load(project_id), _item(code)
    form = _kinds(WaiverForm(), item)

    def write() -> None:
        actions.excuse(
            db.session(), project, actor=actor(), today=today(), item=code, kind=WaiverKind(form.kind.data),
            reason=form.reason.value, until_on=form.until_on.value,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已说明「%(label)s」。", label=say(item.label)), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        row = queries.waivers_of(db.session(), project_id).get(code)
        return render_template(
            "projects/excuse.html",
            form=_kinds(form, item),
            project=project,
            item=item,
            row=row,
            refused=sentence,
        )

    return save(form, write, done=done, again=again)


@bp.post("/projects/<int:project_id>/items/<string:code>/take-back")
@needs("project:edit")
def excuse_drop(project_id: int, code: str) -> Any:
    project, session = load(project_id), db.session()
    row = queries.waivers_of(session, project_id).get(code)
    if row is None:
        raise Missing(N_("没有这项说明。"))
    actions.take_back(session, project, row, actor=actor())
    commit()
    flash(gettext("说明已取消。"), "done")
    return back_to("projects.show", project_id=project_id)

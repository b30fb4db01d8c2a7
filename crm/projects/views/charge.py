"""Who is in charge of a project."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template

from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.web import actor, back_to
from crm.projects import actions, queries
from crm.projects.actions import Team
from crm.projects.forms import ChargeForm
from crm.projects.models import Project
from crm.projects.views.blueprint import bp, load, over_project, started


def _offer(form: ChargeForm) -> None:
    session = db.session()
    nobody = [("", gettext("请选择"))]
    officers = [(str(key), name) for key, name in queries.officers(session)]
    units = [(str(key), name) for key, name in queries.lead_units(session)]
    form.leader.choices = options(nobody + [(str(key), name) for key, name in queries.leaders(session)])
    form.liaison.choices = form.agent.choices = options(nobody + officers)
    form.lead_unit.choices = options(nobody + units)
    form.members.choices = options(units)


def _texts(project: Project) -> dict[str, str]:
    session = db.session()
    current = queries.charge_of(session, project.id)
    members = sorted(str(row.unit_id) for row in queries.members_of(session, project.id))
    found = {"members": ",".join(members)}
    if current is not None:
        found |= {
            "leader": str(current.leader_id), "lead_unit": str(current.lead_unit_id),
            "liaison": str(current.liaison_id), "agent": str(current.agent_id),
        }  # fmt: skip
    return found


def _page(form: ChargeForm, project: Project, refused: str | None = None) -> str:
    return render_template(
        "projects/charge.html",
        form=form,
        project=project,
        charges=queries.charges_of(db.session(), project.id),
        refused=refused,
    )


@bp.get("/projects/<int:project_id>/charge")
@needs("project:assign")
def charge(project_id: int) -> Any:
    project = load(project_id)
    now = _texts(project)
    start = started(project, **{name: text for name, text in now.items() if name != "members"})
    if project.holder_id is not None and "liaison" not in start:
        start["liaison"] = start["agent"] = str(project.holder_id)
    if project.holder_unit_id is not None and "lead_unit" not in start:
        start["lead_unit"] = str(project.holder_unit_id)
    start.setlist("members", [part for part in now["members"].split(",") if part])
    form = ChargeForm(start)
    _offer(form)
    return _page(form, project)


@bp.post("/projects/<int:project_id>/charge")
@needs("project:assign")
def charge_save(project_id: int) -> Any:
    project = load(project_id)
    over = over_project(project_id, gettext("领导和专班"), _texts, lists=frozenset({"members"}))
    form = over.form(ChargeForm, _offer)

    def write() -> None:
        def chosen(raw: str | None) -> int | None:
            return int(raw) if raw else None

        team = Team(
            chosen(form.leader.value), chosen(form.lead_unit.value), chosen(form.liaison.value),
            chosen(form.agent.value),
        )  # fmt: skip
        actions.appoint(
            db.session(), project, actor=actor(), today=today(), team=team, on=form.on.value,
            reason=form.reason.value, members=[int(raw) for raw in form.members.data or []],
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("「%(name)s」的领导和专班已定。", name=project.name), "done")
        return back_to("projects.show", project_id=project_id)

    def again(sentence: str | None) -> str:
        return _page(form, load(project_id), sentence)

    return save(form, write, done=done, again=again, over=over)

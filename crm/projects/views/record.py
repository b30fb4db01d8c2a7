"""One project's page, and its facts edited in place."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.activities.queries import of_subject
from crm.core import recent
from crm.core.clock import today
from crm.core.db import db
from crm.core.history import changed_fields
from crm.core.i18n import gettext, money, number, say, wan, word
from crm.core.permissions import Forbidden, needs
from crm.core.pipeline import Need
from crm.core.saving import save as save_form
from crm.core.web import actor, back_to
from crm.core.words import N_
from crm.projects import actions, queries
from crm.projects.forms import MONEY, SECTIONS, WORDS, ProjectForm, keep
from crm.projects.models import Project
from crm.projects.queries.escalation import standing
from crm.projects.queries.holding import is_claimable
from crm.projects.queries.pulse import light_of, pulse_of
from crm.projects.rules.columns import LABELS, in_mu, of_rate
from crm.projects.rules.stages import PIPELINE
from crm.projects.rules.words import Currency, Stage
from crm.projects.views.blueprint import bp, load, over_project


@bp.get("/projects/<int:project_id>")
@needs("project:read")
def show(project_id: int) -> Any:
    session, viewer = db.session(), actor()
    project = load(project_id)
    rights = queries.rights(session, project_id, viewer)
    charge = queries.charge_of(session, project_id)
    target, lines = queries.next_gate(session, project)
    steps = of_subject(session, viewer, ("project", project_id), today=today())
    pulse = pulse_of(session, project_id)
    recent.note("project", project_id, user_id=viewer.user_id)
    return render_template(
        "projects/show.html",
        project=project,
        rights=rights,
        tags=[tag for make in queries.TAGS for tag in make(session, project, today())],
        light=light_of(session, project, today()),
        charge=charge,
        in_hand=queries.at_hand(session, charge.leader_id, viewer) if charge is not None else 0,
        members=queries.members_of(session, project_id),
        track=PIPELINE.line(project.stage, queries.moves_of(session, project_id), today()),
        target=target,
        lines=lines,
        section_of=section_of,
        steps=steps,
        may_claim=project.holder_id is None and viewer.may("lead:log") and is_claimable(project),
        late=standing(session, project, charge, steps, today()),
        protected_until=pulse.protected_until if pulse is not None and _is_protected(project) else None,
        evidence=queries.evidence_of(session, project_id),
        waivers=queries.waivers_of(session, project_id),
        panels=[panel for panel in queries.PANELS if viewer.may(panel.needs)],
        fact_sections=SECTIONS,
        labels={**LABELS, **READ},
        facts=facts(project),
        changed=changed_fields(session, {Project: [project_id]}).get(("projects", project_id), set()),
        today=today(),
    )


READ = {"land_m2": N_("用地需求"), "plant_m2": N_("厂房需求")}  # a value that is read has its unit beside it


def _is_protected(project: Project) -> bool:
    """Whether the first report still protects: somebody follows it, and no team is in charge yet."""
    is_early = project.need is None and project.stage.place < Stage.SIGNED.place
    return project.holder_id is not None and is_early and project.archived_on is None


def section_of(fact: str) -> str:
    """The section of the page a fact is edited in."""
    return next(key for key, (_label, names) in SECTIONS.items() if fact in names)


def texts(project: Project) -> dict[str, str]:
    """The facts of a project as its form shows them."""
    found = {}
    for name in LABELS:
        value = getattr(project, name)
        if value is None:
            found[name] = ""
        elif name in MONEY:
            found[name] = wan(value).replace(",", "")
        elif name in WORDS:
            found[name] = value.value
        elif name == "is_innovative":
            found[name] = "yes" if value else ""
        elif name == "land_m2":
            found[name] = in_mu(value)
        elif name == "rate_micros":
            found[name] = of_rate(value)
        elif name == "rate_on":
            found[name] = value.isoformat()
        else:
            found[name] = str(value)
    return found


def facts(project: Project) -> dict[str, str | None]:
    """The facts as a reader sees them, by field."""
    shown: dict[str, str | None] = dict(texts(project))
    for name in WORDS:
        value = getattr(project, name)
        shown[name] = word(value) if value else None
    for name in MONEY:
        value = getattr(project, name)
        shown[name] = None if value is None else money(value)
    shown["is_innovative"] = gettext("是") if project.is_innovative else None
    if project.plant_m2 is not None:
        shown["plant_m2"] = gettext("%(n)s 平方米", n=number(project.plant_m2))
    if project.land_m2 is not None:
        shown["land_m2"] = gettext("%(n)s 亩", n=shown["land_m2"])
    if project.currency is Currency.CNY:
        shown["currency"] = None  # what goes without saying is left out
    return shown


def fields_of(section: str) -> tuple[str, ...]:
    """The fields of a section, or of the whole record. Aborts 404 for one that does not exist."""
    if section == "all":
        return tuple(name for _label, names in SECTIONS.values() for name in names)
    if section not in SECTIONS:
        abort(404)
    return SECTIONS[section][1]


def needed(project: Project) -> dict[str, str]:
    """What to write beside a field's label where the stage table asks for it."""
    target = PIPELINE.next_of(project.stage)
    found = {}
    for name in LABELS:
        need = PIPELINE.need_of(name, project.stage)
        if need is Need.REQUIRED:
            found[name] = gettext("必填")
        elif need is Need.NEXT and target is not None:
            found[name] = gettext("进入「%(stage)s」必填", stage=word(target))
    return found


def _editable(project_id: int) -> Project:
    project = load(project_id)
    if not queries.rights(db.session(), project_id, actor()).edit:
        raise Forbidden(N_("您不在这个项目的专班里，也不是它的跟进人，不能改它。"))
    return project


@bp.get("/projects/<int:project_id>/edit/<string:section>")
@needs("project:edit")
def edit(project_id: int, section: str) -> Any:
    """The form of a section (or `all`): a part of the page for htmx, else a page of its own."""
    names = fields_of(section)
    project = _editable(project_id)
    form = ProjectForm(MultiDict({**texts(project), "version": str(project.version)}))
    keep(form, names)
    return _form(form, project, section)


def _form(form: ProjectForm, project: Project, section: str, refused: str | None = None) -> str:
    is_part = request.headers.get("HX-Request") == "true"
    return render_template(
        "projects/_section_form.html" if is_part else "projects/edit.html",
        form=form,
        project=project,
        section=section,
        needed=needed(project),
        title=gettext("编辑项目") if section == "all" else say(SECTIONS[section][0]),
        refused=refused,
    )


@bp.post("/projects/<int:project_id>/edit/<string:section>")
@needs("project:edit")
def save(project_id: int, section: str) -> Any:
    names = fields_of(section)
    project = _editable(project_id)
    title = gettext("编辑项目") if section == "all" else say(SECTIONS[section][0])
    over = over_project(
        project_id, title, lambda row: {name: text for name, text in texts(row).items() if name in names}
    )
    form = over.form(ProjectForm, lambda made: keep(made, names))

    def write() -> None:
        actions.edit(
            db.session(), project, actor=actor(), today=today(), version=form.version_seen, **form.facts
        )

    def done() -> Any:
        flash(gettext("已保存「%(name)s」。", name=project.name), "done")
        return back_to("projects.show", project_id=project_id)

    def again(refused: str | None) -> str:
        return _form(form, load(project_id), section, refused)

    return save_form(form, write, done=done, again=again, over=over)

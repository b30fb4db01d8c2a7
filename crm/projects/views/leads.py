"""Logging a lead: four fields and one tap, on a phone."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.activities.actions import Planned
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.projects import actions
from crm.projects.actions import Known
from crm.projects.forms import LeadForm
from crm.projects.models import Project
from crm.projects.rules.words import Confidentiality, Source
from crm.projects.views.blueprint import bp


@bp.get("/projects/new")
@needs("lead:log")
def create() -> Any:
    start = {
        "investor": request.args.get("investor", "").replace("\x00", "")[:200],
        "confidentiality": Confidentiality.ZONE.value,
        "source": Source.REFERRAL.value,
    }
    return _page(LeadForm(MultiDict(start)), None, None)


def _page(form: LeadForm, refused: str | None, known: Known | None) -> str:
    return render_template("projects/new.html", form=form, refused=refused, known=known, today=today())


@bp.post("/projects/new")
@needs("lead:log")
def add() -> Any:
    form = LeadForm()
    made: list[Project] = []
    known: list[Known] = []

    def write() -> None:
        chosen = form.confidentiality.value
        made.append(
            actions.report(
                db.session(),
                actor=actor(),
                at=now(),
                today=today(),
                investor=form.investor.value,
                name=form.name.value,
                source=Source(form.source.data),
                step=Planned(form.step.value, form.due_on.value),
                is_another=form.is_another.data,
                confidentiality=Confidentiality(chosen) if chosen else Confidentiality.ZONE,
                product=form.product.value,
                total_yuan=form.total_yuan.value,
                investor_code=form.investor_code.value,
                controller=form.controller.value,
                source_note=form.source_note.value,
            )
        )

    def done() -> Any:
        flash(gettext("已登记线索「%(name)s」，首报时间已记下。", name=made[0].name), "done")
        return back_to("projects.show", project_id=made[0].id)

    def refused(refusal: Refused) -> None:
        known[:] = [refusal] if isinstance(refusal, Known) else []

    def again(sentence: str | None) -> str:
        return _page(form, sentence, known[0] if known else None)

    return save(form, write, done=done, again=again, refused=refused)

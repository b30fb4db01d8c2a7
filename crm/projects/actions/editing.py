"""The facts of a project: what may be set, and setting it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline import Need
from crm.core.pipeline.declaring import check_past
from crm.core.words import N_, Refused
from crm.projects.actions import guards
from crm.projects.actions.keys import keyed
from crm.projects.models import Project
from crm.projects.rules.columns import EDITABLE, LABELS
from crm.projects.rules.money import check_foreign, reckoned
from crm.projects.rules.stages import PIPELINE
from crm.projects.rules.words import Act, Confidentiality, Currency

_ALWAYS = {"currency": Currency.CNY, "confidentiality": Confidentiality.ZONE, "is_innovative": False}


def check_values(values: Mapping[str, Any], today: dt.date) -> None:
    """Raises `Refused` for facts no project may have."""
    unknown = values.keys() - EDITABLE
    if unknown:
        raise TypeError(f"not facts of a project: {sorted(unknown)}")
    for name in ("investor", "name", "source"):
        if name in values and not values[name]:
            raise Refused(N_("「%(label)s」必填。"), label=LABELS[name], field=name)
    if (day := values.get("rate_on")) is not None:
        check_past(day, today, "rate_on")


def edit(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None = None,
    **values: Any,
) -> Project:
    """Change facts of a project (columns of `EDITABLE`). An old incomplete record stays editable; what a stage it has
    passed needed may not be taken away. Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    check_values(values, today)
    for name, value in values.items():
        is_taken = value in (None, "") and getattr(project, name) not in (None, "")
        if is_taken and name in PIPELINE.items and PIPELINE.need_of(name, project.stage) is Need.REQUIRED:
            raise Refused(
                N_("「%(stage)s」需要「%(label)s」，不能清空。"),
                stage=project.stage,
                label=LABELS[name],
                field=name,
            )
    given = {name: _ALWAYS.get(name) if value is None else value for name, value in values.items()}
    facts = {name: getattr(project, name) for name in EDITABLE} | given
    check_foreign(facts["currency"], facts["foreign_total"], facts["rate_micros"], facts["rate_on"])
    if facts["currency"] is not Currency.CNY:
        given["total_yuan"] = reckoned(facts["foreign_total"], facts["rate_micros"])
    audit.begin(session, actor=actor, action=Act.EDIT, subject=("project", project.id))
    for column, value in {**given, **keyed(given)}.items():
        if getattr(project, column) != value:
            setattr(project, column, value)
    session.flush()
    return project

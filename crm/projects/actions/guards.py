"""Checks every write of a project passes."""

from __future__ import annotations

from functools import partial

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.queries.in_use import check_person, check_unit
from crm.core.permissions import Actor, Forbidden
from crm.core.pipeline import guarding
from crm.core.words import N_
from crm.projects.models import Project
from crm.projects.queries.scope import assignable_by, editable_by
from crm.projects.rules.stages import PIPELINE


def require_editor(session: Session, actor: Actor, project: Project) -> None:
    """Raises `Forbidden` unless the actor may change this project."""
    actor.require("project:edit")
    found = session.execute(sa.select(Project.id).where(Project.id == project.id, editable_by(actor)))
    if found.scalar_one_or_none() is None:
        raise Forbidden(N_("您不在这个项目的专班里，也不是它的跟进人，不能改它。"))


def require_assigner(session: Session, actor: Actor, project: Project) -> None:
    """Raises `Forbidden` unless the actor may settle who is in charge of this project."""
    actor.require("project:assign")
    found = session.execute(sa.select(Project.id).where(Project.id == project.id, assignable_by(actor)))
    if found.scalar_one_or_none() is None:
        raise Forbidden(N_("您只能指派本单位的项目。"))


lock = partial(guarding.lock, PIPELINE)
held = partial(guarding.held, PIPELINE)
there = partial(guarding.there, PIPELINE)

__all__ = ["check_person", "check_unit", "held", "lock", "require_assigner", "require_editor", "there"]

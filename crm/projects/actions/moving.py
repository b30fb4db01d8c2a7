"""Stages and side states: every move is a dated row with who, why, and how long the stage left had lasted."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.core.pipeline import advance, put_aside, take_up
from crm.projects.actions import guards
from crm.projects.models import Project
from crm.projects.queries.books import BOOKS
from crm.projects.queries.record import met_items
from crm.projects.rules.stages import CHARGE, IN_CHARGE, PIPELINE
from crm.projects.rules.words import OVER, Act, Stage, State


def move(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    stage: Stage,
    on: dt.date,
    reason: str | None = None,
    version: int | None = None,
) -> Project:
    """Move a project to another stage from a day on: ahead (jumps too) through the gates on the way, back with a
    reason. Raises `Conflict`, `Forbidden`, and `Refused` with every missing item."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    guards.held(session, project)
    advance(
        session, BOOKS, project, Act.MOVE, actor=actor, today=today, stage=stage, on=on,
        met=met_items(session, [project])[project.id], reason=reason,
    )  # fmt: skip
    if stage is Stage.SIGNED or (stage.place > Stage.SIGNED.place and project.signed_on is None):
        # a project that jumped over signing has no day of it: it counts from the first stage behind
        project.signed_on = project.signed_on or on
    session.flush()
    return project


def set_aside(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    state: State,
    on: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Project:
    """Pause, lose, transfer or end a project, with a reason. Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    guards.held(session, project)
    put_aside(session, BOOKS, project, Act.ASIDE, actor=actor, today=today, state=state, on=on, reason=reason)
    session.flush()
    return project


def resume(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Project:
    """Go on with a project that was put aside, at the stage it had. One that was over needs its charge again.
    Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    guards.held(session, project)

    def also() -> None:
        if project.stage in IN_CHARGE and "charge" not in met_items(session, [project])[project.id]:
            raise PIPELINE.lacks(project.stage, [CHARGE])

    take_up(session, BOOKS, project, Act.RESUME, actor=actor, today=today, on=on, reason=reason, also=also)
    session.flush()
    return project


__all__ = ["OVER", "move", "resume", "set_aside"]

"""Stages and side states: every move is a dated row with who, why, and how long the stage left had lasted."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.projects.actions import guards
from crm.projects.models import Project, ProjectMove
from crm.projects.queries.record import excuses, met_items, moves_of
from crm.projects.rules import stages as law
from crm.projects.rules.words import OVER, Act, MoveKind, Stage, State


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
    since = last_moved(session, project)
    judged = law.check_move(
        project.stage, project.state, stage, since=since, on=on, today=today,
        met=met_items(session, [project])[project.id], excused=excuses(session, [project.id])[project.id],
        reason=reason,
    )  # fmt: skip
    audit.begin(
        session, actor=actor, action=Act.MOVE, subject=("project", project.id), stage=stage.value,
        kind=judged.kind.value,
    )  # fmt: skip
    session.add(
        ProjectMove(
            project_id=project.id, kind=judged.kind, from_stage=project.stage, stage=stage, state=project.state,
            on=on, days=(on - project.stage_on).days, by_id=actor.user_id, reason=judged.reason,
            skipped=[each.value for each in judged.skipped],
        )
    )  # fmt: skip
    project.stage, project.stage_on = stage, on
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
    why = law.check_aside(project.state, state, reason)
    law.check_day(on, last_moved(session, project), today)
    audit.begin(session, actor=actor, action=Act.ASIDE, subject=("project", project.id), state=state.value)
    _note(session, project, MoveKind.ASIDE, state, on, why, actor)
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
    if project.state is State.ACTIVE:
        raise Refused(N_("项目正在推进中。"))
    why = " ".join((reason or "").split())[:300]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    law.check_day(on, last_moved(session, project), today)
    if project.stage in law.IN_CHARGE and "charge" not in met_items(session, [project])[project.id]:
        raise law.lacks(project.stage, [law.CHARGE])
    audit.begin(session, actor=actor, action=Act.RESUME, subject=("project", project.id))
    _note(session, project, MoveKind.RESUME, State.ACTIVE, on, why, actor)
    return project


def _note(
    session: Session, project: Project, kind: MoveKind, state: State, on: dt.date, why: str, actor: Actor
) -> None:
    session.add(
        ProjectMove(
            project_id=project.id, kind=kind, from_stage=project.stage, stage=project.stage, state=state, on=on,
            days=(on - project.stage_on).days, by_id=actor.user_id, reason=why,
        )
    )  # fmt: skip
    project.state, project.state_on, project.state_reason = state, on, why
    session.flush()


def last_moved(session: Session, project: Project) -> dt.date:
    """The day of the last move: the next one may not be earlier."""
    moves = moves_of(session, project.id)
    return max((move.on for move in moves), default=project.stage_on)


__all__ = ["OVER", "move", "resume", "set_aside"]

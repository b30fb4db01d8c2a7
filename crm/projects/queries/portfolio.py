"""What a person has in hand: what a handover of all of it moves, as it stands today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core.permissions import Actor
from crm.projects.models import Project, ProjectCharge
from crm.projects.queries.record import open_counts
from crm.projects.queries.scope import assignable_by
from crm.projects.rules.words import GOING


@dataclass(frozen=True, slots=True)
class Held:
    """A project of a portfolio: what the person is in it, what is open, the next steps that go along."""

    project: Project
    charge: ProjectCharge | None
    roles: tuple[str, ...]  # leader, liaison, agent, holder
    lacking: int
    steps: Sequence[NextStep]


def portfolio(session: Session, user_id: int, *, actor: Actor) -> list[Held]:
    """The open projects of a person that the actor may hand over, by name: four statements for any number."""
    mine = sa.select(ProjectCharge.project_id).where(
        ProjectCharge.is_current == 1,
        sa.or_(
            ProjectCharge.leader_id == user_id,
            ProjectCharge.liaison_id == user_id,
            ProjectCharge.agent_id == user_id,
        ),
    )
    projects = session.scalars(
        sa.select(Project)
        .where(
            assignable_by(actor),
            Project.state.in_(GOING),
            Project.archived_on.is_(None),
            sa.or_(Project.holder_id == user_id, Project.id.in_(mine)),
        )
        .order_by(Project.name_sort, Project.id)
        .limit(1000)
    ).all()
    ids = [project.id for project in projects]
    charges = {
        row.project_id: row
        for row in session.scalars(
            sa.select(ProjectCharge)
            .options(joinedload(ProjectCharge.leader), joinedload(ProjectCharge.lead_unit))
            .where(ProjectCharge.project_id.in_(ids), ProjectCharge.is_current == 1)
        )
    }
    steps: dict[int, list[NextStep]] = {}
    for step in session.scalars(
        sa.select(NextStep)
        .where(
            NextStep.kind == "project", NextStep.subject_id.in_(ids), NextStep.state == StepState.OPEN,
            NextStep.owner_id == user_id,
        )
        .order_by(NextStep.due_on, NextStep.id)
    ):  # fmt: skip
        steps.setdefault(step.subject_id, []).append(step)
    lacking = open_counts(session, ids)
    return [
        Held(
            project, charges.get(project.id), roles_of(project, charges.get(project.id), user_id),
            lacking.get(project.id, 0), steps.get(project.id, []),
        )
        for project in projects
    ]  # fmt: skip


def roles_of(project: Project, charge: Any, user_id: int) -> tuple[str, ...]:
    """What a person is in a project."""
    found = []
    if charge is not None:
        found = [name for name in ("leader", "liaison", "agent") if getattr(charge, f"{name}_id") == user_id]
    return (*found, *(["holder"] if project.holder_id == user_id else []))


def brief_day(held: Sequence[Held]) -> dt.date | None:
    """The first day something of a portfolio is due."""
    return min((step.due_on for item in held for step in item.steps), default=None)

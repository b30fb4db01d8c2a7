"""Who may see which project, for many people and projects at once: what `scope.visible_to` says for one viewer.

A test compares the two for every role and every confidentiality.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import Actor, Scope
from crm.core.reminders import Sees, among
from crm.projects.models import Project, ProjectCharge, ProjectUnit
from crm.projects.rules.words import Confidentiality


@dataclass(slots=True)
class _Facts:
    """What decides who sees a project."""

    confidentiality: Confidentiality
    people: set[int | None] = field(default_factory=set)
    units: set[int | None] = field(default_factory=set)


def sight(session: Session, ids: Collection[int]) -> Sees:
    """Who may see these projects: three statements for any number."""
    facts: dict[int, _Facts] = {}
    for row in session.execute(
        sa.select(
            Project.id, Project.confidentiality, Project.holder_id, Project.reported_by_id,
            Project.holder_unit_id, Project.reported_unit_id,
        ).where(among(Project.id, ids))
    ):  # fmt: skip
        if row.id in ids:
            facts[row.id] = _Facts(
                row.confidentiality, {row.holder_id, row.reported_by_id}, {row.holder_unit_id, row.reported_unit_id}
            )  # fmt: skip
    for charge in session.execute(
        sa.select(
            ProjectCharge.project_id, ProjectCharge.leader_id, ProjectCharge.liaison_id, ProjectCharge.agent_id,
            ProjectCharge.lead_unit_id,
        ).where(ProjectCharge.is_current == 1, among(ProjectCharge.project_id, ids))
    ):  # fmt: skip
        if charge.project_id in facts:
            facts[charge.project_id].people.update((charge.leader_id, charge.liaison_id, charge.agent_id))
            facts[charge.project_id].units.add(charge.lead_unit_id)
    for member in session.execute(
        sa.select(ProjectUnit.project_id, ProjectUnit.unit_id).where(
            ProjectUnit.is_current == 1, among(ProjectUnit.project_id, ids)
        )
    ):
        if member.project_id in facts:
            facts[member.project_id].units.add(member.unit_id)
    return lambda viewer, project_id: project_id in facts and _sees(viewer, facts[project_id])


def _sees(viewer: Actor, facts: _Facts) -> bool:
    scope = viewer.scope("project:read")
    if scope is None:
        return False
    if scope is Scope.ALL or facts.confidentiality is Confidentiality.ZONE:
        return True
    if scope is Scope.ZONE:
        return False
    if viewer.user_id is not None and viewer.user_id in facts.people:
        return True
    return facts.confidentiality is Confidentiality.UNIT and not viewer.unit_ids.isdisjoint(facts.units)

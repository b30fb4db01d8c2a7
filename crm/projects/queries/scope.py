"""Who may see and change which project: the one place that turns a viewer into SQL conditions.

Leaders and supervisors see all projects. Other business roles see those of the whole zone, those of their unit (and
the units under it) that are open to the units concerned, and those they are themselves part of. The read-only role
sees the whole zone's alone, the administrators none (domain.md § Who may do what).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from crm.core.permissions import Actor, Scope
from crm.projects.models import Project, ProjectCharge, ProjectUnit
from crm.projects.rules.words import Confidentiality


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects the viewer may see."""
    scope = viewer.scope("project:read")
    if scope is None:
        return sa.false()
    if scope is Scope.ALL:
        return sa.true()
    open_to_all = Project.confidentiality == Confidentiality.ZONE
    if scope is Scope.ZONE:
        return open_to_all
    clauses: list[Any] = [open_to_all, person_in(viewer)]
    if viewer.unit_ids:
        clauses.append(sa.and_(Project.confidentiality == Confidentiality.UNIT, unit_in(viewer)))
    return sa.or_(*clauses)


def editable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects whose record the viewer may change: their own, those of a team their unit is in, and for the head of a
    bureau those of the bureau."""
    if viewer.scope("project:edit") is None:
        return sa.false()
    if viewer.is_system:
        return sa.true()
    clauses = [person_in(viewer), sa.and_(team_unit_in(viewer), visible_to(viewer))]
    if viewer.may("project:assign"):
        clauses.append(assignable_by(viewer))
    return sa.or_(*clauses)


def assignable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects whose charge the viewer may settle: those of the bureau this person heads, and leads in the pool."""
    scope = viewer.scope("project:assign")
    if scope is None:
        return sa.false()
    if scope is Scope.ALL:
        return sa.true()
    return sa.and_(sa.or_(unit_in(viewer), Project.holder_id.is_(None)), visible_to(viewer))


def person_in(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects this very person reported, follows, or is in charge of."""
    me = viewer.user_id
    if me is None:
        return sa.false()
    charges = sa.select(ProjectCharge.project_id).where(
        ProjectCharge.is_current == 1,
        sa.or_(ProjectCharge.leader_id == me, ProjectCharge.liaison_id == me, ProjectCharge.agent_id == me),
    )
    return sa.or_(Project.holder_id == me, Project.reported_by_id == me, Project.id.in_(charges))


def team_unit_in(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects whose lead or member unit is the viewer's, or one under it."""
    ids = sorted(viewer.unit_ids)
    if not ids:
        return sa.false()
    lead = sa.select(ProjectCharge.project_id).where(
        ProjectCharge.is_current == 1, ProjectCharge.lead_unit_id.in_(ids)
    )
    member = sa.select(ProjectUnit.project_id).where(
        ProjectUnit.is_current == 1, ProjectUnit.unit_id.in_(ids)
    )
    return sa.or_(Project.id.in_(lead), Project.id.in_(member))


def unit_in(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects the viewer's unit, or one under it, reported, holds, or is in the team of."""
    ids = sorted(viewer.unit_ids)
    if not ids:
        return sa.false()
    return sa.or_(Project.holder_unit_id.in_(ids), Project.reported_unit_id.in_(ids), team_unit_in(viewer))


def exportable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects that may stand in the viewer's exports."""
    scope = viewer.scope("export:run")
    if scope is None:
        return sa.false()
    return visible_to(viewer) if scope is Scope.ALL else sa.or_(person_in(viewer), editable_by(viewer))

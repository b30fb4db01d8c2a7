"""Who followed a lead, until when it is protected, and what was disputed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core.words import N_, Missing
from crm.projects.models import Project, ProjectClaim, ProjectDispute, ProjectPulse
from crm.projects.rules.words import Stage, State


def claims_of(session: Session, project_id: int) -> Sequence[Any]:
    """Who followed a project, the latest first: (claim, name, unit)."""
    return session.execute(
        sa.select(ProjectClaim, User.name, Unit.short_name)
        .outerjoin(User, User.id == ProjectClaim.holder_id)
        .outerjoin(Unit, Unit.id == ProjectClaim.unit_id)
        .where(ProjectClaim.project_id == project_id)
        .order_by(ProjectClaim.from_on.desc(), ProjectClaim.id.desc())
        .limit(20)
    ).all()


def disputes_of(session: Session, project_id: int) -> Sequence[Any]:
    """What was disputed, the latest first: (dispute, who raised it, unit, who decided)."""
    raiser, decider = aliased(User), aliased(User)
    return session.execute(
        sa.select(ProjectDispute, raiser.name, Unit.short_name, decider.name)
        .outerjoin(raiser, raiser.id == ProjectDispute.raised_by_id)
        .outerjoin(Unit, Unit.id == ProjectDispute.raised_unit_id)
        .outerjoin(decider, decider.id == ProjectDispute.decided_by_id)
        .where(ProjectDispute.project_id == project_id)
        .order_by(ProjectDispute.id.desc())
        .limit(20)
    ).all()


def get_dispute(session: Session, project_id: int, dispute_id: int) -> ProjectDispute:
    """A dispute about this very project. Raises `Missing`."""
    found = session.execute(
        sa.select(ProjectDispute).where(
            ProjectDispute.id == dispute_id, ProjectDispute.project_id == project_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这个争议。"))
    return found


def is_claimable(project: Project) -> bool:
    """Whether the lead is one somebody may come to follow: going on, not signed, nobody in charge."""
    is_early = project.need is None and project.stage.place < Stage.SIGNED.place
    return is_early and project.state is State.ACTIVE and project.archived_on is None


def pool_where(today: dt.date) -> sa.ColumnElement[bool]:
    """Leads in the pool: followed by nobody, or no longer protected, and nobody in charge yet."""
    out = sa.select(ProjectPulse.project_id).where(ProjectPulse.protected_until < today)
    return sa.and_(
        Project.state == State.ACTIVE,
        Project.need.is_(None),
        Project.stage.in_([stage for stage in Stage if stage.place < Stage.SIGNED.place]),
        sa.or_(Project.holder_id.is_(None), Project.id.in_(out)),
    )

"""What the rules of counting look at, for one project or many; who may check which, and never one's own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.core import audit
from crm.core.permissions import Actor, Scope
from crm.projects.models import (
    FrozenMonth,
    Project,
    ProjectCharge,
    ProjectCount,
    ProjectEvidence,
)
from crm.projects.queries.scope import unit_in, visible_to
from crm.projects.rules.counting import CONTRACT, Facts, closed_until

COUNTED = frozenset(
    {"agreed_yuan", "fixed_yuan", "headquarters", "is_innovative", "signed_on", "increases_id"}
)
LOOKED_BACK = 500  # changes of a record looked through for who last set what is counted


def checkable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects whose counting the viewer may check: all for supervisors, those of the bureau for its checker."""
    scope = viewer.scope("project:check")
    if scope is None:
        return sa.false()
    return sa.true() if scope is Scope.ALL else sa.and_(unit_in(viewer), visible_to(viewer))


def may_check(session: Session, project_id: int, viewer: Actor) -> bool:
    """Whether the viewer may check this project: its counting, its money."""
    if not viewer.may("project:check"):
        return False
    found = session.execute(sa.select(Project.id).where(Project.id == project_id, checkable_by(viewer)))
    return found.scalar_one_or_none() is not None


def own_of(session: Session, project: Project) -> set[int | None]:
    """The people whose own record this is: who reported, holds or created it, last set something that is counted,
    entered the contract, or is in its charge."""
    found: set[int | None] = {project.reported_by_id, project.holder_id, project.created_by_id}
    charge = sa.select(ProjectCharge.leader_id, ProjectCharge.liaison_id, ProjectCharge.agent_id).where(
        ProjectCharge.project_id == project.id, ProjectCharge.is_current == 1
    )
    for row in session.execute(charge):
        found.update(row)
    found.update(
        session.scalars(
            sa.select(ProjectEvidence.created_by_id).where(
                ProjectEvidence.project_id == project.id, ProjectEvidence.kind == CONTRACT,
                ProjectEvidence.removed_on.is_(None),
            )
        )
    )  # fmt: skip
    return found | _last_editors(session, project.id)


def _last_editors(session: Session, project_id: int) -> set[int | None]:
    """Who set each counted fact last, by the journal."""
    rows = session.execute(
        sa.select(audit.AuditChange.after, audit.AuditChange.before, audit.AuditEnvelope.actor_id)
        .join(audit.AuditEnvelope, audit.AuditEnvelope.operation == audit.AuditChange.operation)
        .where(audit.AuditChange.kind == Project.__tablename__, audit.AuditChange.row_id == project_id)
        .order_by(audit.AuditChange.id.desc())
        .limit(LOOKED_BACK)
    )
    left, found = set(COUNTED), set()
    for after, before, actor_id in rows:
        if set_here := left & (after.keys() | before.keys()):
            left -= set_here
            found.add(actor_id)
        if not left:
            break
    return found


def count_of(session: Session, project_id: int) -> ProjectCount | None:
    """The count of a project that stands."""
    return session.execute(
        sa.select(ProjectCount).where(ProjectCount.project_id == project_id, ProjectCount.is_standing == 1)
    ).scalar_one_or_none()


def counts_of(session: Session, project_id: int) -> Sequence[ProjectCount]:
    """Every count a project has had, the latest first."""
    return session.scalars(
        sa.select(ProjectCount)
        .where(ProjectCount.project_id == project_id)
        .order_by(ProjectCount.counts_on.desc(), ProjectCount.id.desc())
        .limit(50)
    ).all()


def last_withdrawn(session: Session, project_id: int) -> dt.date | None:
    """The last day a count of this project was withdrawn: a new one counts from there at the earliest."""
    return session.scalar(
        sa.select(sa.func.max(ProjectCount.withdrawn_on)).where(ProjectCount.project_id == project_id)
    )


def frozen_months(session: Session) -> Sequence[FrozenMonth]:
    """The frozen months, the latest first."""
    return session.scalars(sa.select(FrozenMonth).order_by(FrozenMonth.month.desc()).limit(600)).all()


def closed(session: Session) -> dt.date | None:
    """The last day whose numbers stand; None when no month was frozen."""
    latest = session.scalar(sa.select(sa.func.max(FrozenMonth.month)))
    return closed_until([latest]) if latest else None


def facts_of(session: Session, ids: Sequence[int]) -> Mapping[int, Facts]:
    """What the rules look at, by project: four statements for any number."""
    standing = {
        row.project_id: row
        for row in session.execute(
            sa.select(ProjectCount.project_id, ProjectCount.counts_on, ProjectCount.checked_on, User.name)
            .outerjoin(User, User.id == ProjectCount.checked_by_id)
            .where(ProjectCount.project_id.in_(ids), ProjectCount.is_standing == 1)
        )
    }
    contracts: dict[int, int] = {
        row[0]: row[1]
        for row in session.execute(
            sa.select(ProjectEvidence.project_id, sa.func.count())
            .where(
                ProjectEvidence.project_id.in_(ids), ProjectEvidence.kind == CONTRACT,
                ProjectEvidence.removed_on.is_(None),
            )
            .group_by(ProjectEvidence.project_id)
        )
    }  # fmt: skip
    other = aliased(Project)
    twins: dict[int, int] = {
        row[0]: row[1]
        for row in session.execute(
            sa.select(Project.id, sa.func.count(sa.distinct(other.id)))
            .join(
                other,
                sa.and_(
                    other.investor_key == Project.investor_key,
                    other.name_key == Project.name_key,
                    other.id != Project.id,
                ),
            )
            .join(ProjectCount, sa.and_(ProjectCount.project_id == other.id, ProjectCount.is_standing == 1))
            .where(Project.id.in_(ids))
            .group_by(Project.id)
        )
    }
    found = {}
    for row in session.execute(
        sa.select(
            Project.id, Project.signed_on, Project.agreed_yuan, Project.merged_into_id, Project.increases_id,
            Project.state, Project.archived_on,
        ).where(Project.id.in_(ids))
    ):  # fmt: skip
        counted = standing.get(row.id)
        found[row.id] = Facts(
            row.signed_on, row.agreed_yuan, contracts.get(row.id, 0), twins.get(row.id, 0),
            row.merged_into_id is not None, row.increases_id is not None, row.state, row.archived_on is not None,
            counted.counts_on if counted else None, counted.checked_on if counted else None,
            (counted.name or "") if counted else "",
        )  # fmt: skip
    return found

"""Two projects that become one, for tests: the merge itself, and what must hold after it."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import merging
from crm.core.audit_verify import verify
from crm.core.records import kind_of
from crm.core.transaction import commit
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectClaim,
    ProjectCount,
    ProjectMove,
    ProjectPulse,
)
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead


def joined(session: Session, kept: Project, gone: Project, picks: dict[str, str] | None = None) -> str:
    done = merging.merge(
        session, kind_of("project"), kept.id, gone.id, actor=ROBOT, today=TODAY, stays=merging.LEFT,
        picks=picks, reason="同一个项目",
    )  # fmt: skip
    commit(session)
    session.expire_all()
    return done.id


def current(session: Session, model: Any, project_id: int) -> list[Any]:
    flag = model.is_standing if model is ProjectCount else model.is_current
    return list(session.scalars(sa.select(model).where(model.project_id == project_id, flag == 1)))


def whole(session: Session) -> None:
    """What must always hold of every project there is."""
    session.expire_all()
    for project in session.scalars(sa.select(Project)):
        charges = session.scalars(
            sa.select(ProjectCharge)
            .where(ProjectCharge.project_id == project.id)
            .order_by(ProjectCharge.from_on, ProjectCharge.id)
        ).all()
        now = [charge for charge in charges if charge.is_current]
        assert len(now) == 1 if project.need else len(now) <= 1
        for one, after in itertools.pairwise(charges):
            assert one.to_on is not None and one.to_on <= after.from_on, "one at a time, at any time"
        claims = current(session, ProjectClaim, project.id)
        if project.merged_into_id is None:
            assert [claim.holder_id for claim in claims] == [project.holder_id] * (
                project.holder_id is not None
            )
            last = session.scalars(
                sa.select(ProjectMove)
                .where(ProjectMove.project_id == project.id)
                .order_by(ProjectMove.on.desc(), ProjectMove.id.desc())
            ).first()
            assert last is not None and (last.stage, last.state) == (project.stage, project.state)
        assert session.scalar(sa.select(sa.func.count()).where(ProjectPulse.project_id == project.id)) == 1
    assert verify(session).is_whole


def two(session: Session) -> tuple[Project, Project]:
    first = a_lead(session, 1, people.INVESTMENT, at=AT - dt.timedelta(9), today=TODAY - dt.timedelta(9))
    return a_lead(session, 2, people.INVESTMENT_2), first

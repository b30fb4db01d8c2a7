"""How a project goes today."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.projects.models import Project, ProjectPulse
from crm.projects.queries.limits import limits_of
from crm.projects.rules.progress import Light, light


def pulse_of(session: Session, project_id: int) -> ProjectPulse | None:
    """What was derived of a project's progress."""
    return session.execute(
        sa.select(ProjectPulse).where(ProjectPulse.project_id == project_id)
    ).scalar_one_or_none()


def light_of(session: Session, project: Project, today: dt.date) -> Light | None:
    """The light of a project today, with its reason; None where it has none."""
    pulse = pulse_of(session, project.id)
    if pulse is None:
        return None
    return light(
        stage=project.stage, state=project.state, progress_on=pulse.progress_on,
        caught_up_on=pulse.caught_up_on, today=today, limits=limits_of(session),
    )  # fmt: skip

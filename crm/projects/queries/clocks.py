"""The clocks of leads, from their dated records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.core import settings, workdays
from crm.core.clock import local
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.projects.models import Project, ProjectMove, ProjectPulse
from crm.projects.queries.scope import visible_to
from crm.projects.rules import clocks as law
from crm.projects.rules.words import Stage, State


def terms_of(session: Session) -> law.Terms:
    """The days each clock runs, as set."""
    return law.Terms(
        settings.value(session, law.REPLY), settings.value(session, law.ASSESS),
        settings.value(session, law.ASSESS_LARGE), settings.value(session, law.LARGE) * 10**8,
        settings.value(session, law.FEEDBACK), settings.value(session, law.REPORT),
    )  # fmt: skip


def clocks_of(session: Session, ids: Sequence[int], today: dt.date) -> dict[int, list[law.Clock]]:
    """The clocks of projects: three statements for any number of them."""
    return {
        project_id: found
        for project_id, _holder, found in clocks_where(session, (Project.id.in_(ids),), today)
    }


def clocks_where(
    session: Session, where: Sequence[sa.ColumnElement[bool]], today: dt.date
) -> Iterator[tuple[int, int | None, list[law.Clock]]]:
    """(project, who follows it, clocks) of the projects of a condition: three statements for any number of them."""
    terms, days = terms_of(session), workdays.table(session)
    back = aliased(ProjectMove)

    def last_back(column: Any) -> Any:
        """A column of the move that last sent a project back to the first stage."""
        return (
            sa.select(column)
            .where(back.project_id == Project.id, back.kind == MoveKind.BACK, back.stage == Stage.LEAD)
            .order_by(back.on.desc(), back.id.desc())
            .limit(1)
            .correlate(Project)
            .scalar_subquery()
        )

    left = (
        sa.select(sa.func.min(ProjectMove.on))
        .where(
            ProjectMove.project_id == Project.id,
            sa.or_(ProjectMove.stage != Stage.LEAD, ProjectMove.state != State.ACTIVE),
            ProjectMove.id > sa.func.coalesce(last_back(back.id), 0),
        )
        .correlate(Project)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(
            Project.id, Project.source, Project.first_reported_at, Project.stage, Project.state, Project.total_yuan,
            Project.feedback_on, ProjectPulse.replied_on, ProjectPulse.progress_on, left.label("assessed_on"),
            Project.holder_id, last_back(back.on).label("returned_on"),
        )
        .join(ProjectPulse, ProjectPulse.project_id == Project.id)
        .where(*where)
    )  # fmt: skip
    for row in rows:
        reported = local(row.first_reported_at).date()
        facts = law.Facts(
            row.source, reported, row.stage, row.state, row.total_yuan, row.replied_on, row.assessed_on,
            row.feedback_on, row.progress_on, row.returned_on,
        )  # fmt: skip
        found = law.clocks(
            facts, reply_by=workdays.later(reported, terms.reply, days),
            assess_by=workdays.later(facts.assess_from, law.assess_days(facts, terms), days), terms=terms, today=today,
        )  # fmt: skip
        yield row.id, row.holder_id, found


def late_clocks(
    session: Session, viewer: Actor, today: dt.date, limit: int = 200
) -> dict[int, list[law.Clock]]:
    """The clocks that have run out, of the open leads this viewer follows."""
    ids = session.scalars(
        sa.select(Project.id)
        .where(
            visible_to(viewer), Project.holder_id == viewer.user_id, Project.state == State.ACTIVE,
            Project.archived_on.is_(None),
            Project.stage.in_([stage for stage in Stage if stage.place < Stage.SIGNED.place]),
        )
        .order_by(Project.first_reported_at)
        .limit(limit)
    ).all()  # fmt: skip
    late = {
        key: [clock for clock in found if clock.is_late and clock.met_on is None]
        for key, found in clocks_of(session, ids, today).items()
    }
    return {key: found for key, found in late.items() if found}

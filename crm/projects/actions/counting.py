"""A project is counted: once, at its first signing, by the checker, never on one's own record."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.transaction import refusing
from crm.core.words import N_, Conflict, Refused
from crm.projects.actions import guards
from crm.projects.actions.freezing import one_at_a_time
from crm.projects.actions.payments import check_reason, require_checker
from crm.projects.models import Project, ProjectCount
from crm.projects.queries.counting import closed, count_of, facts_of, last_withdrawn, own_of
from crm.projects.queries.scope import visible_to
from crm.projects.rules import counting as law
from crm.projects.rules.words import Act


def count(
    session: Session, project: Project, *, actor: Actor, today: dt.date, version: int | None = None
) -> ProjectCount:
    """Count a project for the day of its first signing, or the first day that is not closed, with its amounts as they
    are now. Raises `Conflict`, `Forbidden`, and `Refused` with every line that lacks."""
    require_checker(session, actor, project)
    guards.lock(project, version)
    guards.held(session, project)
    signed_on, yuan = law.check_countable(facts_of(session, [project.id])[project.id])
    if not actor.is_system:
        law.check_checker(actor.user_id, own_of(session, project))
    audit.begin(session, actor=actor, action=Act.COUNT, subject=("project", project.id))
    one_at_a_time(session)
    made = ProjectCount(
        project_id=project.id, is_standing=1, yuan=yuan, fixed_yuan=project.fixed_yuan,
        headquarters=project.headquarters, is_innovative=project.is_innovative,
        counts_on=law.counts_on(signed_on, closed(session), last_withdrawn(session, project.id)),
        checked_by_id=actor.user_id, checked_on=today,
    )  # fmt: skip
    with refusing(session, {"uq_project_counts_once": Refused(N_("别人刚刚核定了这个项目的计数。"))}):
        session.add(made)
    return made


def uncount(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
    version: int | None = None,
) -> ProjectCount:
    """Withdraw the count of a project from today on, with a reason; days gone by keep it. `version` is the count's.
    Raises `Conflict`, `Forbidden`, `Refused`."""
    require_checker(session, actor, project)
    row = count_of(session, project.id)
    if row is None:
        raise Refused(N_("这个项目没有计数。"))
    if version is not None and row.version != version:
        raise Conflict(N_("这个项目的计数刚刚被别人改过，请核对后再做。"))
    why = check_reason(reason)
    if not actor.is_system:
        law.check_checker(actor.user_id, own_of(session, project))
    audit.begin(session, actor=actor, action=Act.UNCOUNT, subject=("project", project.id))
    row.is_standing, row.withdrawn_on, row.withdrawn_reason = None, today, why
    session.flush()
    return row


def mark_increase(
    session: Session, project: Project, *, actor: Actor, original_id: int | None, version: int | None = None
) -> Project:
    """Say that a project is a capital increase of another (None: that it is not): what it agrees is then the increment.
    Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    if original_id is not None:
        found = None
        if 0 < original_id < 2**63 and original_id != project.id:
            found = session.execute(
                sa.select(Project.id, Project.increases_id).where(
                    Project.id == original_id, visible_to(actor), Project.merged_into_id.is_(None)
                )
            ).one_or_none()
        if found is None:
            raise Refused(N_("没有这个项目，或者您不能查看它。"), field="original")
        if found.increases_id is not None:
            raise Refused(N_("那个项目本身是增资，请填最初的项目。"), field="original")
        if session.scalar(sa.select(Project.id).where(Project.increases_id == project.id).limit(1)):
            raise Refused(N_("这个项目有增资项目，它自己不能再是增资。"), field="original")
    audit.begin(session, actor=actor, action=Act.EDIT, subject=("project", project.id))
    project.increases_id = original_id
    session.flush()
    return project

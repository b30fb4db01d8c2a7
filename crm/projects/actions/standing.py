"""Linking a project to its firm; putting it away and back."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline import Need
from crm.core.words import N_, Refused
from crm.firms.models import Firm
from crm.firms.queries.scope import visible_to as firm_visible_to
from crm.firms.rules.standing import check_reason
from crm.projects.actions import guards
from crm.projects.models import Project
from crm.projects.rules.stages import PIPELINE
from crm.projects.rules.words import Act


def link_firm(
    session: Session, project: Project, *, actor: Actor, firm_id: int | None, version: int | None = None
) -> Project:
    """The firm of the registry that is, or has become, this project: one identity from lead to listing.
    Raises `Refused` for a firm that is not there, or taking it away from a registered project."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    if firm_id is None and PIPELINE.need_of("firm", project.stage) is Need.REQUIRED:
        raise Refused(N_("项目已经注册，不能取消关联的企业。"), field="firm")
    if firm_id is not None:
        found = session.execute(
            sa.select(Firm.id).where(
                Firm.id == firm_id,
                firm_visible_to(actor),
                Firm.archived_on.is_(None),
                Firm.merged_into_id.is_(None),
            )
        ).scalar_one_or_none()
        if found is None:
            raise Refused(N_("没有这家企业。"), field="firm")
    audit.begin(session, actor=actor, action=Act.LINK, subject=("project", project.id))
    project.firm_id = firm_id
    session.flush()
    return project


def archive(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Project:
    """Put a project away with a reason; nothing is deleted, and it can be restored. One that was counted stays."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    why = check_reason(reason)
    guards.there(project)
    audit.begin(session, actor=actor, action=Act.ARCHIVE, subject=("project", project.id))
    project.archived_on, project.archive_reason = today, why
    session.flush()
    return project


def restore(session: Session, project: Project, *, actor: Actor, version: int | None = None) -> Project:
    """Take a project out of the archive."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    if project.archived_on is None:
        raise Refused(N_("这个项目没有归档。"))
    if project.merged_into_id is not None:
        raise Refused(N_("这个项目已经并入另一个，请撤销合并。"))
    audit.begin(session, actor=actor, action=Act.RESTORE, subject=("project", project.id))
    project.archived_on = project.archive_reason = None
    session.flush()
    return project

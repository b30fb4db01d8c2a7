"""Checks every write of a project passes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Conflict, Refused
from crm.projects.models import Project
from crm.projects.queries.scope import assignable_by, editable_by


def require_editor(session: Session, actor: Actor, project: Project) -> None:
    """Raises `Forbidden` unless the actor may change this project."""
    actor.require("project:edit")
    found = session.execute(sa.select(Project.id).where(Project.id == project.id, editable_by(actor)))
    if found.scalar_one_or_none() is None:
        raise Forbidden(N_("您不在这个项目的专班里，也不是它的跟进人，不能改它。"))


def require_assigner(session: Session, actor: Actor, project: Project) -> None:
    """Raises `Forbidden` unless the actor may settle who is in charge of this project."""
    actor.require("project:assign")
    found = session.execute(sa.select(Project.id).where(Project.id == project.id, assignable_by(actor)))
    if found.scalar_one_or_none() is None:
        raise Forbidden(N_("您只能指派本单位的项目。"))


def lock(project: Project, version: int | None) -> None:
    """Raises `Conflict` when the project has changed since the form was filled."""
    if version is not None and project.version != version:
        raise Conflict(N_("这个项目刚刚被别人改过，请核对后再保存。"))


def held(session: Session, project: Project) -> None:
    """Take the project's row for this transaction, so that two decisions about it come one after the other.
    Raises `Conflict` when somebody was quicker."""
    found = session.execute(
        sa.select(Project.version).where(Project.id == project.id).with_for_update()
    ).scalar_one()
    if found != project.version:
        raise Conflict(N_("这个项目刚刚被别人改过，请核对后再保存。"))


def there(project: Project) -> None:
    """Raises `Refused` for a project that was put away."""
    if project.archived_on is not None:
        raise Refused(N_("这个项目已经归档，请先恢复。"))


def check_person(session: Session, user_id: int | None, field: str) -> int:
    """An account in use. Raises `Refused`."""
    active = session.scalar(sa.select(User.is_active).where(User.id == user_id)) if user_id else None
    if user_id is None or not active:
        raise Refused(N_("请选择一位在用的人员。"), field=field)
    return user_id


def check_unit(session: Session, unit_id: int | None, field: str) -> int:
    """A unit that exists and was not closed. Raises `Refused`."""
    found = session.execute(sa.select(Unit.id, Unit.ends_on).where(Unit.id == unit_id)).one_or_none()
    if found is None or found.ends_on is not None:
        raise Refused(N_("请选择一个在用的单位。"), field=field)
    return int(found.id)

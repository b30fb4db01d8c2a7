"""One project, one leader, one team: appointed, handed over, its member units. The database refuses zero and two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.queries import actor_of
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline.declaring import check_past
from crm.core.words import N_, Refused
from crm.projects.actions import guards
from crm.projects.models import Project, ProjectCharge, ProjectUnit
from crm.projects.queries.record import charge_of
from crm.projects.rules.words import Act


@dataclass(frozen=True, slots=True)
class Team:
    """Who is to be in charge: ids of people and of the lead unit."""

    leader_id: int | None
    lead_unit_id: int | None
    liaison_id: int | None
    agent_id: int | None


def appoint(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    team: Team,
    on: dt.date,
    reason: str | None = None,
    members: Sequence[int] | None = None,
    version: int | None = None,
) -> ProjectCharge:
    """Settle who is in charge from a day on. The first time it is an appointment, later a handover with a reason;
    the interval before it is closed on that day. `members` are the member units, None leaves them.

    Raises `Conflict`, `Forbidden`, `Refused` (nobody, a day before the present charge began, nothing changed).
    """
    guards.require_assigner(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    guards.held(session, project)
    checked = check_team(session, team)
    check_past(on, today)
    current = charge_of(session, project.id)
    why = " ".join((reason or "").split())[:300] or None
    action = Act.APPOINT if current is None else Act.HAND_OVER
    is_same = current is not None and checked == Team(
        current.leader_id, current.lead_unit_id, current.liaison_id, current.agent_id
    )
    if is_same and members is None:
        raise Refused(N_("领导和专班没有变化。"), field="leader")
    audit.begin(session, actor=actor, action=action, subject=("project", project.id))
    if members is not None:
        set_members(session, project, members, on=on)
    if current is not None and is_same:
        project.updated_by_id = actor.user_id
        session.flush()
        return current
    if current is not None:
        if why is None or len(why) < 2:
            raise Refused(N_("更换领导或专班要写明原因。"), field="reason")
        if on < current.from_on:
            raise Refused(N_("现任从 %(day)s 起，交接不能更早。"), day=current.from_on, field="on")
        current.is_current, current.to_on = None, on
        session.flush()  # the place is free before the next one takes it
    made = ProjectCharge(
        project_id=project.id, is_current=1, leader_id=checked.leader_id, lead_unit_id=checked.lead_unit_id,
        liaison_id=checked.liaison_id, agent_id=checked.agent_id, from_on=on, reason=why,
    )  # fmt: skip
    session.add(made)
    touch(project)
    session.flush()
    return made


def touch(project: Project) -> None:
    """Make a newer version of the record, so that who edits it at the same time sees both."""
    sa.orm.attributes.flag_modified(project, "stage")


def check_team(session: Session, team: Team) -> Team:
    """Everybody there, in use, and able to see projects. Raises `Refused`."""
    guards.check_unit(session, team.lead_unit_id, "lead_unit")
    for user_id, field in (
        (team.leader_id, "leader"),
        (team.liaison_id, "liaison"),
        (team.agent_id, "agent"),
    ):
        person = actor_of(session, guards.check_person(session, user_id, field))
        if person is None or not person.may("project:read"):
            raise Refused(N_("这位人员的角色不能查看项目，请换一位。"), field=field)
    return team


def set_members(session: Session, project: Project, unit_ids: Sequence[int], *, on: dt.date) -> None:
    """Make these the member units from a day on; those that leave keep their interval. Raises `Refused`."""
    wanted = set(unit_ids)
    for unit_id in sorted(wanted):
        guards.check_unit(session, unit_id, "members")
    current = {
        row.unit_id: row
        for row in session.scalars(
            sa.select(ProjectUnit).where(ProjectUnit.project_id == project.id, ProjectUnit.is_current == 1)
        )
    }
    for unit_id in sorted(current.keys() - wanted):
        row = current[unit_id]
        row.is_current, row.to_on = None, max(on, row.from_on)
    for unit_id in sorted(wanted - current.keys()):
        session.add(ProjectUnit(project_id=project.id, unit_id=unit_id, is_current=1, from_on=on))
    if current.keys() != wanted:
        touch(project)
    session.flush()

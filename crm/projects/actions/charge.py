"""One project, one leader, one team: appointed, handed over, its member units. The database refuses zero and two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.queries import actor_of
from crm.activities.actions import tell
from crm.activities.models import NextStep, StepMove
from crm.activities.rules.words import Notice, StepState
from crm.core import audit
from crm.core.folding import legible
from crm.core.permissions import Actor
from crm.core.pipeline.declaring import check_past
from crm.core.pipeline.guarding import touch
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

    Open next steps of who leaves go to who takes the place over; who is new to it is told.
    Raises `Conflict`, `Forbidden`, `Refused` (nobody, a day before the present charge began, nothing changed).
    """
    guards.require_assigner(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    guards.held(session, project)
    checked = check_team(session, team)
    check_past(on, today)
    current = charge_of(session, project.id)
    why = legible(reason)[:300] or None
    action = Act.APPOINT if current is None else Act.HAND_OVER
    is_same = current is not None and checked == Team(
        current.leader_id, current.lead_unit_id, current.liaison_id, current.agent_id
    )
    if is_same and members is None:
        raise Refused(N_("领导和专班没有变化。"), field="leader")
    operation = audit.begin(session, actor=actor, action=action, subject=("project", project.id))
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
    if current is not None and why is not None:
        _pass_on(session, project, current, made, today=today, why=why)
    newcomers = set(people_of(made).values()) - set(people_of(current).values() if current else ())
    for user_id in sorted(newcomers - {actor.user_id}):
        tell(
            session, user_id, Notice.IN_HAND, key=f"charge:{made.id}", at=operation.at, subject=("project", project.id),
            by=actor.name,
        )  # fmt: skip
    return made


def people_of(charge: ProjectCharge) -> dict[str, int]:
    """Who is in charge, the nearest to the daily work first."""
    return {"liaison": charge.liaison_id, "agent": charge.agent_id, "leader": charge.leader_id}


def _pass_on(
    session: Session,
    project: Project,
    before: ProjectCharge,
    after: ProjectCharge,
    *,
    today: dt.date,
    why: str,
) -> None:
    """The open next steps of who leaves the project go to who takes the place over."""
    staying = {*people_of(after).values(), project.holder_id}
    heirs = {
        user_id: people_of(after)[role]
        for role, user_id in reversed(people_of(before).items())
        if user_id not in staying
    }
    steps = session.scalars(
        sa.select(NextStep).where(
            NextStep.kind == "project", NextStep.subject_id == project.id, NextStep.state == StepState.OPEN,
            NextStep.owner_id.in_(heirs),
        )
    ).all()  # fmt: skip
    for step in steps:
        give(session, step, heirs[step.owner_id], today=today, why=why)
    session.flush()


def give(session: Session, step: NextStep, receiver: int, *, today: dt.date, why: str) -> None:
    """A next step goes over to somebody else, its history with it."""
    session.add(
        StepMove(
            step_id=step.id, on=today, from_owner_id=step.owner_id, to_owner_id=receiver, reason=why[:200]
        )
    )
    step.owner_id = receiver
    if step.given_by_id == receiver:
        step.given_by_id = None


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

"""Everything a person has in hand goes to somebody else: one operation, undone as one."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.accounts.queries import actor_of
from crm.activities.actions import tell
from crm.activities.rules.words import Notice
from crm.core import audit
from crm.core.folding import legible
from crm.core.permissions import Actor
from crm.core.pipeline.guarding import touch
from crm.core.words import N_, Refused
from crm.projects.actions import guards
from crm.projects.actions.charge import give
from crm.projects.models import ProjectCharge, ProjectClaim
from crm.projects.queries.portfolio import Held, portfolio
from crm.projects.rules.words import Act, ClaimCause


def check_handover(
    session: Session, *, actor: Actor, from_id: int | None, to_id: int | None
) -> tuple[int, int]:
    """Two people, the second of whom is in use and may see projects. Raises `Forbidden`, `Refused`."""
    actor.require("project:assign")
    if from_id is None or session.get(User, from_id) is None:
        raise Refused(N_("请选择由谁交出。"), field="from_user")
    receiver = guards.check_person(session, to_id, "to_user")
    if from_id == receiver:
        raise Refused(N_("交出的和接手的是同一个人。"), field="to_user")
    person = actor_of(session, receiver)
    if person is None or not person.may("project:read"):
        raise Refused(N_("这位人员的角色不能查看项目，请换一位。"), field="to_user")
    return from_id, receiver


def hand_over_all(
    session: Session,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    from_id: int | None,
    to_id: int | None,
    reason: str | None,
    dry_run: bool = False,
) -> list[Held]:
    """Hand everything over that a person leads, follows or is liaison or agent of, with the open next steps; returns
    what was (or, with `dry_run`, would be) handed over. Histories stay; the receiver is told. Raises `Forbidden`,
    `Refused`."""
    giver, receiver = check_handover(session, actor=actor, from_id=from_id, to_id=to_id)
    why = legible(reason)[:300]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    held = portfolio(session, giver, actor=actor)
    if dry_run or not held:
        return held
    unit_id = session.scalar(sa.select(User.unit_id).where(User.id == receiver))
    audit.begin(session, actor=actor, action=Act.PORTFOLIO, projects=len(held))
    for item in held:
        guards.held(session, item.project)
        _charge(session, item, receiver, today, why)
        if "holder" in item.roles:
            _claim(session, item, receiver, unit_id, today, why)
        touch(item.project)
        for step in item.steps:
            give(session, step, receiver, today=today, why=why)
        session.flush()
        if receiver != actor.user_id:
            tell(
                session, receiver, Notice.IN_HAND, key=f"portfolio:{item.project.id}:{item.project.version}", at=at,
                subject=("project", item.project.id), by=actor.name,
            )  # fmt: skip
    return held


def _charge(session: Session, item: Held, receiver: int, today: dt.date, why: str) -> None:
    current = item.charge
    parts = [role for role in item.roles if role != "holder"]
    if current is None or not parts:
        return
    people = {
        f"{role}_id": receiver if role in parts else getattr(current, f"{role}_id")
        for role in ("leader", "liaison", "agent")
    }
    current.is_current, current.to_on = None, max(today, current.from_on)
    session.flush()  # the place is free before the next one takes it
    session.add(
        ProjectCharge(
            project_id=item.project.id, is_current=1, lead_unit_id=current.lead_unit_id,
            from_on=max(today, current.from_on), reason=why, **people,
        )
    )  # fmt: skip
    session.flush()


def _claim(
    session: Session, item: Held, receiver: int, unit_id: int | None, today: dt.date, why: str
) -> None:
    project = item.project
    before = session.execute(
        sa.select(ProjectClaim).where(ProjectClaim.project_id == project.id, ProjectClaim.is_current == 1)
    ).scalar_one_or_none()
    if before is not None:
        before.is_current, before.to_on = None, max(today, before.from_on)
        session.flush()
    session.add(
        ProjectClaim(
            project_id=project.id, is_current=1, holder_id=receiver, unit_id=unit_id, cause=ClaimCause.HANDED_OVER,
            from_on=today, reason=why,
        )
    )  # fmt: skip
    project.holder_id, project.holder_unit_id = receiver, unit_id
    session.flush()

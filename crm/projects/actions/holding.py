"""Who follows a lead: claimed from the pool, let go to it; a dispute about the first report and its decision."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User, UserGrant
from crm.accounts.rules import Permission
from crm.activities.actions import tell
from crm.activities.rules.words import Notice
from crm.core import audit
from crm.core.folding import legible
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.projects.actions import guards
from crm.projects.models import Project, ProjectClaim, ProjectDispute, ProjectUnit
from crm.projects.queries.pulse import pulse_of
from crm.projects.rules.words import Act, ClaimCause, Decision, Stage, State


def claim(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Project:
    """Follow a lead that is in the pool: let go of, or no longer protected. Raises `Conflict`, `Refused`."""
    actor.require("lead:log")
    guards.lock(project, version)
    guards.there(project)
    guards.held(session, project)
    if actor.user_id is None:
        raise Refused(N_("认领要由一个人来做。"))
    if project.state is not State.ACTIVE or project.stage.place >= Stage.SIGNED.place:
        raise Refused(N_("只有签约前、推进中的线索可以认领。"))
    if project.need is not None:
        raise Refused(N_("这个项目已有专班，请由单位负责人交接。"))
    pulse = pulse_of(session, project.id)
    until = pulse.protected_until if pulse is not None else None
    if project.holder_id is not None and until is not None and until >= today:
        raise Refused(N_("还在首报保护期内，到 %(day)s 为止。"), day=until)
    why = _reason(reason)
    audit.begin(session, actor=actor, action=Act.CLAIM, subject=("project", project.id))
    _hold(session, project, actor.user_id, actor.unit_id, ClaimCause.CLAIMED, today, why)
    return project


def release(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Project:
    """Let a lead go to the pool, with a reason. Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    guards.held(session, project)
    if project.holder_id is None:
        raise Refused(N_("这条线索已经在线索池里。"))
    if project.need is not None:
        raise Refused(N_("这个项目已有专班，不能放回线索池。"))
    why = _reason(reason)
    audit.begin(session, actor=actor, action=Act.RELEASE, subject=("project", project.id))
    _hold(session, project, None, None, ClaimCause.RELEASED, today, why)
    return project


def _hold(
    session: Session,
    project: Project,
    holder_id: int | None,
    unit_id: int | None,
    cause: ClaimCause,
    today: dt.date,
    why: str | None,
) -> None:
    current = session.execute(
        sa.select(ProjectClaim).where(ProjectClaim.project_id == project.id, ProjectClaim.is_current == 1)
    ).scalar_one_or_none()
    if current is not None:
        current.is_current, current.to_on = None, max(today, current.from_on)
        session.flush()  # the place is free before the next one takes it
    session.add(
        ProjectClaim(
            project_id=project.id, is_current=1, holder_id=holder_id, unit_id=unit_id, cause=cause, from_on=today,
            reason=why,
        )
    )  # fmt: skip
    project.holder_id, project.holder_unit_id = holder_id, unit_id
    session.flush()


def _reason(reason: str | None) -> str:
    why = legible(reason)[:300]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    return why


def dispute(
    session: Session, project_id: int, *, actor: Actor, at: dt.datetime, today: dt.date, text: str | None
) -> ProjectDispute:
    """Say that a lead was one's own first. It may be about a record one may not see: nothing of it is told. The heads
    who decide find it in the inbox. Raises `Refused` for one raised already."""
    actor.require("lead:log")
    said = legible(text)
    if len(said) < 5:
        raise Refused(N_("请写明什么时候、和谁谈过。"), field="text")
    waiting = sa.select(ProjectDispute.id).where(
        ProjectDispute.project_id == project_id, ProjectDispute.raised_by_id == actor.user_id,
        ProjectDispute.decision.is_(None),
    )  # fmt: skip
    if session.scalar(waiting) is not None:
        raise Refused(N_("您已经提出过，正等裁定。"), field="text")
    audit.begin(session, actor=actor, action=Act.DISPUTE, subject=("project", project_id))
    made = ProjectDispute(
        project_id=project_id, raised_by_id=actor.user_id, raised_unit_id=actor.unit_id, raised_on=today,
        text=said[:500],
    )  # fmt: skip
    session.add(made)
    session.flush()
    heads = session.scalars(
        sa.select(User.id)
        .join(UserGrant, UserGrant.user_id == User.id)
        .where(User.is_active, UserGrant.permission == Permission.PROJECT_ASSIGN)
    )
    for user_id in sorted(set(heads) - {actor.user_id}):
        tell(
            session, user_id, Notice.DISPUTE, key=f"dispute:{made.id}", at=at, subject=("project", project_id),
            by=actor.name,
        )  # fmt: skip
    return made


def decide(
    session: Session,
    project: Project,
    row: ProjectDispute,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    decision: Decision,
    text: str | None,
) -> ProjectDispute:
    """Decide a dispute, in writing: the first report stands, the other side follows the lead, or both do (the raiser's
    unit joins the team). Both sides are told. Raises `Forbidden`, `Refused`."""
    guards.require_assigner(session, actor, project)
    guards.there(project)
    guards.held(session, project)
    if row.decision is not None:
        raise Refused(N_("这个争议已经裁定。"))
    if actor.user_id is not None and actor.user_id == row.raised_by_id:
        raise Refused(N_("自己提出的争议要由别人裁定。"))
    said = legible(text)[:500]
    if len(said) < 2:
        raise Refused(N_("请写明裁定的理由。"), field="text")
    audit.begin(
        session, actor=actor, action=Act.DECIDE, subject=("project", project.id), decision=decision.value
    )
    before = project.holder_id
    row.decision, row.decided_by_id, row.decided_on, row.decided_text = decision, actor.user_id, today, said
    if decision is Decision.MOVES and row.raised_by_id is not None:
        _hold(session, project, row.raised_by_id, row.raised_unit_id, ClaimCause.DECIDED, today, said[:300])
    elif decision is Decision.SHARED and row.raised_unit_id is not None:
        joined = sa.select(ProjectUnit.id).where(
            ProjectUnit.project_id == project.id,
            ProjectUnit.unit_id == row.raised_unit_id,
            ProjectUnit.is_current == 1,
        )
        if session.scalar(joined) is None:
            session.add(
                ProjectUnit(project_id=project.id, unit_id=row.raised_unit_id, is_current=1, from_on=today)
            )
    session.flush()
    for user_id in sorted(
        {each for each in (row.raised_by_id, before) if each is not None} - {actor.user_id}
    ):
        tell(
            session, user_id, Notice.DECIDED, key=f"decided:{row.id}", at=at, subject=("project", project.id),
            by=actor.name,
        )  # fmt: skip
    return row


def note_feedback(
    session: Session, project: Project, *, actor: Actor, today: dt.date, version: int | None = None
) -> Project:
    """Who brought the lead was told what became of it. Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.require_editor(session, actor, project)
    guards.lock(project, version)
    guards.there(project)
    if project.feedback_on is not None:
        raise Refused(N_("%(day)s 已登记过反馈。"), day=project.feedback_on)
    audit.begin(session, actor=actor, action=Act.FEEDBACK, subject=("project", project.id))
    project.feedback_on = today
    session.flush()
    return project

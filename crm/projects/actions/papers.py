"""Evidence on a project, and why an item of a gate is not there."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import Attachment
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.projects.actions import guards
from crm.projects.models import Project, ProjectEvidence, ProjectWaiver
from crm.projects.rules.stages import ITEMS
from crm.projects.rules.words import Act, Evidence, WaiverKind


def prove(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    kind: Evidence,
    on: dt.date,
    reference: str | None = None,
    attachment_id: int | None = None,
) -> ProjectEvidence:
    """Note a document: a file of the project, or the number it can be found under. Raises `Refused`."""
    guards.require_editor(session, actor, project)
    guards.there(project)
    number = " ".join((reference or "").split())[:200] or None
    if on > today:
        raise Refused(N_("日期不能晚于今天 %(today)s。"), today=today, field="on")
    if number is None and attachment_id is None:
        raise Refused(N_("请上传文件，或写明文号。"), field="reference")
    if attachment_id is not None:
        here = sa.select(Attachment.id).where(
            Attachment.id == attachment_id, Attachment.kind == "project", Attachment.subject_id == project.id,
            Attachment.removed_on.is_(None),
        )  # fmt: skip
        if session.scalar(here) is None:
            raise Refused(N_("这个文件不在这个项目上。"), field="attachment")
    guards.held(session, project)
    same = sa.select(ProjectEvidence.id).where(
        ProjectEvidence.project_id == project.id, ProjectEvidence.kind == kind, ProjectEvidence.on == on,
        ProjectEvidence.attachment_id.is_not_distinct_from(attachment_id),
        ProjectEvidence.reference.is_not_distinct_from(number), ProjectEvidence.removed_on.is_(None),
    )  # fmt: skip
    if session.scalar(same.limit(1)) is not None:
        raise Refused(N_("这份佐证已经登记过：类别、日期和文号都一样。"), field="reference")
    audit.begin(session, actor=actor, action=Act.EVIDENCE, subject=("project", project.id), kind=kind.value)
    made = ProjectEvidence(
        project_id=project.id, kind=kind, on=on, reference=number, attachment_id=attachment_id
    )
    session.add(made)
    session.flush()
    return made


def put_away(
    session: Session, project: Project, row: ProjectEvidence, *, actor: Actor, today: dt.date, reason: str
) -> None:
    """Put evidence away with a reason; nothing is deleted."""
    guards.require_editor(session, actor, project)
    why = " ".join((reason or "").split())[:200]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    if row.removed_on is not None:
        raise Refused(N_("这份佐证已经收起。"))
    audit.begin(session, actor=actor, action=Act.EVIDENCE_DROP, subject=("project", project.id))
    row.removed_on, row.removed_reason = today, why
    session.flush()


def excuse(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    item: str,
    kind: WaiverKind,
    reason: str,
    until_on: dt.date | None = None,
) -> ProjectWaiver:
    """Say that an item cannot be known yet, and until when, or waive it. Only where the stage table allows it.
    Raises `Refused`."""
    guards.require_editor(session, actor, project)
    guards.there(project)
    found = ITEMS.get(item)
    if found is None:
        raise Refused(N_("没有这一项。"), field="item")
    if kind is WaiverKind.UNKNOWN and not found.can_be_unknown:
        raise Refused(N_("「%(label)s」必须填写，不能记为暂无法确定。"), label=found.label, field="kind")
    if kind is WaiverKind.WAIVED and not found.can_be_waived:
        raise Refused(N_("「%(label)s」不能免去。"), label=found.label, field="kind")
    why = " ".join((reason or "").split())[:200]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    if until_on is not None and until_on < today:
        raise Refused(N_("日期不能早于今天。"), field="until_on")
    if kind is WaiverKind.UNKNOWN and until_on is None:
        raise Refused(N_("请写明预计哪天前能确定。"), field="until_on")
    audit.begin(session, actor=actor, action=Act.WAIVE, subject=("project", project.id), item=item)
    row = session.execute(
        sa.select(ProjectWaiver).where(ProjectWaiver.project_id == project.id, ProjectWaiver.item == item)
    ).scalar_one_or_none()
    if row is None:
        row = ProjectWaiver(project_id=project.id, item=item)
        session.add(row)
    row.kind, row.reason, row.until_on = kind, why, until_on
    session.flush()
    return row


def take_back(session: Session, project: Project, row: ProjectWaiver, *, actor: Actor) -> None:
    """The excuse does not hold any more."""
    guards.require_editor(session, actor, project)
    audit.begin(session, actor=actor, action=Act.UNWAIVE, subject=("project", project.id), item=row.item)
    session.delete(row)
    session.flush()

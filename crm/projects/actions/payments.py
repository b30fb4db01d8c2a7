"""Money in place: entered, checked by somebody else, withdrawn with a reason. Nothing of it is edited or deleted."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import Attachment
from crm.core import audit
from crm.core.folding import legible
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Conflict, Refused
from crm.projects.actions import guards
from crm.projects.actions.freezing import one_at_a_time
from crm.projects.models import Project, ProjectPayment
from crm.projects.queries.counting import closed, may_check
from crm.projects.queries.scope import editable_by
from crm.projects.rules import payments as law
from crm.projects.rules.counting import counts_on
from crm.projects.rules.words import Act, Currency, Origin, PaymentKind


def pay(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    origin: Origin,
    kind: PaymentKind,
    yuan: int | None = None,
    currency: Currency = Currency.CNY,
    foreign: int | None = None,
    rate_micros: int | None = None,
    attachment_id: int | None = None,
    reference: str | None = None,
) -> ProjectPayment:
    """Enter money in place: whole yuan, or foreign money with the rate of its day. It counts once it is checked.
    Raises `Forbidden`, `Refused`."""
    guards.require_editor(session, actor, project)
    guards.there(project)
    law.check_day(on, today)
    amount = law.in_yuan(currency, yuan, foreign, rate_micros)
    number = legible(reference)[:200] or None
    law.check_proof(attachment_id, number)
    if attachment_id is not None:
        here = sa.select(Attachment.id).where(
            Attachment.id == attachment_id, Attachment.kind == "project", Attachment.subject_id == project.id,
            Attachment.removed_on.is_(None),
        )  # fmt: skip
        if session.scalar(here) is None:
            raise Refused(N_("这个文件不在这个项目上。"), field="attachment")
    guards.held(session, project)
    _once(session, project, on, kind, origin, amount, attachment_id, number)
    audit.begin(session, actor=actor, action=Act.PAY, subject=("project", project.id))
    made = ProjectPayment(
        project_id=project.id, on=on, yuan=amount, currency=currency, foreign=foreign,
        rate_micros=rate_micros if currency is not Currency.CNY else None, origin=origin, kind=kind,
        evidence_id=attachment_id, reference=number, entered_by_id=actor.user_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _once(
    session: Session, project: Project, on: dt.date, kind: PaymentKind, origin: Origin, yuan: int,
    attachment_id: int | None, reference: str | None,
) -> None:  # fmt: skip
    """Raises `Refused` when just this payment is there: a form sent twice must not double the money."""
    same = sa.select(ProjectPayment.id).where(
        ProjectPayment.project_id == project.id, ProjectPayment.on == on, ProjectPayment.kind == kind,
        ProjectPayment.origin == origin, ProjectPayment.yuan == yuan, ProjectPayment.withdrawn_on.is_(None),
        ProjectPayment.evidence_id.is_not_distinct_from(attachment_id),
        ProjectPayment.reference.is_not_distinct_from(reference),
    )  # fmt: skip
    if session.scalar(same.limit(1)) is not None:
        raise Refused(N_("这笔资金已经登记过：日期、金额和凭证都一样。"), field="yuan")


def check_payment(
    session: Session,
    project: Project,
    row: ProjectPayment,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None = None,
) -> ProjectPayment:
    """Check a payment somebody else entered: from now on it is in place. It counts for the day it was paid, or for the
    first day that is not closed. Raises `Conflict`, `Forbidden`, `Refused`."""
    require_checker(session, actor, project)
    _lock(row, version)
    guards.there(project)
    if row.withdrawn_on is not None:
        raise Refused(N_("这笔到位资金已经收回。"))
    if row.checked_on is not None:
        raise Refused(N_("这笔到位资金已经核定。"))
    law.check_second(actor.user_id, row.entered_by_id)
    audit.begin(session, actor=actor, action=Act.PAY_CHECK, subject=("project", project.id))
    one_at_a_time(session)
    row.checked_by_id, row.checked_on = actor.user_id, today
    row.counts_on = counts_on(row.on, closed(session))
    session.flush()
    return row


def withdraw_payment(
    session: Session,
    project: Project,
    row: ProjectPayment,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
    version: int | None = None,
) -> ProjectPayment:
    """Withdraw a payment with a reason, from today on; days gone by keep it. One that was checked is withdrawn by who
    may check, any other by who may edit. Raises `Conflict`, `Forbidden`, `Refused`."""
    if row.checked_on is not None:
        require_checker(session, actor, project)
    elif not may_check(session, project.id, actor):
        guards.require_editor(session, actor, project)
    _lock(row, version)
    why = check_reason(reason)
    if row.withdrawn_on is not None:
        raise Refused(N_("这笔到位资金已经收回。"))
    audit.begin(session, actor=actor, action=Act.PAY_WITHDRAW, subject=("project", project.id))
    row.withdrawn_on, row.withdrawn_reason = today, why
    session.flush()
    return row


def require_checker(session: Session, actor: Actor, project: Project) -> None:
    """Raises `Forbidden` unless the actor may check this project."""
    actor.require("project:check")
    if not may_check(session, project.id, actor):
        raise Forbidden(N_("您只能核定本单位的项目。"))


def may_withdraw(session: Session, project: Project, row: ProjectPayment, actor: Actor) -> bool:
    """Whether the actor may withdraw this payment."""
    if may_check(session, project.id, actor):
        return True
    found = session.execute(sa.select(Project.id).where(Project.id == project.id, editable_by(actor)))
    return row.checked_on is None and found.scalar_one_or_none() is not None


def check_reason(reason: str | None) -> str:
    """The reason as it is kept. Raises `Refused` for none."""
    why = legible(reason)[:200]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    return why


def _lock(row: ProjectPayment, version: int | None) -> None:
    if version is not None and row.version != version:
        raise Conflict(N_("这笔到位资金刚刚被别人改过，请核对后再做。"))

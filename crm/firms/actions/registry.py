"""Writing the record of a firm: register, edit, rename, move, archive."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.firms.actions import guards
from crm.firms.actions.judging import check_values, judge
from crm.firms.models import Firm, FirmMove, FirmName
from crm.firms.rules.names import normalise
from crm.firms.rules.standing import check_past, check_reason
from crm.firms.rules.words import Act, FirmStatus, LeadingIndustry, NameKind


def register(
    session: Session,
    *,
    actor: Actor,
    today: dt.date,
    name: str,
    code: str | None = None,
    former_names: list[str] | None = None,
    status: FirmStatus = FirmStatus.ACTIVE,
    **values: Any,
) -> Firm:
    """Enter a new firm. `values` are columns of `EDITABLE`, already judged by the rules.

    Raises `Duplicate` (a `Refused`) with the firm that is there already.
    """
    actor.require("firm:edit")
    check_values(session, values, today)
    _defaulted(values)
    guards.require_street(actor, values.get("street_id"))
    guards.refuse_duplicate(session, name=name, code=code)
    operation = audit.begin(session, actor=actor, action=Act.REGISTER)
    firm = Firm(code=code, status=status, status_on=None, **guards.named(name), **values)
    session.add(firm)
    guards.flush(session, name=name, code=code)
    if operation.subject is None:
        operation.subject = ("firm", firm.id)
    for former in former_names or []:
        _add_name(session, firm, former, NameKind.FORMER, None)
    session.flush()
    return firm


def edit(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None = None,
    **values: Any,
) -> Firm:
    """Change facts of a firm (columns of `EDITABLE`). `version` is the one the form was filled from."""
    guards.require(session, actor, "firm:edit", firm.id)
    guards.lock(firm, version)
    for refusal in judge(session, [firm], actor=actor, today=today, values=values).values():
        raise refusal
    _defaulted(values)
    code = values.get("code")
    if code and code != firm.code:
        guards.refuse_duplicate(session, name=None, code=code, but=firm.id)
    audit.begin(session, actor=actor, action=Act.EDIT, subject=("firm", firm.id))
    for column, value in values.items():
        if getattr(firm, column) != value:
            setattr(firm, column, value)
    guards.flush(session, code=code)
    return firm


def rename(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    name: str,
    on: dt.date,
    version: int | None = None,
) -> Firm:
    """Give a firm its new name from a day on; the old one stays as a dated former name."""
    guards.require(session, actor, "firm:edit", firm.id)
    guards.lock(firm, version)
    check_past(on, today, "on")
    if normalise(name) == normalise(firm.name) and name == firm.name:
        raise Refused(N_("新名称和现在的名称一样。"), field="name")
    guards.refuse_duplicate(session, name=name if firm.code is None else None, code=firm.code, but=firm.id)
    audit.begin(session, actor=actor, action=Act.RENAME, subject=("firm", firm.id), on=on.isoformat())
    _add_name(session, firm, firm.name, NameKind.FORMER, on)
    for column, value in guards.named(name).items():
        setattr(firm, column, value)
    guards.flush(session, name=name)
    return firm


def check_editor(session: Session, firm: Firm, *, actor: Actor) -> None:
    """Raises `Forbidden` unless the actor may change this firm's record; asked before a form is looked at."""
    guards.require(session, actor, "firm:edit", firm.id)


def check_figures_editor(session: Session, firm: Firm, *, actor: Actor) -> None:
    """Raises `Forbidden` unless the actor may change this firm's figures; asked before a form is looked at."""
    guards.require(session, actor, "figure:edit", firm.id)


def add_name(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    name: str,
    kind: NameKind,
    until_on: dt.date | None,
    version: int | None = None,
) -> None:
    """Note a former name or a usual other spelling. With a `version` (0: it was not known) raises `Conflict` for a
    name noted otherwise by now."""
    guards.require(session, actor, "firm:edit", firm.id)
    known = session.execute(
        sa.select(FirmName).where(FirmName.firm_id == firm.id, FirmName.name == name)
    ).scalar_one_or_none()
    guards.same_version(known, version)
    audit.begin(session, actor=actor, action=Act.NAME_ADD, subject=("firm", firm.id))
    if known is not None and version is not None:  # seen, and to be noted otherwise
        known.kind, known.until_on = kind, until_on
    else:
        _add_name(session, firm, name, kind, until_on)
    session.flush()


def drop_name(
    session: Session, firm: Firm, *, actor: Actor, name_id: int, version: int | None = None, reason: str = ""
) -> str:
    """Take a wrongly noted name away (the audit keeps it). Returns the operation, which can be undone. Raises
    `Refused` when it belongs to another firm."""
    guards.require(session, actor, "firm:edit", firm.id)
    found = session.get(FirmName, name_id)
    if found is None or found.firm_id != firm.id:
        raise Refused(N_("这个名称已经不在了。"))
    guards.same_version(found, version)
    told: dict[str, Any] = {"reason": reason} if reason else {}
    operation = audit.begin(session, actor=actor, action=Act.NAME_DROP, subject=("firm", firm.id), **told)
    session.delete(found)
    session.flush()
    return operation.id


def move(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    status: FirmStatus,
    on: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Firm:
    """Change a firm's status from a day on, with a reason: moved in, moved out, closed, open again."""
    guards.require(session, actor, "firm:edit", firm.id)
    guards.lock(firm, version)
    check_past(on, today, "on")
    reason = check_reason(reason)
    if status is firm.status:
        raise Refused(N_("状态已经是「%(status)s」。"), status=status, field="status")
    latest = session.execute(
        sa.select(sa.func.max(FirmMove.on)).where(FirmMove.firm_id == firm.id)
    ).scalar_one()
    if latest is not None and on < latest:
        raise Refused(N_("上一次变更在 %(day)s，这一次不能更早。"), day=latest, field="on")
    audit.begin(session, actor=actor, action=Act.MOVE, subject=("firm", firm.id), status=status.value)
    session.add(FirmMove(firm_id=firm.id, status=status, on=on, reason=reason))
    firm.status, firm.status_on, firm.status_reason = status, on, reason
    session.flush()
    return firm


def archive(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Firm:
    """Put a firm away with a reason; nothing is deleted, and it can be restored."""
    guards.require(session, actor, "firm:edit", firm.id)
    guards.lock(firm, version)
    reason = check_reason(reason)
    if firm.archived_on is not None:
        raise Refused(N_("这家企业已经归档。"))
    audit.begin(session, actor=actor, action=Act.ARCHIVE, subject=("firm", firm.id))
    firm.archived_on, firm.archive_reason = today, reason
    session.flush()
    return firm


def restore(session: Session, firm: Firm, *, actor: Actor, version: int | None = None) -> Firm:
    """Take a firm out of the archive."""
    guards.require(session, actor, "firm:edit", firm.id)
    guards.lock(firm, version)
    if firm.archived_on is None:
        raise Refused(N_("这家企业没有归档。"))
    if firm.merged_into_id is not None:
        raise Refused(N_("这家企业已经并入另一家，请撤销合并。"))
    guards.refuse_duplicate(
        session, name=firm.name if firm.code is None else None, code=firm.code, but=firm.id
    )
    audit.begin(session, actor=actor, action=Act.RESTORE, subject=("firm", firm.id))
    firm.archived_on = firm.archive_reason = None
    guards.flush(session, name=firm.name, code=firm.code)
    return firm


def _defaulted(values: dict[str, Any]) -> None:
    if "leading_industry" in values and values["leading_industry"] is None:
        values["leading_industry"] = LeadingIndustry.OTHER


def _add_name(session: Session, firm: Firm, name: str, kind: NameKind, until_on: dt.date | None) -> None:
    known = session.execute(
        sa.select(FirmName).where(FirmName.firm_id == firm.id, FirmName.name == name)
    ).scalar_one_or_none()
    if known is not None:
        if until_on is not None:
            known.kind, known.until_on = kind, until_on
        return
    session.add(
        FirmName(firm_id=firm.id, kind=kind, name=name, name_key=normalise(name)[:200], until_on=until_on)
    )

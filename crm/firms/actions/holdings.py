"""Writing what is dated or counted about a firm: contacts, yearly figures, IP, equity, institutions, above scale."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.firms.actions import guards
from crm.firms.models import AboveScale, Contact, EquityRound, Firm, IpCount, RdInstitution, YearFigures
from crm.firms.rules.contacts import DEFAULT_PURPOSE
from crm.firms.rules.standing import check_past, check_year
from crm.firms.rules.words import Acquisition, Act, EquityKind, InstitutionLevel, IpKind, Metric

Row = TypeVar("Row", Contact, EquityRound, RdInstitution)
_METRICS = frozenset(metric.value for metric in Metric)


def set_figures(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    year: int,
    figures: Mapping[str, int | None],
    source: str,
    on: dt.date | None = None,
    version: int | None = None,
) -> YearFigures:
    """Set a year's figures (column of `Metric` → whole yuan or persons). None takes a figure away: missing is
    not zero. Figures not named stay. Each changed figure notes its source and day."""
    guards.require(session, actor, "figure:edit", firm.id)
    check_year(year, today)
    check_past(on, today, "on")
    if set(figures) - _METRICS:
        raise TypeError(f"not figures: {sorted(set(figures) - _METRICS)}")
    if not source.strip():
        raise Refused(N_("请写明数据来源。"), field="source")
    row = session.execute(
        sa.select(YearFigures).where(YearFigures.firm_id == firm.id, YearFigures.year == year)
    ).scalar_one_or_none()
    guards.same_version(row, version)
    if row is None:
        row = YearFigures(firm_id=firm.id, year=year, sources={})
        session.add(row)
    sources = dict(row.sources)
    noted = {"source": source.strip(), "on": (on or today).isoformat()}
    for column, value in figures.items():
        if getattr(row, column) == value:
            continue
        setattr(row, column, value)
        if value is None:
            sources.pop(column, None)
        else:
            sources[column] = noted
    check_figures(row)
    if sources != row.sources:
        row.sources = sources
    audit.begin(session, actor=actor, action=Act.FIGURES_SET, subject=("firm", firm.id), year=year)
    guards.flush(session)
    return row


def check_figures(row: YearFigures) -> None:
    """What cannot be. Raises `Refused`."""
    parts = (
        (Metric.MAIN_REVENUE, Metric.REVENUE),
        (Metric.RD_IN_CHINA, Metric.RD_HIGH_TECH),
        (Metric.RD_STAFF, Metric.EMPLOYEES),
    )
    for part, whole in parts:
        small, large = getattr(row, part.value), getattr(row, whole.value)
        if small is not None and large is not None and small > large:
            raise Refused(N_("%(part)s不能大于%(whole)s。"), part=part, whole=whole, field=part.value)


def set_ip(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    counted_on: dt.date,
    counts: Mapping[tuple[IpKind, Acquisition], int | None],
    source: str | None = None,
    version: int | None = None,
) -> None:
    """Set how many rights of each kind a firm held on a day; None takes a count away. With a `version` (0: none was
    there) raises `Conflict` for a count that is another by now."""
    guards.require(session, actor, "figure:edit", firm.id)
    check_past(counted_on, today, "counted_on")
    known = {
        (row.kind, row.acquisition): row
        for row in session.scalars(
            sa.select(IpCount).where(IpCount.firm_id == firm.id, IpCount.counted_on == counted_on)
        )
    }
    for key in counts:
        guards.same_version(known.get(key), version)
    audit.begin(session, actor=actor, action=Act.IP_SET, subject=("firm", firm.id))
    for (kind, acquisition), number in counts.items():
        row = known.get((kind, acquisition))
        if number is None:
            if row is not None:
                session.delete(row)
        elif row is None:
            session.add(
                IpCount(
                    firm_id=firm.id, kind=kind, acquisition=acquisition, counted_on=counted_on, count=number,
                    source=source,
                )
            )  # fmt: skip
        elif row.count != number:
            row.count, row.source = number, source
    guards.flush(session)


def save_contact(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    contact_id: int | None = None,
    version: int | None = None,
    **values: Any,
) -> Contact:
    """Enter or change a contact: name, position, phone, email, is_primary, purpose."""
    guards.require(session, actor, "firm:edit", firm.id)
    contact = _own_row(session, Contact, firm, contact_id) or Contact(firm_id=firm.id)
    guards.same_version(contact, version if contact_id else None)
    if contact_id is None:
        _refuse_same(
            session, Contact, firm, **{key: values.get(key) for key in ("name", "position", "phone", "email")}
        )
    if contact_id is None or "purpose" in values:
        values["purpose"] = values.get("purpose") or DEFAULT_PURPOSE
    audit.begin(session, actor=actor, action=Act.CONTACT_SAVE, subject=("firm", firm.id))
    if values.get("is_primary"):
        others = session.scalars(
            sa.select(Contact).where(
                Contact.firm_id == firm.id, Contact.is_primary, Contact.id != (contact_id or 0)
            )
        )
        for other in others:
            other.is_primary = False
    for column, value in values.items():
        setattr(contact, column, value)
    session.add(contact)
    session.flush()
    return contact


def drop_contact(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    contact_id: int,
    version: int | None = None,
    reason: str = "",
) -> str:
    """Delete a contact that is no longer needed. Returns the operation, which can be undone."""
    guards.require(session, actor, "firm:edit", firm.id)
    return _drop(session, Contact, firm, contact_id, actor, Act.CONTACT_DROP, version, reason)


def save_equity(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    investor: str,
    kind: EquityKind,
    paid_in_yuan: int | None,
    source: str | None,
    round_id: int | None = None,
    version: int | None = None,
) -> EquityRound:
    """Enter or change money an outside investor paid in."""
    guards.require(session, actor, "figure:edit", firm.id)
    check_past(on, today, "on")
    row = _own_row(session, EquityRound, firm, round_id) or EquityRound(firm_id=firm.id)
    guards.same_version(row, version if round_id else None)
    if round_id is None:
        _refuse_same(
            session, EquityRound, firm, on=on, investor=investor, kind=kind, paid_in_yuan=paid_in_yuan
        )
    audit.begin(session, actor=actor, action=Act.EQUITY_SAVE, subject=("firm", firm.id))
    row.on, row.investor, row.kind = on, investor, kind
    row.paid_in_yuan, row.source = paid_in_yuan, source
    session.add(row)
    session.flush()
    return row


def drop_equity(
    session: Session, firm: Firm, *, actor: Actor, round_id: int, version: int | None = None, reason: str = ""
) -> str:
    """Take a wrongly entered round away. Returns the operation, which can be undone."""
    guards.require(session, actor, "figure:edit", firm.id)
    return _drop(session, EquityRound, firm, round_id, actor, Act.EQUITY_DROP, version, reason)


def save_institution(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    name: str,
    level: InstitutionLevel,
    recognised_on: dt.date,
    kind: str | None = None,
    ended_on: dt.date | None = None,
    document: str | None = None,
    institution_id: int | None = None,
    version: int | None = None,
) -> RdInstitution:
    """Enter or change an R&D institution, with its level and day."""
    guards.require(session, actor, "figure:edit", firm.id)
    check_past(recognised_on, today, "recognised_on")
    if ended_on is not None and ended_on < recognised_on:
        raise Refused(N_("撤销日期不能早于认定日期。"), field="ended_on")
    row = _own_row(session, RdInstitution, firm, institution_id) or RdInstitution(firm_id=firm.id)
    guards.same_version(row, version if institution_id else None)
    if institution_id is None:
        _refuse_same(session, RdInstitution, firm, name=name, level=level, recognised_on=recognised_on)
    audit.begin(session, actor=actor, action=Act.INSTITUTION_SAVE, subject=("firm", firm.id))
    row.name, row.level, row.recognised_on = name, level, recognised_on
    row.kind, row.ended_on, row.document = kind, ended_on, document
    session.add(row)
    session.flush()
    return row


def drop_institution(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    institution_id: int,
    version: int | None = None,
    reason: str = "",
) -> str:
    """Take a wrongly entered institution away. Returns the operation, which can be undone."""
    guards.require(session, actor, "figure:edit", firm.id)
    return _drop(session, RdInstitution, firm, institution_id, actor, Act.INSTITUTION_DROP, version, reason)


def set_above_scale(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    year: int,
    is_above: bool,
    is_industrial: bool = True,
    source: str | None = None,
    version: int | None = None,
) -> AboveScale:
    """Mark whether a firm was above scale 规上 in a year. With a `version` (0: the year was not marked) raises
    `Conflict` for a mark that is another by now."""
    guards.require(session, actor, "figure:edit", firm.id)
    check_year(year, today)
    row = session.execute(
        sa.select(AboveScale).where(AboveScale.firm_id == firm.id, AboveScale.year == year)
    ).scalar_one_or_none()
    guards.same_version(row, version)
    audit.begin(session, actor=actor, action=Act.ABOVE_SCALE_SET, subject=("firm", firm.id), year=year)
    if row is None:
        row = AboveScale(
            firm_id=firm.id, year=year, is_above=is_above, is_industrial=is_industrial, source=source
        )
        session.add(row)
    else:
        row.is_above, row.is_industrial, row.source = is_above, is_industrial, source
    guards.flush(session)
    return row


def _own_row(session: Session, model: type[Row], firm: Firm, row_id: int | None) -> Row | None:
    """A row by id, which must belong to this firm: ids in forms are never trusted."""
    if row_id is None:
        return None
    row = session.get(model, row_id)
    if row is None or row.firm_id != firm.id:
        raise Refused(N_("这一条已经不在了，可能刚被删除。"))
    return row


def _refuse_same(session: Session, model: type[Row], firm: Firm, **facts: Any) -> None:
    """A form sent twice makes one row: the second waits for the first at the firm, then is refused."""
    session.execute(sa.select(Firm.id).where(Firm.id == firm.id).with_for_update())
    if session.scalar(sa.select(model.id).filter_by(firm_id=firm.id, **facts).limit(1)) is not None:
        raise Refused(N_("同样的内容刚刚由别人保存了，请刷新后核对。"))


def _drop(
    session: Session,
    model: type[Row],
    firm: Firm,
    row_id: int,
    actor: Actor,
    act: Act,
    version: int | None,
    reason: str,
) -> str:
    row = _own_row(session, model, firm, row_id)
    guards.same_version(row, version)
    told: dict[str, Any] = {"reason": reason} if reason else {}
    operation = audit.begin(session, actor=actor, action=act, subject=("firm", firm.id), **told)
    session.delete(row)
    session.flush()
    return operation.id

"""The kinds of records the registry has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.permissions import Actor
from crm.core.records import Fact, Part, RecordKind, Setting, Show
from crm.core.words import C_, N_
from crm.firms import actions
from crm.firms.actions import guards
from crm.firms.actions.judging import EDITABLE, judge
from crm.firms.models import (
    AboveScale,
    Contact,
    EquityRound,
    Firm,
    FirmMove,
    FirmName,
    IpCount,
    RdInstitution,
    YearFigures,
)
from crm.firms.queries import officers, streets
from crm.firms.queries.scope import editable_by, figures_visible_to, visible_to
from crm.firms.rules.words import LeadingIndustry


def _named(column: Any, key: Any) -> Show:
    """The name behind an id."""

    def show(session: Session, value: Any) -> str:
        found = session.execute(sa.select(column).where(key == value)).scalar_one_or_none()
        return str(value if found is None else found)

    return show


def _change(
    session: Session,
    firm: Firm,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    values: Mapping[str, Any],
    reason: str = "",
) -> None:
    actions.edit(session, firm, actor=actor, today=today, version=version, **values)


def _archive(
    session: Session, firm: Firm, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    actions.archive(session, firm, actor=actor, today=today, version=version, reason=reason)


def _restore(
    session: Session, firm: Firm, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    guards.lock(firm, version)
    actions.restore(session, firm, actor=actor)


def _streets(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in streets(session)]


def _officers(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    return [(str(key), name) for key, name in officers(session)]


def _industries(_session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    return [(member.value, member.label) for member in LeadingIndustry]


FIRM = RecordKind(
    code="firm",
    model=Firm,
    label=C_("subject", "企业"),
    read=("firm:read",),
    edit=("firm:edit",),
    visible_to=visible_to,
    editable_by=editable_by,
    endpoint="firms.show",
    id_name="firm_id",
    change=_change,
    settable=EDITABLE,
    archive=_archive,
    restore=_restore,
    archived="archived_on",
    judge=judge,
    settings=(
        Setting("officer_id", N_("服务专员"), _officers, none=N_("不设专员")),
        Setting("street_id", N_("街道"), _streets),
        Setting("leading_industry", N_("主导产业"), _industries),
    ),
    facts=(
        Fact("name", N_("企业名称")),
        Fact("code", N_("统一社会信用代码")),
        Fact("registered_on", N_("成立日期")),
        Fact("capital_yuan", N_("注册资本")),
        Fact("capital_text", N_("注册资本")),
        Fact("size_class", N_("企业规模")),
        Fact("leading_industry", N_("主导产业")),
        Fact("industry_code", N_("行业代码")),
        Fact("street_id", N_("街道"), _named(Unit.short_name, Unit.id)),
        Fact("address", N_("地址")),
        Fact("officer_id", N_("服务专员"), _named(User.name, User.id)),
        Fact("business", N_("主营业务")),
        Fact("source", N_("来源")),
        Fact("source_number", N_("来源编号")),
        Fact("status", N_("状态")),
        Fact("status_on", N_("状态日期")),
        Fact("status_reason", N_("状态原因")),
        Fact("archived_on", N_("归档日期")),
        Fact("archive_reason", N_("归档原因")),
        Fact("merged_into_id", N_("并入"), _named(Firm.name, Firm.id)),
    ),
    parts=(
        Part(FirmName, "firm_id", ("name",)),
        Part(FirmMove, "firm_id"),
        Part(Contact, "firm_id"),
        Part(YearFigures, "firm_id", ("year",), figures_visible_to),
        Part(IpCount, "firm_id", ("kind", "acquisition", "counted_on")),
        Part(EquityRound, "firm_id", (), figures_visible_to),
        Part(RdInstitution, "firm_id"),
        Part(AboveScale, "firm_id", ("year",)),
    ),
)

KINDS = (FIRM,)

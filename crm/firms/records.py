"""The kinds of records the registry has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.merging import Derived, Merging, Stays
from crm.core.permissions import Actor
from crm.core.records import Fact, Part, RecordKind, Show
from crm.core.words import C_, N_
from crm.firms import actions
from crm.firms.actions.merging import absorb
from crm.firms.actions.registry import EDITABLE
from crm.firms.models import (
    AboveScale,
    Contact,
    EquityRound,
    Firm,
    FirmDistinction,
    FirmMove,
    FirmName,
    FirmPair,
    ImportRow,
    IpCount,
    RdInstitution,
    YearFigures,
)
from crm.firms.queries.scope import editable_by, visible_to
from crm.firms.rules.words import LeadingIndustry, Metric


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


def _sources(kept: Mapping[str, Any], gone: Mapping[str, Any], taken: frozenset[str]) -> Mapping[str, Any]:
    """Each figure brings its source along."""
    theirs = gone["sources"] or {}
    own = {name: source for name, source in (kept["sources"] or {}).items() if name not in taken}
    return {"sources": {**own, **{name: theirs[name] for name in taken if name in theirs}}}


PARTS = (
    Part(
        FirmName,
        "firm_id",
        ("name",),
        (Fact("kind", N_("名称种类")), Fact("until_on", N_("用到哪天"))),
    ),
    Part(
        FirmMove,
        "firm_id",
        facts=(Fact("status", N_("状态")), Fact("on", N_("日期")), Fact("reason", N_("原因"))),
        follows="status",
    ),
    Part(Contact, "firm_id", single="is_primary"),
    Part(
        YearFigures,
        "firm_id",
        ("year",),
        tuple(Fact(metric.value, metric.label) for metric in Metric),
        combine=_sources,
    ),
    Part(
        IpCount,
        "firm_id",
        ("kind", "acquisition", "counted_on"),
        (Fact("count", N_("件数")), Fact("source", N_("来源"))),
    ),
    Part(EquityRound, "firm_id"),
    Part(RdInstitution, "firm_id"),
    Part(
        AboveScale,
        "firm_id",
        ("year",),
        (Fact("is_above", N_("规上")), Fact("is_industrial", N_("工业企业")), Fact("source", N_("来源"))),
    ),
)

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
    parts=PARTS,
)

MERGING = Merging(
    needs="firm:merge",
    identity="code",
    together=(
        ("capital_yuan", "capital_text"),
        ("source", "source_number"),
        ("status", "status_on", "status_reason"),
    ),
    earliest=frozenset({"registered_on"}),
    blanks={"leading_industry": LeadingIndustry.OTHER},
    columns=frozenset({"name_key", "name_sort"}),  # of the name chosen
    absorb=absorb,
    parts=list(PARTS),
    derived=[Derived(FirmPair, "low_id"), Derived(FirmPair, "high_id")],
    stays=[
        Stays(Firm, "merged_into_id", N_("先前并入另一家的，仍记着当时并入了谁")),
        Stays(FirmDistinction, "low_id", N_("「不是同一家」的判断说的是当时那一条")),
        Stays(FirmDistinction, "high_id", N_("「不是同一家」的判断说的是当时那一条")),
        Stays(ImportRow, "firm_id", N_("导入批次记着当时写到了哪一条")),
    ],
)

KINDS = (FIRM,)

"""The kinds of records the registry has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.activities.queries.following import TOLD, follow_up
from crm.core.merging import Derived, Merging, Stays
from crm.core.permissions import Actor
from crm.core.records import Fact, NameOf, Part, RecordKind, Setting
from crm.core.words import C_, N_
from crm.firms import actions
from crm.firms.actions import guards
from crm.firms.actions.judging import EDITABLE, judge
from crm.firms.actions.merging import absorb
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
from crm.firms.queries import officers, streets
from crm.firms.queries.scope import editable_by, figures_visible_to, visible_to
from crm.firms.rules.words import LeadingIndustry, Metric

NAME_OF_UNIT, NAME_OF_PERSON = NameOf(Unit.short_name, Unit.id), NameOf(User.name, User.id)
NAME_OF_FIRM = NameOf(Firm.name, Firm.id)
SOURCE = Fact("source", N_("来源"))


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


def _sources(kept: Mapping[str, Any], gone: Mapping[str, Any], taken: frozenset[str]) -> Mapping[str, Any]:
    """Each figure brings its source along."""
    theirs = gone["sources"] or {}
    own = {name: source for name, source in (kept["sources"] or {}).items() if name not in taken}
    return {"sources": {**own, **{name: theirs[name] for name in taken if name in theirs}}}


PARTS = (
    Part(
        FirmName, "firm_id", ("name",), name="name",
        facts=(Fact("name", N_("名称")), Fact("kind", N_("类别")), Fact("until_on", N_("用到哪一天"))),
    ),
    Part(
        FirmMove, "firm_id", name="on", follows="status",
        facts=(Fact("status", N_("状态")), Fact("on", N_("状态日期")), Fact("reason", N_("状态原因"))),
    ),
    Part(
        Contact, "firm_id", single="is_primary",
        facts=(
            Fact("name", N_("姓名")), Fact("position", N_("职务")), Fact("phone", N_("电话")),
            Fact("email", N_("邮箱")), Fact("is_primary", N_("主要联系人")), Fact("purpose", N_("用途")),
            Fact("reviewed_on", N_("复核日期")),
        ),
    ),
    Part(
        YearFigures, "firm_id", ("year",), name="year", reach=figures_visible_to, combine=_sources,
        facts=tuple(Fact(metric.value, metric.label) for metric in Metric),
    ),
    Part(
        IpCount, "firm_id", ("kind", "acquisition", "counted_on"), name="kind",
        facts=(
            Fact("kind", N_("知识产权类别")), Fact("acquisition", N_("获得方式")), Fact("counted_on", N_("统计日期")),
            Fact("count", N_("件数")), SOURCE,
        ),
    ),
    Part(
        EquityRound, "firm_id", name="investor", reach=figures_visible_to,
        facts=(
            Fact("on", N_("到位日期")), Fact("investor", N_("投资方")), Fact("kind", N_("融资类别")),
            Fact("paid_in_yuan", N_("到位金额")), SOURCE,
        ),
    ),
    Part(
        RdInstitution, "firm_id", name="name",
        facts=(
            Fact("name", N_("机构名称")), Fact("kind", N_("机构类别")), Fact("level", N_("级别")),
            Fact("recognised_on", N_("认定日期")), Fact("ended_on", N_("撤销日期")), Fact("document", N_("文号")),
        ),
    ),
    Part(
        AboveScale, "firm_id", ("year",), name="year",
        facts=(Fact("is_above", N_("规上")), Fact("is_industrial", N_("工业口径")), SOURCE),
    ),
)  # fmt: skip

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
        Fact("street_id", N_("街道"), NAME_OF_UNIT),
        Fact("address", N_("地址")),
        Fact("officer_id", N_("服务专员"), NAME_OF_PERSON),
        Fact("business", N_("主营业务")),
        Fact("source", N_("来源")),
        Fact("source_number", N_("来源编号")),
        Fact("status", N_("状态")),
        Fact("status_on", N_("状态日期")),
        Fact("status_reason", N_("状态原因")),
        Fact("archived_on", N_("归档日期")),
        Fact("archive_reason", N_("归档原因")),
        Fact("merged_into_id", N_("并入"), NAME_OF_FIRM),
    ),
    parts=PARTS,
)

MERGING = Merging(
    needs="firm:merge",
    after=N_("「%(name)s」归档，它的名称成为曾用名；搜索、公布名单和原来的网址都转到留下的一条。"),
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
    parts=[*PARTS, *follow_up("firm")],
    derived=[Derived(FirmPair, "low_id"), Derived(FirmPair, "high_id")],
    stays=[
        Stays(Firm, "merged_into_id", N_("先前并入另一家的，仍记着当时并入了谁")),
        Stays(FirmDistinction, "low_id", N_("「不是同一家」的判断说的是当时那一条")),
        Stays(FirmDistinction, "high_id", N_("「不是同一家」的判断说的是当时那一条")),
        TOLD,
        Stays(ImportRow, "firm_id", N_("导入批次记着当时写到了哪一条")),
    ],
)

KINDS = (FIRM,)

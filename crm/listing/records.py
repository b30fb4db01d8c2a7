"""The kind of record the listing reserve has, and what it hangs on firms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.i18n import say
from crm.core.permissions import Actor
from crm.core.records import Fact, NameOf, Part, RecordKind
from crm.core.words import C_, N_
from crm.firms.models import Firm
from crm.listing import actions
from crm.listing.actions import EDITABLE
from crm.listing.models import (
    Candidate,
    CandidateEvidence,
    CandidateMove,
    CandidatePlan,
    CandidateWaiver,
    Intermediary,
    MarketStay,
    Obstacle,
    Shareholder,
)
from crm.listing.queries.scope import editable_by, visible_to
from crm.listing.rules.stages import PIPELINE

PERSON = NameOf(User.name, User.id)
UNIT = NameOf(Unit.name, Unit.id)


def _change(
    session: Session,
    candidate: Candidate,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    values: Mapping[str, Any],
    reason: str = "",
) -> None:
    actions.edit(session, candidate, actor=actor, today=today, version=version, values=values)


def _archive(
    session: Session,
    candidate: Candidate,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    reason: str,
) -> None:
    actions.archive(session, candidate, actor=actor, today=today, version=version, reason=reason)


def _restore(
    session: Session,
    candidate: Candidate,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    reason: str,
) -> None:
    actions.restore(session, candidate, actor=actor, version=version)


def _away(session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date) -> Mapping[str, Any]:
    """Of two candidates of one firm the one not chosen is put away, with its history."""
    return {"is_current": None, "archived_on": today, "archive_reason": "企业合并"}


FACTS = (
    Fact("firm_id", C_("subject", "企业"), NameOf(Firm.name, Firm.id)),
    Fact("is_current", N_("在库")),
    Fact("board", N_("目标板块")),
    Fact("stage", N_("上市阶段")),
    Fact("stage_on", N_("阶段日期")),
    Fact("state", N_("上市状态")),
    Fact("state_on", N_("状态日期")),
    Fact("state_reason", N_("状态原因")),
    Fact("officer_id", N_("金融专员"), PERSON),
    Fact("stock_code", N_("证券代码")),
    Fact("reformed_on", N_("股改日期")),
    Fact("accepted_on", N_("首次报会日期")),
    Fact("listed_on", N_("上市日期")),
    Fact("priority", N_("人工改定优先")),
    Fact("priority_reason", N_("改定原因")),
    Fact("note", N_("备注")),
    Fact("archived_on", N_("归档日期")),
    Fact("archive_reason", N_("归档原因")),
)


def _percent(_session: Session, value: Any) -> str:
    return f"{int(value) / 100:g}%"


def _item(_session: Session, value: Any) -> str:
    item = PIPELINE.items.get(str(value))
    return say(item.label) if item is not None else str(value)


PARTS = (
    Part(
        CandidateMove, "candidate_id", name="on",
        facts=(
            Fact("kind", N_("变动类别")), Fact("from_stage", N_("原来的阶段")), Fact("stage", N_("上市阶段")),
            Fact("state", N_("上市状态")), Fact("board", N_("目标板块")), Fact("on", N_("日期")), Fact("days", N_("历时天数")),
            Fact("by_id", N_("经办人"), PERSON), Fact("reason", N_("原因")), Fact("skipped", N_("跳过的阶段")),
        ),
    ),
    Part(
        CandidatePlan, "candidate_id", name="stage",
        facts=(Fact("stage", N_("上市阶段")), Fact("on", N_("计划日期"))),
    ),
    Part(
        CandidateEvidence, "candidate_id", name="reference",
        facts=(
            Fact("kind", N_("凭证类别")), Fact("on", N_("日期")), Fact("reference", N_("文号")),
            Fact("attachment_id", N_("文件")), Fact("removed_on", N_("收起日期")), Fact("removed_reason", N_("收起原因")),
        ),
    ),
    Part(
        CandidateWaiver, "candidate_id",
        facts=(
            Fact("item", N_("缺项"), _item), Fact("kind", N_("说明类别")), Fact("reason", N_("原因")),
            Fact("until_on", N_("预计确定日期")),
        ),
    ),
    Part(
        Intermediary, "candidate_id", name="name",
        facts=(
            Fact("kind", N_("机构类别")), Fact("name", N_("机构名称")), Fact("person", N_("负责人")), Fact("phone", N_("电话")),
            Fact("from_on", N_("进场日期")), Fact("to_on", N_("退出日期")),
        ),
    ),
    Part(
        Obstacle, "candidate_id", name="text",
        facts=(
            Fact("text", N_("难题")), Fact("owner_id", N_("责任人"), PERSON), Fact("unit_id", N_("责任单位"), UNIT),
            Fact("due_on", N_("办结期限")), Fact("closed_on", N_("办结日期")), Fact("outcome", N_("怎么办结的")),
        ),
    ),
    Part(
        MarketStay, "candidate_id", name="market",
        facts=(
            Fact("market", N_("市场")), Fact("code", N_("证券代码")), Fact("from_on", N_("挂牌日期")),
            Fact("to_on", N_("结束日期")),
        ),
    ),
    Part(
        Shareholder, "candidate_id", name="name",
        facts=(
            Fact("on", N_("截止日期")), Fact("name", N_("股东")), Fact("kind", N_("股东类别")),
            Fact("basis_points", N_("持股比例"), _percent),
        ),
    ),
)  # fmt: skip

CANDIDATE = RecordKind(
    code="candidate",
    model=Candidate,
    label=C_("subject", "上市后备"),
    read=("listing:read",),
    edit=("listing:edit",),
    visible_to=visible_to,
    editable_by=editable_by,
    endpoint="listing.show",
    id_name="candidate_id",
    name="firm_name",
    change=_change,
    settable=EDITABLE,
    archive=_archive,
    restore=_restore,
    archived="archived_on",
    facts=FACTS,
    parts=PARTS,
)

# a firm has one candidate: of two, a merge of the firms asks which
FIRM_PARTS = (Part(Candidate, "firm_id", ("is_current",), FACTS, settle=_away),)

KINDS = (CANDIDATE,)

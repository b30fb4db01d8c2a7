"""The kinds of records projects have, and how two become one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.activities.queries.following import TOLD, follow_up
from crm.core.clock import local
from crm.core.merging import Derived, Merging, Stays
from crm.core.permissions import Actor
from crm.core.records import Fact, NameOf, Part, RecordKind, Setting, Show
from crm.core.words import C_, N_, Refused
from crm.firms.models import Firm
from crm.projects import actions
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectClaim,
    ProjectCount,
    ProjectDispute,
    ProjectEvidence,
    ProjectMove,
    ProjectPayment,
    ProjectPulse,
    ProjectUnit,
    ProjectWaiver,
)
from crm.projects.queries.scope import editable_by, visible_to
from crm.projects.rules.columns import EDITABLE, FIELDS, in_mu, of_rate
from crm.projects.rules.words import ChainRole, Confidentiality, Currency

PERSON, UNIT = NameOf(User.name, User.id), NameOf(Unit.short_name, Unit.id)


def _moment(_session: Session, value: Any) -> str:
    return local(dt.datetime.fromisoformat(value) if isinstance(value, str) else value).strftime(
        "%Y-%m-%d %H:%M"
    )


def _mu(_session: Session, value: Any) -> str:
    return in_mu(int(value))


def _rate(_session: Session, value: Any) -> str:
    return of_rate(int(value))


SHOWN: Mapping[str, Show] = {"land_m2": _mu, "rate_micros": _rate}  # kept in other units than they are typed


def _change(
    session: Session,
    project: Project,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    values: Mapping[str, Any],
    reason: str = "",
) -> None:
    actions.edit(session, project, actor=actor, today=today, version=version, **values)


def _archive(
    session: Session, project: Project, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    actions.archive(session, project, actor=actor, today=today, version=version, reason=reason)


def _restore(
    session: Session, project: Project, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    actions.restore(session, project, actor=actor, version=version)


def _words(words: Any) -> Any:
    return lambda _session, _viewer: [(member.value, member.label) for member in words]


def _uncounted(
    session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date
) -> Mapping[str, Any]:
    """Of two counts of one project the other is withdrawn on the day of the merge; months gone by keep it."""
    return {"is_standing": None, "withdrawn_on": today, "withdrawn_reason": "合并"}


def _paid_once(
    session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date
) -> Mapping[str, Any]:
    """Money both records had is in place once from the day of the merge on; months gone by keep what they told."""
    return {"withdrawn_on": today, "withdrawn_reason": "合并"}


def _one_payment(kept: Mapping[str, Any], gone: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Of one payment entered on both the entry that was checked goes on; two vouchers are two payments."""
    one, two = (" ".join((row["reference"] or "").split()).casefold() for row in (kept, gone))
    if one and two and one != two:
        return None
    return gone if kept["checked_on"] is None and gone["checked_on"] is not None else kept


def _ended(session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date) -> Mapping[str, Any]:
    """Of two at the same time the other one ends on the day of the merge."""
    return {"is_current": None, "to_on": max(today, row["from_on"])}


CHARGE_FACTS = (
    Fact("leader_id", N_("牵头领导"), PERSON), Fact("lead_unit_id", N_("牵头单位"), UNIT),
    Fact("liaison_id", N_("联络员"), PERSON), Fact("agent_id", N_("代办员"), PERSON),
    Fact("from_on", N_("起")), Fact("to_on", N_("止")), Fact("reason", N_("原因")),
)  # fmt: skip

PARTS = (
    Part(
        ProjectCharge, "project_id", ("is_current",), CHARGE_FACTS, settle=_ended, whole=True,
        left=N_("没选中的一边到合并当天为止，历任都留在归档的那一条上"),
    ),
    Part(
        ProjectUnit, "project_id", ("unit_id", "is_current"), (
            Fact("unit_id", N_("成员单位"), UNIT), Fact("from_on", N_("起")), Fact("to_on", N_("止")),
        ),
        settle=_ended, left=N_("没选中的也移过来，到合并当天为止"),
    ),
    Part(
        ProjectClaim, "project_id", ("is_current",),
        (
            Fact("holder_id", N_("跟进人"), PERSON), Fact("unit_id", N_("跟进单位"), UNIT), Fact("cause", N_("缘由")),
            Fact("from_on", N_("起")), Fact("to_on", N_("止")), Fact("reason", N_("原因")),
        ),
        settle=_ended, whole=True, counts=lambda row: row["holder_id"] is not None,
        left=N_("没选中的一边到合并当天为止，历次都留在归档的那一条上"),
    ),
    Part(
        ProjectWaiver, "project_id", ("item",),
        (
            Fact("item", N_("缺项")), Fact("kind", N_("说明类别")), Fact("reason", N_("原因")),
            Fact("until_on", N_("预计确定日期")),
        ),
    ),
    Part(
        ProjectEvidence, "project_id", name="reference",
        facts=(
            Fact("kind", N_("佐证类别")), Fact("on", N_("日期")), Fact("reference", N_("文号")),
            Fact("attachment_id", N_("文件")), Fact("removed_on", N_("收起日期")), Fact("removed_reason", N_("收起原因")),
        ),
    ),
    Part(
        ProjectPayment, "project_id", ("on", "yuan", "kind", "origin"), name="on",
        facts=(
            Fact("on", N_("到位日期")), Fact("yuan", N_("到位金额")), Fact("kind", N_("资金类别")),
            Fact("origin", N_("资金来源")), Fact("reference", N_("凭证")), Fact("checked_on", N_("核定日期")),
            Fact("checked_by_id", N_("核定人"), PERSON), Fact("entered_by_id", N_("登记人"), PERSON),
            Fact("currency", N_("币种")), Fact("foreign", N_("外币金额")), Fact("rate_micros", N_("当日汇率"), _rate),
            Fact("evidence_id", N_("凭证文件")), Fact("counts_on", N_("计入日期")),
            Fact("withdrawn_on", N_("收回日期")), Fact("withdrawn_reason", N_("收回原因")),
        ),
        settle=_paid_once, either=_one_payment, counts=lambda row: row["withdrawn_on"] is None,
        left=N_("没选中的也移过来，从合并当天起收回，不重复计；以前各日的数字不变"),
    ),
    Part(
        ProjectCount, "project_id", ("is_standing",),
        (
            Fact("counts_on", N_("计入日期")), Fact("yuan", N_("计入金额")), Fact("checked_on", N_("核定日期")),
            Fact("fixed_yuan", N_("固定资产投资")), Fact("headquarters", N_("总部类型")),
            Fact("is_innovative", N_("创新型重点科技项目")),
            Fact("checked_by_id", N_("核定人"), PERSON),
            Fact("withdrawn_on", N_("撤销日期")), Fact("withdrawn_reason", N_("撤销原因")),
        ),
        settle=_uncounted, whole=True,
        left=N_("没选中的一边从合并当天起不再计数，留在归档的那一条上；以前各日的数字不变"),
    ),
    Part(
        ProjectDispute, "project_id",
        facts=(
            Fact("text", N_("争议")), Fact("raised_by_id", N_("提出人"), PERSON),
            Fact("raised_unit_id", N_("提出单位"), UNIT), Fact("raised_on", N_("提出日期")),
            Fact("decided_by_id", N_("裁定人"), PERSON), Fact("decision", N_("裁定")), Fact("decided_on", N_("裁定日期")),
            Fact("decided_text", N_("裁定说明")),
        ),
    ),
)  # fmt: skip

# the history of stages hangs on a project too, but two never become one
MOVES = Part(
    ProjectMove, "project_id", name="on",
    facts=(
        Fact("kind", N_("变动类别")), Fact("from_stage", N_("原来的阶段")), Fact("stage", N_("项目阶段")),
        Fact("state", N_("项目状态")), Fact("on", N_("日期")), Fact("days", N_("历时天数")), Fact("by_id", N_("经办人"), PERSON),
        Fact("reason", N_("原因")), Fact("skipped", N_("跳过的阶段")),
    ),
)  # fmt: skip

PROJECT = RecordKind(
    code="project",
    model=Project,
    label=C_("subject", "项目"),
    read=("project:read",),
    edit=("project:edit",),
    visible_to=visible_to,
    editable_by=editable_by,
    endpoint="projects.show",
    id_name="project_id",
    change=_change,
    settable=EDITABLE,
    archive=_archive,
    restore=_restore,
    archived="archived_on",
    settings=(
        Setting("confidentiality", N_("可见范围"), _words(Confidentiality)),
        Setting("chain_role", N_("产业链作用"), _words(ChainRole), none=N_("未定")),
    ),
    facts=(
        *(Fact(rule.name, rule.label, SHOWN.get(rule.name)) for rule in FIELDS),
        Fact("stage", N_("项目阶段")),
        Fact("stage_on", N_("阶段日期")),
        Fact("state", N_("项目状态")),
        Fact("state_on", N_("状态日期")),
        Fact("state_reason", N_("状态原因")),
        Fact("signed_on", N_("签约日期")),
        Fact("firm_id", N_("关联企业"), NameOf(Firm.name, Firm.id)),
        Fact("first_reported_at", N_("首报时间"), _moment),
        Fact("reported_by_id", N_("首报人"), PERSON),
        Fact("reported_unit_id", N_("首报单位"), UNIT),
        Fact("holder_id", N_("跟进人"), PERSON),
        Fact("holder_unit_id", N_("跟进单位"), UNIT),
        Fact("feedback_on", N_("反馈日期")),
        Fact("increases_id", N_("增资所属项目"), NameOf(Project.name, Project.id)),
        Fact("source_number", N_("来源编号")),
        Fact("archived_on", N_("归档日期")),
        Fact("archive_reason", N_("归档原因")),
        Fact("merged_into_id", N_("并入"), NameOf(Project.name, Project.id)),
    ),
    parts=(*PARTS, MOVES),
)


def absorb(
    session: Session, kept: Project, gone: Project, /, *, values: Mapping[str, Any], today: dt.date
) -> Mapping[str, Any]:
    """The earlier first report survives, with who made it. It is followed by whose claim goes on. Raises `Refused`
    when only the one put away was signed and counted: what is counted has a day of signing."""
    if kept.signed_on is None and session.scalar(
        sa.select(ProjectCount.id).where(ProjectCount.project_id == kept.id, ProjectCount.is_standing == 1)
    ):
        raise Refused(
            N_("「%(gone)s」已经签约并计数，「%(kept)s」还没有签约。请改为留下已签约的一条。"),
            gone=gone.name,
            kept=kept.name,
        )
    first = min((kept, gone), key=lambda row: (row.first_reported_at, row.id))
    holding = session.execute(
        sa.select(ProjectClaim.holder_id, ProjectClaim.unit_id).where(
            ProjectClaim.project_id == kept.id, ProjectClaim.is_current == 1
        )
    ).one_or_none()
    follower = kept if kept.holder_id is not None else gone
    holder, unit = holding or (follower.holder_id, follower.holder_unit_id)
    return {
        "holder_id": holder,
        "holder_unit_id": unit,
        "first_reported_at": first.first_reported_at,
        "reported_by_id": first.reported_by_id,
        "reported_unit_id": first.reported_unit_id,
    }


FIXED = frozenset(
    {
        "archived_on", "archive_reason", "merged_into_id", "stage", "stage_on", "state", "state_on", "state_reason",
        "signed_on", "first_reported_at", "reported_by_id", "reported_unit_id", "holder_id", "holder_unit_id",
    }
)  # fmt: skip

MERGING = Merging(
    needs="project:assign",
    identity="",
    together=(
        ("total_yuan", "currency", "foreign_total", "rate_micros", "rate_on"),
        ("source", "source_note"),
        ("origin", "origin_place"),
    ),
    fixed=FIXED,
    blanks={"currency": Currency.CNY, "is_innovative": False},
    columns=frozenset({"name_key", "name_sort", "investor_key", "controller_key", "product_key"}),
    absorb=absorb,
    parts=[*PARTS, Part(Project, "increases_id", name="name"), *follow_up("project")],
    derived=[Derived(ProjectPulse, "project_id")],
    stays=[
        Stays(Project, "merged_into_id", N_("先前并入另一个的，仍记着当时并入了谁")),
        Stays(ProjectMove, "project_id", N_("阶段的历史是各自走过的，不能混成一条")),
        TOLD,
    ],
)

# what projects hang on firms
FIRM_PARTS = (Part(Project, "firm_id", name="name"),)

KINDS = (PROJECT,)

"""The columns of a list of the reserve: the firm, where it stands, its dated steps with their documents, what is planned,
and who works on it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from crm.core.words import N_, Word
from crm.firms.rules.columns import FIRM
from crm.firms.rules.fields import Rule, day, number_of, one_of, text
from crm.listing.rules.words import Board, Evidence, IntermediaryKind, Stage, State

_BOARDS: Mapping[str, Board] = {
    "主板": Board.MAIN, "沪主板": Board.MAIN, "深主板": Board.MAIN, "上交所主板": Board.MAIN, "深交所主板": Board.MAIN,
    "中小板": Board.MAIN, "沪市主板": Board.MAIN, "深市主板": Board.MAIN, "科创": Board.STAR, "上交所科创板": Board.STAR,
    "创业": Board.CHINEXT, "深交所创业板": Board.CHINEXT, "北京证券交易所": Board.BSE, "北证": Board.BSE,
    "港股": Board.OVERSEAS, "港交所": Board.OVERSEAS, "香港": Board.OVERSEAS, "美股": Board.OVERSEAS,
}  # fmt: skip
_STAGES: Mapping[str, Stage] = {
    "后备": Stage.RESERVE, "入库": Stage.RESERVE, "尽调": Stage.DUE_DILIGENCE, "尽职调查": Stage.DUE_DILIGENCE,
    "规范": Stage.DUE_DILIGENCE, "已股改": Stage.REFORM, "股改完成": Stage.REFORM, "辅导": Stage.TUTORING,
    "辅导期": Stage.TUTORING, "已辅导备案": Stage.TUTORING, "辅导完成": Stage.TUTORED, "验收": Stage.TUTORED,
    "受理": Stage.ACCEPTED, "已受理": Stage.ACCEPTED, "已报会": Stage.ACCEPTED, "在审": Stage.ACCEPTED,
    "已问询": Stage.INQUIRY, "上会": Stage.COMMITTEE, "过会": Stage.COMMITTEE, "已过会": Stage.COMMITTEE,
    "注册": Stage.SUBMITTED, "已注册": Stage.EFFECTIVE, "上市": Stage.LISTED,
}  # fmt: skip
_STATES: Mapping[str, State] = {
    "正常": State.ACTIVE, "在推进": State.ACTIVE, "暂停": State.SUSPENDED, "撤回": State.WITHDRAWN, "已撤回": State.WITHDRAWN,
    "撤回申请": State.WITHDRAWN, "被否": State.REFUSED, "未过会": State.REFUSED, "终止": State.ENDED, "已终止": State.ENDED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """The columns of one stage: the day it was reached, the number of its document, the day it is planned for."""

    stage: Stage
    on: str
    plan: str
    paper: Evidence
    label: str
    headings: tuple[str, ...]
    paper_headings: tuple[str, ...]


def _step(stage: Stage, paper: Evidence, label: str, days: str, papers: str) -> Step:
    code = stage.value.replace("-", "_")
    return Step(stage, f"{code}_on", f"{code}_plan", paper, label, tuple(days.split()), tuple(papers.split()))


STEPS: tuple[Step, ...] = (
    _step(Stage.RESERVE, Evidence.RESERVE_LIST, N_("入库日期"), "入库时间 纳入日期 后备入库日期", "入库文号"),
    _step(Stage.DUE_DILIGENCE, Evidence.AGREEMENTS, N_("尽调日期"), "进场日期 尽调时间 签约中介日期", "中介协议 协议编号"),
    _step(Stage.REFORM, Evidence.LICENCE, N_("股改日期"), "股改时间 股改完成日期 股份公司成立日期", "股份公司执照 营业执照号"),
    _step(Stage.TUTORING, Evidence.TUTORING_FILING, N_("辅导备案日期"), "辅导备案时间 辅导日期 备案日期", "辅导备案文号"),
    _step(Stage.TUTORED, Evidence.TUTORING_LETTER, N_("辅导验收日期"), "辅导验收时间 验收日期", "验收工作完成函 完成函文号"),
    _step(Stage.ACCEPTED, Evidence.ACCEPTANCE, N_("报会日期"), "受理日期 受理时间 报会时间 申报受理日期", "受理通知 受理文号"),
    _step(Stage.INQUIRY, Evidence.INQUIRY, N_("问询日期"), "首轮问询日期 问询时间", "问询函"),
    _step(Stage.COMMITTEE, Evidence.COMMITTEE, N_("上会日期"), "上市委审议日期 过会日期 过会时间", "上市委公告"),
    _step(Stage.SUBMITTED, Evidence.SUBMISSION, N_("提交注册日期"), "提交注册时间", "注册公告"),
    _step(Stage.EFFECTIVE, Evidence.APPROVAL, N_("注册生效日期"), "注册批复日期 批文日期", "批复文号 注册批复文号"),
    _step(Stage.LISTED, Evidence.LISTING, N_("上市日期"), "上市时间 挂牌上市日期 list_date listed", "上市公告文号"),
)  # fmt: skip
BY_STAGE: Mapping[Stage, Step] = {step.stage: step for step in STEPS}
PLAN_LABELS: Mapping[Stage, str] = {
    Stage.DUE_DILIGENCE: N_("计划尽调"), Stage.REFORM: N_("计划股改"), Stage.TUTORING: N_("计划辅导备案"),
    Stage.TUTORED: N_("计划辅导验收"), Stage.ACCEPTED: N_("计划报会"), Stage.INQUIRY: N_("计划问询"),
    Stage.COMMITTEE: N_("计划上会"), Stage.SUBMITTED: N_("计划提交注册"), Stage.EFFECTIVE: N_("计划注册生效"),
    Stage.LISTED: N_("计划上市"),
}  # fmt: skip
HELP: Mapping[IntermediaryKind, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    IntermediaryKind.SPONSOR: (
        "sponsor", N_("保荐机构联系人"), ("保荐机构", "保荐人", "券商", "辅导机构", "保荐券商"), ("保荐代表人", "券商联系人"),
    ),
    IntermediaryKind.LAWYER: ("lawyer", N_("律所联系人"), ("律所", "律师", "法律顾问"), ("经办律师",)),
    IntermediaryKind.AUDITOR: (
        "auditor", N_("会所联系人"), ("会所", "会计师", "审计机构", "会计事务所"), ("签字会计师",),
    ),
    IntermediaryKind.VALUER: ("valuer", N_("评估机构联系人"), ("评估", "资产评估机构"), ()),
}  # fmt: skip
"""By kind: the column, the label of its person, and the headings of both."""

_HELP_RULES = tuple(
    rule
    for kind, (name, label, headings, people) in HELP.items()
    for rule in (
        Rule(name, kind.label, text(120), headings),
        Rule(f"{name}_person", label, text(60), people, is_personal=True),
    )
)
LISTING: tuple[Rule, ...] = (
    *FIRM,
    Rule("board", N_("目标板块"), one_of(Board, _BOARDS), ("目标板块", "板块", "拟上市板块", "上市板块", "拟申报板块", "board")),
    Rule("stage", N_("上市阶段"), one_of(Stage, _STAGES), ("上市阶段", "阶段", "当前阶段", "目前阶段", "上市进展", "进展阶段")),
    Rule("stage_on", N_("阶段起"), day, ("阶段起", "阶段日期", "进入阶段日期")),
    *(Rule(step.on, step.label, day, step.headings) for step in STEPS),
    *(
        Rule(step.paper.value.replace("-", "_"), step.paper.label, text(200), step.paper_headings)
        for step in STEPS
    ),
    Rule("stock_code", N_("证券代码"), number_of(10), ("证券代码", "股票代码", "代码", "ticker")),
    Rule("state", N_("上市状态"), one_of(State, _STATES), ("上市状态", "状态", "推进状态")),
    Rule("state_on", N_("状态日期"), day, ("状态日期", "撤回日期", "中止日期", "终止日期")),
    Rule("state_reason", N_("状态原因"), text(300), ("状态原因", "撤回原因", "原因")),
    *_HELP_RULES,
    *(
        Rule(BY_STAGE[stage].plan, label, day, (f"{label.rpartition(chr(4))[2]}日期", f"{label.rpartition(chr(4))[2]}时间"))
        for stage, label in PLAN_LABELS.items()
    ),
    Rule("officer", N_("金融专员"), text(60), ("金融专员", "联系人员", "服务专员", "责任人")),
    Rule("lacking", N_("缺项原因"), text(200), ("缺项原因", "缺项说明", "免去原因")),
    Rule("note", N_("备注"), text(500), ("备注", "说明"), is_long=True),
)  # fmt: skip
LABELS = {rule.name: rule.label for rule in LISTING}
DAYS = frozenset(
    {"stage_on", "state_on"} | {step.on for step in STEPS} | {BY_STAGE[stage].plan for stage in PLAN_LABELS}
)
WORDS: Mapping[str, type[Word]] = {"board": Board, "stage": Stage, "state": State}
SHOWN = ("board", "stage", "listed_on", "stock_code", "sponsor", "officer")


def paper_name(step: Step) -> str:
    """The column that holds the number of a step's document."""
    return step.paper.value.replace("-", "_")


def typed(values: Mapping[str, object]) -> dict[str, object]:
    """Values of a staged row, plain JSON, as the rules take them."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if name in WORDS:
            found[name] = WORDS[name](str(value))
        elif name in DAYS:
            found[name] = dt.date.fromisoformat(str(value))
        else:
            found[name] = value
    return found


EXPORTED: tuple[Rule, ...] = tuple(rule for rule in LISTING if rule.name not in ("stage_on", "lacking"))
"""The columns of an export: persons outside stand in it masked."""


def is_masked(text: str | None) -> bool:
    """Whether a person is written as an export masks him, which tells no name: read in again it says nothing new."""
    return text is not None and "*" in text

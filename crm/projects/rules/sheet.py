"""The columns of a list of projects: the facts of the form, and where each project stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from crm.core.sheets.headings import Unit
from crm.core.sheets.table import Cell
from crm.core.words import N_
from crm.firms.rules.fields import Rule, day, names_list, number_of, one_of, text
from crm.projects.rules.columns import FIELDS
from crm.projects.rules.stages import GATES
from crm.projects.rules.words import Evidence, Stage, State

_STAGES: Mapping[str, Stage] = {
    **{stage.label.rpartition("\x04")[2]: stage for stage in Stage},
    **{f"已{stage.label.rpartition(chr(4))[2]}": stage for stage in Stage},
    "意向": Stage.LEAD, "在谈": Stage.NEGOTIATION, "落地": Stage.REGISTERED, "供地": Stage.PERMITS, "审批": Stage.PERMITS,
    "供地审批": Stage.PERMITS, "在建": Stage.CONSTRUCTION, "建成": Stage.COMPLETED,
}  # fmt: skip
_STATES = {
    "在推进": State.ACTIVE, "正常": State.ACTIVE, "暂停": State.PAUSED, "搁置": State.PAUSED, "流转区外": State.TRANSFERRED,
    "已流失": State.LOST, "失败": State.LOST, "已终止": State.ENDED, "结束": State.ENDED,
}  # fmt: skip

_long = text(4000)


def _as_written(cell: Cell, unit: Unit = "元") -> str | None:
    """A day given with the list: told in the note, because only the server sets the first report."""
    found = day(cell, unit)
    return found.isoformat() if found is not None else None


def _note(cell: Cell, unit: Unit = "元") -> str | None:
    """A remark; several lines become one."""
    written = _long(re.sub(r"\s*\n\s*", "；", cell) if isinstance(cell, str) else cell, unit)
    return text(500)(written, unit) if written else None


_FACTS = tuple(
    Rule(rule.name, rule.label, _note, rule.headings, is_long=True) if rule.name == "note" else rule
    for rule in FIELDS
)
PAPERS: tuple[Evidence, ...] = tuple(
    item.evidence for gate in GATES.values() for item in gate if isinstance(item.evidence, Evidence)
)
_PAPER_HEADINGS: Mapping[Evidence, tuple[str, ...]] = {
    Evidence.FEASIBILITY: ("研判材料", "可研报告", "研判材料文号"),
    Evidence.MINUTES: ("评审纪要", "会议纪要", "评审会议纪要文号"),
    Evidence.FAIR_COMPETITION: ("公平竞争审查文号",),
    Evidence.CONTRACT: ("合同编号", "协议编号", "投资协议编号", "投资合同", "合同号"),
    Evidence.FILING: ("备案号", "项目代码", "备案文号", "核准文号"),
    Evidence.LAND: ("土地合同", "出让合同号", "租赁合同", "土地合同编号"),
    Evidence.CONSTRUCTION_PERMIT: ("施工许可证号", "施工许可"),
    Evidence.ACCEPTANCE: ("竣工验收文号",),
    Evidence.PRODUCTION: ("投产证明文号",),
    Evidence.FULL_PRODUCTION: ("达产证明文号",),
}

STANDING: tuple[Rule, ...] = (
    Rule("stage", N_("项目阶段"), one_of(Stage, _STAGES), ("项目阶段", "阶段", "当前阶段", "项目进展", "进展阶段", "目前阶段")),
    Rule("stage_on", N_("阶段日期"), day, ("阶段日期", "进入阶段日期", "阶段时间", "进展日期")),
    Rule("signed_on", N_("签约日期"), day, ("签约日期", "签约时间", "签订日期")),
    Rule("state", N_("项目状态"), one_of(State, _STATES), ("项目状态", "状态", "推进状态")),
    Rule("state_on", N_("状态日期"), day, ("状态日期", "流失日期", "暂缓日期")),
    Rule("state_reason", N_("状态原因"), text(300), ("状态原因", "流失原因", "暂缓原因", "原因")),
    Rule("reported_on", N_("来源的首报日期"), _as_written, ("来源的首报日期", "首报日期", "首报时间", "首谈日期", "接洽日期")),
    Rule("leader", N_("牵头领导"), text(60), ("牵头领导", "领导", "包抓领导", "挂钩领导", "责任领导", "联系领导")),
    Rule("lead_unit", N_("牵头单位"), text(80), ("牵头单位", "责任单位", "主办单位", "跟进单位")),
    Rule("liaison", N_("联络员"), text(60), ("联络员", "项目联络员", "招商专员", "项目负责人")),
    Rule("agent", N_("代办员"), text(60), ("代办员", "项目代办员", "帮办员", "服务专员")),
    Rule("members", N_("成员单位"), names_list, ("成员单位", "配合单位", "专班成员单位", "协同单位")),
    Rule("holder", N_("跟进人"), text(60), ("跟进人", "线索跟进人", "首报人", "经办人")),
    Rule("firm", N_("在本区注册的企业"), text(200), ("在本区注册的企业", "项目公司", "落地企业", "注册企业", "区内企业")),
    *(Rule(paper.value, paper.label, text(200), _PAPER_HEADINGS[paper]) for paper in PAPERS),
    Rule("lacking", N_("缺项原因"), text(200), ("缺项原因", "缺项说明", "免去原因", "容缺说明")),
    Rule("source_number", N_("来源编号"), number_of(80), ("来源编号", "编号", "项目编号", "库内编号", "入库编号")),
    Rule("step", N_("下一步"), text(200), ("下一步", "下步", "下一步工作", "下一步计划", "下步计划", "下步工作")),
    Rule("due_on", N_("下一步日期"), day, ("下一步日期", "计划日期", "计划完成日期", "完成时限", "下一步时间")),
)  # fmt: skip
PROJECTS: tuple[Rule, ...] = (*_FACTS, *STANDING)
LABELS = {rule.name: rule.label for rule in PROJECTS}
TEAM = ("leader", "lead_unit", "liaison", "agent")

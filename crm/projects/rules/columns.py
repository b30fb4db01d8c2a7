"""The fields of a project: one rule each, the same for a form and for a spreadsheet's cell. Pure."""

from __future__ import annotations

from crm.core.sheets import cells
from crm.core.sheets.headings import Unit
from crm.core.sheets.table import Cell
from crm.core.words import N_, Refused, Word
from crm.firms.rules.fields import Parse, Rule, code, day, industry_code, one_of, positive_money, text, yes_no
from crm.firms.rules.words import LeadingIndustry
from crm.projects.rules.words import (
    ChainRole,
    Confidentiality,
    Currency,
    Headquarters,
    InvestorKind,
    Origin,
    Source,
)

MU = 2000 / 3  # square metres
MOST_YUAN = 10_000 * 10**8  # 一万亿: beyond it a unit was mistaken
MICRO = 1_000_000


def amount(cell: Cell, unit: Unit = "万元") -> int | None:
    """An amount of money of a project, in whole yuan: above nothing, below 一万亿."""
    value = positive_money(cell, unit)
    if value is not None and not 0 < value < MOST_YUAN:
        raise Refused(N_("金额应大于 0、小于 1 万亿元，请核对单位。"))
    return value


def _measure(times: float, most: int) -> Parse:
    def parse(cell: Cell, _unit: Unit) -> int | None:
        verdict = cells.yuan(cell, unit="亿元")  # a number, to eight decimals
        if not verdict.ok:
            raise Refused(verdict.message.text, **verdict.message.params)
        if verdict.value is None:
            return None
        value = round(verdict.value * times / 10**8)
        if not 0 < value <= most:
            raise Refused(N_("应大于 0，请核对单位。"))
        return value

    return parse


def rate(cell: Cell, _unit: Unit = "元") -> int | None:
    """Yuan for one unit of a foreign currency, in millionths."""
    return _measure(MICRO, 1000 * MICRO)(cell, "元")  # type: ignore[no-any-return]


def whole(cell: Cell, _unit: Unit = "元") -> int | None:
    """An amount in a foreign currency, in whole units."""
    return _measure(1, 10**13)(cell, "元")  # type: ignore[no-any-return]


def in_mu(square_metres: int) -> str:
    """An area as it is typed: in 亩, to a tenth."""
    return f"{square_metres / MU:.1f}".removesuffix(".0")


def of_rate(micros: int) -> str:
    """A rate as it is typed: yuan for one unit of a foreign currency."""
    return f"{micros / MICRO:.6f}".rstrip("0").removesuffix(".")


def _words(words: type[Word], **more: Word) -> Parse:
    known = {member.label.rpartition("\x04")[2]: member for member in words}
    return one_of(words, {**known, **more})


INVESTOR = Rule(
    "investor", N_("投资方"), text(200), ("投资方", "投资主体", "投资企业", "投资单位", "投资方名称"), is_required=True
)  # fmt: skip
NAME = Rule(
    "name", N_("项目名称"), text(200), ("项目名称", "项目", "项目内容", "名称", "建设内容"), is_required=True
)
SOURCE = Rule("source", N_("线索来源"), _words(Source), ("线索来源", "信息来源", "从哪来"), is_required=True)

FIELDS: tuple[Rule, ...] = (
    INVESTOR,
    NAME,
    SOURCE,
    Rule("source_note", N_("来源说明"), text(200), ("来源说明", "引荐人")),
    Rule(
        "investor_code", N_("投资方信用代码"), code, ("投资方信用代码", "统一社会信用代码", "信用代码", "投资方代码")
    ),
    Rule("controller", N_("实际控制人"), text(120), ("实际控制人", "实控人")),
    Rule("origin", N_("投资方来自"), _words(Origin, 外资=Origin.ABROAD, 境内省外=Origin.PROVINCE), ("投资方来自", "来源地", "资金来源")),
    Rule("origin_place", N_("来自何地"), text(80), ("来自何地", "投资方所在地", "所在城市", "注册地")),
    Rule("investor_kind", N_("投资方类别"), _words(InvestorKind), ("投资方类别", "企业类别", "企业类型")),
    Rule("leading_industry", N_("主导产业"), one_of(LeadingIndustry), ("主导产业", "所属产业", "产业")),
    Rule("industry_code", N_("行业代码"), industry_code, ("行业代码", "国民经济行业代码")),
    Rule("product", N_("产品或业务"), text(120), ("产品或业务", "主要产品", "产品")),
    Rule("chain_role", N_("产业链作用"), _words(ChainRole), ("产业链作用", "链条作用", "建延补强")),
    Rule("chain_node", N_("产业链环节"), text(80), ("产业链环节", "环节")),
    Rule("total_yuan", N_("总投资"), amount, ("总投资", "计划总投资", "投资总额", "总投资额"), unit="万元"),
    Rule("agreed_yuan", N_("协议投资"), amount, ("协议投资", "协议投资额", "签约金额"), unit="万元"),
    Rule("fixed_yuan", N_("固定资产投资"), amount, ("固定资产投资", "固投", "固定资产投资额"), unit="万元"),
    Rule("currency", N_("币种"), _words(Currency), ("币种", "货币")),
    Rule("foreign_total", N_("外币总投资"), whole, ("外币总投资", "外币金额")),
    Rule("rate_micros", N_("当日汇率"), rate, ("当日汇率", "汇率")),
    Rule("rate_on", N_("汇率日期"), day, ("汇率日期",)),
    Rule("headquarters", N_("总部类型"), _words(Headquarters), ("总部类型", "总部")),
    Rule("is_innovative", N_("创新型重点科技项目"), yes_no, ("创新型重点科技项目", "创新型项目", "是否创新型")),
    Rule("output_yuan", N_("预计年产值"), amount, ("预计年产值", "达产年产值", "年产值"), unit="万元"),
    Rule("tax_yuan", N_("预计年税收"), amount, ("预计年税收", "达产年税收", "年税收"), unit="万元"),
    Rule("land_m2", N_("用地需求（亩）"), _measure(MU, 10**8), ("用地需求（亩）", "用地需求", "用地面积", "用地")),
    Rule("plant_m2", N_("厂房需求（平方米）"), _measure(1, 10**8), ("厂房需求（平方米）", "厂房需求", "厂房面积", "厂房")),
    Rule("confidentiality", N_("可见范围"), _words(Confidentiality), ("可见范围", "保密级别")),
    Rule("note", N_("备注"), text(500), ("备注", "说明", "项目简介"), is_long=True),
)  # fmt: skip

BY_NAME = {rule.name: rule for rule in FIELDS}
LABELS = {rule.name: rule.label for rule in FIELDS}
EDITABLE = frozenset(BY_NAME)

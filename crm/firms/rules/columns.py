"""The fields of every sheet and form of the registry, each with its rule and the headings it is known by. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crm.core.permissions import Actor
from crm.core.words import N_
from crm.firms.rules import fields, past
from crm.firms.rules.fields import Rule
from crm.firms.rules.words import (
    Acquisition,
    EquityKind,
    FirmStatus,
    IpKind,
    LeadingIndustry,
    Metric,
    SheetKind,
    SizeClass,
)

CODE = Rule(
    "code", N_("统一社会信用代码"), fields.code,
    ("统一社会信用代码", "信用代码", "社会信用代码", "统一代码", "统一信用代码", "企业信用代码", "社会统一信用代码",
     "统一社会信用代码/注册号", "机构代码", "组织机构代码", "uscc", "credit code"),
)  # fmt: skip
NAME = Rule(
    "name", N_("企业名称"), fields.firm_name,
    ("企业名称", "名称", "单位名称", "公司名称", "企业", "公司", "单位", "机构名称", "企业全称", "全称", "公司全称",
     "单位全称", "市场主体名称", "申报单位", "申报企业", "企业名", "name", "company"),
    is_required=True,
)  # fmt: skip
NAME_BESIDE_CODE = Rule("name", NAME.label, NAME.parse, NAME.headings)
SOURCE = Rule("source", N_("来源"), fields.text(120), ("来源", "数据来源", "出处", "资料来源", "source"))

REGISTRY: tuple[Rule, ...] = (
    CODE,
    NAME,
    Rule("former_names", N_("曾用名"), fields.names_list,
         ("曾用名", "曾用名称", "原名称", "原企业名称", "原名", "历史名称", "更名前", "former names")),
    Rule("registered_on", N_("成立日期"), fields.founded,
         ("成立日期", "注册日期", "注册时间", "成立时间", "登记日期", "设立日期", "开业日期", "工商注册日期", "registered")),
    Rule("capital", N_("注册资本"), fields.capital,
         ("注册资本", "注册资金", "注册资本金", "认缴资本", "出资额", "capital"), unit="万元"),
    Rule("industry_code", N_("行业代码"), fields.industry_code,
         ("行业代码", "国民经济行业代码", "行业小类代码", "行业分类代码", "国民经济行业", "所属行业代码")),
    Rule("leading_industry", N_("主导产业"),
         fields.one_of(LeadingIndustry, {"其他": LeadingIndustry.OTHER, "无": LeadingIndustry.OTHER}, cut="产业"),
         ("主导产业", "所属产业", "产业", "产业类别", "主导产业类别")),
    Rule("street", N_("街道"), fields.text(80), ("街道", "所属街道", "属地", "镇街", "乡镇街道", "镇(街道)", "所在街道")),
    Rule("address", N_("地址"), fields.text(300),
         ("地址", "注册地址", "住所", "企业地址", "经营地址", "通讯地址", "详细地址", "生产经营地址")),
    Rule("size_class", N_("企业规模"), fields.one_of(SizeClass, cut="型"), ("企业规模", "规模", "规模类型", "企业类型(规模)")),
    Rule("status", N_("状态"),
         fields.one_of(FirmStatus, {"存续": FirmStatus.ACTIVE, "开业": FirmStatus.ACTIVE, "正常": FirmStatus.ACTIVE,
                                    "在业": FirmStatus.ACTIVE, "在营(开业)企业": FirmStatus.ACTIVE,
                                    "吊销": FirmStatus.CLOSED, "已注销": FirmStatus.CLOSED}),
         ("状态", "企业状态", "经营状态", "登记状态", "经营状况")),
    Rule("officer", N_("服务专员"), fields.text(60), ("服务专员", "专员", "服务人员", "联系干部", "挂钩干部", "服务干部")),
    Rule("business", N_("主营业务"), fields.text(500), ("主营业务", "经营范围", "主要产品", "主导产品", "主营产品")),
    Rule("source_number", N_("来源编号"), fields.number_of(80), ("编号", "来源编号", "企业编号", "档案号", "库内编号")),
)  # fmt: skip

FIRM: tuple[Rule, ...] = (CODE, NAME_BESIDE_CODE)
YEAR = Rule(
    "year",
    N_("年度"),
    fields.year,
    ("年度", "年份", "所属年度", "会计年度", "报告年度", "year"),
    is_required=True,
)
ON = Rule("on", N_("数据日期"), fields.day, ("数据日期", "填报日期", "截止日期", "日期"))

_METRIC_HEADINGS: Mapping[Metric, tuple[str, ...]] = {
    Metric.REVENUE: ("营业收入", "营收", "全年营业收入", "销售收入"),
    Metric.MAIN_REVENUE: ("主营业务收入", "主营收入"),
    Metric.HIGH_TECH_INCOME: ("高新技术产品(服务)收入", "高新技术产品收入", "高新收入", "高新技术产品（服务）收入"),
    Metric.TOTAL_INCOME: ("总收入", "企业总收入", "营业总收入", "同期总收入"),
    Metric.OUTPUT: ("工业总产值", "总产值", "产值", "规上工业总产值"),
    Metric.ASSETS: ("资产总额", "总资产", "资产总计", "资产合计"),
    Metric.NET_ASSETS: ("净资产", "所有者权益", "所有者权益合计"),
    Metric.LIABILITIES: ("负债总额", "总负债", "负债合计", "负债总计"),
    Metric.NET_PROFIT: ("净利润",),
    Metric.TAX: ("实缴税金", "税收", "实缴税收", "上缴税金", "纳税总额", "税金"),
    Metric.COST: ("成本费用支出总额", "成本费用总额", "成本费用"),
    Metric.RD_HIGH_TECH: ("研发费用(高企口径)", "研究开发费用总额", "高企研发费用", "研发费用(高企)"),
    Metric.RD_DEDUCTION: ("研发费用(加计扣除口径)", "加计扣除研发费用", "研发费用加计扣除额", "研发费用(加计扣除)"),
    Metric.RD_STATISTICS: ("研发费用(统计口径)", "R&D经费支出", "研发费用(统计)", "R&D经费", "研究与试验发展经费"),
    Metric.RD_IN_CHINA: ("境内研发费用", "境内研究开发费用", "在中国境内发生的研究开发费用"),
    Metric.CASH_FLOW: ("经营活动现金流量净额", "经营活动产生的现金流量净额", "经营现金流"),
    Metric.EXPORT: ("出口额", "出口交货值", "出口总额"),
    Metric.EMPLOYEES: ("职工总数", "从业人员", "职工人数", "员工人数", "从业人数", "从业人员数"),
    Metric.RD_STAFF: ("科技人员", "科技人员数", "研发人员", "研发人员数"),
}  # fmt: skip
_MAY_BE_NEGATIVE = frozenset({Metric.NET_ASSETS, Metric.NET_PROFIT, Metric.CASH_FLOW, Metric.TAX})


def metric_rule(metric: Metric) -> Rule:
    """The rule of a yearly figure. 「研发费用」 alone names no definition and is therefore not recognised."""
    if not metric.is_money:
        return Rule(metric.value, metric.label, fields.count, _METRIC_HEADINGS[metric])
    parse = fields.money if metric in _MAY_BE_NEGATIVE else fields.positive_money
    return Rule(metric.value, metric.label, parse, _METRIC_HEADINGS[metric], unit="万元")


METRICS: tuple[Rule, ...] = tuple(metric_rule(metric) for metric in Metric)
FIGURES: tuple[Rule, ...] = (*FIRM, YEAR, *METRICS, SOURCE, ON)

IP: tuple[Rule, ...] = (
    *FIRM,
    Rule("kind", N_("知识产权类别"),
         fields.one_of(IpKind, {"发明": IpKind.INVENTION, "实用新型专利": IpKind.UTILITY_MODEL, "外观专利": IpKind.DESIGN,
                                "外观设计专利": IpKind.DESIGN, "软著": IpKind.SOFTWARE, "软件": IpKind.SOFTWARE,
                                "计算机软件著作权": IpKind.SOFTWARE, "集成电路布图设计": IpKind.CIRCUIT_LAYOUT}),
         ("知识产权类别", "类别", "知识产权类型", "类型", "专利类型"), is_required=True),
    Rule("acquisition", N_("获得方式"),
         fields.one_of(Acquisition, {"自主": Acquisition.OWN, "自有": Acquisition.OWN, "原始取得": Acquisition.OWN,
                                     "转让": Acquisition.ASSIGNED, "购买": Acquisition.ASSIGNED}),
         ("获得方式", "取得方式", "来源方式")),
    Rule("count", N_("件数"), fields.count, ("件数", "数量", "个数", "拥有量", "有效数"), is_required=True),
    Rule("counted_on", N_("统计日期"), fields.day, ("统计日期", "截止日期", "日期", "截至日期"), is_required=True),
    SOURCE,
)  # fmt: skip

EQUITY: tuple[Rule, ...] = (
    *FIRM,
    Rule("on", N_("到位日期"), fields.day, ("到位日期", "融资日期", "日期", "交割日期", "投资日期"), is_required=True),
    Rule("investor", N_("投资方"), fields.text(120), ("投资方", "投资机构", "投资人", "出资方"), is_required=True),
    Rule("kind", N_("融资类别"),
         fields.one_of(EquityKind, {"VC": EquityKind.VENTURE, "创投": EquityKind.VENTURE, "PE": EquityKind.PRIVATE_EQUITY,
                                    "私募": EquityKind.PRIVATE_EQUITY, "产业投资": EquityKind.STRATEGIC,
                                    "政府引导基金": EquityKind.GOVERNMENT, "其他": EquityKind.OTHER}),
         ("融资类别", "融资类型", "类别", "投资类型", "类型"), is_required=True),
    Rule("paid_in_yuan", N_("到位金额"), fields.positive_money,
         ("到位金额", "实缴金额", "融资金额", "金额", "投资金额", "实到金额"), unit="万元"),
    SOURCE,
)  # fmt: skip

CONTACTS: tuple[Rule, ...] = (
    *FIRM,
    Rule("person", N_("联系人"), fields.text(60), ("联系人", "姓名", "联系人姓名", "负责人", "对接人"), is_required=True,
         is_personal=True),
    Rule("position", N_("职务"), fields.text(60), ("职务", "岗位", "职位")),
    Rule("phone", N_("电话"), fields.phone, ("电话", "联系电话", "手机", "手机号", "手机号码", "联系方式", "电话号码")),
    Rule("email", N_("邮箱"), fields.mail, ("邮箱", "电子邮箱", "email", "e-mail", "邮件")),
    Rule("is_primary", N_("主要联系人"), fields.yes_no, ("主要联系人", "是否主要", "第一联系人")),
    Rule("purpose", N_("用途"), fields.text(120), ("用途", "留存用途", "目的", "收集目的")),
)  # fmt: skip

PAST: tuple[Rule, ...] = (
    Rule("on", N_("日期"), fields.day,
         ("日期", "时间", "走访日期", "走访时间", "发生日期", "活动日期", "联系日期", "跟进日期", "会议日期", "date"),
         is_required=True),
    *FIRM,
    Rule("kind", N_("类型"), past.kind,
         ("类型", "类别", "方式", "形式", "走访方式", "跟进方式", "活动类型", "记录类型", "kind")),
    Rule("summary", N_("内容"), past.summary,
         ("内容", "经过", "情况", "走访内容", "走访情况", "主要内容", "具体内容", "沟通内容", "跟进内容", "跟进情况", "会议内容",
          "活动内容", "记录", "走访记录", "跟进记录", "summary"),
         is_required=True, is_long=True),
    Rule("people", N_("走访人"), past.people,
         ("走访人", "经办人", "走访人员", "走访干部", "我方人员", "记录人", "跟进人", "联系干部", "参加人员", "参加人", "by")),
    Rule("their_people", N_("对方人员"), fields.text(200),
         ("对方人员", "对方", "企业人员", "企业参加人员", "企业联系人", "接待人", "接待人员", "受访人", "对接人"), is_personal=True),
    Rule("place", N_("地点"), fields.text(120), ("地点", "走访地点", "会议地点", "活动地点", "place")),
    Rule("step", N_("下一步"), fields.text(200),
         ("下一步", "下步", "下一步工作", "下一步计划", "下一步安排", "下步计划", "后续工作", "后续安排", "待办", "待办事项", "next step")),
    Rule("due_on", N_("下一步日期"), fields.day,
         ("下一步日期", "下一步时间", "计划日期", "计划完成日期", "完成时限", "办结时限", "下次联系日期", "下次走访日期", "截止日期")),
    Rule("owner", N_("下一步责任人"), fields.text(60),
         ("下一步责任人", "下一步负责人", "责任人", "办理人", "承办人", "owner")),
)  # fmt: skip

INSTITUTION_NAME = Rule("name", N_("机构名称"), fields.text(120), ("机构名称",), is_required=True)


@dataclass(frozen=True, slots=True)
class SheetType:
    """What the import is told of a kind of sheet. How its rows are compared and written is the `Target` of the same
    kind (`actions.targets`); the rows of the registry are firms themselves and have none.

    `permission` is needed besides `base`, which opens the import. `stands_alone`: its rows are records of their own, not
    facts of firms; its target is a `Whole`. `is_private`: a staged list is its importer's alone, and its cells go
    once they are written. `shown` are the columns the preview tells of a row beside its firm. `asks`: comparing a row
    may leave questions besides which firm it means; the answers stand in its values under ``answers``.
    """

    columns: Sequence[Rule]
    permission: str
    is_private: bool = False
    shown: tuple[str, ...] = ()
    asks: bool = False
    base: str = "firm:import"
    stands_alone: bool = False

    @property
    def has_money(self) -> bool:
        return any(rule.unit for rule in self.columns)


SHEETS: dict[SheetKind, SheetType] = {
    SheetKind.REGISTRY: SheetType(REGISTRY, "firm:edit"),
    SheetKind.FIGURES: SheetType(FIGURES, "figure:edit"),
    SheetKind.IP: SheetType(IP, "figure:edit"),
    SheetKind.EQUITY: SheetType(EQUITY, "figure:edit"),
    SheetKind.CONTACTS: SheetType(CONTACTS, "firm:edit", is_private=True),
    SheetKind.ACTIVITIES: SheetType(
        PAST, "activity:add", shown=("on", "kind", "people", "summary", "step", "due_on", "owner"), asks=True
    ),
}  # slot SHEETS: the factory adds certifications and projects, which the ladder and the pipeline own


OPENS = (
    "firm:import",
    "project:edit",
)  # one of these opens the import; which sheets it takes is said by each


def reached(viewer: Actor) -> list[SheetKind]:
    """The sheets whose imports the viewer works with at all."""
    return [sheet for sheet, kind in SHEETS.items() if viewer.may(kind.base)]


def may_import(viewer: Actor, sheet: SheetKind) -> bool:
    """Whether the viewer may bring in such a sheet."""
    kind = SHEETS.get(sheet)
    return kind is not None and viewer.may(kind.base) and viewer.may(kind.permission)


def columns_of(sheet: SheetKind) -> Sequence[Rule]:
    """The columns of a sheet; none when nobody takes it."""
    return SHEETS[sheet].columns if sheet in SHEETS else ()


def rules_of(sheet: SheetKind) -> dict[str, Rule]:
    """The rules of a sheet by field name."""
    return {rule.name: rule for rule in SHEETS[sheet].columns}

"""The vocabulary of the registry: states, figures, IP, money rounds. Pure."""

from __future__ import annotations

from crm.core.words import N_, Word


class FirmStatus(Word):
    ACTIVE = "active", N_("在营")
    MOVED_IN = "moved-in", N_("迁入")
    MOVED_OUT = "moved-out", N_("迁出")
    CLOSED = "closed", N_("注销")


PRESENT = frozenset({FirmStatus.ACTIVE, FirmStatus.MOVED_IN})


class SizeClass(Word):
    """工信部联企业〔2011〕300号."""

    LARGE = "large", N_("大型")
    MEDIUM = "medium", N_("中型")
    SMALL = "small", N_("小型")
    MICRO = "micro", N_("微型")


class LeadingIndustry(Word):
    """主导产业 of the plan of 2019; the default of a setting."""

    SMART_EQUIPMENT = "smart-equipment", N_("智能装备")
    LIFE_HEALTH = "life-health", N_("生命健康")
    OTHER = "other", N_("其他产业")


class NameKind(Word):
    FORMER = "former", N_("曾用名")
    ALIAS = "alias", N_("常见写法")


class Metric(Word):
    """Yearly figures. Money in whole yuan, people in persons. The three R&D definitions are never mixed (policy.md § 1.1)."""

    REVENUE = "revenue_yuan", N_("营业收入")
    MAIN_REVENUE = "main_revenue_yuan", N_("主营业务收入")
    HIGH_TECH_INCOME = "high_tech_income_yuan", N_("高新技术产品(服务)收入")
    TOTAL_INCOME = "total_income_yuan", N_("总收入")
    OUTPUT = "output_yuan", N_("工业总产值")
    ASSETS = "assets_yuan", N_("资产总额")
    NET_ASSETS = "net_assets_yuan", N_("净资产")
    LIABILITIES = "liabilities_yuan", N_("负债总额")
    NET_PROFIT = "net_profit_yuan", N_("净利润")
    TAX = "tax_yuan", N_("实缴税金")
    COST = "cost_yuan", N_("成本费用支出总额")
    RD_HIGH_TECH = "rd_high_tech_yuan", N_("研发费用(高企口径)")
    RD_DEDUCTION = "rd_deduction_yuan", N_("研发费用(加计扣除口径)")
    RD_STATISTICS = "rd_statistics_yuan", N_("研发费用(统计口径)")
    RD_IN_CHINA = "rd_in_china_yuan", N_("境内研发费用")
    CASH_FLOW = "cash_flow_yuan", N_("经营活动现金流量净额")
    EXPORT = "export_yuan", N_("出口额")
    EMPLOYEES = "employees", N_("职工总数")
    RD_STAFF = "rd_staff", N_("科技人员")

    @property
    def is_money(self) -> bool:
        return self.value.endswith("_yuan")


class IpKind(Word):
    """Class I and II as in 国科发火〔2016〕195号."""

    INVENTION = "invention", N_("发明专利")
    PLANT_VARIETY = "plant-variety", N_("植物新品种")
    CROP_VARIETY = "crop-variety", N_("国家级农作物品种")
    NEW_DRUG = "new-drug", N_("国家新药")
    CHINESE_MEDICINE = "chinese-medicine", N_("国家一级中药保护品种")
    CIRCUIT_LAYOUT = "circuit-layout", N_("集成电路布图设计专有权")
    UTILITY_MODEL = "utility-model", N_("实用新型")
    DESIGN = "design", N_("外观设计")
    SOFTWARE = "software", N_("软件著作权")

    @property
    def ip_class(self) -> int:
        """1 or 2."""
        return 2 if self in (IpKind.UTILITY_MODEL, IpKind.DESIGN, IpKind.SOFTWARE) else 1


class Acquisition(Word):
    OWN = "own", N_("自主研发")
    ASSIGNED = "assigned", N_("受让")
    DONATED = "donated", N_("受赠")
    MERGED = "merged", N_("并购")
    UNKNOWN = "unknown", N_("未注明")


class EquityKind(Word):
    VENTURE = "venture", N_("创业投资")
    PRIVATE_EQUITY = "private-equity", N_("私募股权")
    STRATEGIC = "strategic", N_("战略投资")
    GOVERNMENT = "government", N_("政府基金")
    OTHER = "other-equity", N_("其他股权融资")


class InstitutionLevel(Word):
    NATIONAL = "national", N_("国家级")
    PROVINCIAL = "provincial", N_("省级")
    CITY = "city", N_("市级")
    DISTRICT = "district", N_("区级")
    OWN = "firm", N_("企业自建")


class SheetKind(Word):
    """What a spreadsheet of the registry holds."""

    REGISTRY = "registry", N_("企业名录")
    FIGURES = "figures", N_("年度数据")
    IP = "ip", N_("知识产权")
    EQUITY = "equity", N_("股权融资")
    CONTACTS = "contacts", N_("联系人")
    CERTIFICATIONS = "certifications", N_("证书")
    ACTIVITIES = "activities", N_("以往动态")
    PROJECTS = "projects", N_("招商项目")
    LISTING = "listing", N_("上市后备")


class ImportMode(Word):
    CREATE = "create", N_("只新增")
    UPDATE = "update", N_("只更新")
    BOTH = "both", N_("新增并更新")


class RowOutcome(Word):
    NEW = "new", N_("新增")
    CHANGED = "changed", N_("变更")
    SAME = "same", N_("相同")
    DOUBTFUL = "doubtful", N_("存疑")
    REFUSED = "refused", N_("退回")


class BatchState(Word):
    """A staged batch (import or published list), from upload to undo."""

    PARSING = "parsing", N_("读取中")
    READY = "ready", N_("待核对")
    WRITING = "writing", N_("写入中")
    DONE = "done", N_("已写入")
    REFUSED = "batch-refused", N_("已退回")
    CANCELLED = "cancelled", N_("已取消")
    UNDONE = "undone", N_("已撤销")


class Act(Word):
    """What is done to firms, as the audit names it."""

    REGISTER = "firm.register", N_("登记企业")
    EDIT = "firm.edit", N_("修改企业")
    RENAME = "firm.rename", N_("企业更名")
    MOVE = "firm.move", N_("变更企业状态")
    ARCHIVE = "firm.archive", N_("归档企业")
    RESTORE = "firm.restore", N_("恢复企业")
    NAME_ADD = "firm.name-add", N_("添加企业别名")
    NAME_DROP = "firm.name-drop", N_("删除企业别名")
    CONTACT_SAVE = "firm.contact-save", N_("保存联系人")
    CONTACT_DROP = "firm.contact-drop", N_("删除联系人")
    CONTACT_REVEAL = "firm.contact-reveal", N_("查看联系方式")
    CONTACT_KEEP = "firm.contact-keep", N_("确认联系人还要用")
    CONTACT_EXPORT = "firm.contact-export", N_("导出联系人")
    PERSON_FIND = "firm.person-find", N_("查找一个人的信息")
    PERSON_EXPORT = "firm.person-export", N_("导出一个人的信息")
    PERSON_ERASE = "firm.person-erase", N_("抹去一个人的信息")
    FIGURES_SET = "firm.figures-set", N_("填报年度数据")
    IP_SET = "firm.ip-set", N_("填报知识产权")
    EQUITY_SAVE = "firm.equity-save", N_("登记股权融资")
    EQUITY_DROP = "firm.equity-drop", N_("删除股权融资")
    INSTITUTION_SAVE = "firm.institution-save", N_("登记研发机构")
    INSTITUTION_DROP = "firm.institution-drop", N_("删除研发机构")
    ABOVE_SCALE_SET = "firm.above-scale-set", N_("标记规上")
    DISTINGUISH = "firm.distinguish", N_("认定不是同一家")
    BULK_SET = "firm.bulk-set", N_("批量修改企业")
    EXPORT = "firm.export", N_("导出企业")
    IMPORT_READ = "firm.import-read", N_("读取导入文件")
    IMPORT_DECIDE = "firm.import-decide", N_("核对导入")
    IMPORT_WRITE = "firm.import", N_("导入企业数据")
    IMPORT_DROP = "firm.import-drop", N_("放弃导入")
    IMPORT_UNDO = "firm.import-undo", N_("撤销导入")
    COLUMNS_KEEP = "firm.columns-keep", N_("记住列的对应")
    COLUMNS_FORGET = "firm.columns-forget", N_("忘掉列的对应")

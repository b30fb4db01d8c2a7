"""The vocabulary of investment projects. Pure."""

from __future__ import annotations

from crm.core.words import C_, N_, Word


class Stage(Word):
    """From a lead to full production (policy.md § 7.1), in their order."""

    LEAD = "lead", N_("线索")
    QUALIFIED = "qualified", N_("研判")
    NEGOTIATION = "negotiation", N_("洽谈")
    SITE_VISIT = "site-visit", C_("stage", "考察")
    REVIEW = "review", N_("评审")
    SIGNED = "signed", N_("签约")
    REGISTERED = "registered", C_("stage", "注册")
    PERMITS = "permits", N_("供地/审批")
    CONSTRUCTION = "construction", N_("开工")
    COMPLETED = "completed", N_("竣工")
    PRODUCTION = "production", N_("投产")
    FULL_PRODUCTION = "full-production", N_("达产")

    @property
    def place(self) -> int:
        """How far along it is, from 0."""
        return ORDER[self]


ORDER = {stage: place for place, stage in enumerate(Stage)}


class State(Word):
    """Whether a project goes on. All but the first are side states, entered with a reason."""

    ACTIVE = "active", N_("推进中")
    PAUSED = "paused", N_("暂缓")
    LOST = "lost", N_("流失")
    TRANSFERRED = "transferred", N_("流转")
    ENDED = "ended", N_("终止")


GOING = frozenset({State.ACTIVE, State.PAUSED})  # somebody is still in charge
OVER = frozenset(State) - GOING


class Source(Word):
    """Where a lead comes from."""

    CHAMBER = "chamber", N_("商会")
    REFERRAL = "referral", N_("企业引荐")
    FAIR = "fair", N_("展会")
    VISIT = "own-visit", N_("自访")
    ABOVE = "from-above", N_("上级")
    OTHER = "other-source", C_("source", "其他")


class Origin(Word):
    """Where an investor, or money, comes from (policy.md § 7.4)."""

    ABROAD = "abroad", N_("境外")
    PROVINCE = "other-province", N_("省外")
    CITY = "other-city", N_("省内市外")
    LOCAL = "local", N_("本市")


class InvestorKind(Word):
    FORTUNE_500 = "fortune-500", N_("世界500强")
    LEADER = "industry-leader", N_("行业龙头")
    MULTINATIONAL = "multinational", N_("跨国公司")
    HIGH_TECH = "high-tech", N_("高新技术企业")
    HIDDEN_CHAMPION = "hidden-champion", N_("隐形冠军")
    RETURNING = "returning", N_("返乡温商")
    OTHER = "other-investor", C_("investor", "其他")


class ChainRole(Word):
    """What a project does for the industry chain (policy.md § 7.5)."""

    BUILD = "build", N_("建链")
    EXTEND = "extend", N_("延链")
    FILL = "fill", N_("补链")
    STRENGTHEN = "strengthen", N_("强链")


class Headquarters(Word):
    """总部 of the plan: comprehensive, regional, R&D."""

    COMPREHENSIVE = "comprehensive", N_("综合性总部")
    REGIONAL = "regional", N_("地区总部")
    RD = "rd-headquarters", N_("研发机构")


class Confidentiality(Word):
    """Who may see a project besides those who may see all."""

    ZONE = "zone", N_("全区可见")
    UNIT = "unit", N_("相关单位可见")
    TEAM = "team", N_("仅专班可见")


class Currency(Word):
    CNY = "CNY", N_("人民币")
    USD = "USD", N_("美元")
    EUR = "EUR", N_("欧元")
    HKD = "HKD", N_("港元")
    JPY = "JPY", N_("日元")
    GBP = "GBP", N_("英镑")


class PaymentKind(Word):
    """What money in place is (policy.md § 7.4)."""

    CAPITAL = "registered-capital", N_("注册资本")
    FIXED = "fixed-investment", N_("固定资产投资")
    EQUITY = "equity", N_("股权转让")
    LOAN = "loan", N_("借款")


class ClaimCause(Word):
    """Why somebody holds a lead, or why it was let go."""

    REPORTED = "reported", N_("首报")
    CLAIMED = "claimed", C_("claim", "认领")
    DECIDED = "decided", N_("裁定")
    HANDED_OVER = "handed-over", N_("移交")
    RELEASED = "released", N_("放回线索池")


class Decision(Word):
    """How a dispute about a first report was decided."""

    STANDS = "stands", N_("维持首报")
    MOVES = "moves", N_("改由另一方跟进")
    SHARED = "shared", N_("共同跟进")


class Evidence(Word):
    """What a document on a project proves."""

    FEASIBILITY = "feasibility", N_("项目研判材料")
    MINUTES = "review-minutes", N_("评审会议纪要")
    CONTRACT = "contract", N_("投资协议")
    FAIR_COMPETITION = "fair-competition", N_("公平竞争审查")
    FILING = "project-filing", N_("项目备案或核准")
    LAND = "land-or-lease", N_("土地出让或租赁合同")
    CONSTRUCTION_PERMIT = "construction-permit", N_("施工许可证")
    ACCEPTANCE = "acceptance", N_("竣工验收")
    PRODUCTION = "production-proof", N_("投产证明")
    FULL_PRODUCTION = "full-production-proof", N_("达产证明")
    OTHER = "other-evidence", C_("evidence", "其他")


class Colour(Word):
    """A light, always shown with its word."""

    GREEN = "green", N_("绿灯")
    YELLOW = "yellow", N_("黄灯")
    RED = "red", N_("红灯")
    OUT = "out", N_("出库")


class Act(Word):
    """What is done to projects, as the audit names it."""

    REPORT = "project.report", N_("登记线索")
    EDIT = "project.edit", N_("修改项目")
    MOVE = "project.move", N_("推进项目")
    ASIDE = "project.aside", N_("项目暂缓或退出")
    RESUME = "project.resume", N_("项目重新推进")
    APPOINT = "project.appoint", N_("定领导和专班")
    HAND_OVER = "project.hand-over", N_("交接项目")
    PORTFOLIO = "project.hand-over-all", N_("整体交接名下项目")
    MEMBERS = "project.members", N_("调整成员单位")
    WAIVE = "project.waive", N_("说明暂无法确定或免去")
    UNWAIVE = "project.unwaive", N_("取消说明")
    EVIDENCE = "project.evidence", N_("登记佐证")
    EVIDENCE_DROP = "project.evidence-drop", N_("收起佐证")
    CLAIM = "project.claim", N_("认领线索")
    RELEASE = "project.release", N_("放回线索池")
    DISPUTE = "project.dispute", N_("提出争议")
    DECIDE = "project.decide", N_("裁定争议")
    FEEDBACK = "project.feedback", N_("登记反馈")
    PAY = "project.pay", N_("登记到位资金")
    PAY_CHECK = "project.pay-check", N_("核定到位资金")
    PAY_WITHDRAW = "project.pay-withdraw", N_("收回到位资金")
    COUNT = "project.count", N_("核定计数")
    UNCOUNT = "project.uncount", N_("撤销计数")
    FREEZE = "project.freeze", N_("冻结月份")
    LINK = "project.link-firm", N_("关联企业")
    ARCHIVE = "project.archive", N_("归档项目")
    RESTORE = "project.restore", N_("恢复项目")
    NEAR = "project.look-alikes", N_("查看相近线索")
    EXPORT = "project.export", N_("导出项目")
    IMPORT = "project.import", N_("导入项目")

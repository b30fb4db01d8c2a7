"""The vocabulary of the listing reserve. Pure."""

from __future__ import annotations

from crm.core.words import C_, N_, Word


class Stage(Word):
    """From the reserve to the listing (policy.md § 6.1), in their order."""

    RESERVE = "reserve", N_("后备入库")
    DUE_DILIGENCE = "due-diligence", N_("尽调规范")
    REFORM = "reform", N_("股改")
    TUTORING = "tutoring", N_("辅导备案")
    TUTORED = "tutoring-accepted", N_("辅导验收")
    ACCEPTED = "accepted", N_("报会")
    INQUIRY = "inquiry", N_("问询")
    COMMITTEE = "committee", N_("上市委审议")
    SUBMITTED = "registration-submitted", N_("提交注册")
    EFFECTIVE = "effective", N_("注册生效")
    LISTED = "listed", N_("已上市")


class State(Word):
    """Whether a candidate goes on. All but the first are side states, entered with a reason."""

    ACTIVE = "active", N_("推进中")
    SUSPENDED = "suspended", N_("中止")
    WITHDRAWN = "withdrawn", C_("listing", "撤回")
    REFUSED = "refused-listing", N_("否决")
    ENDED = "ended", C_("listing", "终止")


GOING = frozenset({State.ACTIVE, State.SUSPENDED})


class Board(Word):
    MAIN = "main", N_("沪深主板")
    STAR = "star", N_("科创板")
    CHINEXT = "chinext", N_("创业板")
    BSE = "bse", N_("北交所")
    OVERSEAS = "overseas", N_("境外")


class Market(Word):
    """A market on the way, which is no listing: NEEQ 新三板 by layer, the regional market (policy.md § 6.1)."""

    NEEQ_BASIC = "neeq-basic", N_("新三板基础层")
    NEEQ_INNOVATIVE = "neeq-innovative", N_("新三板创新层")
    REGIONAL = "regional", N_("区域性股权市场")


class IntermediaryKind(Word):
    SPONSOR = "sponsor", N_("保荐机构")
    LAWYER = "law-firm", N_("律师事务所")
    AUDITOR = "audit-firm", N_("会计师事务所")
    VALUER = "valuer", N_("评估机构")


class Evidence(Word):
    """What a document of a candidate proves (policy.md § 6.1, column 进入凭证)."""

    RESERVE_LIST = "reserve-list", N_("后备名单文号")
    AGREEMENTS = "agreements", N_("中介机构协议")
    LICENCE = "joint-stock-licence", N_("股份公司营业执照")
    TUTORING_FILING = "tutoring-filing", N_("辅导备案受理")
    TUTORING_LETTER = "tutoring-letter", N_("辅导验收工作完成函")
    ACCEPTANCE = "acceptance-notice", N_("交易所受理通知")
    INQUIRY = "inquiry-letter", N_("首轮问询函")
    COMMITTEE = "committee-result", N_("上市委审议结果")
    SUBMISSION = "submission-notice", N_("提交注册公告")
    APPROVAL = "registration-approval", N_("注册批复")
    LISTING = "listing-notice", N_("上市公告")
    OTHER = "other-listing", C_("evidence", "其他")


FILING = frozenset(
    {
        Evidence.ACCEPTANCE, Evidence.INQUIRY, Evidence.COMMITTEE, Evidence.SUBMISSION, Evidence.APPROVAL,
        Evidence.LISTING,
    }
)  # fmt: skip
"""Documents of one application: an application that was gone back from leaves none for the next one."""


class HolderKind(Word):
    FOUNDER = "founder", N_("创始人与实际控制人")
    STAFF = "staff", N_("员工持股")
    OUTSIDE = "outside", N_("外部投资方")
    STATE = "state-owned", N_("国有股东")
    OTHER = "other-holder", C_("holder", "其他")


class Act(Word):
    """What is done to candidates, as the audit names it."""

    ENTER = "listing.enter", N_("入上市后备库")
    EDIT = "listing.edit", N_("修改上市后备")
    MOVE = "listing.move", N_("推进上市后备")
    ASIDE = "listing.aside", N_("上市后备暂缓或退出")
    RESUME = "listing.resume", N_("上市后备重新推进")
    BOARD = "listing.board", N_("更换上市板块")
    PLAN = "listing.plan", N_("设定上市计划日期")
    PROVE = "listing.evidence", N_("登记上市凭证")
    PROOF_DROP = "listing.evidence-drop", N_("收起上市凭证")
    EXCUSE = "listing.excuse", N_("说明上市缺项")
    UNEXCUSE = "listing.unexcuse", N_("取消上市缺项说明")
    INTERMEDIARY = "listing.intermediary", N_("登记中介机构")
    OBSTACLE = "listing.obstacle", N_("登记一企一策难题")
    OBSTACLE_DONE = "listing.obstacle-done", N_("办结一企一策难题")
    MARKET = "listing.market", N_("登记挂牌")
    HOLDING = "listing.holding", N_("登记股权结构")
    PRIORITY = "listing.priority", N_("改定优先培育")
    ARCHIVE = "listing.archive", N_("归档上市后备")
    RESTORE = "listing.restore", N_("恢复上市后备")
    IMPORT = "listing.import", N_("导入上市后备")
    EXPORT = "listing.export", N_("导出上市后备")

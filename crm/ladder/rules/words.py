"""The vocabulary of the ladder. Pure."""

from __future__ import annotations

from crm.core.words import N_, Word


class Stage(Word):
    """Cultivation stages of the plan; the mapping is a setting the science bureau confirms (policy.md § 5)."""

    MICRO_GROWTH = "micro-growth", N_("微成长")
    SMALL_TO_HIGH_TECH = "small-to-high-tech", N_("小升高")
    HIGH_TECH_SCALE_UP = "high-tech-scale-up", N_("高壮大")
    SCALED_UP = "scaled-up", N_("已壮大")


class ApplicationStep(Word):
    POTENTIAL = "potential", N_("潜在")
    NURTURING = "nurturing", N_("培育中")
    APPLYING = "applying", N_("申报中")
    ACCEPTED = "accepted", N_("已受理")
    PUBLICISED = "publicised", N_("公示中")
    GRANTED = "granted", N_("已认定")
    FAILED = "failed", N_("未通过")
    DROPPED = "dropped", N_("放弃申报")


OPEN_STEPS = (
    ApplicationStep.POTENTIAL,
    ApplicationStep.NURTURING,
    ApplicationStep.APPLYING,
    ApplicationStep.ACCEPTED,
    ApplicationStep.PUBLICISED,
)


class EndCause(Word):
    """Why a certification ended before its last day."""

    REVOKED = "revoked", N_("取消资格")
    MOVED_OUT = "moved-away", N_("整体迁出")
    CLOSED = "firm-closed", N_("企业注销")
    REPLACED = "replaced", N_("被新证书替代")
    ENTERED_WRONGLY = "entered-wrongly", N_("登记有误")


class TagOutcome(Word):
    MATCHED = "matched", N_("已匹配")
    DOUBTFUL = "doubtful", N_("待确认")
    UNMATCHED = "unmatched", N_("未匹配")
    REFUSED = "refused", N_("退回")


class TagDecision(Word):
    ACCEPTED = "accepted-firm", N_("确认为该企业")
    NEW_FIRM = "new-firm", N_("新建企业")
    SKIPPED = "skipped", N_("跳过")
    RETURNED = "returned", N_("退回名单")


class KindGroup(Word):
    """What certification kinds are sorted under."""

    HIGH_TECH = "high-tech", N_("高新技术企业")
    SME = "sme", N_("科技型中小企业")
    QUALITY_SME = "quality-sme", N_("优质中小企业")
    GROWTH = "growth", N_("高成长与领军")
    CAPITAL = "capital", N_("股改与上市")
    RD_INSTITUTION = "rd-institution", N_("研发机构")


class KindLevel(Word):
    NATIONAL = "national", N_("国家级")
    PROVINCIAL = "provincial", N_("省级")
    CITY = "city", N_("市级")


class CountsFor(Word):
    """What a title counts for on the ladder."""

    SME = "sme", N_("完成微成长")
    HIGH_TECH = "high-tech", N_("完成小升高")
    SCALE_UP = "scale-up", N_("完成高壮大")
    BADGE = "badge", N_("只作标识，不算阶段")


class RowResult(Word):
    """What writing a published list made of a row."""

    GRANTED = "row-granted", N_("已登记")
    RENEWED = "row-renewed", N_("已续期")
    SAME = "row-same", N_("此前已登记")
    NOT_WRITTEN = "not-written", N_("未写入")


class Act(Word):
    """What is done on the ladder, as the audit names it."""

    GRANT = "certification.grant", N_("登记证书")
    END = "certification.end", N_("终止证书")
    REOPEN = "certification.reopen", N_("撤销证书终止")
    CORRECT = "certification.correct", N_("更正证书")
    APPLICATION_OPEN = "application.open", N_("开始跟踪申报")
    APPLICATION_ADVANCE = "application.advance", N_("推进申报")
    REPORT = "ladder.report", N_("登记高企年报")
    UNREPORT = "ladder.unreport", N_("撤回登记的高企年报")
    TAG_READ = "tag.read", N_("读取公布名单")
    TAG_MATCH = "tag.match", N_("比对公布名单")
    TAG_DECIDE = "tag.decide", N_("核对公布名单")
    TAG_WRITE = "tag.write", N_("写入公布名单")
    TAG_DROP = "tag.drop", N_("放弃公布名单")
    TAG_UNDO = "tag.undo", N_("撤销公布名单")
    TAG_FILE = "tag.export", N_("导出未匹配名单")
    EXPORT = "ladder.export", N_("导出培育梯队")

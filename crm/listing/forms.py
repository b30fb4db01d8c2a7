"""Forms of the listing reserve: what was typed, readable or not. Whether it is allowed is for the rules."""

from __future__ import annotations

import datetime as dt

from wtforms import HiddenField

from crm.activities.rules.days import read_day as day_in_words
from crm.core.clock import today
from crm.core.forms import ChoiceField, Form, RuledField, RuledText, VersionedForm, options, word_choices
from crm.core.i18n import lazy_gettext as _l
from crm.core.pipeline import WaiverKind
from crm.core.words import C_, N_
from crm.ladder.rules.fields import line, read_day, read_day_needed
from crm.listing.rules.holders import read_holders
from crm.listing.rules.words import Board, Evidence, IntermediaryKind, Market, Stage, State

DAY = {"type": "date"}


def _due(typed: str) -> dt.date | None:
    return day_in_words(typed, today())


def _on(label: str = N_("日期")) -> RuledField:
    return RuledField(label, read_day_needed, is_required=True, render_kw=DAY)


class EnterForm(Form):
    board = ChoiceField(N_("目标板块"), choices=word_choices(Board, N_("未定")))
    officer = ChoiceField(N_("金融专员"))
    on = _on(N_("入库日期"))
    note = RuledText(N_("备注"), line(500), render_kw={"rows": 3})


class EditForm(VersionedForm):
    officer = ChoiceField(N_("金融专员"))
    stock_code = RuledField(N_("证券代码"), line(10))
    priority = ChoiceField(
        N_("优先培育"),
        choices=options([("", _l("按规则判定")), ("yes", _l("人工定为优先")), ("no", _l("人工定为不优先"))]),
    )
    priority_reason = RuledField(N_("改定原因"), line(200))
    note = RuledText(N_("备注"), line(500), render_kw={"rows": 3})


class MoveForm(VersionedForm):
    stage = ChoiceField(N_("移到"), choices=word_choices(Stage), is_required=True)
    on = _on()
    reason = RuledField(N_("原因（退回必填）"), line(300))


class AsideForm(VersionedForm):
    state = ChoiceField(
        N_("转为"),
        choices=options([(s.value, _l(s.label)) for s in State if s is not State.ACTIVE]),
        is_required=True,
    )
    on = _on()
    reason = RuledField(N_("原因"), line(300), is_required=True)


class ResumeForm(VersionedForm):
    on = _on()
    reason = RuledField(N_("原因"), line(300), is_required=True)


class BoardForm(VersionedForm):
    board = ChoiceField(N_("目标板块"), choices=word_choices(Board, N_("未定")))
    on = _on()
    reason = RuledField(N_("原因"), line(300))


class ReasonForm(VersionedForm):
    reason = RuledField(N_("原因"), line(200), is_required=True)


class EvidenceForm(Form):
    kind = ChoiceField(N_("凭证类别"), choices=word_choices(Evidence), is_required=True)
    on = _on()
    reference = RuledField(N_("文号或说明"), line(200))
    attachment = ChoiceField(C_("evidence", "这里的文件"))


class WaiverForm(Form):
    kind = ChoiceField(N_("怎么说明"), choices=word_choices(WaiverKind), is_required=True)
    reason = RuledField(N_("原因"), line(200), is_required=True)
    until_on = RuledField(N_("预计哪天前能确定"), read_day, render_kw=DAY)


class PlanForm(VersionedForm):
    was_on = HiddenField()  # what the form was filled from, for the conflict page
    stage = ChoiceField(N_("上市阶段"), choices=word_choices(Stage), is_required=True)
    on = RuledField(N_("计划日期（留空取消）"), read_day, render_kw=DAY)


class IntermediaryForm(Form):
    kind = ChoiceField(N_("机构类别"), choices=word_choices(IntermediaryKind), is_required=True)
    name = RuledField(N_("机构名称"), line(120), is_required=True)
    person = RuledField(N_("负责人"), line(60))
    phone = RuledField(N_("电话"), line(40))
    from_on = _on(N_("进场日期"))


class LeaveForm(Form):
    on = _on(N_("退出日期"))


class ObstacleForm(Form):
    text = RuledText(N_("难题"), line(300), is_required=True, render_kw={"rows": 3})
    owner = ChoiceField(N_("责任人"), is_required=True)
    unit = ChoiceField(N_("责任单位"), is_required=True)
    due_on = RuledField(N_("办结期限"), _due, is_required=True)


class SettleForm(VersionedForm):
    on = _on(N_("办结日期"))
    outcome = RuledText(N_("怎么办结的"), line(300), is_required=True, render_kw={"rows": 3})


class MarketForm(Form):
    market = ChoiceField(N_("市场"), choices=word_choices(Market), is_required=True)
    code = RuledField(N_("证券代码"), line(10))
    from_on = _on(N_("挂牌日期"))
    to_on = RuledField(N_("结束日期"), read_day, render_kw=DAY)


class HoldersForm(VersionedForm):
    was_holders = HiddenField()
    on = _on(N_("截止日期"))
    holders = RuledText(N_("股东"), read_holders, is_required=True, render_kw={"rows": 8})

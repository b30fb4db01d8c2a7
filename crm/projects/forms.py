"""Forms of projects: what was typed, readable or not. Whether it is allowed is for the rules."""

from __future__ import annotations

import datetime as dt
from typing import Any

from wtforms import BooleanField, HiddenField, SelectMultipleField

from crm.activities.rules.days import read_day as day_in_words
from crm.core.clock import today
from crm.core.forms import ChoiceField, Form, RuledField, RuledText, VersionedForm, options, word_choices
from crm.core.i18n import lazy_gettext as _l
from crm.core.pipeline import WaiverKind
from crm.core.words import C_, N_, Word
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.rules.fields import line, read_day, read_day_needed
from crm.projects.rules.columns import BY_NAME, amount, rate, whole
from crm.projects.rules.words import (
    OVER,
    ChainRole,
    Confidentiality,
    Currency,
    Decision,
    Evidence,
    Headquarters,
    InvestorKind,
    Origin,
    PaymentKind,
    Source,
    Stage,
    State,
)

DAY = {"type": "date"}
WORDS: dict[str, type[Word]] = {
    "source": Source,
    "origin": Origin,
    "investor_kind": InvestorKind,
    "leading_industry": LeadingIndustry,
    "chain_role": ChainRole,
    "headquarters": Headquarters,
    "confidentiality": Confidentiality,
    "currency": Currency,
}
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "project": (
        N_("项目"),
        ("name", "investor", "investor_code", "controller", "investor_kind", "product", "confidentiality", "note"),
    ),
    "money": (
        N_("投资与产出"),
        (
            "total_yuan", "agreed_yuan", "fixed_yuan", "output_yuan", "tax_yuan", "headquarters", "is_innovative",
            "currency", "foreign_total", "rate_micros", "rate_on",
        ),
    ),
    "place": (N_("土地与厂房"), ("land_m2", "plant_m2")),
    "origin": (
        N_("来源与产业"),
        (
            "source", "source_note", "origin", "origin_place", "leading_industry", "industry_code", "chain_role",
            "chain_node",
        ),
    ),
}  # fmt: skip
MONEY = ("total_yuan", "agreed_yuan", "fixed_yuan", "output_yuan", "tax_yuan")


def _ruled(name: str) -> RuledField:
    rule = BY_NAME[name]
    kwargs: dict[str, Any] = {"render_kw": DAY} if name == "rate_on" else {}
    kind = RuledText if rule.is_long else RuledField
    return kind(  # type: ignore[return-value]
        rule.label,
        rule.judge,
        is_required=rule.is_required,
        unit=N_("万元") if name in MONEY else None,
        **kwargs,
    )


def _choice(name: str, empty: str | None = N_("未填")) -> ChoiceField:
    rule = BY_NAME[name]
    return ChoiceField(rule.label, choices=word_choices(WORDS[name], empty), is_required=rule.is_required)


class ProjectForm(VersionedForm):
    """All facts of a project; a page keeps the section it shows."""

    name = _ruled("name")
    investor = _ruled("investor")
    investor_code = _ruled("investor_code")
    controller = _ruled("controller")
    investor_kind = _choice("investor_kind")
    product = _ruled("product")
    confidentiality = _choice("confidentiality", None)
    note = _ruled("note")
    total_yuan = _ruled("total_yuan")
    agreed_yuan = _ruled("agreed_yuan")
    fixed_yuan = _ruled("fixed_yuan")
    output_yuan = _ruled("output_yuan")
    tax_yuan = _ruled("tax_yuan")
    headquarters = _choice("headquarters", N_("不是总部"))
    is_innovative = ChoiceField(
        BY_NAME["is_innovative"].label, choices=options([("", _l("否")), ("yes", _l("是"))])
    )
    currency = _choice("currency", None)
    foreign_total = _ruled("foreign_total")
    rate_micros = _ruled("rate_micros")
    rate_on = _ruled("rate_on")
    land_m2 = _ruled("land_m2")
    plant_m2 = _ruled("plant_m2")
    source = _choice("source", None)
    source_note = _ruled("source_note")
    origin = _choice("origin")
    origin_place = _ruled("origin_place")
    leading_industry = _choice("leading_industry")
    industry_code = _ruled("industry_code")
    chain_role = _choice("chain_role")
    chain_node = _ruled("chain_node")

    @property
    def facts(self) -> dict[str, Any]:
        """The columns of `EDITABLE` the form has, as the rules read them."""
        found = {name: value for name, value in self.values().items() if name in BY_NAME}
        for name, words in WORDS.items():
            if found.get(name) is not None:
                found[name] = words(found[name])
        if "is_innovative" in found:
            found["is_innovative"] = found["is_innovative"] == "yes"
        return found


def keep(form: Form, names: tuple[str, ...]) -> None:
    """Cut a form to these fields."""
    for name in [field.name for field in form if field.name not in (*names, "version")]:
        del form[name]


def _due(typed: str) -> dt.date | None:
    return day_in_words(typed, today())


class LeadForm(Form):
    """A lead: who, what, where from, the next step and its day."""

    investor = _ruled("investor")
    name = _ruled("name")
    source = ChoiceField(BY_NAME["source"].label, choices=word_choices(Source), is_required=True)
    step = RuledField(N_("下一步"), line(200, is_needed=True), is_required=True)
    due_on = RuledField(N_("别的日子"), _due)
    quick = HiddenField()
    firm = HiddenField()
    confidentiality = _choice("confidentiality", None)
    product = _ruled("product")
    total_yuan = _ruled("total_yuan")
    investor_code = _ruled("investor_code")
    controller = _ruled("controller")
    source_note = _ruled("source_note")
    is_another = BooleanField(_l("已知这个投资方，这是另一个项目"))

    @property
    def quick_day(self) -> dt.date | None:
        """The day of the button that was tapped."""
        try:
            return dt.date.fromisoformat(self.quick.data or "")
        except ValueError:
            return None


class MoveForm(VersionedForm):
    stage = ChoiceField(N_("移到"), choices=word_choices(Stage), is_required=True)
    on = RuledField(N_("日期"), read_day_needed, is_required=True, render_kw=DAY)
    reason = RuledField(N_("原因（退回必填）"), line(300))


class AsideForm(VersionedForm):
    state = ChoiceField(
        N_("转为"),
        choices=options([(s.value, _l(s.label)) for s in State if s is State.PAUSED or s in OVER]),
        is_required=True,
    )
    on = RuledField(N_("日期"), read_day_needed, is_required=True, render_kw=DAY)
    reason = RuledField(N_("原因"), line(300), is_required=True)


class ResumeForm(VersionedForm):
    on = RuledField(N_("日期"), read_day_needed, is_required=True, render_kw=DAY)
    reason = RuledField(N_("原因"), line(300), is_required=True)


class ChargeForm(VersionedForm):
    leader = ChoiceField(N_("牵头领导"), is_required=True)
    lead_unit = ChoiceField(N_("牵头单位"), is_required=True)
    liaison = ChoiceField(N_("联络员"), is_required=True)
    agent = ChoiceField(N_("代办员"), is_required=True)
    members = SelectMultipleField(_l("成员单位"))
    on = RuledField(N_("从哪天起"), read_day_needed, is_required=True, render_kw=DAY)
    reason = RuledField(N_("原因（更换时必填）"), line(300))


class DisputeForm(Form):
    text = RuledText(
        N_("为什么是您先谈的"), line(500, is_needed=True), is_required=True, render_kw={"rows": 4}
    )


class DecisionForm(Form):
    decision = ChoiceField(N_("裁定"), choices=word_choices(Decision), is_required=True)
    text = RuledText(N_("裁定的理由"), line(500, is_needed=True), is_required=True, render_kw={"rows": 4})


class PortfolioForm(Form):
    """Everything a person has in hand goes to somebody else."""

    from_user = ChoiceField(N_("由谁交出"), is_required=True)
    to_user = ChoiceField(N_("由谁接手"), is_required=True)
    reason = RuledField(N_("原因"), line(300), is_required=True)


class WaiverForm(Form):
    kind = ChoiceField(N_("怎么说明"), choices=word_choices(WaiverKind), is_required=True)
    reason = RuledField(N_("原因"), line(200), is_required=True)
    until_on = RuledField(N_("预计哪天前能确定"), read_day, render_kw=DAY)


class EvidenceForm(Form):
    kind = ChoiceField(N_("佐证类别"), choices=word_choices(Evidence), is_required=True)
    on = RuledField(N_("日期"), read_day_needed, is_required=True, render_kw=DAY)
    attachment = ChoiceField(C_("evidence", "项目里的文件"))
    reference = RuledField(N_("文号或说明"), line(200))


class LinkForm(VersionedForm):
    firm = RuledField(N_("企业编号"), line(20))


class ReasonForm(VersionedForm):
    reason = RuledField(N_("原因"), line(200), is_required=True)


class PaymentForm(Form):
    """Money in place: 万元, or foreign money with the rate of its day."""

    on = RuledField(N_("到位日期"), read_day_needed, is_required=True, render_kw=DAY)
    kind = ChoiceField(N_("资金类别"), choices=word_choices(PaymentKind), is_required=True)
    origin = ChoiceField(N_("资金来源"), choices=word_choices(Origin), is_required=True)
    yuan = RuledField(N_("到位金额"), amount, unit=N_("万元"))
    currency = ChoiceField(N_("币种"), choices=word_choices(Currency), is_required=True)
    foreign = RuledField(N_("外币金额"), whole)
    rate_micros = RuledField(N_("当日汇率"), rate)
    attachment = ChoiceField(N_("凭证文件"))
    reference = RuledField(N_("凭证号"), line(200))


class IncreaseForm(VersionedForm):
    original = RuledField(N_("原项目编号"), line(20))


class FreezeForm(Form):
    month = RuledField(N_("月份"), line(7), is_required=True, render_kw={"type": "month"})

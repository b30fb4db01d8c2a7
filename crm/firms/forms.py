"""Forms of the registry. Each field is judged by the same rule as a spreadsheet's cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask_wtf.file import FileField
from wtforms import TextAreaField

from crm.core.forms import ChoiceField, Form, RuledField, RuledText, VersionedForm, word_choices
from crm.core.i18n import lazy_gettext as _l
from crm.core.words import N_
from crm.firms.rules import columns, fields
from crm.firms.rules.fields import Rule
from crm.firms.rules.words import (
    Acquisition,
    EquityKind,
    FirmStatus,
    ImportMode,
    InstitutionLevel,
    IpKind,
    LeadingIndustry,
    Metric,
    NameKind,
    SheetKind,
    SizeClass,
)

REGISTRY = {rule.name: rule for rule in columns.REGISTRY}
EQUITY = {rule.name: rule for rule in columns.EQUITY}
CONTACTS = {rule.name: rule for rule in columns.CONTACTS}


def judged(rule: Rule, label: str | None = None, *, required: bool | None = None, lines: bool = False) -> Any:
    """A form field under a sheet's rule."""
    needed = rule.is_required if required is None else required
    chosen = Rule(rule.name, rule.label, rule.parse, rule.headings, needed, rule.unit)
    make = RuledText if lines else RuledField
    return make(label or rule.label, lambda typed: chosen.judge(typed), is_required=needed, unit=rule.unit)


def _own(name: str, label: str, parse: fields.Parse, *, required: bool = False, lines: bool = False) -> Any:
    return judged(Rule(name, label, parse, is_required=required), lines=lines)


class FirmForm(VersionedForm):
    """The facts of a firm. A new one and an edited one show the same fields; renaming has its own form."""

    name = judged(columns.NAME)
    code = judged(columns.CODE)
    former_names = judged(REGISTRY["former_names"])
    registered_on = judged(REGISTRY["registered_on"])
    capital = judged(REGISTRY["capital"])
    size_class = ChoiceField(N_("企业规模"), choices=word_choices(SizeClass, N_("未填")))
    leading_industry = ChoiceField(N_("主导产业"), choices=word_choices(LeadingIndustry))
    industry_code = judged(REGISTRY["industry_code"])
    street = ChoiceField(N_("街道"))
    address = judged(REGISTRY["address"])
    officer = ChoiceField(N_("服务专员"))
    business = judged(REGISTRY["business"], lines=True)
    source = _own("source", N_("来源"), fields.text(80))
    source_number = judged(REGISTRY["source_number"])

    @property
    def facts(self) -> dict[str, Any]:
        """Columns of the fields this form still has, ready for the actions."""
        found: dict[str, Any] = {}
        for field in self:
            if field.name in ("version", "name", "former_names"):
                continue
            if field.name == "capital":
                capital = field.value or fields.Capital(None, None)
                found.update(capital_yuan=capital.yuan, capital_text=capital.text)
            elif field.name in ("street", "officer"):
                found[f"{field.name}_id"] = int(field.value) if field.value else None
            elif field.name == "size_class":
                found["size_class"] = SizeClass(field.value) if field.value else None
            elif field.name == "leading_industry":
                found["leading_industry"] = LeadingIndustry(field.value or LeadingIndustry.OTHER)
            else:
                found[field.name] = field.value
        return found


# the sections of a record that are edited in place
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "registration": (N_("工商登记"), ("code", "registered_on", "capital", "size_class", "address")),
    "trade": (N_("产业"), ("leading_industry", "industry_code", "business")),
    "service": (N_("属地与服务"), ("street", "officer")),
    "source": (N_("来源"), ("source", "source_number")),
}


def keep(form: Form, names: Sequence[str]) -> None:
    """Leave only these fields and the version in a form."""
    for name in [field.name for field in form]:
        if name not in names and name != "version":
            del form[name]


class RenameForm(VersionedForm):
    name = judged(columns.NAME, N_("新名称"))
    on = _own("on", N_("更名日期"), fields.day, required=True)


class NameForm(VersionedForm):
    name = judged(columns.NAME, N_("名称"))
    kind = ChoiceField(N_("类别"), choices=word_choices(NameKind), is_required=True)
    until_on = _own("until_on", N_("用到哪一天"), fields.day)


class MoveForm(VersionedForm):
    status = ChoiceField(N_("新状态"), choices=word_choices(FirmStatus), is_required=True)
    on = _own("on", N_("日期"), fields.day, required=True)
    reason = _own("reason", N_("原因"), fields.text(200), required=True)


class ReasonForm(VersionedForm):
    reason = _own("reason", N_("原因"), fields.text(200), required=True)


class ContactForm(VersionedForm):
    name = judged(CONTACTS["person"], N_("姓名"))
    position = judged(CONTACTS["position"])
    phone = judged(CONTACTS["phone"])
    email = judged(CONTACTS["email"])
    is_primary = ChoiceField(N_("主要联系人"), choices=[("", _l("否")), ("yes", _l("是"))])
    purpose = judged(CONTACTS["purpose"])


class PersonForm(Form):
    """Whom to find: one of the three is enough."""

    name = _own("name", N_("姓名"), fields.text(60))
    phone = judged(CONTACTS["phone"])
    email = judged(CONTACTS["email"])

    @property
    def typed(self) -> dict[str, Any]:
        return {
            "name": self.name.value or "",
            "phone": self.phone.value or "",
            "mail": self.email.value or "",
        }


class FiguresForm(VersionedForm):
    """A year's figures: money in 万元, missing left empty."""

    source = judged(columns.SOURCE, N_("数据来源"), required=True)
    on = judged(columns.ON)


for _metric in Metric:
    setattr(FiguresForm, _metric.value, judged(columns.metric_rule(_metric)))


class IpForm(Form):
    counted_on = _own("counted_on", N_("统计日期"), fields.day, required=True)
    source = judged(columns.SOURCE)


for _kind in IpKind:
    setattr(IpForm, _kind.value.replace("-", "_"), _own(_kind.value, _kind.label, fields.count))


class IpRowForm(VersionedForm):
    """One count, got in a way other than one's own work."""

    kind = ChoiceField(N_("知识产权类别"), choices=word_choices(IpKind), is_required=True)
    acquisition = ChoiceField(N_("获得方式"), choices=word_choices(Acquisition), is_required=True)
    count = _own("count", N_("件数"), fields.count)
    counted_on = _own("counted_on", N_("统计日期"), fields.day, required=True)
    source = judged(columns.SOURCE)


class EquityForm(VersionedForm):
    on = judged(EQUITY["on"])
    investor = judged(EQUITY["investor"])
    kind = ChoiceField(N_("融资类别"), choices=word_choices(EquityKind), is_required=True)
    paid_in_yuan = judged(EQUITY["paid_in_yuan"])
    source = judged(columns.SOURCE)


class InstitutionForm(VersionedForm):
    name = judged(columns.INSTITUTION_NAME)
    kind = _own("kind", N_("机构类别"), fields.text(60))
    level = ChoiceField(N_("级别"), choices=word_choices(InstitutionLevel), is_required=True)
    recognised_on = _own("recognised_on", N_("认定日期"), fields.day, required=True)
    ended_on = _own("ended_on", N_("撤销日期"), fields.day)
    document = _own("document", N_("文号"), fields.text(120))


class AboveScaleForm(VersionedForm):
    year = judged(columns.YEAR)
    is_above = ChoiceField(N_("规上"), choices=[("yes", _l("是")), ("no", _l("不是"))], is_required=True)
    is_industrial = ChoiceField(
        N_("口径"), choices=[("yes", _l("工业")), ("no", _l("其他行业"))], is_required=True
    )
    source = judged(columns.SOURCE)


class UploadForm(Form):
    sheet = ChoiceField(N_("表的内容"), choices=word_choices(SheetKind), is_required=True)
    mode = ChoiceField(
        N_("怎么写入"), choices=word_choices(ImportMode), is_required=True, default=ImportMode.BOTH.value
    )
    file = FileField(_l("文件"))
    pasted = TextAreaField(_l("或者把表格粘贴在这里"))
    source = _own("source", N_("来源名称"), fields.text(80))
    within = _own("within", N_("只要地址在"), fields.text(200))


Fill = Callable[[], None]

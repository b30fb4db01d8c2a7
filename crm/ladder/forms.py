"""Forms of the ladder: what was typed, readable or not. Whether it is allowed is for the rules."""

from __future__ import annotations

from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField

from crm.core.forms import ChoiceField, Form, RuledField, RuledText, VersionedForm, options
from crm.core.i18n import language
from crm.core.i18n import lazy_gettext as _l
from crm.core.words import N_
from crm.ladder.rules.fields import line, pasted, read_day, read_day_needed
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.words import OPEN_STEPS, ApplicationStep, EndCause

DAY = {"type": "date"}


def kind_choices(empty: str | None = None) -> list[tuple[str, Any]]:
    """The kinds in the reader's language."""
    first: list[tuple[str, Any]] = [("", _l(empty))] if empty else []
    english = language() == "en"
    return first + [(kind.code, kind.name.en if english else kind.name.zh) for kind in KINDS.values()]


class KindForm(Form):
    """A form with a choice of certification kinds."""

    kind = ChoiceField(N_("证书类型"), is_required=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = options(kind_choices(N_("请选择")))


class ListForm(KindForm):
    """A published list: a file or pasted rows."""

    file = FileField(_l("名单文件"))
    text = RuledText(N_("或者粘贴名单"), pasted, render_kw={"rows": 6})
    title = RuledField(N_("名单标题"), line(200))
    document = RuledField(N_("文号"), line(120))
    published_on = RuledField(N_("公布日期"), read_day, render_kw=DAY)
    granted_on = RuledField(N_("发证日期（名单未列时）"), read_day, render_kw=DAY)
    again = BooleanField(_l("同一个文件已经标记过，仍要再核对一次"))


class GrantForm(KindForm):
    """One certificate of one firm."""

    number = RuledField(N_("证书编号"), line(80))
    granted_on = RuledField(N_("发证日期"), read_day_needed, is_required=True, render_kw=DAY)
    expires_on = RuledField(N_("有效期至"), read_day, render_kw=DAY)
    document = RuledField(N_("文号"), line(120))
    note = RuledField(N_("备注"), line(300))


class SelectionForm(KindForm):
    """One kind for several firms; the numbers one a firm, or none."""

    granted_on = RuledField(N_("发证日期"), read_day_needed, is_required=True, render_kw=DAY)
    expires_on = RuledField(N_("有效期至"), read_day, render_kw=DAY)
    document = RuledField(N_("文号"), line(120))


class RenewForm(VersionedForm):
    number = RuledField(N_("新证书编号"), line(80))
    granted_on = RuledField(N_("发证日期"), read_day_needed, is_required=True, render_kw=DAY)
    expires_on = RuledField(N_("有效期至"), read_day, render_kw=DAY)
    document = RuledField(N_("文号"), line(120))


class EndForm(VersionedForm):
    cause = ChoiceField(
        N_("终止类别"), choices=[(cause.value, _l(cause.label)) for cause in EndCause], is_required=True
    )
    on = RuledField(N_("自哪天起不再有效"), read_day, render_kw=DAY)
    reason = RuledField(N_("原因"), line(200), is_required=True)


class ReasonForm(VersionedForm):
    reason = RuledField(N_("原因"), line(200), is_required=True)


class CorrectForm(VersionedForm):
    number = RuledField(N_("证书编号"), line(80))
    granted_on = RuledField(N_("发证日期"), read_day_needed, is_required=True, render_kw=DAY)
    expires_on = RuledField(N_("有效期至"), read_day, render_kw=DAY)
    document = RuledField(N_("文号"), line(120))
    note = RuledField(N_("备注"), line(300))
    reason = RuledField(N_("更正原因"), line(200), is_required=True)


class FollowForm(KindForm):
    """Start following a firm, or several, towards a title."""

    step = ChoiceField(
        N_("到了哪一步"), choices=[(step.value, _l(step.label)) for step in OPEN_STEPS], is_required=True
    )
    on = RuledField(N_("日期"), read_day_needed, is_required=True, render_kw=DAY)
    batch = RuledField(N_("申报批次"), line(80))
    reason = RuledField(N_("说明"), line(300))


class StepForm(VersionedForm):
    step = ChoiceField(
        N_("下一步"),
        choices=[
            (step.value, _l(step.label)) for step in ApplicationStep if step is not ApplicationStep.GRANTED
        ],
        is_required=True,
    )
    on = RuledField(N_("日期"), read_day_needed, is_required=True, render_kw=DAY)
    batch = RuledField(N_("申报批次"), line(80))
    reason = RuledField(N_("原因（退回、未通过、放弃时必填）"), line(300))


__all__ = [
    "CorrectForm", "EndForm", "FollowForm", "GrantForm", "ListForm", "ReasonForm", "RenewForm", "SelectionForm",
]  # fmt: skip

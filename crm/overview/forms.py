"""Forms of the roof: a section of settings, made of what is declared; why an old value is put back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from crm.core.forms import ChoiceField, Form, RuledField, RuledText, VersionedForm, options
from crm.core.i18n import lazy_gettext
from crm.core.settings import Setting
from crm.core.words import N_, Refused
from crm.ladder.rules.fields import line, read_day_needed


class HolidayForm(Form):
    """A day that differs from its weekday."""

    on = RuledField(N_("日期"), read_day_needed, is_required=True, render_kw={"type": "date"})
    is_workday = ChoiceField(
        N_("怎么算"),
        choices=options([("no", lazy_gettext("放假")), ("yes", lazy_gettext("上班"))]),
        is_required=True,
    )
    name = RuledField(N_("什么日子"), line(40, is_needed=True), is_required=True)


class ManyField(SelectMultipleField):
    """Several of some choices, also none; `field.value` is what the setting makes of them."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _field(setting: Setting[Any]) -> Any:
    pairs = options((value, lazy_gettext(label)) for value, label in setting.options)
    if setting.kind == "choices":
        return ManyField(lazy_gettext(setting.label), choices=pairs)
    if setting.options:
        return ChoiceField(setting.label, choices=pairs, is_required=True)
    return RuledField(
        setting.label,
        setting.read,
        is_required=setting.kind == "number",
        render_kw={"autocomplete": "off"},
    )


def section_form(settings: Sequence[Setting[Any]]) -> type[VersionedForm]:
    """A form class with a field for each setting, and ``was_…`` beside it: what the form was filled from."""
    fields: dict[str, Any] = {}
    for setting in settings:
        fields[setting.name] = _field(setting)
        fields[f"was_{setting.name}"] = HiddenField()
    return type("SectionForm", (VersionedForm,), fields)


def text_of(form: VersionedForm, setting: Setting[Any]) -> str:
    """What was typed or chosen for a setting, as one text."""
    data = form[setting.name].data
    return ",".join(data) if isinstance(data, list) else data or ""


def value_of(form: VersionedForm, setting: Setting[Any]) -> Any:
    """The value the form gives a setting; the form has been validated."""
    return setting.read(text_of(form, setting))


def _reason(typed: str) -> str:
    text = " ".join(typed.split())
    if len(text) > 200:
        raise Refused(N_("太长了。"))
    return text


class RestoreForm(VersionedForm):
    reason = RuledText(N_("原因"), _reason)

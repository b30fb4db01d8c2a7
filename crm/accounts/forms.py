"""Forms of accounts: what was typed, readable or not. Whether it is allowed is for the rules."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, PasswordField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from crm.accounts.rules import GIVEN_TO_PERSONS, Role, UnitKind
from crm.accounts.rules.fields import (
    read_day,
    read_day_needed,
    read_email,
    read_name,
    read_reason,
    read_short_name,
    read_unit_name,
    read_username,
)
from crm.core.forms import ChoiceField, Form, RuledField, VersionedForm, options, word_choices
from crm.core.i18n import lazy_gettext as _l
from crm.core.words import N_

REQUIRED = _l("请填写这一项。")


class SignInForm(Form):
    username = StringField(_l("用户名"), validators=[DataRequired(REQUIRED)])
    password = PasswordField(_l("口令"), validators=[DataRequired(REQUIRED)])


class CodeForm(Form):
    code = StringField(_l("验证码"), validators=[DataRequired(REQUIRED)])


class AgainForm(Form):
    current = PasswordField(_l("现在的口令"), validators=[DataRequired(REQUIRED), Length(max=4096)])


class EmailForm(VersionedForm):
    """Where one's own mails go, with the password: a stolen session must not turn them elsewhere."""

    email = RuledField(N_("邮箱"), read_email)
    current = PasswordField(_l("现在的口令"), validators=[DataRequired(REQUIRED), Length(max=4096)])


class NewFactorForm(CodeForm):
    """Replacing a second factor: the password again, then the first code of the new one."""

    current = PasswordField(_l("现在的口令"), validators=[DataRequired(REQUIRED), Length(max=4096)])


class PasswordForm(Form):
    current = PasswordField(_l("现在的口令"), validators=[DataRequired(REQUIRED)])
    password = PasswordField(_l("新口令"), validators=[DataRequired(REQUIRED), Length(max=4096)])
    again = PasswordField(_l("再输一遍新口令"), validators=[DataRequired(REQUIRED)])


def as_id(field: Any) -> int | None:
    """The id a choice stands for; the choice itself has been checked against what was offered."""
    return int(field.data) if field.data else None


class PersonForm(VersionedForm):
    username = RuledField(N_("用户名"), read_username, is_required=True)
    name = RuledField(N_("姓名"), read_name, is_required=True)
    unit_id = ChoiceField(N_("单位"))
    email = RuledField(N_("邮箱"), read_email)


class CheckboxesField(SelectMultipleField):
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class RolesForm(VersionedForm):
    was_roles = HiddenField()  # what the form was filled from, for the conflict page
    was_extras = HiddenField()
    roles = CheckboxesField(_l("角色"), choices=word_choices(Role))
    extras = CheckboxesField(
        _l("授予本人的权限"),
        choices=options((item.value, _l(item.label)) for item in GIVEN_TO_PERSONS),
    )


class DeactivateForm(VersionedForm):
    reason = RuledField(N_("停用原因"), read_reason, is_required=True)


class UnitForm(VersionedForm):
    name = RuledField(N_("全称"), read_unit_name, is_required=True)
    short_name = RuledField(N_("简称"), read_short_name, is_required=True)
    kind = ChoiceField(N_("类别"), choices=word_choices(UnitKind), is_required=True)
    parent_id = ChoiceField(N_("上级单位"))
    starts_on = RuledField(N_("开始日期"), read_day, render_kw={"type": "date"})
    ends_on = RuledField(N_("结束日期"), read_day, render_kw={"type": "date"})
    successor_id = ChoiceField(N_("接续单位"))


class HeadForm(VersionedForm):
    user_id = ChoiceField(N_("负责人"))
    starts_on = RuledField(N_("从哪天起"), read_day_needed, is_required=True, render_kw={"type": "date"})


__all__ = [
    "AgainForm",
    "CodeForm",
    "DeactivateForm",
    "EmailForm",
    "HeadForm",
    "NewFactorForm",
    "PasswordForm",
    "PersonForm",
    "RolesForm",
    "SignInForm",
    "UnitForm",
    "as_id",
]

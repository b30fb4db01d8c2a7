"""Forms of accounts: what was typed, readable or not. Whether it is allowed is for the rules."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from crm.core.i18n import lazy_gettext as _l

REQUIRED = _l("请填写这一项。")


def plain(value: Any) -> Any:
    """Strip what people type around a text."""
    return value.strip() if isinstance(value, str) else value


class SignInForm(FlaskForm):  # type: ignore[misc]
    username = StringField(_l("用户名"), validators=[DataRequired(REQUIRED)])
    password = PasswordField(_l("口令"), validators=[DataRequired(REQUIRED)])


class PasswordForm(FlaskForm):  # type: ignore[misc]
    current = PasswordField(_l("现在的口令"), validators=[DataRequired(REQUIRED)])
    password = PasswordField(_l("新口令"), validators=[DataRequired(REQUIRED), Length(max=4096)])
    again = PasswordField(_l("再输一遍新口令"), validators=[DataRequired(REQUIRED)])

"""What a person wants to be told, and in which language."""

from __future__ import annotations

from wtforms import RadioField, SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from crm.core.forms import Form, options
from crm.core.i18n import LANGUAGES, lazy_gettext
from crm.core.reminders import Group


class PreferencesForm(Form):
    language = RadioField(lazy_gettext("邮件和页面的语言"), choices=options(LANGUAGES.items()))
    groups = SelectMultipleField(
        lazy_gettext("要提醒的内容"),
        choices=options((group.value, lazy_gettext(group.label)) for group in Group if group.can_be_muted),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

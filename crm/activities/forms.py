"""Forms of follow-up: what was typed, readable or not. Whether it is allowed is for the rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from wtforms import SelectMultipleField

from crm.activities.rules.days import read_day
from crm.activities.rules.words import ActivityKind
from crm.core.clock import today
from crm.core.forms import ChoiceField, Form, RuledField, RuledText, VersionedForm, options, word_choices
from crm.core.i18n import lazy_gettext as _l
from crm.core.i18n import word
from crm.core.words import N_


def _past(typed: str) -> dt.date | None:
    return read_day(typed, today(), is_past=True)


def _coming(typed: str) -> dt.date | None:
    return read_day(typed, today())


def _text(typed: str) -> str:
    return typed.replace("\x00", "").strip()


class PeopleField(SelectMultipleField):
    """Several colleagues; `value` is their ids."""

    @property
    def value(self) -> list[int]:
        return [int(item) for item in self.data or []]


class EntryForm(VersionedForm):
    """What happened."""

    kind = ChoiceField(N_("做了什么"), choices=word_choices(ActivityKind), is_required=True)
    on = RuledField(N_("哪一天"), _past, is_required=True)
    summary = RuledText(N_("经过"), _text, is_required=True)
    their_people = RuledField(N_("对方人员"), _text)
    place = RuledField(N_("地点"), _text)


class LogForm(EntryForm):
    """What happened, who was there, and what comes next."""

    also = RuledField(N_("同时关于"), _text)
    people = PeopleField(_l("同去的同事"))
    step = RuledField(N_("下一步"), _text)
    due_on = RuledField(N_("下一步哪一天前"), _coming)
    owner = ChoiceField(N_("由谁办"))

    def offer(self, people: Sequence[Any], me: int | None, kinds: Sequence[ActivityKind]) -> None:
        """Fill the choices: colleagues, the first owner being oneself; the kinds this person may log."""
        own = [("", _l("我自己"))]
        lines = [(str(key), f"{name} · {unit}" if unit else name) for key, name, unit in people if key != me]
        self.people.choices = lines
        self.owner.choices = options([*own, *lines])
        self.kind.choices = options([(kind.value, word(kind)) for kind in kinds])


class StepForm(Form):
    """A next step on its own."""

    step = RuledField(N_("下一步"), _text, is_required=True)
    due_on = RuledField(N_("哪一天前"), _coming)
    owner = ChoiceField(N_("由谁办"))

    def offer(self, people: Sequence[Any], me: int | None) -> None:
        lines = [(str(key), f"{name} · {unit}" if unit else name) for key, name, unit in people if key != me]
        self.owner.choices = options([("", _l("我自己")), *lines])


class FinishForm(VersionedForm):
    """A step is done; what follows it, where something has to."""

    outcome = RuledText(N_("结果"), _text)
    following = RuledField(N_("接下来做什么"), _text)
    following_on = RuledField(N_("接下来哪天前"), _coming)


class PutOffForm(VersionedForm):
    due_on = RuledField(N_("改到哪一天"), _coming, is_required=True)
    reason = RuledField(N_("原因"), _text, id="put-off-reason")


class HandOverForm(VersionedForm):
    owner = ChoiceField(N_("转给谁"), is_required=True)
    reason = RuledField(N_("原因"), _text, id="hand-over-reason")

    def offer(self, people: Sequence[Any], owner_id: int) -> None:
        lines = [
            (str(key), f"{name} · {unit}" if unit else name) for key, name, unit in people if key != owner_id
        ]
        self.owner.choices = options([("", _l("请选择")), *lines])


class WhyForm(VersionedForm):
    reason = RuledField(N_("原因"), _text, is_required=True, id="why")


class GiveUpForm(WhyForm):
    """A step is given up; what follows it, where something has to."""

    following = RuledField(N_("接下来做什么"), _text, id="drop-following")
    following_on = RuledField(N_("接下来哪天前"), _coming, id="drop-following-on")


class InstructForm(Form):
    """An instruction 批示: what, to whom, answered by which day."""

    summary = RuledText(N_("批示"), _text, is_required=True)
    owner = ChoiceField(N_("由谁答复"), is_required=True)
    due_on = RuledField(N_("哪一天前答复"), _coming, is_required=True)

    def offer(self, people: Sequence[Any], me: int | None) -> None:
        lines = [(str(key), f"{name} · {unit}" if unit else name) for key, name, unit in people if key != me]
        self.owner.choices = options([("", _l("请选择")), *lines])

"""Forms whose fields are judged by the rules: the same verdict, in the same words, as a spreadsheet's cell gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask import abort, request
from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import StopValidation

from crm.core.i18n import lazy_gettext, lazy_say, say
from crm.core.words import Conflict, Refused, Word

Judge = Callable[[str], Any]


class Ruled:
    """Mixed into a text field: `judge` gets what was typed and returns the value or raises `Refused`."""

    judge: Judge
    unit: str | None = None  # as the conflict page says it beside the text
    value: Any = None
    data: Any
    flags: Any

    def pre_validate(self, form: Any) -> None:
        typed = self.data or ""
        if len(typed) > 20_000:
            raise StopValidation(str(lazy_gettext("太长了。")))
        try:
            self.value = self.judge(typed)
        except Refused as refusal:
            raise StopValidation(say(refusal)) from None


class RuledField(Ruled, StringField):
    """One line of text judged by a rule; `field.value` is what the rule made of it."""

    def __init__(
        self, label: str, judge: Judge, *, is_required: bool = False, unit: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(lazy_say(label), **kwargs)
        self.judge, self.unit = judge, unit
        if is_required:
            self.flags.required = True


class RuledText(Ruled, TextAreaField):
    """Several lines of text judged by a rule."""

    def __init__(
        self, label: str, judge: Judge, *, is_required: bool = False, unit: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(lazy_say(label), **kwargs)
        self.judge, self.unit = judge, unit
        if is_required:
            self.flags.required = True


def options(pairs: Iterable[Any]) -> list[SelectChoice]:
    """(value, label) pairs as the choices of a select."""
    return [pair if isinstance(pair, SelectChoice) else SelectChoice(*pair) for pair in pairs]


class ChoiceField(SelectField):
    """A select whose empty choice is None; `field.value` is the chosen value. Choices are (value, label) pairs."""

    def __init__(self, label: str, *, choices: Any = (), is_required: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("coerce", str)
        super().__init__(lazy_say(label), choices=options(choices), validate_choice=True, **kwargs)
        if is_required:
            self.flags.required = True

    @property
    def value(self) -> str | None:
        return self.data or None

    def pre_validate(self, form: Any) -> None:
        """A choice that was not sent is the empty one."""
        self.data = self.data or ""
        if self.data not in {choice[0] for choice in self.iter_choices()}:
            raise StopValidation(str(lazy_gettext("请在列出的选项里选择。")))


def word_choices(words: type[Word], empty: str | None = None) -> list[SelectChoice]:
    """The members of an enum as choices, with an empty one first if it has a label."""
    first: list[tuple[str, Any]] = [("", lazy_say(empty))] if empty else []
    return options(first + [(member.value, lazy_say(member.label)) for member in words])


class Form(FlaskForm):  # type: ignore[misc]
    """The base of all forms. CSRF is checked once for the whole site, in front of the views."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = False

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """No form is ever sent as JSON: read as one it would end a deep body in RecursionError."""
            if request.is_json:
                abort(415)
            return super().wrap_formdata(form, formdata)

    def values(self) -> dict[str, Any]:
        """What the judged and chosen fields came to, by field name."""
        return {field.name: field.value for field in self if hasattr(field, "value")}

    http_status = 422  # of the answer when it could not be saved; 409 when others were quicker

    def refuse(self, refusal: Refused) -> str | None:
        """Put a refusal beside the field it names; returns its sentence when it belongs to none."""
        self.http_status = 409 if isinstance(refusal, Conflict) else 422
        if refusal.field and refusal.field in self._fields:
            field = self._fields[refusal.field]
            field.errors = [*field.errors, say(refusal)]
            return None
        return say(refusal)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._fields.values())


class VersionedForm(Form):
    """A form over a record that others may be editing too: carries the version it was filled from."""

    version = HiddenField()

    @property
    def version_seen(self) -> int:
        """The version as posted; 0, which no record has, when it is missing or not a number."""
        raw = str(self.version.raw_data[0]) if self.version.raw_data else ""
        return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0

"""Words that need a translation, and the one exception that says no. Pure: rules may import this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


def N_(text: str) -> str:
    """Mark a Chinese source string for the catalogue without translating it here."""
    return text


def C_(context: str, text: str) -> str:
    """Mark a string whose meaning needs a context (msgctxt); rendered by ``i18n.say``."""
    return f"{context}\x04{text}"


class Word(StrEnum):
    """An enum whose every member carries its label: ``MICRO = "micro-growth", N_("微成长")``."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        if not label:
            raise TypeError(f"{cls.__name__}.{value} has no label")
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """(value, untranslated label) pairs for a select field."""
        return [(member.value, member.label) for member in cls]


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence kept as source text and parameters, so that either language can read it."""

    text: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return fill(self.text, self.params)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as a parameter of a sentence; `i18n.say` writes it as the reader's language does."""

    yuan: int


@dataclass(frozen=True, slots=True)
class Named:
    """A name that a data file keeps in both languages; `i18n.say` and `word` pick the reader's."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh


class Refused(Exception):
    """The answer is no, and here is why. The only exception users' mistakes may raise.

    ``field`` names the form field or column at fault, ``items`` lists what is missing.
    """

    def __init__(
        self, text: str, /, *, field: str | None = None, items: Sequence[Message] = (), **params: Any
    ) -> None:
        super().__init__(text)
        self.text = text
        self.params = params
        self.field = field
        self.items = tuple(items)

    @property
    def message(self) -> Message:
        return Message(self.text, self.params)

    def __str__(self) -> str:
        return fill(self.text, self.params)


class Missing(Refused):
    """What was asked for does not exist, or may not be seen: the web answers 404."""


class Conflict(Refused):
    """Somebody else has changed the record since it was read: the web answers 409."""


class Later(Exception):
    """Not now, though it may well be right (so no form takes it for a mistake): the web answers 429 with
    ``Retry-After`` in `seconds`."""

    def __init__(self, text: str, /, *, seconds: int, **params: Any) -> None:
        super().__init__(text)
        self.message = Message(text, params)
        self.seconds = seconds


def fill(text: str, params: Mapping[str, Any]) -> str:
    """Put parameters into a ``%(name)s`` sentence; a sentence without parameters stays as it is."""
    plain = text.rpartition("\x04")[2]
    return plain % params if params else plain

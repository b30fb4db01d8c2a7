"""What can be set: key, label, kind, default, bounds, and who may change it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from crm.core.folding import fold
from crm.core.words import N_, Refused

T = TypeVar("T")
YES, NO = "yes", "no"
Options = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that are shown and saved together. `by` is the permission that may change them."""

    key: str
    label: str
    by: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One setting. `read` makes a value of a form's text and raises `Refused`; `options` are (value, label) pairs."""

    section: Section
    key: str
    label: str
    kind: str  # number, switch, choice, choices, text
    default: T
    read: Callable[[str], T]
    options: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        """The name of its form field."""
        return self.key.replace(".", "_").replace("-", "_")

    def text(self, value: Any) -> str:
        """A value as a form's text; several choices are joined by commas."""
        if isinstance(value, bool):
            return YES if value else NO
        if isinstance(value, frozenset | set | list | tuple):
            order = [key for key, _label in self.options]
            return ",".join(sorted((str(item) for item in value), key=lambda item: order.index(item)))
        return str(value)

    def plain(self, value: T) -> Any:
        """A value as JSON."""
        return (
            self.text(value).split(",")
            if self.kind == "choices" and value
            else []
            if self.kind == "choices"
            else value
        )

    def revive(self, stored: Any) -> T:
        """The value that was stored; the default when it is none any more (the bounds have moved since)."""
        try:
            return self.read(self.text(stored))
        except (Refused, ValueError):
            return self.default


DECLARED: dict[str, Setting[Any]] = {}


def sections() -> list[Section]:
    """The sections in the order they were declared."""
    return list(dict.fromkeys(setting.section for setting in DECLARED.values()))


def _declare(setting: Setting[T]) -> Setting[T]:
    if setting.key in DECLARED and DECLARED[setting.key].label != setting.label:
        raise RuntimeError(f"{setting.key} is declared twice")
    DECLARED[setting.key] = setting
    return setting


def number(
    section: Section,
    key: str,
    label: str,
    default: int,
    *,
    least: int,
    most: int,
    unit: str = "",
    hint: str = "",
) -> Setting[int]:
    """A whole number within bounds."""

    def read(typed: str) -> int:
        folded = fold(typed)
        if (
            not folded.isascii()
            or not folded.isdigit()
            or len(folded) > 9
            or not least <= int(folded) <= most
        ):
            raise Refused(N_("请填 %(least)s 到 %(most)s 的整数。"), least=least, most=most)
        return int(folded)

    return _declare(Setting(section, key, label, "number", default, read, unit=unit, hint=hint))


def switch(section: Section, key: str, label: str, default: bool, *, hint: str = "") -> Setting[bool]:
    """On or off."""
    options = ((YES, N_("是")), (NO, N_("否")))
    return _declare(
        Setting(
            section,
            key,
            label,
            "switch",
            default,
            lambda typed: _one_of(typed, options) == YES,
            options,
            hint=hint,
        )
    )


def choice(
    section: Section, key: str, label: str, default: str, options: Options, *, hint: str = ""
) -> Setting[str]:
    """One of several."""
    pairs = tuple(options)
    return _declare(
        Setting(section, key, label, "choice", default, lambda typed: _one_of(typed, pairs), pairs, hint=hint)
    )


def choices(
    section: Section,
    key: str,
    label: str,
    options: Options,
    *,
    default: frozenset[str] = frozenset(),
    hint: str = "",
) -> Setting[frozenset[str]]:
    """Any of several, also none."""
    pairs = tuple(options)

    def read(typed: str) -> frozenset[str]:
        return frozenset(_one_of(item, pairs) for item in typed.split(",") if item)

    return _declare(Setting(section, key, label, "choices", default, read, pairs, hint=hint))


def text(
    section: Section, key: str, label: str, default: str = "", *, most: int = 200, hint: str = ""
) -> Setting[str]:
    """A line of text."""

    def read(typed: str) -> str:
        line = " ".join("".join(char if char.isprintable() else " " for char in typed).split())
        if len(line) > most:
            raise Refused(N_("最多 %(n)s 个字。"), n=most)
        return line

    return _declare(Setting(section, key, label, "text", default, read, hint=hint))


def _one_of(typed: str, options: tuple[tuple[str, str], ...]) -> str:
    if typed not in {value for value, _label in options}:
        raise Refused(N_("请在列出的选项里选择。"))
    return typed

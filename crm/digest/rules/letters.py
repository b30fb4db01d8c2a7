"""A letter: what one person is told of one week, as codes and parameters that either language can read. Pure.

It is kept as plain JSON (`to_payload`) until it is sent; the same letter gives the same bytes whenever it is rendered.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crm.digest.rules.week import Week, read_week

MOST_LINES = 15  # of a group
MOST_SUMMED = 3  # of a group in a leader's summary
MOST_IN_ALL = 60  # a mail stays below 100 kB whatever its lines say


def limits(is_summary: bool) -> tuple[int, int]:
    """How many lines a mail holds: of a group, and in all."""
    return (MOST_SUMMED if is_summary else MOST_LINES), MOST_IN_ALL


@dataclass(frozen=True, slots=True)
class Item:
    """One line: the kind of reminder, the record it is about with its name, the parameters of its sentence, the code
    of its reason. `params` are plain JSON (`crm.core.sentences`); `once` is the key under which it is told once."""

    code: str
    kind: str
    subject_id: int
    name: str
    params: Mapping[str, Any]
    why: str
    due_on: dt.date | None = None
    once: str = ""
    link: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that stand together. `more` are those there is no room for; they stand on the person's page."""

    code: str
    items: tuple[Item, ...]
    more: int = 0

    @property
    def count(self) -> int:
        """What the head of the group says: the lines and those there was no room for."""
        return len(self.items) + self.more


@dataclass(frozen=True, slots=True)
class Letter:
    """What a person is told in a week's mail, true on `day`. `onces` are the keys of all that is told once, of the
    lines there was no room for too."""

    person_id: int
    person: str
    week: Week
    day: dt.date
    language: str
    groups: tuple[Group, ...]
    is_summary: bool = False
    onces: tuple[str, ...] = field(default=())

    @property
    def count(self) -> int:
        return sum(group.count for group in self.groups)

    def cut(self) -> Letter:
        """The letter as it is sent: of each group the first lines, in a leader's summary a few, and in all no more
        than a mail holds. The heads go on counting all of them."""
        (most, left), groups = limits(self.is_summary), []
        for group in self.groups:
            shown = group.items[: min(most, left)]
            left -= len(shown)
            groups.append(Group(group.code, shown, group.count - len(shown)))
        return replace(self, groups=tuple(groups))

    def to_payload(self) -> dict[str, Any]:
        """The letter as plain JSON."""
        return {
            "person_id": self.person_id, "person": self.person, "week": str(self.week), "day": self.day.isoformat(),
            "language": self.language, "is_summary": self.is_summary, "onces": list(self.onces),
            "groups": [
                {"code": group.code, "more": group.more, "items": [_packed(item) for item in group.items]}
                for group in self.groups
            ],
        }  # fmt: skip


def _packed(item: Item) -> dict[str, Any]:
    stored: dict[str, Any] = {
        "code": item.code, "kind": item.kind, "id": item.subject_id, "name": item.name,
        "params": dict(item.params), "why": item.why,
    }  # fmt: skip
    if item.due_on is not None:
        stored["due"] = item.due_on.isoformat()
    if item.once:
        stored["once"] = item.once
    if item.link is not None:
        stored["link"] = [item.link[0], dict(item.link[1])]
    return stored


def from_payload(stored: Mapping[str, Any]) -> Letter:
    """The letter that `to_payload` stored. Raises `KeyError` or `ValueError` for anything else."""
    groups = tuple(
        Group(group["code"], tuple(_unpacked(item) for item in group["items"]), group["more"])
        for group in stored["groups"]
    )
    return Letter(
        stored["person_id"], stored["person"], read_week(stored["week"]), dt.date.fromisoformat(stored["day"]),
        stored["language"], groups, stored["is_summary"], tuple(stored["onces"]),
    )  # fmt: skip


def _unpacked(stored: Mapping[str, Any]) -> Item:
    due, link = stored.get("due"), stored.get("link")
    return Item(
        stored["code"], stored["kind"], stored["id"], stored["name"], stored["params"], stored["why"],
        dt.date.fromisoformat(due) if due else None, stored.get("once", ""),
        (link[0], link[1]) if link else None,
    )  # fmt: skip

"""What the palette offers besides records: pages and actions, each declared once by its feature (slot PALETTE).

`ENTRIES` is filled by the factory. Matched by Chinese words, pinyin initials or full pinyin, and English, whatever
language the reader has chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask_babel import force_locale

from crm.core.folding import fold
from crm.core.i18n import say
from crm.core.permissions import Actor
from crm.core.pinyin import full, initials, is_term, position, sounded
from crm.core.words import C_, N_, Word

WHOLE = 100  # the score of what was meant by its whole name: it comes before records


class EntryKind(Word):
    PAGE = "page", N_("页面")
    ACTION = "action", C_("palette", "操作")


@dataclass(frozen=True, slots=True)
class Entry:
    """A page or an action. `needs` are the permissions of its route, of which one is enough; `words` are other
    words people use for it; `values` go into the address."""

    endpoint: str
    label: str
    icon: str
    needs: tuple[str, ...] = ()
    kind: EntryKind = EntryKind.PAGE
    words: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)


ENTRIES: list[Entry] = []  # filled by the factory


def allowed(viewer: Actor, entries: Iterable[Entry]) -> list[Entry]:
    """The entries a person may use."""
    return [entry for entry in entries if not entry.needs or any(viewer.may(need) for need in entry.needs)]


def matching(query: str, entries: Sequence[Entry]) -> list[tuple[int, Entry]]:
    """The entries a query means, the best first: (score up to `WHOLE`, entry). All of them for an empty query."""
    term = fold(query)
    if not term:
        return [(0, entry) for entry in entries]
    found = [(score, entry) for entry in entries if (score := _score(term, entry))]
    return sorted(found, key=lambda pair: -pair[0])


@lru_cache(maxsize=1000)
def _english(label: str) -> str:
    with force_locale("en"):
        return say(label)


def heard(term: str, text: str) -> int:
    """How well a folded term is the pinyin of a text: 3 its whole initials or spelling, 2 its beginning, 1 inside."""
    if not is_term(term):
        return 0
    spelt = (*initials(text), *full(text))
    if term in spelt:
        return 3
    if any(one.startswith(term) for one in spelt):
        return 2
    return 1 if position(term, sounded(text)) >= 0 else 0


def _score(term: str, entry: Entry) -> int:
    chinese, english = entry.label.rpartition("\x04")[2], _english(entry.label)
    names = [chinese, *entry.words]
    folded, said = [fold(name) for name in names], fold(english)
    if term in (folded[0], said):
        return WHOLE
    pinyin = [heard(term, name) for name in names]
    if pinyin[0] == 3 or term in folded[1:]:
        return WHOLE - 2
    if folded[0].startswith(term) or said.startswith(term):
        return 90
    if any(fold(word).startswith(term) for word in english.split()):
        return 80
    if any(term in name for name in folded):
        return 70
    if max(pinyin) >= 2:
        return 60
    if len(term) > 2 and term in said:
        return 40
    return 30 if any(pinyin) else 0

"""Which firms of a registry may be one and the same. Pure.

Only firms that share a block are compared (the same normalised or former name, organisation code, 字号, sound, or a 字号
with one character left out), and in a large block only neighbours, so that 100,000 firms take bounded time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz.distance import Indel

from crm.core.pinyin import readings
from crm.core.words import N_, Message
from crm.firms.rules.names import Parts, parts, same_region

BLOCK = 40  # firms of a block that are all compared with each other
WINDOW = 8  # in a larger block each is compared with so many that follow in order of name
CLOSE = 0.86  # likeness of two names that share their 字号, or nearly
SHOWN_FROM = 70
MOST = 20_000  # pairs kept, the surest


class Entry(NamedTuple):
    """A firm with its names and their keys (`names.normalise`): the present one first, then former and other ones."""

    id: int
    names: Sequence[tuple[str, str]]
    code: str | None
    street_id: int | None


@dataclass(slots=True)
class Pair:
    """Two firms that may be one: `low` < `high`, the score 0..100, why."""

    low: int
    high: int
    score: int = 0
    reasons: list[Message] = field(default_factory=list)


class _Name(NamedTuple):
    entry: Entry
    text: str
    key: str
    parts: Parts
    is_present: bool


def suspected(
    entries: Sequence[Entry],
    touched: frozenset[int] | None = None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> list[Pair]:
    """The pairs, the surest first. With `touched`, only those in which one of these firms stands."""
    blocks: dict[tuple[str, ...], list[_Name]] = {}
    for place, entry in enumerate(entries):
        if place % 5000 == 0:
            told(place, 2 * len(entries))
        for key, name in _blocks(entry):
            blocks.setdefault(key, []).append(name)
    found: dict[tuple[int, int], Pair] = {}
    for place, (key, members) in enumerate(blocks.items()):
        if place % 20_000 == 0:
            told(len(entries) + len(entries) * place // len(blocks), 2 * len(entries))
        if len(members) < 2 or (
            touched is not None and not any(name.entry.id in touched for name in members)
        ):
            continue
        for one, other in _compared(members):
            if one.entry.id == other.entry.id:
                continue
            if touched is not None and one.entry.id not in touched and other.entry.id not in touched:
                continue
            _judge(key[0], one, other, found)
    wanted = [pair for pair in found.values() if pair.score >= SHOWN_FROM]
    wanted.sort(key=lambda pair: (-pair.score, pair.low, pair.high))
    return wanted[:MOST]


def _blocks(entry: Entry) -> Iterator[tuple[tuple[str, ...], _Name]]:
    """What a firm is compared by."""
    seen: set[str] = set()
    for place, (text, key) in enumerate(entry.names):
        if not key or key in seen:
            continue
        seen.add(key)
        built = parts(text)
        name = _Name(entry, text, key, built, place == 0)
        yield ("key", key), name
        core, trade = built.core, built.trade
        if len(core) < 2:
            continue
        yield ("core", core), name
        sound = _sound(core)
        if sound:
            yield ("sound", sound, trade), name
        if len(core) > 2:
            for at in range(len(core)):
                yield ("near", core[:at] + core[at + 1 :], trade), name
        if place == 0 and entry.code and len(entry.code) == 18:
            yield ("code", entry.code[8:17]), name


def _sound(text: str) -> str:
    heard = [readings(char) for char in text]
    return " ".join(found[0] for found in heard) if all(heard) else ""


def _compared(members: list[_Name]) -> Iterable[tuple[_Name, _Name]]:
    if len(members) > BLOCK:
        members = sorted(members, key=lambda name: name.key)
        span = WINDOW
    else:
        span = len(members)
    for place, one in enumerate(members):
        for other in members[place + 1 : place + 1 + span]:
            yield one, other


def _judge(kind: str, one: _Name, other: _Name, found: dict[tuple[int, int], Pair]) -> None:
    codes = [name.entry.code for name in (one, other)]
    whole = all(code is not None and len(code) == 18 for code in codes)
    apart = whole and (codes[0] or "")[8:17] != (codes[1] or "")[8:17]
    verdict = _verdict(kind, one, other, apart)
    if verdict is None:
        return
    score, reason = verdict
    low, high = sorted((one.entry.id, other.entry.id))
    pair = found.setdefault((low, high), Pair(low, high))
    if all(reason.text != known.text for known in pair.reasons):
        if score > pair.score:
            pair.reasons.insert(0, reason)
        else:
            pair.reasons.append(reason)
        if apart and all(known.text != OTHER_CODE for known in pair.reasons):
            pair.reasons.append(Message(OTHER_CODE))
    pair.score = max(pair.score, score)


OTHER_CODE = N_("信用代码不同")


def _verdict(kind: str, one: _Name, other: _Name, apart: bool) -> tuple[int, Message] | None:
    if kind == "code":
        return 97, Message(N_("信用代码里的组织机构代码相同"))
    if kind == "key":
        return _same_name(one, other, apart)
    # two whole codes tell two firms apart: only the very same name makes them worth a look
    if apart or ("分公司" in one.parts.form) != ("分公司" in other.parts.form):
        return None
    if not same_region(one.parts.place, other.parts.place):
        return None
    formerly = 0 if one.is_present and other.is_present else 6
    if kind == "core" and one.parts.trade == other.parts.trade and len(one.parts.body) > 2:
        score = 80 + (8 if one.parts.place == other.parts.place else 0)
        score += 6 if _bare(one.parts.form) == _bare(other.parts.form) else 0
        return score - formerly, Message(N_("字号和行业相同"))
    if kind == "sound":
        if one.parts.core == other.parts.core:
            return None
        street = one.entry.street_id is not None and one.entry.street_id == other.entry.street_id
        if not street and one.parts.place != other.parts.place:
            return None
        text = (
            N_("字号同音：%(one)s / %(other)s，同一街道") if street else N_("字号同音：%(one)s / %(other)s")
        )
        return (86 if street else 74) - formerly, Message(
            text, {"one": one.parts.core, "other": other.parts.core}
        )
    likeness = Indel.normalized_similarity(one.key, other.key, score_cutoff=CLOSE)
    if likeness < CLOSE:
        return None
    score = round(100 * likeness) - 8 - formerly
    if kind == "core":
        return score, Message(N_("字号相同，名称相似 %(n)s%%"), {"n": round(100 * likeness)})
    if sum(a != b for a, b in zip(one.parts.core, other.parts.core, strict=False)) != 1:
        return None
    return score - 6, Message(
        N_("字号差一个字：%(one)s / %(other)s"), {"one": one.parts.core, "other": other.parts.core}
    )


def _same_name(one: _Name, other: _Name, apart: bool) -> tuple[int, Message]:
    less = 28 if apart else 0
    if one.is_present and other.is_present:
        return 100 - less, Message(N_("名称相同"))
    if one.is_present or other.is_present:
        former = other if one.is_present else one
        return 96 - less, Message(N_("一家的现名是另一家的曾用名：%(name)s"), {"name": former.text})
    return 90 - less, Message(N_("曾用名相同：%(name)s"), {"name": one.text})


def _bare(form: str) -> str:
    return form.replace("有限责任", "有限").replace("股份", "").replace("集团", "")

"""Which firm of the registry a published name means. Pure.

Automatic only by credit code, exact name, former name, or a name equal after normalising, and only when one
firm alone answers. Everything else is doubtful, with ranked candidates, or unmatched.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz.distance import Indel, Levenshtein

from crm.core.pinyin import readings
from crm.core.words import N_, Message, Word
from crm.firms.rules.lookalikes import resemblance
from crm.firms.rules.names import Parts, fold, normalise, parts, same_region, without_note

CANDIDATES = 5
CLOSE = 58.0  # a best candidate below it leaves the name unmatched
FLOOR = 45.0  # below it a candidate is not worth showing at all
RESCORED = 60  # names compared exactly for one published name
BUDGET = 60_000  # index entries looked at for one published name

Entry = tuple[int, str, Sequence[str], str | None]
"""(firm id, name, former names, unified social credit code or None)."""


class Outcome(Word):
    """What became of one published name."""

    MATCHED = "matched", N_("已匹配")
    DOUBTFUL = "doubtful", N_("待确认")
    UNMATCHED = "unmatched", N_("未匹配")


class How(Word):
    """By what a name was matched."""

    CODE = "code", N_("统一社会信用代码")
    EXACT = "exact", N_("名称一致")
    FORMER = "former", N_("曾用名")
    NORMALISED = "normalised", N_("规范化后一致")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A firm that may be meant; ``name`` is the firm's present name, ``score`` runs from 0 to 100."""

    firm_id: int
    name: str
    score: float
    reasons: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The verdict on one published name. ``firm_id`` and ``how`` only when matched; an unmatched name may
    have distant candidates."""

    outcome: Outcome
    firm_id: int | None = None
    how: How | None = None
    candidates: tuple[Candidate, ...] = ()
    reasons: tuple[Message, ...] = ()


class _Name(NamedTuple):
    firm: int
    text: str
    key: str
    former: bool
    parts: Parts


class Matcher:
    """Built once from the registry, then asked name by name. 3,000 firms: 0.1 s to build, 1-2 ms a name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._ids: list[int] = []
        self._codes: list[str] = []
        self._current: list[str] = []
        self._names: list[_Name] = []
        self._names_of: list[list[int]] = []
        self._by_code: dict[str, set[int]] = {}
        self._by_text: tuple[dict[str, set[int]], dict[str, set[int]]] = ({}, {})
        self._by_key: tuple[dict[str, set[int]], dict[str, set[int]]] = ({}, {})
        self._grams: dict[str, array[int]] = {}
        self._seen: dict[str, int] = {}
        for firm_id, name, former_names, code in entries:
            self._add(firm_id, name, former_names, code)
        self._rarest = math.log(1 + len(self._names)) or 1.0

    def _add(self, firm_id: int, name: str, former_names: Sequence[str], code: str | None) -> None:
        firm = len(self._ids)
        self._ids.append(firm_id)
        self._current.append(name)
        self._names_of.append([])
        cleaned = _code(code)
        self._codes.append(cleaned)
        self._coded(firm, cleaned)
        seen = set()
        for former, text in ((False, name), *((True, text) for text in former_names)):
            folded = fold(text)
            if not folded or folded in seen:
                continue
            seen.add(folded)
            key = normalise(folded)
            self._by_text[former].setdefault(folded, set()).add(firm)
            self._by_key[former].setdefault(key, set()).add(firm)
            built = parts(folded)
            number = len(self._names)
            self._names_of[firm].append(number)
            self._names.append(_Name(firm, text, key, former, built))
            for char in set(built.body):
                self._seen[char] = self._seen.get(char, 0) + 1
            for gram in _grams(built):
                self._grams.setdefault(gram, array("i")).append(number)

    def _coded(self, firm: int, cleaned: str) -> None:
        if cleaned:
            self._by_code.setdefault(cleaned, set()).add(firm)
            if len(cleaned) == 18:
                self._by_code.setdefault(cleaned[8:17], set()).add(firm)  # the organisation code inside

    def also(self, codes: Mapping[str, int]) -> None:
        """Further codes that mean a firm (code → id): those of records merged into it."""
        places = {firm_id: place for place, firm_id in enumerate(self._ids)} if codes else {}
        for code, firm_id in codes.items():
            if firm_id in places:
                self._coded(places[firm_id], _code(code))

    def match(self, name: str, code: str | None = None) -> Match:
        """Judge one published name, and the credit code printed beside it where there is one."""
        text, noted = without_note(name)
        coded = self._by_code.get(_code(code), set()) if code else set()
        named, how = self._named(name, text)
        if coded:
            return self._by_both(text, noted, coded, named)
        if how is not None and len(named) == 1:
            firm = next(iter(named))
            known, given = self._codes[firm], _code(code)
            if len(known) == len(given) == 18:
                reason = Message(N_("名称一致，但信用代码不同（库内 %(known)s）"), {"known": known})
                return self._doubtful(text, noted, [firm], (reason,))
            return Match(Outcome.MATCHED, self._ids[firm], how)
        if named:
            reason = Message(N_("有 %(count)s 家企业用过这个名称"), {"count": len(named)})
            return self._doubtful(text, noted, sorted(named), (reason,))
        candidates = tuple(self._candidates(text, noted))
        close = bool(candidates) and candidates[0].score >= CLOSE
        return Match(Outcome.DOUBTFUL if close else Outcome.UNMATCHED, candidates=candidates)

    def _named(self, raw: str, text: str) -> tuple[set[int], How | None]:
        """Firms the name itself points to; ``how`` only when they are one firm."""
        current, former = (found.get(text, set()) for found in self._by_text)
        if current:
            firms = current | former
            same = len(firms) == 1 and raw.strip() == self._current[next(iter(firms))].strip()
            how = How.EXACT if same else How.NORMALISED
            return firms, how if len(firms) == 1 else None
        key = normalise(text)
        by_current, by_former = (found.get(key, set()) for found in self._by_key)
        firms = former | by_current | by_former
        if len(firms) != 1:
            return firms, None
        return firms, How.FORMER if former or not by_current else How.NORMALISED

    def _by_both(self, text: str, noted: str, coded: set[int], named: set[int]) -> Match:
        if len(coded) > 1:
            reason = Message(N_("库内有 %(count)s 家企业是这个信用代码"), {"count": len(coded)})
            return self._doubtful(text, noted, sorted(coded), (reason,))
        firm = next(iter(coded))
        reason = Message(N_("信用代码属于另一家企业：%(firm)s"), {"firm": self._current[firm]})
        if named and firm not in named:
            return self._doubtful(text, noted, [firm, *sorted(named)], (reason,))
        if not named:
            best = next(iter(self._candidates(text, noted)), None)
            own = self._best_of(firm, text)
            if best and best.firm_id != self._ids[firm] and best.score >= 80 and own.score < 60:
                return self._doubtful(text, noted, [firm], (reason,))
        return Match(Outcome.MATCHED, self._ids[firm], How.CODE)

    def _doubtful(self, text: str, noted: str, firms: list[int], reasons: tuple[Message, ...]) -> Match:
        first = [self._best_of(firm, text) for firm in firms]
        first.sort(key=lambda candidate: -candidate.score)
        taken = {candidate.firm_id for candidate in first}
        rest = [found for found in self._candidates(text, noted) if found.firm_id not in taken]
        return Match(Outcome.DOUBTFUL, candidates=tuple((first + rest)[:CANDIDATES]), reasons=reasons)

    def _best_of(self, firm: int, text: str) -> Candidate:
        asked = _Name(-1, text, normalise(text), False, parts(text))
        own = (self._judge(asked, self._names[number]) for number in self._names_of[firm])
        return max(own, key=lambda found: found.score)

    def _candidates(self, text: str, noted: str) -> list[Candidate]:
        best: dict[int, Candidate] = {}
        for wanted in (text, noted):
            if not wanted:
                continue
            asked = _Name(-1, wanted, normalise(wanted), False, parts(wanted))
            for number in self._near(asked):
                found = self._judge(asked, self._names[number])
                known = best.get(found.firm_id)
                if found.score >= FLOOR and (known is None or found.score > known.score):
                    best[found.firm_id] = found
        return heapq.nsmallest(
            CANDIDATES, best.values(), key=lambda found: (-found.score, len(found.name), found.name)
        )

    def _near(self, asked: _Name) -> list[int]:
        """Numbers of the names that share the most telling grams."""
        total = len(self._names)
        known = [(len(self._grams[gram]), gram) for gram in _grams(asked.parts) if gram in self._grams]
        known.sort()
        points: dict[int, float] = {}
        budget = BUDGET
        for size, gram in known:
            if budget < size and points:
                break
            budget -= size
            weight = math.log(1 + total / size) * (0.4 if gram[0] == "~" else 1.0)
            for number in self._grams[gram]:
                points[number] = points.get(number, 0.0) + weight
        return heapq.nlargest(RESCORED, points, key=points.__getitem__)

    def _weight(self, char: str) -> float:
        """0.1 (in nearly every name) to 1 (rare)."""
        seen = self._seen.get(char, 0)
        return max(0.1, math.log(1 + len(self._names) / (seen + 1)) / self._rarest)

    def _judge(self, asked: _Name, known: _Name) -> Candidate:
        one, other = asked.parts, known.parts
        body = self._alike(one.body, other.body, len(one.core), len(other.core))
        core = self._alike(one.core, other.core, len(one.core), len(other.core))
        place = _place(one.place, other.place)
        form = _form(one.form, other.form)
        whole = Indel.normalized_similarity(asked.key, known.key)
        score = 100 * (0.40 * body + 0.10 * core + 0.32 * whole + 0.08 * place + 0.06 * form)
        if one.core == other.core and len(one.core) > 1:
            score += 4
        reasons = tuple(_reasons(asked, known, place, core))
        return Candidate(
            self._ids[known.firm], self._current[known.firm], round(min(score, 99.9), 1), reasons
        )

    def _alike(self, one: str, other: str, core_one: int, core_other: int) -> float:
        """Weighted likeness 0..1 of two texts whose first ``core_…`` characters are 字号: rare characters and
        the 字号 count most, homophones and characters of one radical count partly, changed order a little."""
        if one == other:
            return 1.0
        left = [self._weight(c) * (1.0 if i < core_one else 0.5) for i, c in enumerate(one)]
        right = [self._weight(c) * (1.0 if i < core_other else 0.5) for i, c in enumerate(other)]
        total = whole = sum(left) + sum(right)
        if not total:
            return 0.0
        shared = 0.0
        for step in Levenshtein.opcodes(one, other):
            a, b, c = step.src_start, step.src_end, step.dest_start
            if step.tag == "equal":
                shared += sum(left[a:b]) + sum(right[c : c + b - a])
            elif step.tag == "replace":
                for at in range(b - a):
                    # the character that replaces another weighs as much: being rare is not its fault
                    total += left[a + at] - right[c + at]
                    shared += resemblance(one[a + at], other[c + at]) * 2 * left[a + at]
        bag: dict[str, list[float]] = {}
        for char, weight in zip(one, left, strict=True):
            bag.setdefault(char, []).append(weight)
        jumbled = 0.0
        for char, weight in zip(other, right, strict=True):
            if bag.get(char):
                jumbled += bag[char].pop() + weight
        return max(shared / total, 0.9 * jumbled / whole)


def _code(code: str | None) -> str:
    return "".join(c for c in fold(code or "").upper() if c.isascii() and c.isalnum())


def _grams(built: Parts) -> set[str]:
    """What a name is found by: pairs of its body, characters of its 字号, and their sounds (``~hou``)."""
    body, core = built.body, built.core
    found = {body[i : i + 2] for i in range(len(body) - 1)}
    found.update(core[:6])
    for char in core[:6]:
        if not char.isascii():
            found.update("~" + reading for reading in readings(char))
    return found


def _place(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    if one == other or set(one) == set(other):
        return 1.0
    if set(one) & set(other):
        return 0.9
    if not one or not other:
        return 0.6
    return 0.5 if same_region(one, other) else 0.0


def _bare(form: str) -> str:
    return form.replace("有限责任", "有限").replace("股份", "").replace("控股", "")


def _form(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if "分公司" in one or "分公司" in other:
        return 0.0
    bare_one, bare_other = (
        form.replace("有限责任", "有限").replace("股份", "").replace("控股", "") for form in (one, other)
    )
    if bare_one == bare_other:
        return 0.9
    if bare_one.replace("集团", "") == bare_other.replace("集团", ""):
        return 0.8
    if not one or not other:
        return 0.6
    return 0.3 if "公司" in one and "公司" in other else 0.1


def _reasons(asked: _Name, known: _Name, place: float, core: float) -> Iterable[Message]:
    one, other = asked.parts, known.parts
    if known.former:
        yield Message(N_("与曾用名 %(name)s 接近"), {"name": known.text})
    if one.core == other.core:
        yield Message(N_("字号相同"))
    elif sorted(one.core) == sorted(other.core):
        yield Message(N_("字号用字相同，顺序不同"))
    elif len(one.core) == len(other.core):
        changed = [(a, b) for a, b in zip(one.core, other.core, strict=True) if a != b]
        alike = all(set(readings(a)) & set(readings(b)) for a, b in changed)
        wrong, right = ("".join(chars) for chars in zip(*changed, strict=True))
        text = N_("字号同音：%(one)s / %(other)s") if alike else N_("字号差 %(one)s / %(other)s")
        yield Message(text, {"one": wrong, "other": right})
    elif one.core and other.core and (one.core in other.core or other.core in one.core):
        yield Message(N_("字号一个包含另一个"))
    elif core >= 0.5:
        yield Message(N_("字号接近"))
    if one.trade != other.trade:
        yield Message(N_("行业用语不同"))
    if place < 1.0:
        yield Message(N_("地名不同") if one.place and other.place else N_("地名一有一无"))
    if one.form != other.form and ("股份" in one.form) != ("股份" in other.form):
        yield Message(N_("疑似股份制改制"))
    elif one.form != other.form:
        yield Message(N_("组织形式不同"))

"""Which firm a row of a list means, and what becomes of the row: new, changed, same, doubtful or refused. Pure.

Certain only by code, exact name, former name, or a name equal after normalising, and only when one firm answers;
everything else is left to a person. (The fuzzy ranking of published lists is `matching.Matcher`.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crm.core.folding import fold
from crm.core.words import N_, Message
from crm.firms.rules.matching import Candidate, How, Matcher
from crm.firms.rules.names import normalise, parts, same_region
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import ImportMode, RowOutcome

CANDIDATES = 5


@dataclass(slots=True)
class Joined:
    """A row's verdict. `firm_id` and `how` when one firm is certain."""

    outcome: RowOutcome
    firm_id: int | None = None
    how: How | None = None
    candidates: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[dict[str, Any]] = field(default_factory=list)


class Known:
    """The firms of the registry by everything that can identify them."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.codes: dict[int, str | None] = {}
        self.formers: dict[int, list[str]] = {}
        self._by_code: dict[str, int] = {}
        self._current: dict[str, set[int]] = {}  # folded present name
        self._former: dict[str, set[int]] = {}
        self._key: dict[str, set[int]] = {}  # normalised, present and former
        self._bodies: dict[tuple[str, str], list[int]] | None = None

    def add(self, firm_id: int, name: str, name_key: str, code: str | None) -> None:
        self.names[firm_id] = name
        self.codes[firm_id] = code
        if code:
            self._by_code[code] = firm_id
        self._current.setdefault(fold(name), set()).add(firm_id)
        self._key.setdefault(name_key, set()).add(firm_id)

    def add_former(self, firm_id: int, name: str, name_key: str) -> None:
        if firm_id in self.names:
            self.formers.setdefault(firm_id, []).append(name)
            self._former.setdefault(fold(name), set()).add(firm_id)
            self._key.setdefault(name_key, set()).add(firm_id)

    def add_code(self, firm_id: int, code: str) -> None:
        """Another code that means this firm: that of a record merged into it."""
        self._by_code.setdefault(code, firm_id)

    def by_code(self, code: str | None) -> int | None:
        return self._by_code.get(code) if code else None

    def by_name(self, name: str) -> tuple[set[int], How]:
        """Firms the name points to, and by what: present name first, then former, then normalised."""
        folded = fold(name)
        if found := self._current.get(folded):
            return found, How.EXACT
        if found := self._former.get(folded):
            return found, How.FORMER
        return self._key.get(normalise(name)[:200], set()), How.NORMALISED

    def had_name(self, firm_id: int, name: str) -> bool:
        """Whether the firm goes, or went, by this name, spelling apart."""
        key = normalise(name)
        return normalise(self.names[firm_id]) == key or any(
            normalise(former) == key for former in self.formers.get(firm_id, ())
        )

    def alike(self, name: str) -> list[Candidate]:
        """Firms with the same 字号 and trade in a place that may be the same: perhaps this one, spelt otherwise."""
        if self._bodies is None:
            self._bodies = {}
            for firm_id, known in self.names.items():
                built = parts(known)
                self._bodies.setdefault((built.core, built.trade), []).append(firm_id)
        built = parts(name)
        ids = self._bodies.get((built.core, built.trade), ()) if len(built.body) >= 3 else ()
        near = [firm_id for firm_id in ids if same_region(built.place, parts(self.names[firm_id]).place)]
        if not near:
            return []
        entries = [
            (firm_id, self.names[firm_id], self.formers.get(firm_id, []), None) for firm_id in near[:50]
        ]
        return list(Matcher(entries).match(name).candidates)

    def candidates(self, firm_ids: Iterable[int]) -> list[dict[str, Any]]:
        """Firms to choose from, as they are kept with the row."""
        ids = list(dict.fromkeys(firm_ids))[:CANDIDATES]
        return [
            {"id": i, "name": self.names[i], "code": self.codes[i], "score": None, "reasons": []} for i in ids
        ]


def candidate(found: Candidate, known: Known) -> dict[str, Any]:
    """A ranked candidate as it is kept with the row."""
    return {
        "id": found.firm_id,
        "name": found.name,
        "code": known.codes[found.firm_id],
        "score": found.score,
        "reasons": [kept(reason) for reason in found.reasons],
    }


def identify(values: Mapping[str, Any], known: Known) -> Joined:
    """The firm a row names by code and name. SAME with the firm, NEW when nobody answers, DOUBTFUL or REFUSED."""
    code, name = values.get("code"), values.get("name")
    owner = known.by_code(code)
    named, how = known.by_name(name) if name else (set(), How.EXACT)
    if owner is not None:
        if named and owner not in named:
            reason = Message(
                N_("信用代码属于「%(owner)s」，名称属于「%(named)s」"),
                {"owner": known.names[owner], "named": known.names[min(named)]},
            )
            return _doubtful(known.candidates([owner, *sorted(named)]), reason)
        return Joined(RowOutcome.SAME, owner, How.CODE)
    if not name:
        text = N_("企业名称没有填，库里也没有这个信用代码") if code else N_("企业名称没有填")
        return Joined(RowOutcome.REFUSED, reasons=[kept(Message(text))])
    if len(named) == 1:
        firm_id = next(iter(named))
        other = known.codes[firm_id]
        if code and other and code != other:
            reason = Message(N_("名称一致，但信用代码不同（库内 %(known)s）"), {"known": other})
            return _doubtful(known.candidates(named), reason)
        return Joined(RowOutcome.SAME, firm_id, how)
    if named:
        reason = Message(N_("有 %(count)s 家企业用过这个名称"), {"count": len(named)})
        return _doubtful(known.candidates(sorted(named)), reason)
    return Joined(RowOutcome.NEW)


def join_registry(
    rows: Sequence[tuple[int, Mapping[str, Any]]], known: Known, mode: ImportMode
) -> list[Joined]:
    """Verdicts on rows of the registry sheet `(row number, values)`, duplicates within the file found."""
    seen = Seen()
    found: list[Joined] = []
    for row_no, values in rows:
        joined = identify(values, known)
        if joined.outcome is RowOutcome.NEW:
            joined = _newcomer(values, known, mode)
        elif joined.outcome is RowOutcome.SAME and mode is ImportMode.CREATE:
            joined.reasons.append(kept(Message(N_("已在库里，「只新增」不修改"))))
        if joined.outcome is not RowOutcome.REFUSED:
            twice = seen.before(row_no, joined.firm_id, values)
            if twice is not None:
                joined = twice
        found.append(joined)
    return found


def join_holdings(
    rows: Sequence[tuple[int, Mapping[str, Any]]], known: Known, key: Callable[[int, Mapping[str, Any]], Any]
) -> list[Joined]:
    """Verdicts on rows that belong to firms which must be there; `key` tells what may stand only once a file."""
    seen: dict[Any, int] = {}
    found: list[Joined] = []
    for row_no, values in rows:
        joined = identify(values, known)
        if joined.outcome is RowOutcome.NEW:
            near = known.alike(values["name"])
            if near:
                joined = _doubtful(
                    [candidate(each, known) for each in near], Message(N_("库里没有同名企业，有相近的"))
                )
            else:
                joined = Joined(RowOutcome.REFUSED, reasons=[kept(Message(N_("库里没有这家企业，请先登记")))])
        if joined.firm_id is not None:
            mark = key(joined.firm_id, values)
            if mark in seen:
                reason = Message(N_("与第 %(row)s 行重复"), {"row": seen[mark]})
                joined = Joined(RowOutcome.REFUSED, reasons=[kept(reason)])
            else:
                seen[mark] = row_no
        found.append(joined)
    return found


def _newcomer(values: Mapping[str, Any], known: Known, mode: ImportMode) -> Joined:
    if mode is ImportMode.UPDATE:
        return Joined(RowOutcome.REFUSED, reasons=[kept(Message(N_("库里没有这家企业，「只更新」不新建")))])
    near = known.alike(values["name"])
    if near:
        return _doubtful(
            [candidate(each, known) for each in near], Message(N_("与库里的企业相近，请确认是不是同一家"))
        )
    return Joined(RowOutcome.NEW)


def _doubtful(candidates: list[dict[str, Any]], reason: Message) -> Joined:
    return Joined(RowOutcome.DOUBTFUL, candidates=candidates, reasons=[kept(reason)])


class Seen:
    """What earlier rows of the file have taken."""

    def __init__(self) -> None:
        self._firms: dict[int, int] = {}
        self._codes: dict[str, int] = {}
        self._names: dict[str, tuple[int, str | None]] = {}

    def before(self, row_no: int, firm_id: int | None, values: Mapping[str, Any]) -> Joined | None:
        """The verdict on a row that repeats an earlier one, else None."""
        code, name = values.get("code"), values.get("name")
        key = normalise(name) if name else ""
        earlier = self._firms.get(firm_id) if firm_id is not None else None
        if earlier is None and code:
            earlier = self._codes.get(code)
        if earlier is None and key and key in self._names:
            row, other = self._names[key]
            if code and other and code != other:
                reason = Message(N_("与第 %(row)s 行名称相同、信用代码不同"), {"row": row})
                return _doubtful([], reason)
            earlier = row
        if earlier is not None:
            return Joined(
                RowOutcome.REFUSED, reasons=[kept(Message(N_("与第 %(row)s 行重复"), {"row": earlier}))]
            )
        if firm_id is not None:
            self._firms[firm_id] = row_no
        if code:
            self._codes[code] = row_no
        if key:
            self._names.setdefault(key, (row_no, code))
        return None

"""Published lists: what became of a row, what may be decided about it, and what will be written. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm.core.words import N_, Message, Named, Word
from crm.firms.rules.matching import Match, Outcome
from crm.ladder.rules.words import TagDecision, TagOutcome

PRESELECTED_FROM = 80.0  # below it nobody is preselected: the person has to choose
INLINE_ROWS = 1_500  # a longer list is matched in the background


class MatchedBy(Word):
    """By what a row was matched. The first four are the matcher's own."""

    CODE = "code", N_("统一社会信用代码")
    EXACT = "exact", N_("现用全称")
    FORMER = "former", N_("曾用名")
    NORMALISED = "normalised", N_("规范化后一致")
    ALIAS = "alias", N_("记住的常见写法")
    PERSON = "person", N_("人工确认")
    NEW = "new", N_("新建企业")


AUTOMATIC = (MatchedBy.CODE, MatchedBy.EXACT, MatchedBy.FORMER, MatchedBy.NORMALISED, MatchedBy.ALIAS)


def stored(message: Message) -> dict[str, Any]:
    """A sentence as it is kept: source text and parameters."""
    return {"text": message.text, "params": {key: _plain(value) for key, value in message.params.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Named):
        return {"zh": value.zh, "en": value.en}
    if isinstance(value, Word):
        return {"text": value.label}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, int | float) or value is None else str(value)


def _back(value: Any) -> Any:
    if isinstance(value, dict):
        return Named(value["zh"], value["en"]) if "zh" in value else Message(value["text"])
    return [_back(item) for item in value] if isinstance(value, list) else value


def read_stored(item: Mapping[str, Any]) -> Message:
    params = item.get("params") or {}
    return Message(str(item["text"]), {key: _back(value) for key, value in params.items()})


def candidates_of(match: Match) -> list[dict[str, Any]]:
    """The candidates as they are kept: id, name, score, reasons."""
    return [
        {
            "id": item.firm_id,
            "name": item.name,
            "score": item.score,
            "reasons": [stored(reason) for reason in item.reasons],
        }
        for item in match.candidates
    ]


def outcome_of(match: Match, refusals: Sequence[Message], doubts: Sequence[Message]) -> TagOutcome:
    """A row that cannot be read is refused whatever its name says; one with a doubt is never matched by itself."""
    if refusals:
        return TagOutcome.REFUSED
    if doubts and match.outcome is Outcome.MATCHED:
        return TagOutcome.DOUBTFUL
    return {
        Outcome.MATCHED: TagOutcome.MATCHED,
        Outcome.DOUBTFUL: TagOutcome.DOUBTFUL,
        Outcome.UNMATCHED: TagOutcome.UNMATCHED,
    }[match.outcome]


def preselected(candidates: Sequence[Mapping[str, Any]]) -> int | None:
    """The candidate offered at once, if any comes near enough and no other is as near."""
    if not candidates or candidates[0]["score"] < PRESELECTED_FROM:
        return None
    return int(candidates[0]["id"])


def will_be_written(outcome: TagOutcome, decision: TagDecision | None) -> bool:
    """Matched rows unless somebody set them aside, and rows decided for a firm."""
    if decision in (TagDecision.ACCEPTED, TagDecision.NEW_FIRM):
        return True
    return outcome is TagOutcome.MATCHED and decision is None


def tally(rows: Iterable[tuple[TagOutcome, TagDecision | None, str | None, int]]) -> dict[str, int]:
    """Counts the review page shows, from (outcome, decision, how, number of rows)."""
    counts = dict.fromkeys(
        (
            "rows",
            "write",
            "matched",
            "accepted",
            "new",
            "doubtful",
            "unmatched",
            "refused",
            "aside",
            "decided",
            "asked",
        ),
        0,
    )
    for outcome, decision, _how, number in rows:
        counts["rows"] += number
        if will_be_written(outcome, decision):
            counts["write"] += number
        if outcome is TagOutcome.MATCHED and decision is None:
            counts["matched"] += number
        elif decision is TagDecision.ACCEPTED:
            counts["accepted"] += number
        elif decision is TagDecision.NEW_FIRM:
            counts["new"] += number
        elif decision is not None:
            counts["aside"] += number
        else:
            counts[outcome.value] += number
        if outcome in (TagOutcome.DOUBTFUL, TagOutcome.UNMATCHED):
            counts["asked"] += number
            counts["decided"] += number if decision is not None else 0
    return counts

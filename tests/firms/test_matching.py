from __future__ import annotations

import csv
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from crm.firms.rules.matching import How, Match, Matcher, Outcome
from tests.firms.invented_names import lists

REGISTRY: list[tuple[int, str, Sequence[str], str | None]] = [
    (1, "浙江宏达电气股份有限公司", ["乐清市宏达电气有限公司"], "91330382000000001A"),
    (2, "温州金鑫电子有限公司", [], "91330382000000002B"),
    (3, "宏伟新能源（温州）有限公司", [], None),
    (4, "乐清市昊天贸易有限公司", [], None),
    (5, "乐清昊天贸易有限公司", [], None),
    (6, "浙江双生科技有限公司", ["温州双生科技有限公司"], None),
    (7, "浙江两生科技有限公司", ["温州双生科技有限公司"], None),
    (8, "温州明珠照明有限公司", [], None),
    (9, "瑞安市长虹阀门有限公司", [], None),
    (10, "浙江长虹流体有限公司", ["瑞安市长虹阀门有限公司"], None),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(REGISTRY)


def verdict(match: Match) -> tuple[str, int | None, str | None]:
    return match.outcome.value, match.firm_id, match.how.value if match.how else None


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("浙江宏达电气股份有限公司", None, ("matched", 1, "exact")),
        ("乐清市宏达电气有限公司", None, ("matched", 1, "former")),
        ("乐清宏达电气有限公司", None, ("matched", 1, "former")),
        ("宏伟新能源(温州市)有限公司", None, ("matched", 3, "normalised")),
        ("温州 金鑫电子有限责任公司", None, ("matched", 2, "normalised")),
        ("完全不同的名称", "91330382000000002b", ("matched", 2, "code")),
        ("温州金鑫电子有限公司", "91330382000000002B", ("matched", 2, "code")),
        ("乐清市昊天贸易有限公司", None, ("matched", 4, "exact")),
    ],
)
def test_code_name_former_name_and_normalised_name_match(
    matcher: Matcher, name: str, code: str | None, expected: tuple[str, int, str]
) -> None:
    assert verdict(matcher.match(name, code)) == expected


@pytest.mark.parametrize(
    ("name", "code", "first"),
    [
        ("温州金鑫电子有限公司", "91330382000000001A", {1, 2}),  # the code says one firm, the name another
        ("温州金鑫电子有限公司", "91330382000000009X", {2}),  # the firm is known under another code
        ("温州金鑫电子股份有限公司", None, {2}),  # reformed
        ("温州双生科技有限公司", None, {6, 7}),  # both were once called so
        ("浙江乐清市昊天贸易有限公司", None, {4, 5}),
        ("瑞安市长虹阀门有限公司", None, {9, 10}),  # one firm's name, once another's
        ("温州金新电子有限公司", None, {2}),
        ("温州珠明照明有限公司", None, {8}),
    ],
)
def test_what_is_not_certain_is_doubtful(
    matcher: Matcher, name: str, code: str | None, first: set[int]
) -> None:
    match = matcher.match(name, code)
    assert verdict(match) == ("doubtful", None, None)
    assert match.candidates[0].firm_id in first
    assert 1 <= len(match.candidates) <= 5
    assert all(0 <= candidate.score <= 100 for candidate in match.candidates)


def test_one_wrong_code_for_a_close_name_is_doubtful(matcher: Matcher) -> None:
    match = matcher.match("温州金鑫电子科技有限公司", "91330382000000001A")
    assert match.outcome is Outcome.DOUBTFUL
    assert {candidate.firm_id for candidate in match.candidates[:2]} == {1, 2}


def test_nothing_close_is_unmatched(matcher: Matcher) -> None:
    for name in ("哈尔滨冰川食品厂", "", "有限公司", "  ", "()"):
        assert matcher.match(name).outcome is Outcome.UNMATCHED
    assert Matcher([]).match("温州金鑫电子有限公司").outcome is Outcome.UNMATCHED


def test_reasons_say_what_differs(matcher: Matcher) -> None:
    texts = [reason.text for reason in matcher.match("温州金鑫电子股份有限公司").candidates[0].reasons]
    assert "字号相同" in texts and "疑似股份制改制" in texts
    reasons = matcher.match("温州金新电子有限公司").candidates[0].reasons
    assert (reasons[0].text, dict(reasons[0].params)) == (
        "字号同音：%(one)s / %(other)s",
        {"one": "新", "other": "鑫"},
    )


def test_a_former_name_counts_as_an_own_name_for_candidates(matcher: Matcher) -> None:
    found = matcher.match("乐清市宏大电气有限公司").candidates[0]
    assert found.firm_id == 1 and found.name == "浙江宏达电气股份有限公司"


def test_the_name_in_a_note_brings_candidates_only(matcher: Matcher) -> None:
    match = matcher.match("浙江全新名号有限公司（原温州明珠照明有限公司）")
    assert match.outcome is Outcome.DOUBTFUL
    assert match.candidates[0].firm_id == 8


@pytest.mark.parametrize("seed", [1, 2])
def test_lists_of_another_province_are_ranked_well_and_never_matched_wrongly(seed: int) -> None:
    given = lists(seed)
    matcher = Matcher(given.registry)
    wrong = []
    seen: Counter[str] = Counter()
    for name, truth, kind in given.published:
        match = matcher.match(name)
        if match.outcome is Outcome.MATCHED:
            if match.firm_id != truth:
                wrong.append((name, kind))
            seen["found"] += 1
            seen["five"] += 1
        elif truth is not None:
            ids = [candidate.firm_id for candidate in match.candidates]
            seen["found"] += ids[:1] == [truth]
            seen["five"] += truth in ids
            if kind != "renamed":  # a wholly new name can't be found by its letters
                seen["doubtful"] += 1
                seen["doubtful first"] += ids[:1] == [truth]
                seen["doubtful five"] += truth in ids
        if kind in ("exact", "former", "space", "brackets", "place"):
            assert match.outcome is Outcome.MATCHED, (name, kind)
        seen["registered"] += truth is not None
    assert wrong == []
    assert seen["found"] / seen["registered"] >= 0.96
    assert seen["five"] / seen["registered"] >= 0.97
    assert seen["doubtful first"] / seen["doubtful"] >= 0.92
    assert seen["doubtful five"] / seen["doubtful"] >= 0.98


def _trial() -> Path:
    folder = os.environ.get("CRM_TRIAL_DATA")
    if not folder:
        pytest.skip("CRM_TRIAL_DATA names no folder")
    return Path(folder)


@pytest.mark.trial
def test_the_real_bulletins_are_matched_as_promised() -> None:
    folder = _trial()
    with (folder / "firms_yueqing.csv").open(encoding="utf-8-sig", newline="") as file:
        firms = [(row["编号"], row["企业名称"]) for row in csv.DictReader(file)]
    assert len(firms) == 3000
    doubtful: Counter[str] = Counter()
    for truth in sorted((folder / "bulletins").glob("*.truth.csv")):
        with truth.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        begun = time.process_time()
        matcher = Matcher((number, name, (), None) for number, (_, name) in enumerate(firms))
        matches = [matcher.match(row["公布名称"]) for row in rows]
        assert time.process_time() - begun < 30  # comparing everything with everything takes minutes
        for row, match in zip(rows, matches, strict=True):
            if row["差异"] in ("exact", "space", "place"):
                assert match.outcome is Outcome.MATCHED, row
            if match.firm_id is not None:
                assert firms[match.firm_id][0] == row["编号"], row
                assert match.how in (How.EXACT, How.NORMALISED)
            elif row["编号"]:
                ids = [firms[candidate.firm_id][0] for candidate in match.candidates]
                doubtful["rows"] += 1
                doubtful["first"] += ids[:1] == [row["编号"]]
                doubtful["five"] += row["编号"] in ids
    assert doubtful["first"] / doubtful["rows"] >= 0.97
    assert doubtful["five"] / doubtful["rows"] >= 0.99

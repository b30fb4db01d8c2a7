"""A row of an old follow-up sheet: what its words mean, whose it was, whether its step still stands."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from crm.activities.rules.past import (
    Colleague,
    People,
    Settled,
    Told,
    bases,
    read_kind,
    settle,
    split_people,
)
from crm.activities.rules.words import ActivityKind
from crm.core.words import Refused, fill

TODAY = dt.date(2026, 11, 23)
PEOPLE = People(
    [
        Colleague(1, "叶知秋", ("科技局",), True),
        Colleague(2, "王伟", ("科技局", "科学技术局"), True),
        Colleague(3, "王伟", ("商务局",), True),
        Colleague(4, "李静", ("海城",), True),
        Colleague(5, "李静", ("沙城",), False),
        Colleague(6, "赵离", ("财政局",), False),
    ]
)


def settled(**values: Any) -> Settled:
    told: dict[str, Any] = {"on": dt.date(2025, 3, 8), "kind": ActivityKind.VISIT, "summary": "看了车间"}
    return settle(Told(**{**told, **values}), PEOPLE, TODAY)


def entry(**values: Any) -> Any:
    found = settled(**values)
    assert found.refusal is None and found.question is None, found
    return found.entry


def notes(found: Settled) -> str:
    return " ".join(fill(note.text, note.params) for note in found.notes)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("走访", "visit"), ("拜访", "visit"), (" 调 研 ".replace(" ", ""), "visit"), ("座谈", "meeting"), ("来电", "call"),
        ("ＣＡＬＬ", "call"), ("考察", "inspection"), ("微信", "note"), ("走访、座谈", "visit"),
    ],
)  # fmt: skip
def test_the_usual_words_are_understood(word: str, kind: str) -> None:
    assert read_kind(word).value == kind


@pytest.mark.parametrize("word", ["批示", "走访、批示", "喝茶", "=1+1", "、"])
def test_an_instruction_and_what_nobody_knows_is_refused(word: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_kind(word)
    assert ("批示不能导入" in str(refusal.value)) is ("批示" in word)


def test_names_are_taken_apart_and_each_counts_once() -> None:
    assert split_people("叶知秋、王伟, 李静；叶知秋\n赵 离") == ["叶知秋", "王伟", "李静", "赵 离"]
    with pytest.raises(Refused, match="不像一个人的姓名"):
        split_people("长" * 61)
    with pytest.raises(Refused, match="最多 20 个"):
        split_people("、".join(f"人{n}" for n in range(21)))


def test_the_first_named_is_the_author_and_the_others_were_there() -> None:
    found = entry(people=["叶知秋", "王伟（科技局）"])
    assert (found.author_id, found.author_name, found.people) == (1, None, (2,))


@pytest.mark.parametrize("written", ["王伟(科技局)", "王伟·科技局", "科技局 王伟", "王 伟（科学技术局）"])
def test_a_unit_beside_the_name_tells_namesakes_apart(written: str) -> None:
    assert entry(people=[written]).author_id == 2


@pytest.mark.parametrize("name", ["赵离", "早已调走的人"])
def test_who_has_left_or_is_unknown_stays_as_a_name(name: str) -> None:
    found = settled(people=[name])
    assert found.entry is not None
    assert (found.entry.author_id, found.entry.author_name) == (None, name)
    assert name in notes(found)


def test_companions_nobody_knows_are_kept_in_the_text() -> None:
    found = entry(people=["叶知秋", "赵离", "老周"])
    assert found.summary == "看了车间\n同去：赵离、老周"
    assert found.people == ()


def test_two_of_the_same_name_are_a_question_and_so_is_a_namesake_who_has_left() -> None:
    for name, ids in (("王伟", [2, 3]), ("李静", [4])):
        question = settled(people=[name]).question
        assert question is not None
        assert (question.name, [each.id for each in question.people]) == (name, ids)
        assert entry(people=[name], answers={name: ids[0]}).author_id == ids[0]
        assert entry(people=[name], answers={name: 0}).author_name == name


def test_an_answer_that_was_never_offered_counts_for_nothing() -> None:
    assert settled(people=["王伟"], answers={"王伟": 1}).question is not None
    assert settled(people=["李静"], answers={"李静": 5}).question is not None


def test_nobody_is_the_author_where_nobody_is_named() -> None:
    found = settled()
    assert found.entry is not None
    assert (found.entry.author_id, found.entry.author_name) == (None, None)
    assert "不记作者" in notes(found)


def test_a_step_to_come_is_open_and_one_gone_by_is_told_in_the_text() -> None:
    ahead = settled(people=["叶知秋"], step="送政策", due_on=TODAY)
    assert ahead.entry is not None
    assert (ahead.entry.step, ahead.entry.due_on, ahead.entry.owner_id) == ("送政策", TODAY, 1)
    assert "列入待办" in notes(ahead)
    gone = settled(people=["叶知秋"], step="送政策", due_on=TODAY - dt.timedelta(1), owner="老周")
    assert gone.entry is not None and gone.entry.step is None
    assert gone.entry.summary == "看了车间\n下一步：送政策（2026-11-22，老周）"
    assert "已过" in notes(gone)
    undated = settled(people=["叶知秋"], step="送政策")
    assert undated.entry is not None and undated.entry.summary.endswith("\n下一步：送政策")
    assert "没有写日期" in notes(undated)
    empty = settled(people=["叶知秋"], due_on=TODAY)
    assert empty.entry is not None and empty.entry.step is None
    assert "没有写下一步做什么" in notes(empty)


def test_an_open_step_needs_somebody_in_use() -> None:
    for values, word in (
        ({"people": ["赵离"]}, "由谁办"), ({"people": ["叶知秋"], "owner": "赵离"}, "请换一位"), ({}, "由谁办"),
    ):  # fmt: skip
        refusal = settled(step="送政策", due_on=TODAY, **values).refusal
        assert refusal is not None and word in str(refusal), values
        assert refusal.field == "owner"
    question = settled(people=["叶知秋"], step="送政策", due_on=TODAY, owner="王伟").question
    assert question is not None and not question.may_be_none
    found = entry(people=["叶知秋"], step="送政策", due_on=TODAY, owner="王伟", answers={"王伟": 3})
    assert (found.author_id, found.owner_id) == (1, 3)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"on": TODAY + dt.timedelta(1)}, "不能晚于今天"),
        ({"on": dt.date(1989, 12, 31)}, "太早了"),
        ({"summary": "长" * 4001}, "最多 4000"),
        ({"summary": "长" * 3999, "step": "送政策"}, "最多 4000"),
    ],
)
def test_the_rules_of_the_screen_hold(values: dict[str, Any], word: str) -> None:
    refusal = settled(people=["叶知秋"], **values).refusal
    assert refusal is not None and word in str(refusal)


def test_a_text_is_known_again_by_what_the_sheet_said() -> None:
    stored = "看了车间\n下一步：谈用地\n同去：老周\n下一步：送政策"
    assert bases(stored) == {
        stored, "看了车间\n下一步：谈用地\n同去：老周", "看了车间\n下一步：谈用地", "看了车间",
    }  # fmt: skip
    assert bases("下一步：送政策") == {"下一步：送政策"}

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.firms.rules.names import Parts, differences, fold, normalise, parts, same_region, without_note


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("宏达电气（浙江）有限公司", "宏达电气(浙江)有限公司"),
        ("浙江 宏达电气有限公司", "浙江宏达电气有限公司"),
        ("浙江省宏达电气有限公司", "浙江宏达电气有限公司"),
        ("乐清市宏达电气有限公司", "乐清宏达电气有限公司"),
        ("浙江省乐清市宏达电气有限公司", "浙江乐清宏达电气有限公司"),
        ("莱州市宏达机械有限公司", "莱州宏达机械有限公司"),
        ("温州宏达电气有限责任公司", "温州宏达电气有限公司"),
        ("ＡＢＣ电子有限公司", "abc电子有限公司"),
        ("宏达（浙江省）电气有限公司", "宏达（浙江）电气有限公司"),
        ("宏达\u200b电气有限公司\ufeff", "宏达电气有限公司"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("温州宏达电气股份有限公司", "温州宏达电气有限公司"),
        ("温州宏达电气集团有限公司", "温州宏达电气有限公司"),
        ("温州宏达电气有限公司", "浙江宏达电气有限公司"),
        ("温州市政工程有限公司", "温州政工程有限公司"),
        ("吉林省宏达药业有限公司", "吉林市宏达药业有限公司"),
        ("温州宏达电气有限公司", "温州宏达电器有限公司"),
        ("温州宏达电气有限公司乐清分公司", "温州宏达电气有限公司"),
    ],
)
def test_names_of_different_firms_keep_different_keys(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("浙江宏达电器股份有限公司", Parts(("浙江",), "宏达", "电器", "股份有限公司")),
        ("浙江省乐清市宏达电子科技有限公司", Parts(("浙江", "乐清"), "宏达", "电子科技", "有限公司")),
        ("宏达（温州）国际贸易有限公司", Parts(("温州",), "宏达", "国际贸易", "有限公司")),
        ("宏达控股集团有限公司", Parts((), "宏达", "", "控股集团有限公司")),
        ("石家庄宏达生物科技有限公司", Parts(("石家庄",), "宏达", "生物科技", "有限公司")),
        ("东方电气有限公司", Parts((), "东方", "电气", "有限公司")),
        ("乐清市宏达电器厂", Parts(("乐清",), "宏达", "电器", "厂")),
        ("温州市鹿城区宏达鞋业有限公司", Parts(("温州", "鹿城"), "宏达", "鞋业", "有限公司")),
        ("", Parts((), "", "", "")),
    ],
)
def test_a_name_is_taken_apart(name: str, expected: Parts) -> None:
    assert parts(name) == expected


def test_a_note_of_the_old_name_is_read_and_taken_off() -> None:
    assert without_note("宏达电气有限公司（原：温州宏达电器厂）") == ("宏达电气有限公司", "温州宏达电器厂")
    assert without_note("宏达电气（浙江）有限公司")[1] == ""


def test_a_city_and_its_province_belong_together() -> None:
    assert same_region(("浙江",), ("乐清",))
    assert not same_region(("浙江",), ("石家庄",))


def test_differences_mark_the_changed_character_and_not_the_width() -> None:
    left, right = differences("宏达电气（浙江）有限公司", "弘达电气(浙江)有限公司")
    assert [part.text for part in left if not part.same] == ["宏"]
    assert [part.text for part in right if not part.same] == ["弘"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_differences_keep_every_character(one: str, other: str) -> None:
    left, right = differences(one, other)
    assert "".join(part.text for part in left) == one
    assert "".join(part.text for part in right) == other


@given(st.text(max_size=40))
def test_folding_and_normalising_are_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert normalise(normalise(text)) == normalise(text) or "市" in text or "省" in text or "责任" in text


@given(st.text(alphabet="浙江省温州市乐清（）()有限责任公司电气宏达 集团股份厂", max_size=24))
def test_any_heap_of_name_words_can_be_taken_apart(text: str) -> None:
    built = parts(text)
    assert built.core or not (built.trade or built.form)

from __future__ import annotations

import subprocess
import sys

import pytest

from crm.core import pinyin


def test_every_reading_of_a_character_is_known() -> None:
    assert {"le", "yue"} <= set(pinyin.readings("乐"))
    assert "yueqing" in pinyin.full("乐清") and "leqing" in pinyin.full("乐清")
    assert set(pinyin.initials("乐清")) == {"lq", "yq"}


def test_a_long_text_of_many_readings_stays_bounded() -> None:
    assert 1 <= len(pinyin.full("乐" * 50)) <= pinyin.VARIANTS


@pytest.mark.parametrize(
    ("term", "name", "at"),
    [
        ("wzzt", "温州正泰电器有限公司", 0),
        ("zt", "温州正泰电器有限公司", 2),
        ("zhengtai", "温州正泰电器有限公司", 2),
        ("zhengt", "温州正泰电器有限公司", 2),
        ("zhen", "温州正泰电器有限公司", 2),
        ("yueqing", "乐清市电子厂", 0),
        ("leqing", "乐清市电子厂", 0),
        ("lvye", "绿叶农业", 0),
        ("luye", "绿叶农业", 0),
        ("ztwz", "正泰（温州）电器", 0),
        ("tcl", "温州TCL电器", 2),
        ("zhengtais", "温州正泰电器有限公司", -1),
        ("engtai", "温州正泰电器有限公司", -1),
        ("zzt", "浙江正泰", -1),
        ("tclzhengtai", "TCL正泰", -1),
    ],
)
def test_a_term_is_found_where_it_sounds(term: str, name: str, at: int) -> None:
    assert pinyin.position(term, pinyin.sounded(name)) == at


def test_terms_are_cut_into_syllables_in_every_way() -> None:
    assert set(pinyin.segmentations("xian") or []) >= {("xian",), ("xi", "an")}
    assert pinyin.segmentations("zhengt") == [("zheng", "t")]
    assert pinyin.segmentations("wzzt") == []
    assert pinyin.segmentations("an" * 20) is None


def test_names_sort_as_a_dictionary_does() -> None:
    names = ["浙江正泰", "安徽宏达", "乐清电子", "𠮷祥", "永嘉泵阀"]
    assert sorted(names, key=pinyin.sort_key)[0] == "安徽宏达"
    assert pinyin.sort_key("乐清") == "yue qing"
    assert pinyin.sort_key("重庆") == "chong qing"


def test_only_letters_are_pinyin_terms() -> None:
    assert pinyin.is_term("zt") and pinyin.is_term("zt3")
    assert not any(pinyin.is_term(term) for term in ("z", "正", "33", "z-t", ""))


def test_importing_does_not_load_the_table_or_pypinyin() -> None:
    code = "import sys, crm.core.pinyin as p; assert 'pypinyin' not in sys.modules; assert not p._table.cache_info().currsize"
    subprocess.run([sys.executable, "-c", code], check=True)

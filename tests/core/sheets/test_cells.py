"""What single cells mean, and what must never become data."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from crm.core.sheets import (
    BLANKS,
    BadCell,
    Fault,
    Flag,
    Float1904,
    code,
    day,
    integer,
    text,
    year,
    yes_no,
    yuan,
)  # fmt: skip
from crm.core.words import Refused

PARSERS = (text, code, integer, yuan, day, year, yes_no)


@pytest.mark.parametrize("parser", PARSERS)
def test_no_parser_takes_a_bad_cell(parser: Any) -> None:
    assert parser(BadCell(Fault.FORMULA_ERROR, "#VALUE!")).fault is Fault.FORMULA_ERROR
    assert parser(BadCell(Fault.FORMULA_UNVALUED)).fault is Fault.FORMULA_UNVALUED
    assert parser(BadCell(Fault.MERGED)).fault is Fault.MERGED
    assert parser("#REF!").fault is Fault.FORMULA_ERROR
    assert parser("浙江\ufffd公司").fault is Fault.GARBLED
    assert parser(None) == (None, None, {}, ())


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("blank", ["", " ", "-", "—", "／", "/", "N/A", "\u200b"])
def test_marks_for_missing_are_missing(parser: Any, blank: str) -> None:
    verdict = parser(blank)
    assert verdict.ok and verdict.value is None


def test_words_for_missing_are_text_unless_asked() -> None:
    assert text("无").value == "无" and text("None").value == "None"
    assert text("无", blanks=BLANKS).value is None
    assert code("无").value is None and integer("暂无").value is None


@pytest.mark.parametrize("parser", [integer, yuan, day, text, code])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_no_parser_takes_an_infinite_number(parser: Any, number: float) -> None:
    assert parser(number).fault is Fault.NOT_FINITE


@pytest.mark.parametrize(
    ("cell", "value", "cleaned"),
    [
        ("𠮷㐂电子（温州）", "𠮷㐂电子（温州）", False),
        (" \u3000浙江甲\xa0", "浙江甲", False),
        ("浙江\n甲电气", "浙江甲电气", False),
        ("Zhejiang\nABC", "Zhejiang ABC", False),
        ("甲\x00乙\x07", "甲乙", True),
        ("甲\u200b乙\ufeff", "甲乙", True),
        ("\u202e甲乙\u200f", "甲乙", True),
        ("شركة", "شركة", False),
        ("'=1+1", "=1+1", False),
        ("'引号", "'引号", False),
        (13800138000.0, "13800138000", False),
        (12.5, "12.5", False),
        (dt.date(2024, 5, 6), "2024-05-06", False),
    ],
)  # fmt: skip
def test_text_is_kept_as_written(cell: Any, value: str, cleaned: bool) -> None:
    verdict = text(cell)
    assert verdict.value == value and (Flag.CLEANED in verdict.flags) is cleaned


def test_text_has_limits_and_may_have_lines() -> None:
    assert text("长" * 10_000, longest=200).params == {"length": 10_000, "longest": 200}
    assert text("一\r\n二", has_lines=True).value == "一\n二"
    assert text(True).fault is Fault.NOT_TEXT


@pytest.mark.parametrize(
    "cell", [9.13303821234567e17, 913303821234567890, "9.13304E+17", "9.1330382123456E+17"]
)
def test_a_code_kept_as_a_number_is_refused_with_the_reason(cell: Any) -> None:
    verdict = code(cell)
    assert verdict.fault is Fault.DIGITS_LOST and "15 位" in verdict.fault.label


def test_a_code_is_normalised() -> None:
    assert code(" ９１３３0382ma2abcdef1\u200b ").value == "91330382MA2ABCDEF1"
    assert code(330382000012345.0).value == "330382000012345"
    assert code("0012").value == "0012"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (12.0, 12),
        ("1,234", 1234),
        ("１２ 人", 12),
        ("12.0", 12),
        ("-3", -3),
        ("(1,234)", -1234),
        ("1E3", 1000),
        (0, 0),
    ],
)
def test_whole_numbers(cell: Any, value: int) -> None:
    assert integer(cell).value == value


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        (12.5, Fault.NOT_WHOLE), ("12.5", Fault.NOT_WHOLE), ("约12", Fault.NOT_NUMBER), ("1,23", Fault.NOT_NUMBER),
        (True, Fault.NOT_NUMBER), ("NaN", Fault.NOT_FINITE), ("Infinity", Fault.NOT_FINITE), ("1e309", Fault.TOO_BIG),
        (1e300, Fault.TOO_BIG), ("9" * 30, Fault.TOO_BIG), ("9" * 5000, Fault.TOO_BIG), (1e16, Fault.DIGITS_LOST),
        (dt.date(2024, 1, 1), Fault.NOT_NUMBER),
    ],
)  # fmt: skip
def test_what_is_no_whole_number_is_refused(cell: Any, fault: Fault) -> None:
    assert integer(cell).fault is fault


@pytest.mark.parametrize(
    ("cell", "unit", "value", "flags"),
    [
        (50.0, "万元", 500_000, ()),
        ("50万人民币", "元", 500_000, ()),
        ("1,234.5万元", "元", 12_345_000, ()),
        ("1,234.5万元", "万元", 12_345_000, ()),
        ("人民币 50 万元整", "亿元", 500_000, ()),
        ("¥1,000.50", "元", 1001, (Flag.ROUNDED,)),
        ("0.49", "元", 0, (Flag.ROUNDED,)),
        ("-0.5", "元", -1, (Flag.ROUNDED,)),
        (0.1 + 0.2, "亿元", 30_000_000, ()),
        (1234.56, "万元", 12_345_600, ()),
        ("1.23456789", "万元", 12346, (Flag.ROUNDED,)),
        ("3亿", "万元", 300_000_000, ()),
        ("2千万元", "元", 20_000_000, ()),
        ("(500)", "元", -500, ()),
        ("500（万元）", "元", None, ()),
        ("9999999.9999", "万元", 99_999_999_999, ()),
        ("50元", "万元", 50, ()),
        (0, "万元", 0, ()),
    ],
)
def test_money_is_exact(cell: Any, unit: Any, value: int | None, flags: tuple[Flag, ...]) -> None:
    verdict = yuan(cell, unit=unit)
    if value is None:
        assert verdict.fault is Fault.NOT_NUMBER
    else:
        assert (verdict.fault, verdict.value, verdict.flags) == (None, value, flags)


@pytest.mark.parametrize(
    ("cell", "currency"),
    [("50万美元", "USD"), ("US$50", "USD"), ("$5", "USD"), ("100万港币", "HKD"), ("HK$5", "HKD"), ("€ 5", "EUR"),
     ("5万欧元", "EUR"), ("100万日元", "JPY"), ("NT$9", "TWD"), ("5新加坡元", "SGD")],
)  # fmt: skip
def test_foreign_money_is_refused_with_its_currency(cell: str, currency: str) -> None:
    verdict = yuan(cell, unit="万元")
    assert verdict.fault is Fault.FOREIGN_CURRENCY and verdict.params["currency"] == currency


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("1e309", Fault.TOO_BIG), ("1e999999999", Fault.NOT_NUMBER), ("NaN", Fault.NOT_FINITE), ("-inf", Fault.NOT_FINITE),
        ("1E16", Fault.TOO_BIG), (1e300, Fault.TOO_BIG), ("1.2.3", Fault.NOT_NUMBER), ("伍拾万元", Fault.NOT_NUMBER),
        ("1,2345", Fault.NOT_NUMBER), (dt.date(2024, 1, 1), Fault.NOT_NUMBER), ("500以上", Fault.NOT_NUMBER),
    ],
)  # fmt: skip
def test_what_is_no_money_is_refused(cell: Any, fault: Fault) -> None:
    assert yuan(cell).fault is fault


@given(some.decimals(min_value=Decimal(-10) ** 9, max_value=Decimal(10) ** 9, places=6))
def test_no_amount_in_wan_loses_a_fen(amount: Decimal) -> None:
    exact = amount * 10_000
    assert abs(Decimal(yuan(f"{amount:f}万元").value or 0) - exact) <= Decimal("0.5")
    if exact == exact.to_integral_value():
        assert yuan(float(amount), unit="万元").value == int(exact)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2024-05-06", "2024-05-06"), ("2024/5/6", "2024-05-06"), ("2024.5.6", "2024-05-06"),
        ("2024年5月6日", "2024-05-06"), ("２０２４年５月６日", "2024-05-06"), ("2024 年 5 月 6 号", "2024-05-06"),
        ("20240506", "2024-05-06"), (20240506.0, "2024-05-06"), ("2024-05-06 00:00:00", "2024-05-06"),
        ("2024-05-06T08:30:00+08:00", "2024-05-06"), (dt.datetime(2024, 5, 6, 8), "2024-05-06"),
        (dt.date(2024, 5, 6), "2024-05-06"), (45000.0, "2023-03-15"), ("45000", "2023-03-15"), (61.0, "1900-03-01"),
        (Float1904(45000.0), "2027-03-16"), (45000.75, "2023-03-15"), (73415.0, "2100-12-31"), ("2024-02-29", "2024-02-29"),
    ],
)  # fmt: skip
def test_days_are_read_as_written(cell: Any, value: str) -> None:
    assert day(cell).value == dt.date.fromisoformat(value)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("2024-02-30", Fault.NO_SUCH_DAY), ("2023年2月29日", Fault.NO_SUCH_DAY), ("20241301", Fault.NO_SUCH_DAY),
        ("1900-02-29", Fault.NO_SUCH_DAY), (60.0, Fault.DAY_RANGE), (59.0, Fault.DAY_RANGE), (-1.0, Fault.DAY_RANGE),
        (0.0, Fault.DAY_RANGE), (73416.0, Fault.DAY_RANGE), ("2101-01-01", Fault.DAY_RANGE), (99999999.0, Fault.DAY_RANGE),
        (dt.date(1900, 2, 28), Fault.DAY_RANGE), (2024.0, Fault.DAY_MISSING), ("2024年5月", Fault.DAY_MISSING),
        ("2024-5", Fault.DAY_MISSING), ("2024", Fault.DAY_MISSING), ("24-5-6", Fault.SHORT_YEAR), ("24/5/6", Fault.SHORT_YEAR),
        ("24年5月6日", Fault.SHORT_YEAR), ("5/6/2024", Fault.DAY_ORDER), ("2024-05/06", Fault.NOT_DATE),
        ("长期", Fault.NOT_DATE), (dt.time(0), Fault.NOT_DATE), (True, Fault.NOT_DATE), ("2024-05-06 至今", Fault.NOT_DATE),
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused(cell: Any, fault: Fault) -> None:
    assert day(cell).fault is fault


def test_a_day_says_what_was_done_to_it() -> None:
    assert day(45000.0).flags == (Flag.SERIAL,)
    assert day(dt.datetime(2024, 5, 6, 8)).flags == (Flag.TIME_DROPPED,) == day("2024-05-06 08:30").flags
    assert day(dt.datetime(2024, 5, 6)).flags == () == day("2024-05-06 00:00:00").flags


def test_years() -> None:
    assert [year(cell).value for cell in (2024.0, "2024", "2024年", "２０２４年度")] == [2024] * 4
    assert [
        year(cell).fault for cell in (24.0, "24", 2024.5, "2024-05-06", dt.date(2024, 5, 6), "1e9", 9999)
    ] == [Fault.NOT_YEAR] * 7


def test_yes_and_no() -> None:
    assert {yes_no(cell).value for cell in ("是", "√", "Y", "yes", True, 1.0, "有")} == {True}
    assert {yes_no(cell).value for cell in ("否", "×", "N", "no", False, 0.0, "无")} == {False}
    assert yes_no("也许").fault is Fault.NOT_YES_NO


def test_a_refusal_names_row_column_and_reason() -> None:
    refused = day("2024-02-30").refused(row=7, column="认定日期")
    assert isinstance(refused, Refused) and refused.field == "认定日期"
    assert refused.params["row"] == 7 and str(refused.params["reason"].params["shown"]) == "2024-02-30"


def test_every_fault_can_be_said_with_its_parameters() -> None:
    for cell in (
        "#N/A",
        "长" * 100,
        "1e309",
        "x",
        "50美元",
        "24-1-1",
        "2024",
        "2024-13-01",
        1.5,
        1e17,
        float("nan"),
        True,
    ):
        for parser in (*PARSERS, lambda cell: text(cell, longest=5)):
            verdict = parser(cell)
            if not verdict.ok:
                assert "%(" not in str(Refused(verdict.message.text, **verdict.message.params))


@given(
    some.one_of(
        some.text(),
        some.floats(),
        some.integers(),
        some.booleans(),
        some.dates(),
        some.datetimes(),
        some.none(),
    )
)
def test_no_parser_ever_fails_on_what_it_is_given(cell: Any) -> None:
    for parser in PARSERS:
        verdict = parser(cell)
        assert verdict.ok or verdict.value is None

"""What a table is once it has been read: typed cells with the row numbers of the file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from crm.core.words import N_, Message, Word


class Fault(Word):
    """Why a cell cannot be taken as data. Labels are filled with the verdict's parameters."""

    FORMULA_ERROR = "formula-error", N_("公式出错，结果是 %(shown)s")
    FORMULA_UNVALUED = "formula-unvalued", N_("公式没有保存计算结果，请用 Excel 或 WPS 打开并保存一次")
    MERGED = "merged", N_("是合并单元格的一部分，请取消合并并逐行填写")
    GARBLED = "garbled", N_("含有乱码字符，请检查原文件的编码")
    TOO_LONG = "too-long", N_("有 %(length)s 个字符，最多 %(longest)s 个")
    DIGITS_LOST = "digits-lost", N_("是数字格式，Excel 只保留 15 位，后面的位数已丢失；请按文本格式重新填写")
    NOT_TEXT = "not-text", N_("「%(shown)s」不是文字")
    NOT_NUMBER = "not-number", N_("「%(shown)s」不是数字")
    NOT_FINITE = "not-finite", N_("「%(shown)s」不是有限的数字")
    NOT_WHOLE = "not-whole", N_("「%(shown)s」不是整数")
    TOO_BIG = "too-big", N_("「%(shown)s」太大")
    FOREIGN_CURRENCY = "foreign-currency", N_("「%(shown)s」是外币 (%(currency)s)，请折算成人民币再填")
    NOT_DATE = "not-date", N_("「%(shown)s」不是日期，请写成 2024-05-06")
    NO_SUCH_DAY = "no-such-day", N_("「%(shown)s」这一天不存在")
    SHORT_YEAR = "short-year", N_("「%(shown)s」的年份只有两位，请写四位")
    DAY_ORDER = "day-order", N_("「%(shown)s」分不清日和月，请写成 2024-05-06")
    DAY_MISSING = "day-missing", N_("「%(shown)s」没有写到日")
    DAY_RANGE = "day-range", N_("「%(shown)s」不在 1900 年 3 月至 2100 年之间")
    NOT_YEAR = "not-year", N_("「%(shown)s」不是 1900 至 2100 的年份")
    NOT_YES_NO = "not-yes-no", N_("「%(shown)s」看不出是或否")


class BadCell(NamedTuple):
    """A cell whose content must never become data; every parser refuses it with this fault."""

    fault: Fault
    shown: str = ""


class Float1904(float):
    """A number of a workbook that counts its days from 1904."""

    __slots__ = ()


Cell = str | float | int | bool | dt.datetime | dt.date | dt.time | BadCell | None


class Kind(StrEnum):
    XLSX = "xlsx"
    XLS = "xls"
    TEXT = "csv"
    PASTED = "pasted"


class Skip(Word):
    """Why a filled row of the file is not a data row."""

    ABOVE = "above-header", N_("表头之前")
    HEADER = "header", N_("表头")
    HEADER_AGAIN = "header-again", N_("重复的表头")
    TOTAL = "total", N_("合计行")
    NOTE = "note", N_("说明或备注行")
    NUMBER_ONLY = "number-only", N_("只有序号")


class Row(NamedTuple):
    """`number` is the 1-based row of the file; trailing empty cells are not kept."""

    number: int
    cells: tuple[Cell, ...]


class Skipped(NamedTuple):
    row: int
    reason: Skip


class Record(Mapping[str, Cell]):
    """A data row by heading; `row` is its number in the file. Every heading is present."""

    __slots__ = ("_index", "cells", "row")

    def __init__(self, row: int, cells: tuple[Cell, ...], index: Mapping[str, int]) -> None:
        self.row = row
        self.cells = cells
        self._index = index

    def __getitem__(self, heading: str) -> Cell:
        place = self._index[heading]
        return self.cells[place] if place < len(self.cells) else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"Record({self.row}, {dict(self)!r})"


@dataclass(slots=True)
class Table:
    """One sheet or text file. `headings` are unique; `notices` are for the person who uploaded it."""

    filename: str
    kind: Kind
    rows: list[Row]
    sheet_names: tuple[str, ...] = ()
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    headings: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    duplicate_headings: list[str] = field(default_factory=list)
    unnamed_columns: list[str] = field(default_factory=list)
    notices: list[Message] = field(default_factory=list)


def column_letters(index: int) -> str:
    """0 → A, 26 → AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """A → 0, AA → 26."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1

"""Write tables out, row by row: .xlsx with typed columns, or CSV that Excel opens as UTF-8.

No cell can become a formula or a link: text that begins like one gets an apostrophe, which `cells.text` takes off
again; codes and leading zeros stay text; numbers stay numbers, unless Excel would lose their digits.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Asia/Shanghai")
_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "＝",
    "＋",
    "－",
    "＠",
    "\t",
    "\r",
    "\n",
)  # East Asian Excel reads wide ones too
_LONGEST = 32_767
_ROWS_A_SHEET = 1_048_576
_MOST_EXACT = 10**15
_FIRST_DAY = dt.date(1900, 3, 1)


class ColumnKind(StrEnum):
    """What a column holds. PERCENT takes a fraction (0.125 is shown as 12.5%); MOMENT is shown in Shanghai time."""

    TEXT = "text"
    INTEGER = "integer"
    YUAN = "yuan"
    DATE = "date"
    MOMENT = "moment"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is in characters; without it a width by kind is taken."""

    heading: str
    kind: ColumnKind = ColumnKind.TEXT
    width: float | None = None


@dataclass(frozen=True, slots=True)
class SheetSpec:
    """A sheet: rows may be a generator and are read once."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]


_FORMATS = {
    ColumnKind.TEXT: "@",
    ColumnKind.INTEGER: "#,##0",
    ColumnKind.YUAN: "#,##0",
    ColumnKind.DATE: "yyyy-mm-dd",
    ColumnKind.MOMENT: "yyyy-mm-dd hh:mm",
    ColumnKind.PERCENT: "0.0%",
}
_WIDTHS = {
    ColumnKind.TEXT: 20,
    ColumnKind.INTEGER: 12,
    ColumnKind.YUAN: 16,
    ColumnKind.DATE: 12,
    ColumnKind.MOMENT: 17,
    ColumnKind.PERCENT: 9,
}


def guarded(value: str) -> str:
    """Text that no spreadsheet takes for a formula and that fits a cell."""
    if value.startswith(_STARTS):
        value = "'" + value
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dt.datetime):
        return _local(value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _local(value: dt.datetime) -> dt.datetime:
    return value.astimezone(_ZONE).replace(tzinfo=None) if value.tzinfo else value


def _is_number(value: Any) -> bool:
    """Whether Excel can hold the number without losing digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return math.isfinite(value) and -_MOST_EXACT < value < _MOST_EXACT


def write_xlsx(target: Path | BinaryIO, sheets: Iterable[SheetSpec]) -> int:
    """Write sheets as they come, one row in memory at a time; returns the number of data rows written.

    A sheet with more rows than Excel holds goes on in a further one.
    """
    import xlsxwriter  # here: most commands write none

    if isinstance(target, Path):
        with target.open("wb") as stream:  # what cannot be written is said before the rows are read
            return write_xlsx(stream, sheets)
    written = 0
    book = xlsxwriter.Workbook(
        target,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
        },
    )
    try:
        formats = {kind: book.add_format({"num_format": form}) for kind, form in _FORMATS.items()}
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        titles: set[str] = set()
        for spec in sheets:
            rows = iter(spec.rows)
            more = True
            while more:
                sheet = book.add_worksheet(_title(spec.title, titles))
                count, more = _fill(sheet, spec.columns, rows, formats, head)
                written += count
        if not titles:
            book.add_worksheet()
    finally:
        book.close()
    return written


def _title(wanted: str, taken: set[str]) -> str:
    """A name Excel accepts and the workbook does not have yet."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", wanted).strip().strip("'")[:31] or "Sheet"
    title, number = plain, 1
    while title.casefold() in taken:
        number += 1
        mark = f" ({number})"
        title = plain[: 31 - len(mark)] + mark
    taken.add(title.casefold())
    return title


def _fill(
    sheet: Any,
    columns: Sequence[Column],
    rows: Iterator[Sequence[Any]],
    formats: dict[ColumnKind, Any],
    head: Any,
) -> tuple[int, bool]:
    for place, column in enumerate(columns):
        width = column.width if column.width is not None else _WIDTHS[column.kind]
        sheet.set_column(place, place, width, formats[column.kind])
    for place, column in enumerate(columns):
        sheet.write_string(0, place, guarded(column.heading), head)
    sheet.freeze_panes(1, 0)
    writers = [_writer(sheet, column.kind, formats[column.kind]) for column in columns]
    number = 0
    for number, row in enumerate(rows, 1):
        for place, (write, value) in enumerate(zip(writers, row, strict=True)):
            if value is not None:
                write(number, place, value)
        if number == _ROWS_A_SHEET - 1:
            break
    if number:
        sheet.autofilter(0, 0, number, max(0, len(columns) - 1))
    return number, number == _ROWS_A_SHEET - 1


def _unwrapped(sheet: Any, name: str) -> Callable[..., Any]:
    """The method without its understanding of "A1" addresses, which costs a fifth of the time."""
    method = getattr(sheet, name)
    plain = getattr(method, "__wrapped__", None)
    return method if plain is None else partial(plain, sheet)


def _writer(sheet: Any, kind: ColumnKind, form: Any) -> Callable[[int, int, Any], None]:
    write_string, write_number = _unwrapped(sheet, "write_string"), _unwrapped(sheet, "write_number")
    write_datetime = sheet.write_datetime

    def as_text(row: int, column: int, value: Any) -> None:
        if type(value) is not str:
            value = _as_text(value)
        if value:
            if value[0] in _STARTS or len(value) > _LONGEST:
                value = guarded(value)
            write_string(row, column, value, form)

    def as_number(row: int, column: int, value: Any) -> None:
        if (type(value) is int and -_MOST_EXACT < value < _MOST_EXACT) or _is_number(value):
            write_number(row, column, value, form)
        elif not (isinstance(value, float) and not math.isfinite(value)):
            as_text(row, column, value)

    def as_date(row: int, column: int, value: Any) -> None:
        if isinstance(value, dt.datetime):
            value = _local(value)
        if isinstance(value, dt.date) and dt.date(value.year, value.month, value.day) >= _FIRST_DAY:
            write_datetime(row, column, value, form)
        else:
            as_text(row, column, value)

    if kind is ColumnKind.TEXT:
        return as_text
    return as_date if kind in (ColumnKind.DATE, ColumnKind.MOMENT) else as_number


def csv_chunks(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """A CSV in pieces of about 64 KB, UTF-8 with BOM, for a streamed answer."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write("\ufeff")
    writer.writerow([guarded(column.heading) for column in columns])
    kinds = [column.kind for column in columns]
    for row in rows:
        writer.writerow([_csv_cell(kind, value) for kind, value in zip(kinds, row, strict=True)])
        if buffer.tell() > 65_536:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _csv_cell(kind: ColumnKind, value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if kind in (ColumnKind.INTEGER, ColumnKind.YUAN, ColumnKind.PERCENT) and _is_number(value):
        return str(value)
    if kind is ColumnKind.DATE and isinstance(value, dt.datetime):
        value = _local(value).date()
    return guarded(_as_text(value).replace("\x00", ""))


def write_csv(target: Path | BinaryIO, sheet: SheetSpec) -> None:
    if isinstance(target, Path):
        with target.open("wb") as stream:
            write_csv(stream, sheet)
        return
    for chunk in csv_chunks(sheet.columns, sheet.rows):
        target.write(chunk)

"""Read a table from a file or from pasted text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import BinaryIO

from crm.core.sheets import compound, package
from crm.core.sheets.csv_text import find_delimiter, read_text
from crm.core.sheets.headings import find_header, knows, shape
from crm.core.sheets.isolation import Parsed, Range, read_isolated, too_long, too_many
from crm.core.sheets.limits import DEFAULT, Limits
from crm.core.sheets.recognising import damaged, encrypted, recognise
from crm.core.sheets.table import BadCell, Cell, Fault, Float1904, Kind, Row, Table
from crm.core.words import N_, Refused, Word

_OTHERS = 5  # sheets tried beside the first one


class Source(Word):
    """Stands for the file name where there is no file."""

    PASTED = "pasted", N_("粘贴的文字")


_PASTED = Source.PASTED


def read(
    source: Path | bytes | BinaryIO,
    filename: str,
    *,
    limits: Limits = DEFAULT,
    sheet: str | None = None,
    known: Collection[str] = (),
    header_row: int | None = None,
    line_heading: str = "名称",
) -> Table:
    """Read the sheet named, or the first visible one with content (that has a known heading, if one has).

    `known` are headings the caller understands, synonyms included; they decide which row is the header.
    `header_row` overrides that by its row number. A file of one column whose header is not known has none; its
    column is called `line_heading`. Raises `Refused` for whatever is no table, is too large, or could be misread.
    """
    data = _load(source, filename, limits)
    kind = recognise(data, filename)
    if kind is Kind.TEXT:
        rows, encoding, delimiter = read_text(data, filename, limits=limits)
        table = Table(filename, kind, rows, encoding=encoding, delimiter=delimiter)
        shape(table, (), known, header_row=header_row, line_heading=line_heading)
        return table
    read_book = _read_xlsx if kind is Kind.XLSX else _read_xls
    parsed = read_book(data, filename, sheet, limits)
    if sheet is None and known and len(parsed.sheet_names) > 1 and not knows(parsed.rows, known):
        for other in [name for name in parsed.sheet_names if name != parsed.sheet][:_OTHERS]:
            candidate = read_book(data, filename, other, limits)
            if knows(candidate.rows, known):
                parsed = candidate
                break
    del data
    _refuse_merged(parsed, known, header_row, filename)
    table = Table(filename, kind, parsed.rows, sheet_names=parsed.sheet_names, sheet=parsed.sheet)
    shape(table, parsed.merged, known, header_row=header_row, line_heading=line_heading)
    return table


def read_pasted(
    text: str, *, known: Collection[str] = (), limits: Limits = DEFAULT, line_heading: str = "名称"
) -> Table:
    """Read text pasted from a sheet (tabs), a CSV, or one name a line. Without a header, columns are called 第 A 列."""
    data = text.encode("utf-8", "replace")
    if len(data) > limits.file_bytes:
        raise too_many(_PASTED, limits)
    if not text.strip():
        raise Refused(N_("没有粘贴任何文字。"))
    lines = text.splitlines()
    if find_delimiter(lines) == "," and not _commas_separate(lines):
        rows = _read_lines(lines, limits)
        table = Table(_PASTED, Kind.PASTED, rows)
    else:
        rows, _, delimiter = read_text(b"\xef\xbb\xbf" + data, _PASTED, limits=limits)
        table = Table(_PASTED, Kind.PASTED, rows, delimiter=delimiter)
    # pasted rows often come without their header: once some headings are known, only those make one
    names = known or (line_heading,)
    shape(table, (), names, header_row=None, line_heading=line_heading, guesses=not known)
    return table


def _commas_separate(lines: Sequence[str]) -> bool:
    """A single line of prose with a comma is one name; a table has the same number of commas again and again."""
    counts = [line.count(",") for line in lines[:50] if line.strip()]
    return bool(counts) and min(counts) > 0


def _read_lines(lines: Sequence[str], limits: Limits) -> list[Row]:
    rows = []
    for number, line in enumerate(lines, 1):
        if len(line) > limits.cell_chars:
            raise too_long(_PASTED, number, 0, len(line), limits)
        if line.strip():
            rows.append(Row(number, (line.strip(),)))
    if len(rows) > limits.rows:
        raise too_many(_PASTED, limits)
    return rows


def _load(source: Path | bytes | BinaryIO, name: str, limits: Limits) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, Path):
        with source.open("rb") as stream:
            data = stream.read(limits.file_bytes + 1)
    else:
        data = source.read(limits.file_bytes + 1)
    if len(data) > limits.file_bytes:
        raise Refused(
            N_("「%(name)s」超过 %(most)s MB。请删去图片和多余的工作表，或分成几份上传。"),
            name=name, most=limits.file_bytes // 1_000_000,
        )  # fmt: skip
    return data


def _read_xlsx(data: bytes, name: str, sheet: str | None, limits: Limits) -> Parsed:
    seen = package.inspect(data, name, limits)
    visible = [part for part in seen.parts if not part.is_hidden]
    if sheet is None:
        filled = (part for part in visible if (scan := seen.scans.get(part.member)) and scan.has_values)
        part = next(filled, None)
    else:
        part = next((part for part in seen.parts if part.name == sheet), None)
    scan = seen.scans.get(part.member) if part else None
    if part is not None and scan is None and sheet is None:
        raise damaged(name)
    if scan is not None and scan.far is not None:
        raise Refused(
            N_("「%(name)s」的单元格 %(place)s 有内容，超出了一次 %(rows)s 行、%(columns)s 列的限度。请删去多余的内容，或分成几份上传。"),
            name=name, place=scan.far, rows=limits.rows, columns=limits.columns,
        )  # fmt: skip
    if scan is not None and (scan.has_unplaced or scan.has_too_many):
        raise Refused(
            N_("「%(name)s」有太多公式没有计算结果或出错。请用 Excel 打开，把公式粘贴为数值，保存后再上传。"),
            name=name,
        )
    parsed = read_isolated(data, name, sheet=part.name if part else sheet, limits=limits)
    if visible:
        parsed.sheet_names = tuple(part.name for part in visible)
    if scan is not None:
        _overlay(parsed, scan.bad)
    if seen.is_1904:
        _count_from_1904(parsed)
    return parsed


def _read_xls(data: bytes, name: str, sheet: str | None, limits: Limits) -> Parsed:
    try:
        seen = compound.scan(data)
    except compound.Broken as error:
        raise damaged(name) from error
    if seen.is_encrypted:
        raise encrypted(name)
    parsed = read_isolated(data, name, sheet=sheet, limits=limits)
    errors = seen.errors.get(parsed.sheet or "", {})
    _overlay(parsed, {place: BadCell(Fault.FORMULA_ERROR, shown) for place, shown in errors.items()})
    if seen.is_1904:
        _count_from_1904(parsed)
    return parsed


def _overlay(parsed: Parsed, bad: dict[tuple[int, int], BadCell]) -> None:
    """Put marks over cells the parser shows as empty. Places are (row, column) from 0."""
    if not bad:
        return
    by_row: dict[int, dict[int, BadCell]] = {}
    for (row, column), mark in bad.items():
        by_row.setdefault(row + 1, {})[column] = mark
    rows = {row.number: row for row in parsed.rows}
    for number, marks in by_row.items():
        cells: list[Cell] = list(rows[number].cells) if number in rows else []
        cells += [None] * (max(marks) + 1 - len(cells))
        for column, mark in marks.items():
            cells[column] = mark
        rows[number] = Row(number, tuple(cells))
    parsed.rows = [rows[number] for number in sorted(rows)]


def _count_from_1904(parsed: Parsed) -> None:
    parsed.rows = [
        Row(row.number, tuple(Float1904(cell) if type(cell) is float else cell for cell in row.cells))
        for row in parsed.rows
    ]


def _refuse_merged(parsed: Parsed, known: Collection[str], header_row: int | None, name: str) -> None:
    """Below the header, a cell covered by a merged one is neither empty nor filled: mark it."""
    if not parsed.merged or not parsed.rows:
        return
    header = find_header(parsed.rows, parsed.merged, known, header_row=header_row, name=name)
    if header is None:
        return
    last = parsed.rows[header.last].number - 1
    rows = {row.number - 1: row for row in parsed.rows}
    covered: dict[tuple[int, int], BadCell] = {}
    for (top, left), (bottom, right) in _clipped(parsed.merged, parsed.rows[-1].number, len(header.headings)):
        for row in range(max(top, last + 1), bottom + 1):
            if row not in rows and row != top:
                continue
            for column in range(left, right + 1):
                if (row, column) != (top, left):
                    covered[row, column] = BadCell(Fault.MERGED)
    _overlay(parsed, covered)


def _clipped(merged: Sequence[Range], rows: int, columns: int) -> list[Range]:
    return [
        ((top, left), (min(bottom, rows), min(right, columns - 1)))
        for (top, left), (bottom, right) in merged
        if left < columns
    ]

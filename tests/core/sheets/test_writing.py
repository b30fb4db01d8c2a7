"""What is written: typed columns, no formula ever, and the same again when read back."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from crm.core.sheets import Column, ColumnKind, SheetSpec, csv_chunks, read, text, write_csv, write_xlsx

COLUMNS = [
    Column("企业名称"), Column("信用代码"), Column("员工数", ColumnKind.INTEGER), Column("营收（元）", ColumnKind.YUAN),
    Column("成立日期", ColumnKind.DATE), Column("更新时间", ColumnKind.MOMENT), Column("占比", ColumnKind.PERCENT),
]  # fmt: skip
MOMENT = dt.datetime(2024, 5, 6, 16, 30, tzinfo=dt.UTC)
ROWS: list[list[Any]] = [
    ["浙江甲电气", "913303820000000018", 12, 1_234_567, dt.date(2001, 2, 3), MOMENT, 0.125],
    ["=1+1", "0012", None, -5, None, None, Decimal("0.5")],
    ["@SUM(A1)", "+86", 0, 10**17, dt.date(1899, 1, 1), None, float("nan")],
    ["https://example.com", "-", 3, 4, dt.date(2024, 2, 29), None, None],
    ["\t=1", "\r=2", 1, 2, None, None, None],
    ["𠮷_x0041_\x00\u202e", "'已有", 1, 2, None, None, None],
]


def written(rows: list[list[Any]] = ROWS) -> bytes:
    stream = io.BytesIO()
    write_xlsx(stream, [SheetSpec("名单", COLUMNS, rows)])
    return stream.getvalue()


def test_no_cell_becomes_a_formula_or_a_link() -> None:
    with zipfile.ZipFile(io.BytesIO(written())) as package:
        sheet = package.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<f " not in sheet and "hyperlink" not in sheet
    assert "<t>'=1+1</t>" in sheet and "<t>'@SUM(A1)</t>" in sheet and "<t>'+86</t>" in sheet
    assert "<pane" in sheet and 'state="frozen"' in sheet


def test_numbers_stay_numbers_and_codes_stay_text() -> None:
    table = read(written(), "a.xlsx")
    first, _, third, *_ = table.records
    assert list(first.values()) == [
        "浙江甲电气", "913303820000000018", 12.0, 1_234_567.0, dt.date(2001, 2, 3), dt.datetime(2024, 5, 7, 0, 30), 0.125
    ]  # fmt: skip
    assert third["营收（元）"] == str(10**17) and third["成立日期"] == "1899-01-01" and third["占比"] is None
    assert table.records[1]["信用代码"] == "0012" and table.records[1]["营收（元）"] == -5.0


def test_text_comes_back_as_it_was() -> None:
    table = read(written(), "a.xlsx")
    assert [text(record["企业名称"]).value for record in table.records] == [
        "浙江甲电气", "=1+1", "@SUM(A1)", "https://example.com", "=1", "𠮷_x0041_"
    ]  # fmt: skip
    assert table.records[5]["信用代码"] == "'已有"


def test_text_longer_than_a_cell_is_cut_visibly() -> None:
    table = read(written([["长" * 40_000, "=" * 32_767, 1, 2, None, None, None]]), "a.xlsx")
    values = [str(value) for value in list(table.records[0].values())[:2]]
    assert [len(value) for value in values] == [32_767] * 2 and all(value.endswith("…") for value in values)


def test_csv_has_the_same_rules(tmp_path: Path) -> None:
    path = tmp_path / "名单.csv"
    write_csv(path, SheetSpec("名单", COLUMNS, ROWS))
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and b"\r\n" in data
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[1] == [
        "浙江甲电气",
        "913303820000000018",
        "12",
        "1234567",
        "2001-02-03",
        "2024-05-07 00:30",
        "0.125",
    ]
    assert rows[2][:4] == ["'=1+1", "0012", "", "-5"] and rows[3][6] == ""
    assert [row[0][0] for row in rows[2:4]] == ["'", "'"]
    assert [text(record["企业名称"]).value for record in read(path, path.name).records][1:3] == [
        "=1+1",
        "@SUM(A1)",
    ]


@pytest.mark.parametrize("typed", ["＝1+1", "＋1", "－1", "＠SUM(A1)"])
def test_a_wide_sign_begins_no_formula_either(typed: str) -> None:
    table = read(written([[typed, "1", 1, 2, None, None, None]]), "a.xlsx")
    assert str(table.records[0]["企业名称"]).startswith("'")
    assert text(table.records[0]["企业名称"]).value == typed
    line = b"".join(csv_chunks([Column("企业名称")], [[typed]])).decode("utf-8-sig")
    assert line.splitlines()[1] == f"'{typed}"


def test_sheet_titles_are_made_acceptable_and_unique() -> None:
    stream = io.BytesIO()
    titles = ["名单/2024:[一]?*", "名单 2024  一", "长" * 40, "长" * 50, "", "history'"]
    write_xlsx(stream, [SheetSpec(title, [Column("a")], [["x"]]) for title in titles])
    names = read(stream.getvalue(), "a.xlsx").sheet_names
    assert len({name.casefold() for name in names}) == len(titles) and all(len(name) <= 31 for name in names)


def test_a_row_of_the_wrong_width_is_an_error_not_a_shift() -> None:
    with pytest.raises(ValueError, match="zip"):
        written([["甲"]])


def many() -> Iterator[list[Any]]:
    for number in range(8_000):
        yield [f"浙江第{number}电气有限公司", "91330382MA2ABCDEF1", "城东街道", number, number * 7, 0.5] * 2


WIDE = [
    Column(f"列{place}", kind)
    for place, kind in enumerate(
        [
            ColumnKind.TEXT,
            ColumnKind.TEXT,
            ColumnKind.TEXT,
            ColumnKind.INTEGER,
            ColumnKind.YUAN,
            ColumnKind.PERCENT,
        ]
        * 2
    )
]


def seconds(write: Callable[[], None]) -> float:
    begun = time.process_time()
    write()
    return time.process_time() - begun


def test_a_large_export_takes_no_longer_than_the_bare_writer_and_a_third(tmp_path: Path) -> None:
    def ours() -> None:
        write_xlsx(tmp_path / "ours.xlsx", [SheetSpec("名单", WIDE, many())])

    def bare() -> None:
        book = xlsxwriter.Workbook(str(tmp_path / "bare.xlsx"), {"constant_memory": True})
        form = book.add_format({"num_format": "#,##0"})
        sheet = book.add_worksheet()
        sheet.set_column(0, 11, 12, form)
        for number, row in enumerate(many()):
            sheet.write_row(number, 0, row, form)
        book.close()

    rounds = [(seconds(ours), seconds(bare)) for _ in range(5)]
    mine, its = (min(times) for times in zip(*rounds, strict=True))
    assert mine <= its * 1.3, rounds


def test_rows_are_not_gathered_in_memory(tmp_path: Path) -> None:
    rows = ([f"甲{number}", "x" * 200] for number in range(5_000))
    tracemalloc.start()
    write_xlsx(tmp_path / "a.xlsx", [SheetSpec("名单", [Column("a"), Column("b")], rows)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_500_000, peak


def test_csv_is_streamed_in_pieces() -> None:
    pieces = csv_chunks([Column("a")], (["x" * 1000] for _ in range(1000)))
    assert len(next(pieces)) < 100_000
    assert re.fullmatch(rb"(x{1000}\r\n)+", next(pieces))

"""Tables as offices really make them: titles, merged headers, notes, totals, formulas, two calendars."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import xlsxwriter

from crm.core.sheets import BadCell, Fault, Kind, Skip, day, match_columns, read, read_pasted, unit_of
from crm.core.words import Refused
from tests.core.sheets import nasty

KNOWN = {"企业名称", "统一社会信用代码", "证书编号", "注册资本"}


def merge(*ranges: str) -> str:
    return (
        f"<mergeCells>{''.join(f'<mergeCell ref={chr(34)}{each}{chr(34)}/>' for each in ranges)}</mergeCells>"
    )


def read_rows(*rows: Any, **options: Any) -> Any:
    return read(nasty.table(*rows, **options), "名单.xlsx")


def test_titles_above_and_notes_below_are_skipped_and_reported() -> None:
    table = read_rows(
        ["附件1"],
        ["2025年度高新技术企业名单"],
        [],
        ["序号", "企业名称\n（全称）", "证书编号", "发证日期"],
        [1, "浙江甲电气有限公司", "GR202533000001", "2025年12月8日"],
        [],
        [2, "乐清市乙电子有限公司", "GR202533000002", "2025年12月8日"],
        [3],
        ["合 计", None, 2],
        [None, "小计：", 2, 3],
        ["（样本：名称为公开名录）"],
        ["注：以证书为准"],
        ["制表人：张三", None, "审核人：李四"],
    )
    assert table.kind is Kind.XLSX and table.header_row == 4
    assert table.headings == ["序号", "企业名称（全称）", "证书编号", "发证日期"]
    assert [(record.row, record["企业名称（全称）"]) for record in table.records] == [
        (5, "浙江甲电气有限公司"),
        (7, "乐清市乙电子有限公司"),
    ]
    assert [(skipped.row, skipped.reason) for skipped in table.skipped] == [
        (1, Skip.ABOVE), (2, Skip.ABOVE), (4, Skip.HEADER), (8, Skip.NUMBER_ONLY), (9, Skip.TOTAL), (10, Skip.TOTAL),
        (11, Skip.NOTE), (12, Skip.NOTE), (13, Skip.NOTE),
    ]  # fmt: skip


def test_a_row_with_only_a_name_is_data() -> None:
    table = read_rows(["企业名称", "员工数", "街道"], ["注册制咨询有限公司"], ["合计科技有限公司", 1])
    assert [record["企业名称"] for record in table.records] == ["注册制咨询有限公司", "合计科技有限公司"]


def test_a_header_repeated_on_each_page_is_no_data() -> None:
    table = read_rows(
        ["企业名称", "街道"], ["甲公司", "城东街道"], ["企业名称", "街道"], ["乙公司", "城南街道"]
    )
    assert len(table.records) == 2 and (3, Skip.HEADER_AGAIN) in table.skipped


def test_known_headings_decide_which_row_is_the_header() -> None:
    rows = [
        ["填报单位", "联系人", "电话"],
        ["科技局", "张三", "在册"],
        ["单位全称", "证号", "街道"],
        ["甲", "乙", "丙"],
    ]
    assert read(nasty.table(*rows), "a.xlsx").header_row == 1
    assert read(nasty.table(*rows), "a.xlsx", known={"单位全称", "证号"}).header_row == 3
    assert read(nasty.table(*rows), "a.xlsx", header_row=2).headings == ["科技局", "张三", "在册"]


def test_a_table_without_a_header_is_refused() -> None:
    with pytest.raises(Refused, match="没有找到表头"):
        read_rows(["甲公司", "GR202533000001"], ["乙公司", "GR202533000002"])


def test_a_header_without_rows_is_refused() -> None:
    with pytest.raises(Refused, match="下面没有数据"):
        read_rows(["企业名称", "员工数"], [], ["合计", 0])
    with pytest.raises(Refused, match="没有内容"):
        read(nasty.xlsx(""), "a.xlsx")


def test_duplicate_and_missing_headings_are_reported() -> None:
    table = read_rows(["企业名称", "备注", "备注", None], ["甲公司", "一", "二", "三"])
    assert table.headings == ["企业名称", "备注", "备注 (2)", "第 D 列"]
    assert table.duplicate_headings == ["备注"] and table.unnamed_columns == ["D"]
    assert dict(table.records[0]) == {"企业名称": "甲公司", "备注": "一", "备注 (2)": "二", "第 D 列": "三"}
    assert len(table.notices) == 2


def test_a_header_of_two_merged_lines_is_joined() -> None:
    table = read_rows(
        ["企业情况汇总表"],
        ["企业名称", "营业收入", None, "备注"],
        [None, "2023年", "2024年", None],
        ["甲公司", 10, 20, "好"],
        after=merge("A1:D1", "A2:A3", "B2:C2", "D2:D3"),
    )
    assert table.headings == ["企业名称", "营业收入 2023年", "营业收入 2024年", "备注"]
    assert table.header_row == 3 and dict(table.records[0])["营业收入 2024年"] == 20.0


def test_known_headings_in_the_second_line_do_not_hide_the_first() -> None:
    rows = [
        ["企业名称", "注册信息", None],
        [None, "统一社会信用代码", "注册资本（万元）"],
        ["甲公司", "9133", 20],
    ]
    data = nasty.table(*rows, after=merge("A1:A2", "B1:C1"))
    table = read(data, "a.xlsx", known=KNOWN)
    assert table.headings == ["企业名称", "注册信息 统一社会信用代码", "注册信息 注册资本（万元）"]
    assert len(table.records) == 1


def test_a_header_of_three_lines_is_refused() -> None:
    with pytest.raises(Refused, match="超过两行"):
        read_rows(
            ["企业名称", "财务", None, None],
            [None, "营业收入", None, "利润"],
            [None, "2023年", "2024年", None],
            ["甲公司", 1, 2, 3],
            after=merge("A1:A3", "B1:D1", "B2:C2", "D2:D3"),
        )


def test_merged_data_cells_never_become_data() -> None:
    table = read_rows(
        ["企业名称", "街道", "员工数"], ["甲公司", "城东街道", 1], ["乙公司", None, 2], ["丙公司", "城南", 3],
        after=merge("B2:B3"),
    )  # fmt: skip
    assert [record["街道"] for record in table.records] == ["城东街道", BadCell(Fault.MERGED), "城南"]


def test_a_heading_merged_over_all_columns_between_rows_is_a_note() -> None:
    table = read_rows(
        ["企业名称", "街道"], ["一、制造业"], ["甲公司", "城东"], ["二、服务业"], ["乙公司", "城南"],
        after=merge("A2:B2", "A4:B4"),
    )  # fmt: skip
    assert [record["企业名称"] for record in table.records] == ["甲公司", "乙公司"]


def test_formula_errors_and_formulas_without_a_value_are_marked() -> None:
    table = read_rows(
        ["企业名称", "员工数", "营收", "利润", "备注"],
        [
            "甲公司",
            '<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>',
            '<c r="C2"><f>SUM(A1:A9)</f></c>',
            '<c r="D2"><f>1+1</f><v>2</v></c>',
            '<c r="E2" t="str"><f>IF(A2="","",1)</f><v></v></c>',
        ],
        ["乙公司", '<c r="B3" t="e"><v>#N/A</v></c>', '<c r="C3" s="1"><f t="shared" si="0"/><v/></c>', 4],
    )
    first, second = table.records
    assert first["员工数"] == BadCell(Fault.FORMULA_ERROR, "#DIV/0!")
    assert first["营收"] == BadCell(Fault.FORMULA_UNVALUED) == second["营收"]
    assert first["利润"] == 2.0 and first["备注"] is None
    assert second["员工数"] == BadCell(Fault.FORMULA_ERROR, "#N/A")


def test_formulas_are_found_in_a_sheet_larger_than_the_window() -> None:
    rows = [["企业名称", "员工数"], *([f"浙江第{n}号电气制造有限公司", n] for n in range(2, 30_000))]
    rows[20_000][1] = '<c r="B20001"><f>A1</f></c>'
    rows[29_000][1] = '<c r="B29001" t="e"><v>#REF!</v></c>'
    table = read_rows(*rows)
    bad = [record.row for record in table.records if isinstance(record["员工数"], BadCell)]
    assert bad == [20_001, 29_001] and len(table.records) == 29_998


def test_dates_are_read_in_both_calendars() -> None:
    rows = ["企业名称", "成立", "认定"], ["甲", '<c r="B2" s="1"><v>45000</v></c>', 45000]
    for is_1904, expected in ((False, dt.date(2023, 3, 15)), (True, dt.date(2027, 3, 16))):
        record = read_rows(*rows, date1904=is_1904).records[0]
        assert day(record["成立"]).value == expected == day(record["认定"]).value


def test_nonsense_dates_of_a_sheet_are_refused() -> None:
    serials = [-1, 0, 60, 99999999, "1e309"]
    cells = [f'<c r="{nasty.column(at)}2" s="1"><v>{serial}</v></c>' for at, serial in enumerate(serials)]
    record = read_rows([f"日期{nasty.column(at)}" for at in range(5)], cells).records[0]
    assert [day(cell).ok for cell in record.values()] == [False] * 5, list(record.values())


def test_the_first_visible_sheet_with_content_is_read_and_others_by_name() -> None:
    one, two = (
        nasty.rows_xml([["a", "b"], ["x", "y"]]),
        nasty.rows_xml([["企业名称", "街道"], ["甲", "城东"]]),
    )
    data = nasty.xlsx(("隐藏", one), ("空", ""), ("名单 & 表", two), ("三", one), hidden=["隐藏"])
    table = read(data, "a.xlsx")
    assert table.sheet == "名单 & 表" and table.sheet_names == ("空", "名单 & 表", "三")
    assert read(data, "a.xlsx", sheet="三").headings == ["a", "b"]
    with pytest.raises(Refused, match="没有所选的工作表"):
        read(data, "a.xlsx", sheet="四")


def test_a_sheet_of_instructions_does_not_hide_the_table() -> None:
    rules = nasty.rows_xml([["填写说明", "要求"], ["第一条", "如实填写"]])
    data = nasty.xlsx(("说明", rules), ("名单", nasty.rows_xml([["企业名称", "街道"], ["甲", "城东"]])))
    assert read(data, "a.xlsx", known=KNOWN).sheet == "名单"
    assert read(data, "a.xlsx").sheet == "说明" == read(data, "a.xlsx", known={"别的"}).sheet


def test_the_name_of_the_file_does_not_matter() -> None:
    assert read(nasty.table(["企业名称", "街道"], ["甲", "乙"]), "名单.csv").kind is Kind.XLSX
    assert read("企业名称,街道\n甲,乙".encode(), "名单.xlsx").kind is Kind.TEXT


def test_xls_is_read_with_its_errors_and_calendar() -> None:
    rows = [
        ["企业名称", "成立日期", "员工数"],
        ["浙江甲电气𠮷有限公司", 45000.0, 5.0],
        ["乙公司", 45001.0, b"\x0f"],
    ]
    table = read(nasty.xls(rows), "名单.xls")
    assert table.kind is Kind.XLS and table.sheet == "名单"
    assert table.records[0]["企业名称"] == "浙江甲电气𠮷有限公司"
    assert table.records[1]["员工数"] == BadCell(Fault.FORMULA_ERROR, "#VALUE!")
    assert day(table.records[0]["成立日期"]).value == dt.date(2023, 3, 15)
    assert day(read(nasty.xls(rows, date1904=True), "a.xls").records[0]["成立日期"]).value == dt.date(
        2027, 3, 16
    )


def test_a_path_and_an_open_file_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "名单.xlsx"
    path.write_bytes(nasty.table(["企业名称", "街道"], ["甲", "乙"]))
    with path.open("rb") as stream:
        assert read(stream, path.name).records[0]["街道"] == read(path, path.name).records[0]["街道"] == "乙"


def test_columns_are_matched_exactly_first_and_without_brackets_then() -> None:
    columns = {"name": ["企业名称", "单位名称"], "capital": ["注册资本"], "staff": ["职工人数", "员工数"]}
    headings = ["序号", "＊企业名称：", "单位名称", "注册资本（万元）", "员 工 数"]
    assert match_columns(headings, columns) == {
        "name": "＊企业名称：", "capital": "注册资本（万元）", "staff": "员 工 数"
    }  # fmt: skip
    assert match_columns(["单位名称", "企业名称"], {"name": ["企业名称"], "other": ["单位名称"]}) == {
        "name": "企业名称", "other": "单位名称"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "unit"),
    [
        ("注册资本（万元）", "万元"), ("营业收入(亿元)", "亿元"), ("净利润/元", "元"), ("研发费用，单位：万元", "万元"),
        ("注册资本", None), ("单元", None), ("元", None),
    ],
)  # fmt: skip
def test_the_unit_in_a_heading_is_found(heading: str, unit: str | None) -> None:
    assert unit_of(heading) == unit


def test_pasted_names_are_read_one_a_line() -> None:
    table = read_pasted("浙江甲电气有限公司\r\n\r\n 乙,丙电子有限公司\n\n丁公司", line_heading="企业名称")
    assert table.headings == ["企业名称"] and table.header_row is None
    assert [(record.row, record["企业名称"]) for record in table.records] == [
        (1, "浙江甲电气有限公司"), (3, "乙,丙电子有限公司"), (5, "丁公司")
    ]  # fmt: skip
    with_header = read_pasted("企业名称\n甲公司", known=KNOWN)
    assert with_header.header_row == 1 and len(with_header.records) == 1


def test_pasted_cells_are_read_with_or_without_their_header() -> None:
    table = read_pasted("企业名称\t证书编号\n甲公司\tGR1\n乙公司\tGR2", known=KNOWN)
    assert [dict(record) for record in table.records][1] == {"企业名称": "乙公司", "证书编号": "GR2"}
    bare = read_pasted("甲公司\t城东街道\n乙公司\t城南街道", known=KNOWN)
    assert bare.headings == ["第 A 列", "第 B 列"] and len(bare.records) == 2
    commas = read_pasted("企业名称,街道\n甲公司,城东", known=KNOWN)
    assert commas.records[0]["街道"] == "城东"
    with pytest.raises(Refused, match="没有粘贴"):
        read_pasted(" \n\n ")


def test_ten_thousand_rows_cost_little_more_than_the_parser_alone() -> None:
    """Checked and typed, in a process of its own: a ratio within one run, since machines are noisy."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [f"列{nasty.column(at)}" for at in range(12)])
    for number in range(1, 10_001):
        sheet.write_row(number, 0, [f"浙江第{number}电气有限公司", number, "乐清市", number * 1.5] * 3)
    book.close()
    data = stream.getvalue()
    rounds = [(used(data, parsed), used(data, checked)) for _ in range(4)]
    ratio = min(took for _, took in rounds) / min(alone for alone, _ in rounds)
    assert ratio <= 6, ratio  # 2.6 on a quiet machine


def checked(data: bytes) -> int:
    return len(read(data, "a.xlsx").records)


def parsed(data: bytes) -> int:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    return len(book.get_sheet_by_index(0).to_python()) - 1


def used(data: bytes, how: Callable[[bytes], int]) -> float:
    """Processor time of this process and of the one that parses: not what others do to the clock."""
    before = _spent()
    assert how(data) == 10_000
    return _spent() - before


def _spent() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_read_or_refused_but_never_fails(seed: int) -> None:
    chance = random.Random(seed)
    rows = [["企业名称", "街道", "员工数"], ["甲公司", "城东", 1.0], ["乙公司", "城南", 2.0]]
    data = bytearray(nasty.xls(rows) if seed % 2 else nasty.table(*rows))
    for _ in range(chance.choice([1, 3, 20])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with contextlib.suppress(Refused):
        read(bytes(data[: chance.choice([len(data), chance.randrange(1, len(data))])]), "名单")

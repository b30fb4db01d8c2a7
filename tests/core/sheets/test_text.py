"""CSV in the encodings that arrive, and never a garbled character."""

from __future__ import annotations

import pytest

from crm.core.sheets import read
from crm.core.words import Refused

TEXT = "企业名称,街道,员工数\r\n浙江甲电气有限公司,城东街道,12\r\n乐清市𠮷㐂电子有限公司,城南街道,3\r\n"


@pytest.mark.parametrize(
    ("codec", "shown"),
    [
        ("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gb18030", "GB18030"), ("utf-16", "UTF-16-LE"),
        ("utf-16-le", "UTF-16-LE"), ("utf-16-be", "UTF-16-BE"),
    ],
)  # fmt: skip
def test_every_usual_encoding_is_read_exactly(codec: str, shown: str) -> None:
    table = read(TEXT.encode(codec), "名单.csv")
    assert table.encoding == shown
    assert [list(record.values()) for record in table.records] == [
        ["浙江甲电气有限公司", "城东街道", "12"], ["乐清市𠮷㐂电子有限公司", "城南街道", "3"]
    ]  # fmt: skip


def test_utf16_with_the_other_mark_is_read() -> None:
    assert read(b"\xfe\xff" + TEXT.encode("utf-16-be"), "a.csv").records[0]["街道"] == "城东街道"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode()[:40] + b"\xff" + TEXT.encode()[40:],
        TEXT.encode()[:-30] + "末".encode()[:2],
        b"\xef\xbb\xbf" + TEXT.encode("gb18030"),
        "企業名稱,街道\n浙江溫州電氣製造有限公司,樂清灣臨港區域".encode("big5"),
        "会社名,住所\n株式会社トヨタ自動車,愛知県豊田市トヨタ町".encode("shift-jis"),
        "Firma;Straße\nMüller Größen GmbH;Königsallee Düsseldorf".encode("latin-1"),
        "Компания,Адрес\nЗавод электрики,Москва".encode("cp1251"),
        TEXT.encode("utf-16-le") + b"\x00",
    ],
)
def test_what_would_be_garbled_is_refused(data: bytes) -> None:
    try:
        table = read(data, "名单.csv")
    except Refused as refused:
        assert "编码" in str(refused) or "binary" in str(refused)
    else:
        cells = "".join(str(value) for record in table.records for value in record.values())
        raise AssertionError(f"read as {table.encoding}: {cells}")


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(mark: str) -> None:
    lines = [["企业名称", "地址", "员工数"], ["甲公司", '"乐清市, 城东"', "12"], ["乙", "x", "3"]]
    table = read("\n".join(mark.join(line) for line in lines).encode(), "a.csv")
    assert dict(table.records[0]) == {"企业名称": "甲公司", "地址": "乐清市, 城东", "员工数": "12"}


def test_mixed_line_ends_and_quoted_breaks_keep_their_rows() -> None:
    table = read('企业名称,备注\r\n甲,"一\r\n二"\n乙,三\r丙,四\r\n\r\n,\n丁,五'.encode(), "a.csv")
    assert [(record.row, record["企业名称"], record["备注"]) for record in table.records] == [
        (2, "甲", "一\r\n二"), (3, "乙", "三"), (4, "丙", "四"), (7, "丁", "五")
    ]  # fmt: skip


def test_a_quote_that_is_never_closed_is_refused() -> None:
    rows = "\n".join(f"公司{n},街道" for n in range(40_000))
    for tail in ("乙,三", rows):
        with pytest.raises(Refused, match="第 3 行起的引号"):
            read(f'企业名称,备注\n甲,一\n乙,"二\n{tail}'.encode(), "a.csv")


def test_a_quote_inside_a_name_is_tolerated() -> None:
    table = read('企业名称,备注\n浙江"正泰"公司,一\n"正泰"集团,二'.encode(), "a.csv")
    assert [record["企业名称"] for record in table.records] == ['浙江"正泰"公司', "正泰集团"]


def test_a_code_protected_from_excel_is_unwrapped() -> None:
    table = read('企业名称,代码\n甲,"=""91330382MA2XXXXXX1"""\n乙,="0012"'.encode(), "a.csv")
    assert [record["代码"] for record in table.records] == ["91330382MA2XXXXXX1", "0012"]


def test_a_few_nul_bytes_do_not_make_a_text_binary() -> None:
    table = read(TEXT.replace("城东", "城\x00东").encode(), "a.csv")
    assert table.records[0]["街道"] == "城\x00东街道"


def test_short_rows_have_missing_cells_and_long_rows_named_columns() -> None:
    table = read("企业名称,街道\n甲\n乙,城南,多出".encode(), "a.csv")
    assert dict(table.records[0]) == {"企业名称": "甲", "街道": None, "第 C 列": None}
    assert table.unnamed_columns == ["C"] and table.records[1]["第 C 列"] == "多出"


@pytest.mark.parametrize(
    "data", [TEXT.encode()[:40] + b"\xff" + TEXT.encode()[40:], TEXT.encode()[:-1] + b"\xe6"]
)
def test_damaged_utf8_is_called_so(data: bytes) -> None:
    with pytest.raises(Refused, match="应是 UTF-8 编码"):
        read(data, "名单.csv")

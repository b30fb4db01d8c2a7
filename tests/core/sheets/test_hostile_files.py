"""Files from hell: each ends in a sentence that names what is wrong, quickly and in little memory."""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from crm.core.sheets import DEFAULT, Limits, isolation, read
from crm.core.sheets.package import _beyond
from crm.core.words import Refused
from tests.core.sheets import nasty

GOOD = nasty.table(["企业名称", "员工数"], ["浙江甲电气有限公司", 12])


def refusal(data: bytes, name: str = "名单.xlsx", *, limits: Limits = DEFAULT) -> Refused:
    with pytest.raises(Refused) as caught:
        read(data, name, limits=limits)
    assert name in str(caught.value)
    return caught.value


MEASURE = """
import json, os, re, resource, sys
from pathlib import Path
from crm.core.sheets import read
from crm.core.sheets.package import _beyond
from crm.core.words import Refused
def own(): return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
source, begun, before = Path(sys.argv[1]), sum(os.times()[:4]), own()
try:
    table = read(source, source.name)
    said = {"records": len(table.records), "refused": None}
except Refused as refused:
    said = {"records": 0, "refused": str(refused)}
print(json.dumps(said | {"seconds": sum(os.times()[:4]) - begun, 
    "mb": (own() - before + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) // 1024}))
"""


def measured(path: Path) -> dict[str, object]:
    """Read the file in a fresh process: records, sentence, seconds of work, and MB beyond the start (children included)."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        capture_output=True,
        check=True,
        timeout=250,
        cwd=Path.cwd(),
    )
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "空文件"),
        (b"\xef\xbb\xbf\r\n", "空文件"),
        (b"MZ\x90\x00" + b"\x00" * 500, "可执行程序"),
        (b"\x7fELF\x02\x01\x01\x00", "可执行程序"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF 文档"),
        (b"\x89PNG\r\n\x1a\n\x00", "图片"),
        (b"Rar!\x1a\x07\x01\x00", "压缩包"),
        (nasty.package({"word/document.xml": b"<w/>"}), "Word 文档"),
        (nasty.package({"xl/workbook.bin": b"x"}), ".xlsb"),
        (nasty.package({"mimetype": b"x", "content.xml": b"<x/>"}), "OpenDocument"),
        (nasty.package({"inner.xlsx": GOOD}), "先解压"),
        (b"<html><body><table><tr><td>1</td></tr></table></body></html>", "网页"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><table>", "网页"),
        (b'<?xml version="1.0"?><Workbook/>', "XML 文件"),
        (GOOD[: len(GOOD) // 2], "不完整或已损坏"),
        (nasty.compound({"EncryptionInfo": b"x", "EncryptedPackage": b"y"}), "打开密码"),
        (nasty.xls([["企业名称", "a"], ["甲", 1]], password=True), "打开密码"),
        (nasty.compound({"WordDocument": b"x"}), "Word 文档"),
        (nasty.xls([["企业名称", "a"], ["甲", 1]])[:2000], "不完整或已损坏"),
        (nasty.MAGIC + b"\x00" * 100, "不完整或已损坏"),
        (nasty.MAGIC + b"\xff" * 4000, "不完整或已损坏"),
        (bytes(range(128)) * 80, "二进制文件"),
    ],
)
def test_a_file_that_is_no_table_is_named_and_refused(data: bytes, words: str) -> None:
    refused = refusal(data)
    what = refused.params.get("what")
    assert words in str(refused) + getattr(what, "label", "")


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = b" " * (1 << 20)
    packed = b"".join(engine.compress(zeros) for _ in range(200)) + engine.flush()
    bomb = forged("xl/worksheets/sheet1.xml", packed, declared=200 << 20)
    assert "大得不正常" in str(refusal(bomb))


def test_a_member_that_lies_about_its_size_is_refused() -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = engine.compress(b"<x>" + b"a" * 100_000) + engine.flush()
    assert "与实际不符" in str(refusal(forged("xl/media/a.bin", packed, declared=10)))


def test_a_bomb_that_says_it_is_small_is_stopped_all_the_same() -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = b" " * (1 << 20)
    packed = b"".join(engine.compress(zeros) for _ in range(100)) + engine.flush()
    assert "大得不正常" in str(refusal(forged("xl/sharedStrings.xml", packed, declared=100)))


def forged(member: str, packed: bytes, *, declared: int) -> bytes:
    """GOOD plus a member of raw deflate data with a freely chosen declared size."""
    stream = io.BytesIO(GOOD)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as target:
        name = f"{member}.bin" if member in target.namelist() else member
        target.writestr(name, packed)
    data = bytearray(stream.getvalue())
    for signature, at_method, at_size in ((b"PK\x03\x04", 8, 22), (b"PK\x01\x02", 10, 24)):
        at = data.rfind(signature)
        data[at + at_method : at + at_method + 2] = struct.pack("<H", 8)
        data[at + at_size : at + at_size + 4] = struct.pack("<I", declared)
    return bytes(data)


def test_too_many_members_are_refused() -> None:
    extra = {f"xl/media/{at}.txt": b"x" for at in range(2100)}
    assert "部件" in str(refusal(nasty.xlsx(nasty.rows_xml([["a", "b"], [1, 2]]), extra=extra)))


def test_two_members_of_one_name_are_refused() -> None:
    stream = io.BytesIO(GOOD)
    with zipfile.ZipFile(stream, "a") as target, pytest.warns(UserWarning, match="Duplicate"):
        target.writestr("xl/workbook.xml", b"<x/>")
    assert "损坏" in str(refusal(stream.getvalue()))


@pytest.mark.parametrize(
    "prolog",
    [
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>',
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "/etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_a_workbook_with_entities_is_refused(prolog: str) -> None:
    body = nasty.rows_xml([["企业名称", "a"], ["甲", 1]])
    assert "实体定义" in str(refusal(nasty.xlsx(body, prolog=prolog)))


def test_entities_in_another_encoding_are_refused_too() -> None:
    sheet = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'.encode(
        "utf-16"
    )
    assert "不是 UTF-8" in str(refusal(nasty.xlsx("", extra={"xl/sharedStrings.xml": sheet})))


def test_a_stray_far_cell_is_named() -> None:
    rows = nasty.rows_xml([["企业名称", "员工数"], ["甲公司", 12]])
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert "XFD1048576" in str(refusal(nasty.xlsx(rows + far)))
    assert "ZZ3" in str(refusal(nasty.xlsx(rows + '<row r="3"><c r="ZZ3"><v>1</v></c></row>')))


def test_far_blank_cells_do_no_harm() -> None:
    rows = nasty.rows_xml([["企业名称", "员工数"], ["甲公司", 12]])
    blank = '<row r="3"><c r="ZZ3" s="1"/></row><row r="1048576"><c r="XFD1048576" s="1"></c></row>'
    assert len(read(nasty.xlsx(rows + blank), "a.xlsx").records) == 1


def test_the_far_cell_of_a_book_with_prefixed_names_is_found() -> None:
    body = (
        f'<x:worksheet xmlns:x="{nasty.MAIN}"><x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c>'
        '<x:c r="XFD1"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    parts = {}
    with zipfile.ZipFile(io.BytesIO(GOOD)) as good:
        parts = {name: good.read(name) for name in good.namelist()}
    parts["xl/worksheets/sheet1.xml"] = body.encode()
    assert "XFD1" in str(refusal(nasty.package(parts)))


def test_a_far_cell_without_an_address_is_stopped_by_the_process_limit() -> None:
    cells = "<c><v>1</v></c>" * 300
    refused = refusal(nasty.xlsx(f"<row>{cells}</row><row>{cells}</row>"))
    assert "200 列" in str(refused)


def test_a_lying_dimension_does_no_harm() -> None:
    rows = nasty.rows_xml([["企业名称", "员工数"], ["甲公司", 12]])
    lying = nasty.xlsx(rows, before='<dimension ref="A1:XFD1048576"/>')
    assert len(read(lying, "a.xlsx").records) == 1
    assert len(read(nasty.xlsx(rows, before='<dimension ref="A1"/>'), "a.xlsx").records) == 1


def test_merged_ranges_over_the_whole_sheet_do_no_harm() -> None:
    rows = nasty.rows_xml([["企业名称", "员工数"], ["甲公司", 12], ["乙公司", 3]])
    merged = nasty.xlsx(rows, after='<mergeCells count="1"><mergeCell ref="D2:XFD1048576"/></mergeCells>')
    assert [record["员工数"] for record in read(merged, "a.xlsx").records] == [12.0, 3.0]


def test_one_text_used_by_very_many_cells_stays_within_memory(tmp_path: Path) -> None:
    strings = f'<sst xmlns="{nasty.MAIN}"><si><t>{"长" * 32_000}</t></si></sst>'.encode()
    body = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 100_001))
    data = nasty.xlsx(body, extra={"xl/sharedStrings.xml": strings})
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    link = f'<Relationship Id="rId9" Type="{nasty.REL}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
        b"</Relationships>", link.encode()
    )
    path = tmp_path / "名单.xlsx"
    path.write_bytes(nasty.package(parts))
    said = measured(path)
    assert "内存超过限度" in str(said["refused"]) or "内容太多" in str(said["refused"])
    assert float(str(said["seconds"])) <= 10 and int(str(said["mb"])) <= 500, said


def test_a_million_formatted_empty_rows_are_read_past(tmp_path: Path) -> None:
    head = nasty.rows_xml([["企业名称", "员工数"], ["甲公司", 12]])
    blank = "".join(
        f'<row r="{n}" spans="1:3" s="1" customFormat="1"><c r="A{n}" s="1"/><c r="B{n}" s="1"/><c r="C{n}" s="1"/></row>'
        for n in range(3, 1_048_577)
    )
    path = tmp_path / "名单.xlsx"
    path.write_bytes(nasty.xlsx(head + blank))
    said = measured(path)
    assert said["records"] == 1, said
    assert float(str(said["seconds"])) <= 10 and int(str(said["mb"])) <= 400, said


def test_two_hundred_thousand_rows_are_read_within_half_a_gigabyte(tmp_path: Path) -> None:
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>浙江第{n}电气有限公司</t></is></c><c r="B{n}"><v>{n}</v></c>'
        f'<c r="C{n}"><v>{n}.5</v></c><c r="D{n}" t="inlineStr"><is><t>城东街道</t></is></c></row>'
        for n in range(2, 200_002)
    )
    path = tmp_path / "名单.xlsx"
    path.write_bytes(nasty.xlsx(nasty.rows_xml([["企业名称", "员工数", "营收", "街道"]]) + cells))
    said = measured(path)
    assert said["records"] == 200_000, said
    assert int(str(said["mb"])) <= 500, said


def test_more_rows_than_allowed_are_refused_in_both_formats() -> None:
    few = Limits(rows=50)
    rows = [["企业名称", "员工数"], *([f"甲{n}", n] for n in range(400))]
    assert "A151" in str(refusal(nasty.table(*rows), limits=few))
    assert "A152" in str(
        refusal(nasty.xlsx(nasty.rows_xml(rows[:2]) + nasty.rows_xml([["甲"]], first=152)), limits=few)
    )
    csv = "\n".join(",".join(map(str, row)) for row in rows).encode()
    assert "内容太多" in str(refusal(csv, limits=few))


def test_more_columns_than_allowed_are_refused_in_both_formats() -> None:
    wide = [f"列{n}" for n in range(201)]
    assert "200 列" in str(refusal(nasty.table(wide, wide)))
    assert "200 列" in str(refusal((",".join(wide) + "\n" + ",".join(wide)).encode()))
    assert len(read(nasty.table(wide[:200], list(range(200))), "a.xlsx").headings) == 200


def test_a_cell_longer_than_excel_holds_is_refused_with_its_place() -> None:
    long = "长" * 32_768
    for data in (nasty.table(["企业名称", "备注"], ["甲", long]), f"企业名称,备注\n甲,{long}".encode()):
        refused = refusal(data)
        assert refused.params["row"] == 2 and refused.params["column"] == "B", refused
    table = read(nasty.table(["企业名称", "备注"], ["甲", "长" * 10_000]), "a.xlsx")
    assert len(str(table.records[0]["备注"])) == 10_000


def test_a_file_larger_than_allowed_is_refused_unread() -> None:
    small = Limits(file_bytes=1000)
    assert "超过" in str(refusal(GOOD, limits=small))
    with pytest.raises(Refused):
        read(io.BytesIO(GOOD), "名单.xlsx", limits=small)


def test_a_reader_that_computes_too_long_is_stopped() -> None:
    assert "已停止" in str(refusal(GOOD, limits=Limits(seconds=0)))


def test_a_reader_that_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = tmp_path / "sleeper.py"
    sleeper.write_text("import time; time.sleep(200)")
    monkeypatch.setattr(isolation, "_CHILD", sleeper)
    begun = time.monotonic()
    assert "已停止" in str(refusal(GOOD, limits=Limits(seconds=0)))
    assert time.monotonic() - begun < 100


def test_a_reader_on_a_busy_machine_is_waited_for_while_it_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is limited is its own processor time, and silence: not how long others keep the machine busy."""
    slow = tmp_path / "slow.py"
    slow.write_text(
        """import time
print('{"sheets": ["a"], "sheet": "a", "merged": []}', flush=True)
for n in range(1, 11):
    time.sleep(0.4)
    print(f'[[{n}, ["x"]]]', flush=True)
print('{"end": true}', flush=True)
"""
    )
    monkeypatch.setattr(isolation, "_CHILD", slow)
    parsed = isolation.read_isolated(GOOD, "a.xlsx", sheet=None, limits=Limits(seconds=1))
    assert len(parsed.rows) == 10


def test_a_reader_that_dies_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half = tmp_path / "half.py"
    half.write_text(
        """print('{"sheets": ["a"], "sheet": "a", "merged": []}'); print('[[1, ["x", "y"]], [2, ["z", "u"]]]')"""
    )
    monkeypatch.setattr(isolation, "_CHILD", half)
    assert "损坏" in str(refusal(GOOD))


def test_a_reader_that_needs_too_much_memory_is_stopped() -> None:
    pattern = "".join(
        f'<row r="{n}"><c r="A{n}"><v>1</v></c><c r="GR{n}"><v>1</v></c></row>' for n in range(1, 40_000)
    )
    assert "内存" in str(refusal(nasty.xlsx(pattern), limits=Limits(child_memory=150_000_000)))


def test_no_child_is_left_behind() -> None:
    read(GOOD, "a.xlsx")
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_limits_are_said_in_words() -> None:
    said = [str(Refused(message.text, **message.params)) for message in DEFAULT.describe()]
    assert any("200,000 行、200 列" in sentence and "32,767" in sentence for sentence in said)
    assert any("50 MB" in sentence for sentence in said)


@given(some.integers(1, 2_000_000), some.integers(1, 2_000_000))
def test_row_numbers_beyond_the_limit_are_recognised(limit: int, number: int) -> None:
    assert bool(re.fullmatch(_beyond(limit), str(number).encode())) is (number > limit)

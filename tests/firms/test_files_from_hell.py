"""Files from hell through the page and the command: each ends in a plain sentence, or is imported right; what is refused
leaves every business table as it was. (How they are read, and in how little memory, is in tests/core/sheets.)"""

from __future__ import annotations

import gc
import io
import json
import os
import subprocess
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.config import ROOT
from crm.core.db import Base, db
from crm.firms.models import Firm
from crm.ops.jobs import work_once
from tests import people
from tests.core.sheets import nasty
from tests.core.sheets.test_hostile_files import forged

# what may change when a file comes in: the staged import itself, the log, the queue, one's session
_OWN = ("inbox_", "import_", "audit_", "jobs", "user_", "users", "search_", "sqlite_", "alembic_")
MB = 500  # of memory, the reader's own process included
A, B = "温州甲骊机械有限公司", "温州乙序电气有限公司"
HEAD = ["企业名称", "成立日期", "地址"]


@dataclass(frozen=True)
class Hell:
    """A file, and how it must end: `said` on the page when nothing of it is taken; else `names` are new firms and
    `bad` the words that refuse a row."""

    name: str
    make: Callable[[], bytes]
    said: str = ""
    names: tuple[str, ...] = ()
    bad: dict[int, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # of the first new firm


def squeezed(megabytes: int) -> bytes:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    blank = b" " * (1 << 20)
    return b"".join(engine.compress(blank) for _ in range(megabytes)) + engine.flush()


def book(*rows: Any, **more: Any) -> bytes:
    return nasty.table(HEAD, *rows, **more)


def lines(*texts: str, end: str = "\r\n") -> str:
    return end.join(["企业名称,成立日期,地址", *texts]) + end


def blank_rows() -> bytes:
    head = nasty.rows_xml([HEAD, [A, "2018-05-06"]])
    return nasty.xlsx(head + "".join(f'<row r="{n}"><c r="A{n}" s="1"/></row>' for n in range(3, 1_048_577)))


def far_cell() -> bytes:
    return nasty.xlsx(nasty.rows_xml([HEAD, [A]]) + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


def wide(count: int) -> bytes:
    more = [f"列{n}" for n in range(count - 1)]
    return nasty.table(["企业名称", *more], [A, *more])


def formulas() -> bytes:
    valued = '<c r="C2" t="str"><f>"滨海路"&amp;1</f><v>滨海路1</v></c>'
    bare = '<c r="C3"><f>1+1</f></c>'
    wrong = '<c r="C4" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    rows = [HEAD, [A, "2018-05-06", valued], [B, "2018-05-06", bare], ["温州丙有限公司", None, wrong]]
    return nasty.xlsx(nasty.rows_xml(rows))


def merged_head() -> bytes:
    rows = [["基本情况", None, "住址"], ["企业名称", "成立日期", "地址"], [A, "2018-05-06", "滨海路"]]
    merged = '<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>'
    return nasty.xlsx(nasty.rows_xml(rows), after=merged)


DATES = lines(
    f"{A},2018/5/6,", "温州二有限公司,2024年5月6日,", "温州三有限公司,2024-02-30,", "温州四有限公司,24/5/6,",
    "温州五有限公司,2101-01-01,", "温州六有限公司,1900-02-29,", "温州七有限公司,-1,", "温州八有限公司,昨天,",
)  # fmt: skip
DATES_BAD = {4: "不存在", 5: "两位", 6: "之间", 7: "", 8: "", 9: "不是日期"}
PLAIN = lines(f"{A},2018-05-06,滨海路")

FILES = [
    Hell("bomb.xlsx", lambda: forged("xl/worksheets/sheet1.xml", squeezed(200), declared=200 << 20), "大得不正常"),
    Hell("liar.xlsx", lambda: forged("xl/sharedStrings.xml", squeezed(100), declared=100), "大得不正常"),
    Hell("short.xlsx", lambda: forged("xl/media/a.bin", squeezed(1), declared=10), "与实际不符"),
    Hell("blank-rows.xlsx", blank_rows, names=(A,)),
    Hell("far.xlsx", far_cell, "XFD1048576"),
    Hell("wide.xlsx", lambda: wide(200), names=(A,)),
    Hell("too-wide.xlsx", lambda: wide(201), "200 列"),
    Hell("formulas.xlsx", formulas, names=(A,), bad={3: "公式没有保存计算结果", 4: "公式出错"},
         values={"address": "滨海路1"}),
    Hell("dtd.xlsx", lambda: book([A], prolog='<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">'), "实体定义"),
    Hell("entity.xlsx", lambda: book([A], prolog='<!DOCTYPE x [<!ENTITY a SYSTEM "/etc/passwd">]>'), "实体定义"),
    Hell("dates.csv", lambda: DATES.encode(), names=(A, "温州二有限公司"), bad=DATES_BAD),
    Hell("serial.xlsx", lambda: book([A, 43226], [B, -1], ["温州丙有限公司", 60]), names=(A,),
         bad={3: "", 4: ""}, values={"registered_on": "2018-05-06"}),
    Hell("1904.xlsx", lambda: book([A, 41764], date1904=True), names=(A,), values={"registered_on": "2018-05-06"}),
    Hell("twice-headed.csv", lambda: f"企业名称,企业名称,地址\n{A},{B},滨海路\n".encode(), names=(A,)),
    Hell("no-name.csv", lambda: "地址,成立日期\n滨海路,2018-05-06\n".encode(), "没有认出"),
    Hell("no-heading.csv", lambda: f"企业名称,,地址\n{A},x,滨海路\n".encode(), names=(A,)),
    Hell("merged-head.xlsx", merged_head, "没有认出"),
    Hell("total.csv", lambda: lines(f"{A},2018-05-06,滨海路", "合计,,1 家").encode(), names=(A,)),
    Hell("old.xls", lambda: nasty.xls([HEAD, [A, "2018-05-06", "滨海路"]]), names=(A,)),
    Hell("locked.xls", lambda: nasty.xls([HEAD, [A]], password=True), "打开密码"),
    Hell("locked.xlsx", lambda: nasty.compound({"EncryptionInfo": b"x", "EncryptedPackage": b"y"}), "打开密码"),
    Hell("renamed.xlsx", lambda: b"MZ\x90\x00" + b"\x00" * 500, "可执行程序"),
    Hell("page.xls", lambda: b"<html><table><tr><td>1</td></tr></table></html>", "网页"),
    Hell("cut.xlsx", lambda: book([A])[:400], "不完整或已损坏"),
    Hell("rows-0.xlsx", lambda: nasty.table(HEAD), "下面没有数据"),
    Hell("rows-0.csv", lambda: "企业名称,地址\n".encode(), "下面没有数据"),
    Hell("nothing.csv", lambda: b"\n\n", "空文件"),
    Hell("long-name.xlsx", lambda: book(["温" * 10_000], [A]), names=(A,), bad={2: "最多 200"}),
    Hell("nul.csv", lambda: lines("温州\x00甲骊机械有限公司,2018-05-06,滨海路").encode(), names=(A,)),
    Hell("rtl.csv", lambda: lines(f"\u202e{A}\u200f,2018-05-06,滨\u2066海路").encode(), names=(A,),
         values={"address": "滨海路"}),
    Hell("rare.csv", lambda: lines("温州𠮷㐂机械有限公司,2018-05-06,").encode(), names=("温州𠮷㐂机械有限公司",)),
    Hell("line-ends.csv", lambda: f"企业名称,地址\r\n{A},甲\r{B},乙\n温州丙有限公司,丙".encode(),
         names=(A, B, "温州丙有限公司")),
    *[
        Hell(f"{code}.csv", lambda code=code: PLAIN.encode(code), names=(A,), values={"address": "滨海路"})
        for code in ("gbk", "gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
    ],
    Hell("mojibake.csv", lambda: lines(f"{A},2018-05-06,滨海\ufffd").encode(), bad={2: "乱码"}),
    Hell("markup.csv", lambda: lines(f"{A},2018-05-06,<script>alert(1)</script>").encode(), names=(A,)),
    Hell("macro.csv", lambda: lines(f"{A},2018-05-06,=cmd|' /C calc'!A0").encode(), names=(A,)),
]  # fmt: skip


def dump(app: Flask) -> dict[str, list[Any]]:
    """Every row of every business table."""
    with app.app_context():
        found = {
            name: [tuple(map(str, row)) for row in db.session.execute(sa.select(table).order_by(table.c.id))]
            for name, table in sorted(Base.metadata.tables.items())
            if not name.startswith(_OWN) and "id" in table.c
        }
        db.session.remove()
    assert {"firms", "firm_names", "contacts", "year_figures", "certifications"} <= set(found)
    return found


def sent(client: FlaskClient, app: Flask, file: Hell) -> str:
    """Upload it, let the queue read it if it is large; returns the address of the import."""
    response = people.post(
        client, "/firms/import",
        {"sheet": "registry", "mode": "both", "file": (io.BytesIO(file.make()), file.name)},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert response.status_code == 303, file.name
    location = str(response.headers["Location"])
    response.close()
    del response
    with warnings.catch_warnings():  # the test client leaves the file of a large form to the collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    work_once(app)
    return location


def worked() -> float:
    """Seconds of processor time of this program and of the readers it has waited for."""
    return sum(os.times()[:4])


@pytest.fixture
def science(client: FlaskClient, app: Flask) -> FlaskClient:
    """Signed in, with a firm in the registry that nothing may happen to."""
    people.sign_in(client, people.SCIENCE)
    there = Hell("there.csv", lambda: lines("温州早已在库有限公司,2001-01-01,老路").encode())
    people.post(client, sent(client, app, there) + "/write")
    return client


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_each_ends_in_a_plain_sentence_or_a_right_import(
    science: FlaskClient, app: Flask, file: Hell
) -> None:
    before = dump(app)
    begun = worked()
    batch = sent(science, app, file)
    page = science.get(batch).get_data(as_text=True)
    took = worked() - begun
    assert dump(app) == before  # nothing is written before somebody says so
    if file.said:
        assert "还不能导入" in page and file.said in page
        assert took <= 10, took  # seconds of work, of the readers too: a busy machine adds waiting
        people.post(science, f"{batch}/write")
        assert dump(app) == before
        return
    refused = science.get(f"{batch}?outcome=refused").get_data(as_text=True)
    for row, words in file.bad.items():
        assert f">{row}</td>" in refused, row
        assert words in refused, words
    people.post(science, f"{batch}/write")
    after = dump(app)
    with app.app_context():
        session = db.session()
        new = session.scalars(
            sa.select(Firm).where(Firm.address.is_distinct_from("老路")).order_by(Firm.id)
        ).all()
        assert tuple(firm.name for firm in new) == file.names
        for name, value in file.values.items():
            assert str(getattr(new[0], name)) == value
        assert "\ufffd" not in json.dumps(after, ensure_ascii=False)
        db.session.remove()
    if not file.names:
        assert after == before
    again = sent(science, app, file)
    people.post(science, f"{again}/write")
    assert dump(app) == after  # the same file once more changes nothing


def test_the_page_says_what_may_be_uploaded(science: FlaskClient) -> None:
    page = science.get("/firms/import").get_data(as_text=True)
    for words in ("50 MB", "200,000 行、200 列", "32,767"):
        assert words in page


# --- by command, in a process of its own whose memory is measured ---------------------------------------------------


MEASURED = ["bomb.xlsx", "liar.xlsx", "far.xlsx", "blank-rows.xlsx", "renamed.xlsx", "locked.xls", "dtd.xlsx"]
MEASURE = r"""
import json, os, re, resource, sys
from pathlib import Path
from crm.cli import main
begun = sum(os.times()[:4])
code = main(["firms", "import", sys.argv[1], "--json"])
# of this program alone: getrusage would tell the size of the one it was forked from
status = Path("/proc/self/status")
peak = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.exists() else None
own = int(peak[1]) if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"code": code, "seconds": sum(os.times()[:4]) - begun, "mb": (own + child) // 1024}), file=sys.stderr)
"""


def commanded(path: Path, folder: Path) -> dict[str, Any]:
    """Run the command on a data folder of its own: exit code, seconds of work, MB (its reader included), what it said."""
    environment = {"PATH": "/usr/bin:/bin", "CRM_DATA": str(folder), "CRM_DEMO": "0", "LANG": "C.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    *said, last = done.stderr.strip().splitlines()
    told: dict[str, Any] = json.loads(last)
    return told | {"said": "\n".join(said), "out": done.stdout}


def rows_of(folder: Path) -> int:
    engine = sa.create_engine(f"sqlite:///{folder / 'tidui.sqlite'}")
    with engine.connect() as connection:
        count = connection.scalar(sa.text("SELECT count(*) FROM firms"))
    engine.dispose()
    return int(count or 0)


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory as Unix does")
@pytest.mark.parametrize("name", MEASURED)
def test_the_command_refuses_quickly_and_in_little_memory(tmp_path: Path, name: str) -> None:
    file = next(each for each in FILES if each.name == name)
    path = tmp_path / file.name
    path.write_bytes(file.make())
    told = commanded(path, tmp_path / "data")
    assert told["mb"] <= MB, told
    assert rows_of(tmp_path / "data") == len(file.names)
    if file.said:
        assert told["code"] == 1
        assert file.said in told["said"]
        assert told["out"] == ""
        assert told["seconds"] <= 10 + 5, told  # a new database is made first


@pytest.mark.skipif(sys.platform == "win32", reason="measures memory as Unix does")
def test_a_zip_of_a_good_book_inside_another_is_named(science: FlaskClient, app: Flask) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as outer:
        outer.writestr("名录.xlsx", book([A]))
    page = science.get(sent(science, app, Hell("zip.xlsx", stream.getvalue))).get_data(as_text=True)
    assert "先解压" in page

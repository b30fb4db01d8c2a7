"""Past visits and calls through the import on screen and by command: namesakes chosen, cells put right, undone."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest
import python_calamine
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.cli import main
from crm.core.clock import today
from crm.core.db import db
from crm.core.sheets import read
from crm.ops.jobs import work_once
from tests import people
from tests.firms.past_sheets import (
    HEAD,
    KIND,
    OLD,
    TUOYU,
    XUCHUAN,
    big,
    entries,
    firms,
    namesake,
    page,
    sheet,
    upload,
)


@pytest.fixture
def finance(client: FlaskClient) -> FlaskClient:
    people.sign_in(client, people.FINANCE)
    return client


@pytest.fixture
def there(app: Flask) -> list[int]:
    with app.app_context():
        found = firms(db.session())
        db.session.remove()
    return found


# --- two of the same name -----------------------------------------------------------------------------------------


def test_the_walk_upload_preview_write_undo(finance: FlaskClient, app: Flask, there: list[int]) -> None:
    assert "以往动态怎么导入" in page(finance, "/firms/import?sheet=activities")
    batch = upload(finance, OLD)
    shown = page(finance, batch)
    assert "将写入 3 行：新增 3" in shown
    assert "已过，写进经过，不列入待办" in shown and "只记名字" in shown
    assert "没写单位的金额按" not in shown
    assert entries(app) == []
    people.post(finance, f"{batch}/write")
    assert "已写入：新增 3" in page(finance, batch)
    assert len(entries(app)) == 3
    timeline = page(finance, f"/records/firm/{there[0]}/timeline")
    assert "看了新车间" in timeline and "叶知秋、林晓雯" in timeline
    people.post(finance, f"{batch}/undo")
    assert "已撤销" in page(finance, batch)
    assert entries(app) == []


def test_which_of_two_namesakes_is_chosen_on_screen(
    finance: FlaskClient, app: Flask, there: list[int]
) -> None:
    with app.app_context():
        other = namesake(db.session())
        db.session.remove()
    batch = upload(finance, OLD)
    assert "存疑 2" in page(finance, batch)
    shown = page(finance, f"{batch}/doubtful")
    assert "第 2 行的“叶知秋”是哪一位？" in shown
    assert "科技局" in shown and "商务局" in shown and "都不是，只记名字“叶知秋”" in shown
    assert f'value="person:{other}"' in shown
    people.post(finance, f"{batch}/doubtful/2", {"decision": f"person:{other}"})
    people.post(finance, f"{batch}/doubtful/4", {"decision": "firm:1"})  # nobody offered a firm
    assert "待核对" in page(finance, f"{batch}?outcome=doubtful")
    people.post(finance, f"{batch}/doubtful/4", {"decision": "person:0"})
    # without an author the step that is to come has its owner named in the sheet
    people.post(finance, f"{batch}/write")
    found = entries(app)
    assert [(entry.author_id, entry.author_name) for entry in found] == [
        (other, None), (None, "赵早离"), (None, "叶知秋"),
    ]  # fmt: skip


def test_a_doubtful_firm_and_a_doubtful_person_are_asked_one_after_the_other(
    finance: FlaskClient, app: Flask, there: list[int]
) -> None:
    with app.app_context():
        other = namesake(db.session())
        db.session.remove()
    row = [
        "2025-03-08",
        "浙江拓屿精密机械股份有限公司",
        "走访",
        "看了车间",
        "叶知秋",
        "",
        "",
        "送政策",
        "2027-01-05",
        "叶知秋",
    ]
    batch = upload(finance, sheet(row))
    people.post(finance, f"{batch}/doubtful/2", {"decision": f"firm:{there[0]}"})
    assert "存疑 1 行没有核对" in page(finance, batch)  # the firm alone does not settle it
    shown = page(finance, f"{batch}/doubtful?row=2")
    assert "是哪一位" in shown and "都不是" in shown
    refused = people.post(finance, f"{batch}/doubtful/2", {"decision": "person:0"}, follow_redirects=True)
    assert "是哪一位" in refused.get_data(
        as_text=True
    )  # the step must be somebody's: asked again, without nobody
    people.post(finance, f"{batch}/doubtful/2", {"decision": f"person:{other}"})
    assert "已定：" in page(finance, f"{batch}?outcome=doubtful")
    people.post(finance, f"{batch}/write")
    (entry,) = entries(app)
    assert entry.author_id == other


def test_what_came_in_meanwhile_and_two_rows_decided_alike_are_written_once(
    finance: FlaskClient, app: Flask, there: list[int]
) -> None:
    waiting = upload(finance, OLD)
    people.post(finance, upload(finance, OLD) + "/write")
    people.post(finance, f"{waiting}/write")
    assert len(entries(app)) == 3
    alike = [
        ["2025-05-06", f"{place}拓屿精密机械股份有限公司", "走访", "谈扩产", "叶知秋"]
        for place in ("浙江", "温州市")
    ]
    batch = upload(finance, sheet(*alike, head=HEAD[:5]))
    for row in (2, 3):
        people.post(finance, f"{batch}/doubtful/{row}", {"decision": f"firm:{there[0]}"})
    people.post(finance, f"{batch}/write")
    assert "已写入" in page(finance, batch)
    assert len(entries(app)) == 4


def test_a_name_put_right_in_its_cell_stops_being_doubtful_and_the_text_stays_whole(
    finance: FlaskClient, app: Flask, there: list[int]
) -> None:
    with app.app_context():
        namesake(db.session())
        db.session.remove()
    long = "第一行\n" + "长" * 3900
    batch = upload(finance, sheet(["2025-03-08", TUOYU, "走访", long, "叶知秋"], head=HEAD[:5]))
    shown = page(finance, f"{batch}/doubtful")
    area = re.search(r"<textarea[^>]*name=\"fix\.2\.summary\"[^>]*>\n(.*?)</textarea>", shown, re.S)
    assert area is not None and area[1] == long
    sent = {"walk": "1", "fix.2.people": "叶知秋（科技局）", "fix.2.summary": long.replace("\n", "\r\n")}
    people.post(finance, f"{batch}/fixes", sent)
    people.post(finance, f"{batch}/write")
    (entry,) = entries(app)
    with app.app_context():
        assert entry.author_id == people.id_of(db.session(), people.SCIENCE)
        db.session.remove()
    assert entry.summary == long


def test_a_refused_row_is_put_right_on_screen_or_leaves_in_a_file_with_its_reason(
    finance: FlaskClient, app: Flask, there: list[int]
) -> None:
    rows = [
        ["2025-02-30", TUOYU, "走访", "看了车间", "叶知秋"],
        ["2025-03-08", TUOYU, "批示", "两周内给结论", "程远山"],
    ]
    batch = upload(finance, sheet(*rows, head=HEAD[:5]))
    left = read(finance.get(f"{batch}/left.xlsx").data, "left.xlsx", known=HEAD)
    assert [str(record["内容"]) for record in left.records] == ["看了车间", "两周内给结论"]
    assert "批示不能导入" in str(left.records[1]["原因"])
    people.post(finance, f"{batch}/fixes", {"fix.2.on": "2025年2月28日", "fix.3.kind": "记事"})
    people.post(finance, f"{batch}/write")
    assert [(entry.on, entry.kind.value) for entry in entries(app)] == [
        (dt.date(2025, 2, 28), "visit"), (dt.date(2025, 3, 8), "note"),
    ]  # fmt: skip


def test_people_of_the_other_side_are_masked_for_a_colleague(
    finance: FlaskClient, app: Flask, there: list[int]
) -> None:
    row = ["2025-02-30", TUOYU, "走访", "回电 13812345678", "叶知秋", "欧阳某某"]
    batch = upload(finance, sheet(row, head=HEAD[:6]))
    other = app.test_client()
    people.sign_in(other, people.SCIENCE)
    shown = page(other, f"{batch}?outcome=refused") + str(
        read(other.get(f"{batch}/left.xlsx").data, "x.xlsx", known=HEAD).records[0]
    )
    assert "欧阳某某" not in shown and "13812345678" not in shown


@pytest.mark.parametrize("person", [people.INVESTMENT, people.LEADER, people.SUPERVISOR, people.REPORTER])
def test_who_may_log_but_not_import_does_not_import(client: FlaskClient, person: people.Person) -> None:
    people.sign_in(client, person)
    assert client.get("/firms/import?sheet=activities").status_code == 403
    assert people.post(client, "/firms/import", {"sheet": KIND.value}).status_code == 403


def test_a_page_of_past_rows_takes_the_same_number_of_queries_for_twice_as_many(
    finance: FlaskClient, app: Flask
) -> None:
    with app.app_context():
        firms(db.session(), *[f"温州第{n}家制造有限公司" for n in range(20)])
        db.session.remove()
    seen: list[str] = []
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    def asked(rows: int) -> int:
        whose = [people.SCIENCE.name, people.INVESTMENT.name, "赵早离"]
        batch = upload(
            finance,
            sheet(
                *[["2025-03-08", f"温州第{n}家制造有限公司", "走访", f"第 {n}", whose[n % 3]] for n in range(rows)],
                head=HEAD[:5],
            ),
        )  # fmt: skip
        seen.clear()
        page(finance, batch)
        return len(seen)

    assert asked(10) == asked(20)


# --- long lists and the command -----------------------------------------------------------------------------------


def test_a_long_list_is_written_in_parts_and_taken_back_whole(finance: FlaskClient, app: Flask) -> None:
    with app.app_context():
        firms(db.session(), *[f"温州第{n}家制造有限公司" for n in range(50)])
        db.session.remove()
    batch = upload(finance, big(4500))
    while work_once(app):
        pass
    assert "将写入 4,500 行" in page(finance, batch)
    people.post(finance, f"{batch}/write")
    assert work_once(app) == 1
    assert len(entries(app)) == 4500
    people.post(finance, f"{batch}/undo")
    assert work_once(app) == 1
    assert entries(app) == []


def test_by_command_a_trial_writes_nothing_and_the_real_run_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CRM_DEMO", "0")
    monkeypatch.delenv("CRM_DATABASE_URL", raising=False)
    file, names = tmp_path / "台账.csv", tmp_path / "名录.csv"
    file.write_text(OLD.replace("2026-11-20", today().isoformat()).replace("2026-12-05", "2025-12-05"))
    names.write_text(f"企业名称\n{TUOYU}\n{XUCHUAN}\n")
    assert main(["firms", "import", str(names), "--json"]) == 0
    capsys.readouterr()
    told = []
    for more in (["--dry-run"], [], []):
        assert main(["activities", "import", str(file), "--json", *more]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert [each["counts"]["new"] for each in told] == [3, 3, 0]
    assert told[2]["counts"]["same"] == 3
    assert told[0]["batch"] is None and "已过" in str(told[0]["notes"][0]["reasons"])
    assert main(["activities", "import", str(file), "--dry-run"]) == 0
    assert "试运行，没有写入" in capsys.readouterr().out
    template = tmp_path / "模板.xlsx"
    assert main(["activities", "template", str(template)]) == 0
    cells = python_calamine.CalamineWorkbook.from_path(template).get_sheet_by_index(0).to_python()[0]
    assert set(HEAD) <= set(map(str, cells))

"""Imports: recognised, previewed, decided, written in one piece, undone in one piece."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.cli import main
from crm.core.audit import AuditChange
from crm.core.db import db
from crm.core.permissions import system
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.core.undo import Blocked
from crm.core.words import Refused
from crm.firms import actions, queries, sheets
from crm.firms.actions import staging, writing
from crm.firms.models import Contact, Firm, FirmName, ImportBatch, ImportRow, IpCount, YearFigures
from crm.firms.rules.words import BatchState, ImportMode, RowOutcome, SheetKind
from crm.ops.jobs import work_once
from tests import people
from tests.firms.test_pages import code_of

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")


def judged(
    session: Session, text: str, sheet: SheetKind = SheetKind.REGISTRY, mode: ImportMode = ImportMode.BOTH
) -> tuple[Any, list[staging.Staged]]:
    table = sheets.open_table(text.encode(), "名录.csv", sheet)
    mapping = sheets.recognise(table.headings, sheet)
    rows = sheets.parse(table, mapping, sheet)
    return table, staging.judge(session, rows, actor=ROBOT, sheet=sheet, mode=mode, today=TODAY)


def taken(
    session: Session, text: str, sheet: SheetKind = SheetKind.REGISTRY, mode: ImportMode = ImportMode.BOTH
) -> ImportBatch:
    """Import a text as the command does: staged, then written in an operation of its own."""
    table, staged = judged(session, text, sheet, mode)
    batch = staging.upload(
        session,
        actor=ROBOT,
        sheet=sheet,
        mode=mode,
        filename="名录.csv",
        content=text.encode(),
        source="名录",
    )
    mapping = sheets.recognise(table.headings, sheet)
    staging.stage(session, batch, staged, actor=ROBOT, mapping=mapping, headings=table.headings)
    commit(session)
    writing.write(session, batch, actor=ROBOT, today=TODAY)
    commit(session)
    return batch


def outcomes(staged: list[staging.Staged]) -> list[str]:
    return [item.joined.outcome.value for item in staged]


LIST = f"""2026年企业名录,,,
编号,统一社会信用代码,企业名称,"注册资本
（万元）",成立日期,街道,曾用名
A1,{code_of("MA2L9E2U5")},温州拓屿精密机械有限公司,1000,2018-05-06,海城街道,温州拓屿机械厂
A2,,温州序川液压科技有限公司,50万人民币,2019/5/6,沙城,
A3,330303000012345,温州云砺电气有限公司,,,,
A4,,温州檀沃阀门有限公司,,2018-02-30,火星街道,
A5,,温州序川液压科技有限责任公司,,,,
合计,,,1050,,,
注：以上数据来自市场监管局,,,,,,
"""


def test_a_real_looking_list_is_read_and_every_bad_row_has_its_reasons(session: Session) -> None:
    _, staged = judged(session, LIST)
    assert outcomes(staged) == ["new", "new", "refused", "refused", "refused"]
    assert [item.read.row_no for item in staged] == [3, 4, 5, 6, 7]
    reasons = [{reason["field"] for reason in item.joined.reasons} for item in staged]
    assert reasons[2] == {"code"}
    assert reasons[3] == {"registered_on", "street"}
    assert "重复" in staged[4].joined.reasons[0]["text"]


def test_what_is_imported_stands_in_the_registry_and_is_found(session: Session) -> None:
    taken(session, LIST)
    firm = session.execute(sa.select(Firm).where(Firm.source_number == "A1")).scalar_one()
    assert (firm.capital_yuan, firm.registered_on) == (10_000_000, dt.date(2018, 5, 6))
    assert firm.street_id == people.unit_id(session, "海城")
    assert firm.source == "名录"
    assert firm.created_by_id is None
    assert [hit.id for hit in queries.search(session, "拓屿机械厂", ROBOT)] == [firm.id]


def test_the_same_file_again_changes_nothing(session: Session) -> None:
    taken(session, LIST)
    before = session.scalar(
        sa.select(sa.func.count()).select_from(AuditChange).where(AuditChange.kind == "firms")
    )
    batch = taken(session, LIST)
    assert (batch.counts["same"], batch.counts["new"], batch.counts["changed"]) == (2, 0, 0)
    after = session.scalar(
        sa.select(sa.func.count()).select_from(AuditChange).where(AuditChange.kind == "firms")
    )
    assert before == after


def test_an_empty_cell_changes_nothing_and_a_filled_one_changes_only_itself(session: Session) -> None:
    taken(session, LIST)
    _, staged = judged(session, "企业名称,地址,注册资本(万元)\n温州拓屿精密机械有限公司,滨海路1号,\n")
    assert staged[0].changes == {"address": [None, "滨海路1号"]}


def test_a_code_with_another_name_renames_and_keeps_the_old_name(session: Session) -> None:
    taken(session, LIST)
    taken(session, f"统一社会信用代码,企业名称\n{code_of('MA2L9E2U5')},温州拓屿智能装备股份有限公司\n")
    firm = session.execute(sa.select(Firm).where(Firm.source_number == "A1")).scalar_one()
    assert firm.name == "温州拓屿智能装备股份有限公司"
    formers = session.scalars(sa.select(FirmName.name).where(FirmName.firm_id == firm.id)).all()
    assert "温州拓屿精密机械有限公司" in formers


def test_a_former_name_finds_the_firm_but_does_not_rename_it_back(session: Session) -> None:
    taken(session, LIST)
    _, staged = judged(session, "企业名称,地址\n温州拓屿机械厂,甲路\n")
    assert staged[0].joined.how == "former"
    assert set(staged[0].changes) == {"address"}


def test_the_name_of_one_and_the_code_of_another_is_doubtful(session: Session) -> None:
    taken(session, LIST + f"A6,{code_of('MA2L9E2U6')},温州另一家有限公司,,,,\n")
    _, staged = judged(session, f"信用代码,名称\n{code_of('MA2L9E2U5')},温州另一家有限公司\n")
    assert outcomes(staged) == ["doubtful"]
    assert len(staged[0].joined.candidates) == 2


def test_the_same_name_with_another_code_is_doubtful_never_overwritten(session: Session) -> None:
    taken(session, LIST)
    _, staged = judged(session, f"信用代码,名称\n{code_of('MA2L9E2U9')},温州拓屿精密机械有限公司\n")
    assert outcomes(staged) == ["doubtful"]


def test_a_look_alike_is_doubtful_not_entered_twice(session: Session) -> None:
    taken(session, LIST)
    _, staged = judged(session, "企业名称\n浙江拓屿精密机械股份有限公司\n")
    assert outcomes(staged) == ["doubtful"]
    assert staged[0].joined.candidates[0]["name"] == "温州拓屿精密机械有限公司"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (ImportMode.CREATE, ["same", "new"]),
        (ImportMode.UPDATE, ["changed", "refused"]),
        (ImportMode.BOTH, ["changed", "new"]),
    ],
)
def test_modes_do_only_what_they_say(session: Session, mode: ImportMode, expected: list[str]) -> None:
    taken(session, LIST)
    _, staged = judged(
        session, "企业名称,地址\n温州拓屿精密机械有限公司,甲路\n温州骊驰激光有限公司,乙路\n", mode=mode
    )
    assert outcomes(staged) == expected


def test_undo_takes_the_whole_import_back_and_search_forgets_it(session: Session) -> None:
    batch = taken(session, LIST)
    writing.undo_import(session, batch, actor=ROBOT)
    commit(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 0
    assert queries.search(session, "拓屿", ROBOT) == []
    assert session.get_one(ImportBatch, batch.id).state is BatchState.UNDONE


def test_undo_is_refused_when_somebody_has_worked_on_a_firm_since(session: Session) -> None:
    batch = taken(session, LIST)
    firm = session.execute(sa.select(Firm).where(Firm.source_number == "A1")).scalar_one()
    actions.edit(session, firm, actor=ROBOT, today=TODAY, address="改过")
    commit(session)
    with pytest.raises(Blocked):
        writing.undo_import(session, batch, actor=ROBOT)


def test_a_firm_registered_since_the_preview_stops_the_whole_import(session: Session) -> None:
    table, staged = judged(session, LIST)
    batch = staging.upload(
        session, actor=ROBOT, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, filename="x.csv", content=b"x"
    )
    staging.stage(session, batch, staged, actor=ROBOT, mapping={}, headings=table.headings)
    commit(session)
    actions.register(session, actor=ROBOT, today=TODAY, name="温州序川液压科技有限公司")
    commit(session)
    with pytest.raises(Refused):
        writing.write(session, batch, actor=ROBOT, today=TODAY)
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 1


def test_figures_come_in_with_their_unit_and_source_and_missing_stays_missing(session: Session) -> None:
    taken(session, LIST)
    taken(
        session,
        "企业名称,年度,营业收入（万元）,研发费用(高企口径),净利润,从业人员,数据来源\n"
        "温州拓屿精密机械有限公司,2025年,6254,275万元,-,86,年报\n"
        "温州不存在阀门有限公司,2025,1,1,1,1,年报\n",
        SheetKind.FIGURES,
    )
    row = session.execute(sa.select(YearFigures)).scalar_one()
    assert (row.revenue_yuan, row.rd_high_tech_yuan, row.net_profit_yuan, row.employees) == (
        62_540_000,
        2_750_000,
        None,
        86,
    )
    assert row.sources["revenue_yuan"]["source"] == "年报"


def test_counts_of_rights_are_told_apart_by_day_and_way(session: Session) -> None:
    taken(session, LIST)
    text = "企业名称,类别,获得方式,件数,统计日期\n温州拓屿精密机械有限公司,发明专利,自主研发,3,2025-12-31\n"
    taken(session, text, SheetKind.IP)
    batch = taken(session, text.replace(",3,", ",4,"), SheetKind.IP)
    assert batch.counts["changed"] == 1
    assert session.scalars(sa.select(IpCount.count)).all() == [4]


def test_staged_contacts_are_forgotten_once_written(session: Session) -> None:
    taken(session, LIST)
    taken(session, "企业名称,联系人,手机\n温州拓屿精密机械有限公司,叶青,13812345678\n", SheetKind.CONTACTS)
    assert session.execute(sa.select(Contact.name, Contact.phone)).one() == ("叶青", "13812345678")
    raws = session.scalars(sa.select(ImportRow.raw)).all()
    assert not any("13812345678" in str(raw) for raw in raws)
    changes = session.execute(sa.select(AuditChange.after).where(AuditChange.kind == "contacts")).scalars()
    assert not any("13812345678" in json.dumps(change) for change in changes)


def test_a_list_without_names_or_codes_says_which_column_is_missing(session: Session) -> None:
    table = sheets.open_table("甲,乙\n1,2\n".encode(), "x.csv", SheetKind.REGISTRY)
    with pytest.raises(Refused) as caught:
        sheets.parse(table, sheets.recognise(table.headings, SheetKind.REGISTRY), SheetKind.REGISTRY)
    assert caught.value.items


# --- on screen -------------------------------------------------------------------------------------------------


def upload(client: FlaskClient, text: str, **more: str) -> str:
    """Upload a text as a file; returns the address of the batch."""
    response = people.post(
        client,
        "/firms/import",
        {"sheet": "registry", "mode": "both", "file": (io.BytesIO(text.encode()), "名录.csv"), **more},
        content_type="multipart/form-data",
    )
    assert response.status_code == 303, response.get_data(as_text=True)[:3000]
    return str(response.headers["Location"])


def test_the_whole_walk_upload_preview_write_result_undo(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    batch = upload(client, LIST)
    for outcome in RowOutcome:
        assert client.get(f"{batch}?outcome={outcome.value}").status_code == 200
    page = client.get(batch).get_data(as_text=True)
    assert "将写入 2 行" in page
    assert "旧工商注册号" in client.get(f"{batch}?outcome=refused").get_data(as_text=True)
    assert people.post(client, f"{batch}/write").status_code == 303
    assert "温州拓屿精密机械有限公司" in client.get("/firms?q=拓屿").get_data(as_text=True)
    left = client.get(f"{batch}/left.xlsx")
    table = read(left.data, "left.xlsx", known=["企业名称"])
    assert len(table.records) == 3
    assert "15 位" in str(table.records[0]["原因"])
    people.post(client, f"{batch}/undo")
    assert "温州拓屿精密机械有限公司" not in client.get("/firms?q=拓屿").get_data(as_text=True)
    assert "已撤销" in client.get(batch).get_data(as_text=True)


def test_a_doubtful_row_is_decided_on_screen(client: FlaskClient, app: Flask) -> None:
    people.sign_in(client, people.SCIENCE)
    people.post(client, upload(client, LIST) + "/write")
    batch = upload(client, "企业名称,地址\n浙江拓屿精密机械股份有限公司,甲路\n")
    page = client.get(f"{batch}/doubtful").get_data(as_text=True)
    assert "温州" in page
    with app.app_context():
        firm_id = db.session.execute(sa.select(Firm.id).where(Firm.source_number == "A1")).scalar_one()
        db.session.remove()
    assert people.post(client, f"{batch}/doubtful/2", {"decision": "firm:999999"}).status_code == 303
    assert "待核对" in client.get(f"{batch}?outcome=doubtful").get_data(as_text=True)
    people.post(client, f"{batch}/doubtful/2", {"decision": f"firm:{firm_id}"})
    people.post(client, f"{batch}/write")
    with app.app_context():
        firm = db.session.get_one(Firm, firm_id)
        assert (firm.address, firm.name) == ("甲路", "浙江拓屿精密机械股份有限公司")
        db.session.remove()


def test_columns_that_were_not_recognised_are_put_right_on_screen(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    batch = upload(client, "甲乙,丙丁\n温州拓屿精密机械有限公司,滨海路\n")
    page = client.get(batch).get_data(as_text=True)
    assert "没有认出" in page
    people.post(client, f"{batch}/columns", {"column-name": "甲乙", "column-address": "丙丁", "mode": "both"})
    assert "将写入 1 行" in client.get(batch).get_data(as_text=True)


def test_a_pasted_list_is_read_like_a_file(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    response = people.post(
        client, "/firms/import",
        {"sheet": "registry", "mode": "both", "pasted": "温州甲骊机械有限公司\n温州乙序电气有限公司"},
    )  # fmt: skip
    assert "将写入 2 行" in client.get(response.headers["Location"]).get_data(as_text=True)


def test_a_file_that_is_no_table_is_refused_in_words(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    response = people.post(
        client, "/firms/import",
        {"sheet": "registry", "mode": "both", "file": (io.BytesIO(b"PK\x03\x04broken"), "x.xlsx")},
        content_type="multipart/form-data",
    )  # fmt: skip
    page = client.get(response.headers["Location"]).get_data(as_text=True)
    assert "这份文件还不能导入" in page


def test_a_large_file_goes_through_the_queue(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.firms.views.importing.AT_ONCE", 10)
    monkeypatch.setattr("crm.firms.views.importing.ROWS_AT_ONCE", 1)
    people.sign_in(client, people.SCIENCE)
    batch = upload(client, LIST)
    assert "进度" in client.get(batch).get_data(as_text=True)
    assert work_once(app) == 1
    assert "将写入 2 行" in client.get(batch).get_data(as_text=True)
    people.post(client, f"{batch}/write")
    assert work_once(app) == 1
    assert "已写入：新增 2" in client.get(batch).get_data(as_text=True)


@pytest.mark.parametrize(
    "person", [people.INVESTMENT, people.REPORTER, people.READ_ONLY, people.AUDITOR, people.STRANGER]
)
def test_only_science_and_finance_may_import(client: FlaskClient, person: people.Person) -> None:
    people.sign_in(client, person)
    assert client.get("/firms/import?sheet=registry").status_code == 403
    assert people.post(client, "/firms/import", {"sheet": "registry"}).status_code == 403
    opens = person in (
        people.INVESTMENT,
        people.REPORTER,
    )  # they bring in projects, and see nobody else's lists
    assert client.get("/firms/import").status_code == (200 if opens else 403)
    assert people.post(client, "/firms/import/1/write").status_code == (404 if opens else 403)


@pytest.mark.parametrize("sheet", ["registry", "figures", "ip", "equity", "contacts"])
def test_an_empty_template_is_recognised_by_the_import(client: FlaskClient, sheet: str) -> None:
    people.sign_in(client, people.SCIENCE)
    response = client.get(f"/firms/import/template/{sheet}.xlsx")
    kind = SheetKind(sheet)
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(response.data))
    headings = [str(cell) for cell in book.get_sheet_by_index(0).to_python()[0]]
    assert len(sheets.recognise(headings, kind)) == len(headings)


# --- by command --------------------------------------------------------------------------------------------------


@pytest.mark.trial
def test_the_real_registry_is_imported_whole_and_again_unchanged(
    trial_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRM_DATA", str(tmp_path))
    monkeypatch.setenv("CRM_DEMO", "0")
    monkeypatch.delenv("CRM_DATABASE_URL", raising=False)
    for expected in ("new", "same"):
        assert main(["firms", "import", str(trial_data / "firms_yueqing.csv"), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["counts"][expected] == 3000, told["counts"]
        assert told["columns"]["source_number"] == "编号"

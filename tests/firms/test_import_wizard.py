"""The import on screen put to work: cells put right, columns remembered, refused rows that come back, parts, privacy."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import jobs
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.clock import now
from crm.core.db import _intent, db, writing
from crm.core.permissions import system
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.firms.actions import staging
from crm.firms.models import ColumnMemory, Contact, Firm, ImportBatch, ImportFile, ImportRow
from crm.firms.rules import staged as rules
from crm.firms.rules.words import BatchState
from crm.ladder.actions import tagging
from crm.ops.jobs import Scheduler
from tests import people
from tests.firms.test_imports import LIST, upload

ROBOT = system("tests")
TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    people.sign_in(client, people.SCIENCE)
    return client


def intent_now() -> str:
    return _intent.get()


def counts(app: Flask) -> dict[str, int]:
    """The counts of the newest import."""
    with app.app_context():
        found = db.session.scalars(sa.select(ImportBatch).order_by(ImportBatch.id.desc()).limit(1)).one()
        db.session.remove()
        return {key: value for key, value in found.counts.items() if value}


def text(client: FlaskClient, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, response.status_code
    return response.get_data(as_text=True)


# --- cells put right ----------------------------------------------------------------------------------------------


def test_a_refused_cell_is_put_right_on_screen_and_the_row_is_written(
    science: FlaskClient, app: Flask
) -> None:
    batch = upload(science, LIST)
    page = text(science, f"{batch}?outcome=refused")
    assert 'name="fix.6.registered_on" value="2018-02-30"' in page
    assert "data-focus" in page
    fixed = {"fix.6.registered_on": "2018-02-28", "fix.6.street": "沙城", "fix.5.code": "330303000012345"}
    people.post(science, f"{batch}/fixes?outcome=refused", fixed)
    assert counts(app) == {"new": 3, "refused": 2}
    assert "1 行已改正" in text(science, batch)
    people.post(science, f"{batch}/write")
    with app.app_context():
        firm = db.session.scalars(sa.select(Firm).where(Firm.name == "温州檀沃阀门有限公司")).one()
        assert (firm.registered_on, firm.street_id) == (
            dt.date(2018, 2, 28), people.unit_id(db.session(), "沙城"),
        )  # fmt: skip
        db.session.remove()


def test_a_cell_put_right_wrongly_is_refused_with_the_same_sentence_as_in_the_file(
    science: FlaskClient, app: Flask
) -> None:
    batch = upload(science, LIST)
    people.post(science, f"{batch}/fixes", {"fix.6.registered_on": "2018-02-31", "fix.6.street": "海城"})
    page = text(science, f"{batch}?outcome=refused")
    assert "2018-02-31」这一天不存在" in page
    assert 'name="fix.6.street"' not in page  # the other cell of the row is right now
    assert counts(app) == {"new": 2, "refused": 3}
    people.post(science, f"{batch}/fixes", {"fix.6.registered_on": "2099-01-01"})
    assert "日期不能晚于今天" in text(science, f"{batch}?outcome=refused")


def test_a_row_put_right_to_repeat_another_one_is_refused(science: FlaskClient, app: Flask) -> None:
    batch = upload(
        science, "企业名称,成立日期\n温州甲骊机械有限公司,2018-01-01\n温州乙骊机械有限公司,2018-02-30\n"
    )
    people.post(
        science, f"{batch}/fixes", {"fix.3.registered_on": "2018-02-28", "fix.3.name": "温州甲骊机械有限公司"}
    )
    assert counts(app) == {"new": 1, "refused": 1}
    assert "与第 2 行重复" in text(science, f"{batch}?outcome=refused")


def test_a_doubtful_row_is_put_right_and_stops_being_doubtful(science: FlaskClient, app: Flask) -> None:
    people.post(science, upload(science, LIST) + "/write")
    batch = upload(science, "企业名称,地址\n浙江拓屿精密机械股份有限公司,甲路\n")
    assert counts(app) == {"doubtful": 1}
    assert 'name="fix.2.address"' in text(science, f"{batch}/doubtful")
    people.post(science, f"{batch}/fixes", {"walk": "1", "fix.2.name": "温州拓屿精密机械有限公司"})
    assert counts(app) == {"changed": 1}


def test_what_was_put_right_stays_when_the_columns_are_read_anew(science: FlaskClient, app: Flask) -> None:
    batch = upload(science, LIST)
    people.post(science, f"{batch}/fixes", {"fix.6.registered_on": "2018-02-28", "fix.6.street": "沙城"})
    people.post(science, f"{batch}/columns", {"mode": "both", "unit": "元"})
    assert counts(app) == {"new": 3, "refused": 2}


def test_fixing_is_in_the_audit_without_what_was_written(science: FlaskClient, app: Flask) -> None:
    batch = upload(science, LIST)
    people.post(science, f"{batch}/fixes", {"fix.6.street": "沙城"})
    with app.app_context():
        told = db.session.scalars(
            sa.select(AuditEnvelope).where(AuditEnvelope.action == "firm.import-decide")
        ).all()
        assert [(each.params["row"], each.params["columns"]) for each in told] == [(6, ["街道"])]
        db.session.remove()


@pytest.mark.parametrize(
    "form",
    [
        {"fix.4.name": "温州别的有限公司"},  # a row that is to be written as it is
        {"fix.99.name": "x"},
        {"fix.99999999999999999999.name": "x"},
        {"fix.6.created_by_id": "1"},
        {"fix.6": "x", "fix": "y", "fix.x.name": "z"},
        {"fix.6.street": "x" * 5001},
    ],
)
def test_other_rows_and_fields_cannot_be_changed(
    science: FlaskClient, app: Flask, form: dict[str, str]
) -> None:
    batch = upload(science, LIST)
    before = dump(app)
    assert people.post(science, f"{batch}/fixes", form).status_code in (303, 404)
    assert dump(app) == before


def test_a_colleague_cannot_change_cells_of_somebody_elses_list(science: FlaskClient, app: Flask) -> None:
    batch = upload(science, LIST)
    before = dump(app)
    other = app.test_client()
    people.sign_in(other, people.SCIENCE_2)
    assert 'name="fix.' not in text(other, f"{batch}?outcome=refused")
    people.post(other, f"{batch}/fixes", {"fix.6.street": "沙城"})
    assert dump(app) == before


def dump(app: Flask) -> list[Any]:
    with app.app_context():
        found = db.session.execute(
            sa.select(ImportRow.row_no, ImportRow.outcome, ImportRow.values, ImportRow.fixes).order_by(
                ImportRow.id
            )
        ).all()
        db.session.remove()
        return [tuple(row) for row in found]


def test_a_page_of_refused_rows_takes_the_same_number_of_queries_for_twice_as_many(
    science: FlaskClient, app: Flask
) -> None:
    def asked(rows: int) -> int:
        lines = "".join(f"温州{n}号有限公司,2018-02-30\n" for n in range(rows))
        batch = upload(science, "企业名称,成立日期\n" + lines)
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
        text(science, f"{batch}?outcome=refused")
        return len(seen)

    few = asked(5)
    many = asked(10)
    assert many // 2 <= few  # the second listener counts beside the first one


# --- columns remembered -------------------------------------------------------------------------------------------


ODD = "甲乙,丙丁\n温州拓屿精密机械有限公司,滨海路\n"
CHOICE = {"column-name": "甲乙", "column-address": "丙丁", "mode": "both", "remember": "1"}


def test_columns_put_right_once_are_used_for_the_next_list_of_the_source(
    science: FlaskClient, app: Flask
) -> None:
    batch = upload(science, ODD, source="市监局 2026-11 名录")
    people.post(science, f"{batch}/columns", CHOICE)
    again = upload(science, "丙丁,甲乙\n乙路,温州云砺电气有限公司\n", source="市监局 2026年12月 名录")
    page = text(science, again)
    assert "按上次记住的列读取" in page
    assert "将写入 1 行" in page
    other = upload(science, ODD, source="税务局")
    assert "没有认出" in text(science, other)


def test_remembered_columns_can_be_forgotten(science: FlaskClient, app: Flask) -> None:
    batch = upload(science, ODD, source="市监局")
    people.post(science, f"{batch}/columns", CHOICE)
    again = upload(science, ODD, source="市监局")
    people.post(science, f"{again}/forget")
    assert "没有认出" in text(science, upload(science, ODD, source="市监局"))


def test_columns_are_not_remembered_unless_asked_and_a_column_taken_out_stays_out(
    science: FlaskClient, app: Flask
) -> None:
    batch = upload(science, ODD, source="甲")
    people.post(science, f"{batch}/columns", {k: v for k, v in CHOICE.items() if k != "remember"})
    assert "没有认出" in text(science, upload(science, ODD, source="甲"))
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(ColumnMemory)) == 0
        db.session.remove()
    usual = "企业名称,地址\n温州拓屿精密机械有限公司,滨海路\n"
    batch = upload(science, usual, source="乙")
    people.post(
        science, f"{batch}/columns", {"column-name": "企业名称", "column-address": "", "remember": "1"}
    )
    assert "没用到：地址" in text(science, upload(science, usual, source="乙"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("市监局 2026-11 名录", "市监局2026年12月名录", True),
        ("市监局", "税务局", False),
        (None, "", True),
    ],
)
def test_a_source_is_known_again_whatever_its_month(one: str | None, other: str | None, same: bool) -> None:
    assert (rules.source_key(one) == rules.source_key(other)) is same


# --- refused rows that come back ----------------------------------------------------------------------------------


def again(client: FlaskClient, data: bytes, name: str = "退回.xlsx") -> str:
    response = people.post(
        client, "/firms/import",
        {"sheet": "registry", "mode": "both", "file": (io.BytesIO(data), name)},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert response.status_code == 303
    return str(response.headers["Location"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_file_of_refused_rows_comes_back_and_is_read_like_the_first(
    science: FlaskClient, app: Flask, language: str
) -> None:
    odd = LIST.replace("企业名称,", "甲乙,")
    batch = upload(science, odd, source="市监局")
    people.post(science, f"{batch}/columns", {"column-name": "甲乙", "unit": "元"})
    science.set_cookie("tidui_language", language) if language == "en" else None
    left = science.get(f"{batch}/left.xlsx").data
    table = read(left, "left.xlsx", known=["甲乙"])
    assert rules.told_columns(table.headings)
    lines = [[str(record[heading] or "") for heading in table.headings] for record in table.records]
    csv = (
        "\n".join(",".join(f'"{cell}"' for cell in line) for line in [table.headings, *lines])
        .replace("2018-02-30", "2018-02-28")
        .replace("火星街道", "海城街道")
    )
    back = again(science, csv.encode(), "退回.csv")
    page = text(science, back)
    assert "认出这是退回后改过的名单" in page
    assert "原因" not in " ".join(re.findall(r"没用到：[^<]*", page))
    assert counts(app)["new"] >= 1
    second = read(science.get(f"{back}/left.xlsx").data, "left.xlsx", known=["甲乙"])
    assert second.headings == table.headings  # the told columns do not pile up


def test_a_list_with_its_own_reason_column_is_no_returned_list() -> None:
    assert rules.told_columns(["企业名称", "原因"]) == []
    assert rules.told_columns(["企业名称", "原因", "原行号"]) == []
    assert rules.told_columns(["企业名称", "行号", "原因"]) == ["行号", "原因"]


# --- whose it is --------------------------------------------------------------------------------------------------


def test_an_import_makes_nothing_the_importers_own(science: FlaskClient, app: Flask) -> None:
    people.post(science, upload(science, LIST) + "/write")
    contacts = "企业名称,联系人,手机\n温州拓屿精密机械有限公司,叶青,13812345678\n"
    people.post(science, upload(science, contacts, sheet="contacts") + "/write")
    with app.app_context():
        session = db.session()
        assert set(session.scalars(sa.select(Firm.created_by_id))) == {None}
        assert session.scalars(sa.select(Contact.created_by_id)).all() == [None]
        firm = session.scalars(sa.select(Firm).where(Firm.source_number == "A1")).one()
        assert (firm.registered_on, firm.officer_id) == (dt.date(2018, 5, 6), None)
        journal = session.scalars(sa.select(AuditChange.after).where(AuditChange.kind == "firms")).all()
        assert journal and not any(after.get("created_by_id") for after in journal)
        db.session.remove()


def test_firms_entered_from_a_published_list_are_not_the_taggers_own(session: Session) -> None:
    actor = people.actor(session, people.SCIENCE)
    batch = tagging.stage(
        session, kind="high-tech", title="名单", filename="x.csv", content=b"x", actor=actor,
        granted_on=dt.date(2025, 12, 1),
    )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"row_no": 1, "name": "温州檀沃阀门有限公司", "code": None, "number": None, "place": None, "granted_on": None,
         "how": None, "firm_id": None, "candidates": [], "outcome": "unmatched", "reasons": [], "result": None,
         "certification_id": None}
    ]  # fmt: skip
    from crm.ladder.rules.words import TagDecision, TagOutcome

    rows[0]["outcome"] = TagOutcome.UNMATCHED
    tagging.fill(session, batch, rows, actor=actor)
    tagging.decide_all(
        session, batch, outcome=TagOutcome.UNMATCHED, decision=TagDecision.NEW_FIRM, actor=actor
    )
    tagging.write(session, batch, actor=actor, today=TODAY)
    commit(session)
    assert session.scalars(sa.select(Firm.created_by_id)).all() == [None]


def test_staged_contacts_are_their_importers_alone(science: FlaskClient, app: Flask) -> None:
    people.post(science, upload(science, LIST) + "/write")
    rows = "企业名称,联系人,手机\n温州拓屿精密机械有限公司,叶青,13812345678\n温州没有这家有限公司,林青,13912345678\n"
    batch = upload(science, rows, sheet="contacts")
    other = app.test_client()
    people.sign_in(other, people.SCIENCE_2)
    assert people.post(other, f"{batch}/write").status_code == 404
    assert "将写入 1 行" in text(science, batch)
    for path in ("", "?outcome=refused", "/doubtful", "/left.xlsx"):
        assert other.get(batch + path).status_code == 404, path
    for path in ("write", "columns", "fixes", "drop", "undo", "forget", "resume", "doubtful/2"):
        assert people.post(other, f"{batch}/{path}").status_code == 404, path
    assert batch not in text(other, "/firms/import")
    assert batch in text(science, "/firms/import")
    people.post(science, f"{batch}/write")
    assert other.get(f"{batch}/left.xlsx").status_code == 404  # what was not taken is still there


def test_personal_cells_of_a_colleagues_list_are_masked(science: FlaskClient, app: Flask) -> None:
    rows = (
        "企业名称,法定代表人,备注,成立日期\n"
        "温州拓屿精密机械有限公司,叶青林,电话13812345678 或 a.b@x.cn 身份证330302199001011234,2018-02-30\n"
    )
    batch = upload(science, rows)
    other = app.test_client()
    people.sign_in(other, people.SCIENCE_2)
    page = text(other, f"{batch}?outcome=refused")
    table = read(other.get(f"{batch}/left.xlsx").data, "x.xlsx", known=["企业名称"])
    shown = page + str(dict(table.records[0]))
    for secret in ("叶青林", "13812345678", "a.b@x.cn", "330302199001011234"):
        assert secret not in shown, secret
    assert "叶**" in shown and "138****5678" in shown
    own = read(science.get(f"{batch}/left.xlsx").data, "x.xlsx", known=["企业名称"])
    assert "13812345678" in str(dict(own.records[0]))


def test_nobody_piles_up_staged_lists(
    science: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "MOST_STAGED", 2)
    batch = upload(science, LIST)
    upload(science, LIST)
    form = {"sheet": "registry", "mode": "both", "file": (io.BytesIO(LIST.encode()), "名录.csv")}
    refused = people.post(science, "/firms/import", form, content_type="multipart/form-data")
    assert refused.status_code == 422
    assert "最多 2 份" in refused.get_data(as_text=True)
    people.post(science, f"{batch}/drop")
    upload(science, LIST)
    monkeypatch.setattr(staging, "MOST_STAGED", 20)
    monkeypatch.setattr(staging, "MOST_BYTES", 1000)
    form = {"sheet": "registry", "mode": "both", "file": (io.BytesIO(LIST.encode()), "名录.csv")}
    refused = people.post(science, "/firms/import", form, content_type="multipart/form-data")
    assert refused.status_code == 422
    assert "MB" in refused.get_data(as_text=True)


def test_old_staged_lists_are_given_up_by_the_daily_job(science: FlaskClient, app: Flask) -> None:
    old, young = upload(science, LIST), upload(science, LIST)
    with app.app_context():
        writing()
        session = db.session()
        table = ImportBatch.__table__
        session.connection().execute(
            sa.update(table)
            .where(table.c.id == int(old.rsplit("/", 1)[1]))
            .values(updated_at=now() - dt.timedelta(days=31))
        )
        session.commit()
        db.session.remove()
    scheduler = Scheduler(app)
    assert scheduler.ask() >= 2
    assert scheduler.ask() == 0
    assert scheduler.work() >= 2  # and the search for duplicates
    with app.app_context():
        session = db.session()
        states = session.scalars(sa.select(ImportBatch.state).order_by(ImportBatch.id)).all()
        assert states == [BatchState.CANCELLED, BatchState.READY]
        kept = int(young.rsplit("/", 1)[1])
        assert session.scalars(sa.select(ImportFile.batch_id)).all() == [kept]
        assert set(session.scalars(sa.select(ImportRow.batch_id))) == {kept}
        assert jobs.due(session, now()) == []
        assert "firms.import-prune" in dict(jobs.due(session, now() + dt.timedelta(days=1)))
        db.session.remove()
    assert text(science, old)

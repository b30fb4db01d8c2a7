"""`ladder tag` and `ladder count`, the sheet of certificates, and long lists in the background."""

from __future__ import annotations

import datetime as dt
import io
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.cli import Context
from crm.core.db import db
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms.actions.targets import Incoming, target_of
from crm.firms.rules.columns import rules_of
from crm.firms.rules.words import LeadingIndustry, RowOutcome, SheetKind
from crm.ladder import actions
from crm.ladder.commands import count, tag
from crm.ladder.models import Certification, TagBatch
from crm.ladder.rules.words import Stage
from crm.ops.jobs import work_once
from tests import people
from tests.ladder.builders import SYSTEM, TODAY, D, firm
from tests.ladder.test_tagging import book


def run(command: Any, **values: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    assert not command(Namespace(**values), Context(SYSTEM, True, out, err))
    return out.getvalue(), err.getvalue()


@pytest.fixture
def bulletin(tmp_path: Path) -> Path:
    path = tmp_path / "名单.xlsx"
    path.write_bytes(book())
    return path


def test_tag_prints_one_object_a_row_and_writes_what_matched(session: Session, bulletin: Path) -> None:
    it = firm(session)
    values = {"file": bulletin, "kind": "high-tech", "granted_on": None}
    out, _err = run(tag, **values, dry_run=True)
    rows = [json.loads(line) for line in out.splitlines()]
    assert list(rows[0]) == [
        "row",
        "name",
        "number",
        "date",
        "outcome",
        "firm",
        "how",
        "candidates",
        "reason",
    ]
    assert rows[0]["firm"] == {"id": it.id, "name": it.name} and rows[0]["how"] == "exact"
    assert rows[0]["date"] == "2025-12-08"
    assert {row["outcome"] for row in rows} <= {"matched", "doubtful", "unmatched", "refused"}
    assert session.scalar(sa.select(sa.func.count()).select_from(Certification)) == 0
    run(tag, **values, dry_run=False)
    assert session.scalar(sa.select(sa.func.count()).select_from(Certification)) == 1
    _out, err = run(tag, **values, dry_run=False)
    assert "同一个文件已经标记过" in err
    assert session.scalar(sa.select(sa.func.count()).select_from(TagBatch)) == 1


def test_tag_refuses_a_kind_or_a_file_that_is_not_there(session: Session, bulletin: Path) -> None:
    for values in (
        {"file": bulletin, "kind": "nothing"},
        {"file": bulletin.parent / "没有.xlsx", "kind": "srdi"},
    ):
        with pytest.raises(Refused):
            run(tag, granted_on=None, dry_run=True, **values)


def test_count_asks_as_of_any_day(session: Session) -> None:
    one = firm(
        session, leading_industry=LeadingIndustry.LIFE_HEALTH, street_id=people.unit_id(session, "海城")
    )
    two = firm(session, "浙江远川机械有限公司", leading_industry=LeadingIndustry.SMART_EQUIPMENT)
    for it, number in ((one, "GR202233000001"), (two, "GR202233000002")):
        actions.grant(
            session, it, kind="high-tech", granted_on=D(2022, 12, 8), number=number, actor=SYSTEM, today=TODAY
        )
    commit(session)

    def ask(day: dt.date, **values: Any) -> Any:
        chosen = {"kind": None, "stage": None, "by": None, **values}
        return json.loads(run(count, as_of=day, **chosen)[0])

    assert ask(D(2022, 12, 7), kind="high-tech") == [{"key": "all", "count": 0, "ids": []}]
    assert ask(D(2025, 12, 7), kind="high-tech") == [{"key": "all", "count": 2, "ids": [one.id, two.id]}]
    assert ask(D(2025, 12, 8), kind="high-tech")[0]["count"] == 0
    stage = Stage.HIGH_TECH_SCALE_UP.value
    assert ask(D(2024, 1, 1), stage=stage, by="leading-industry") == [
        {"key": "life-health", "count": 1, "ids": [one.id]},
        {"key": "smart-equipment", "count": 1, "ids": [two.id]},
    ]
    assert ask(D(2024, 1, 1), stage=stage, by="street") == [
        {"key": "海城", "count": 1, "ids": [one.id]},
        {"key": "none", "count": 1, "ids": [two.id]},
    ]


def test_certificates_come_from_a_spreadsheet_by_the_same_rules(session: Session) -> None:
    it = firm(session)
    rules, target = rules_of(SheetKind.CERTIFICATIONS), target_of(SheetKind.CERTIFICATIONS)
    assert rules["kind"].judge("小巨人") == "little-giant"
    with pytest.raises(Refused):
        rules["kind"].judge("科技型中小企业")
    rows = [
        Incoming(2, it.id, {"kind": "high-tech", "number": "GR202533000001", "granted_on": "2025-12-08"}),
        Incoming(3, it.id, {"kind": "high-tech", "number": "GR2025", "granted_on": "2025-12-08"}),
    ]
    target.compare(session, rows, today=TODAY)
    assert [row.outcome for row in rows] == [RowOutcome.NEW, RowOutcome.REFUSED]
    target.write(session, rows[:1], actor=SYSTEM, today=TODAY, source="表格")
    again = [Incoming(2, it.id, rows[0].values)]
    target.compare(session, again, today=TODAY)
    assert again[0].outcome is RowOutcome.SAME
    session.rollback()


def test_a_long_list_is_matched_and_written_in_the_background(
    app: Flask, session: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm(session)
    db.session.remove()
    monkeypatch.setattr("crm.ladder.views.tags.INLINE_ROWS", 1)
    monkeypatch.setattr("crm.ladder.views.review.INLINE_ROWS", 0)
    people.sign_in(client, people.SCIENCE)
    data = {"kind": "high-tech", "file": (io.BytesIO(book()), "名单.xlsx")}
    answer = people.post(client, "/ladder/tags/new", data, content_type="multipart/form-data")
    assert answer.status_code == 303 and "/jobs/" in answer.headers["Location"]
    assert "正在比对" in client.get("/ladder/tags/1").get_data(as_text=True)
    assert work_once(app) == 1
    assert "已匹配" in client.get("/ladder/tags/1").get_data(as_text=True)
    answer = people.post(client, "/ladder/tags/1/write")
    assert "/jobs/" in answer.headers["Location"]
    assert work_once(app) == 1
    assert "新登记 1" in client.get("/ladder/tags/1").get_data(as_text=True)

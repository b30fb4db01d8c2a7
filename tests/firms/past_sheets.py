"""Sheets of past visits and calls, and how tests import them: by action and by page."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import User, UserRole
from crm.activities.models import Activity
from crm.core import audit
from crm.core.db import db
from crm.core.i18n import say
from crm.core.permissions import Actor, system
from crm.core.transaction import commit
from crm.firms import actions, sheets
from crm.firms.actions import staging, writing
from crm.firms.models import ImportBatch
from crm.firms.rules.reasons import message
from crm.firms.rules.words import ImportMode, SheetKind
from tests import people

TODAY = dt.date(2026, 11, 23)
KIND = SheetKind.ACTIVITIES
TUOYU, XUCHUAN = "温州拓屿精密机械有限公司", "温州序川液压科技有限公司"
HEAD = [
    "日期",
    "企业名称",
    "类型",
    "内容",
    "走访人",
    "对方人员",
    "地点",
    "下一步",
    "下一步日期",
    "下一步责任人",
]


def sheet(*rows: list[Any], head: list[str] | None = None) -> str:
    target = io.StringIO()
    csv.writer(target).writerows([head or HEAD, *rows])
    return target.getvalue()


OLD = sheet(
    ["2025.3.8", TUOYU, "拜访", "看了新车间，\n想扩产", "叶知秋、林晓雯", "王总", "滨海路 1 号", "送用地政策", "2025-03-20", "林晓雯"],
    ["2025年3月9日", XUCHUAN, "来电", "问高企申报材料", "赵早离", "", "", "", "", ""],
    ["2026-11-20", TUOYU, "", "报来三季度数据", "叶知秋", "", "", "核对数据", "2026-12-05", "林晓雯"],
)  # fmt: skip


def firms(session: Session, *names: str) -> list[int]:
    made = []
    for name in names or (TUOYU, XUCHUAN):
        made.append(actions.register(session, actor=system("tests"), today=TODAY, name=name))
        commit(session)
    return [firm.id for firm in made]


def judged(session: Session, text: str, who: Actor | None = None) -> tuple[Any, list[staging.Staged]]:
    table = sheets.open_table(text.encode(), "台账.csv", KIND)
    rows = sheets.parse(table, sheets.recognise(table.headings, KIND), KIND)
    who = who or people.actor(session, people.FINANCE)
    return table, staging.judge(session, rows, actor=who, sheet=KIND, mode=ImportMode.BOTH, today=TODAY)


def taken(session: Session, text: str, who: people.Person = people.FINANCE) -> ImportBatch:
    """Import a text: staged, then written in an operation of its own."""
    importer = people.actor(session, who)
    table, staged = judged(session, text, importer)
    batch = staging.upload(
        session, actor=importer, sheet=KIND, mode=ImportMode.BOTH, filename="台账.csv", content=text.encode(),
        source="科技局台账",
    )  # fmt: skip
    mapping = sheets.recognise(table.headings, KIND)
    staging.stage(session, batch, staged, actor=importer, mapping=mapping, headings=table.headings)
    commit(session)
    writing.write(session, batch, actor=importer, today=TODAY)
    commit(session)
    return batch


def outcomes(staged: list[staging.Staged]) -> list[str]:
    return [item.joined.outcome.value for item in staged]


def why(item: staging.Staged) -> str:
    return " ".join(say(message(reason)) for reason in item.joined.reasons)


def count(session: Session, model: type[Any]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def namesake(session: Session, name: str = people.SCIENCE.name, *, is_active: bool = True) -> int:
    """Another account of the same name, in 商务局, of the same role."""
    audit.begin(session, actor=system("tests"), action="person.add")
    ids = audit.insert_many(
        session, User,
        [{"username": "namesake", "username_key": "namesake", "name": name, "is_active": is_active,
          "unit_id": people.unit_id(session, "商务局"), "password_hash": "x"}],
    )  # fmt: skip
    audit.insert_many(session, UserRole, [{"user_id": ids[0], "role": people.SCIENCE.role}])
    commit(session)
    return ids[0]


def big(rows: int) -> str:
    return sheet(
        *[
            [f"20{10 + n % 15}-03-{1 + n % 28:02}", f"温州第{n % 50}家制造有限公司", "走访", f"第 {n} 次走访",
             "叶知秋、林晓雯" if n % 2 else "赵早离"]
            for n in range(rows)
        ],
        head=HEAD[:5],
    )  # fmt: skip


def upload(client: FlaskClient, text: str | bytes, name: str = "台账.csv") -> str:
    content = text.encode() if isinstance(text, str) else text
    response = people.post(
        client, "/firms/import",
        {"sheet": KIND.value, "mode": "both", "file": (io.BytesIO(content), name), "source": "科技局台账"},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert response.status_code == 303, response.get_data(as_text=True)[:3000]
    return str(response.headers["Location"])


def page(client: FlaskClient, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, response.status_code
    return response.get_data(as_text=True)


def entries(app: Flask) -> list[Activity]:
    with app.app_context():
        found = list(db.session.scalars(sa.select(Activity).order_by(Activity.on)))
        db.session.remove()
    return found

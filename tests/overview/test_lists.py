"""Lists: columns in the order chosen, views kept and shared, exports of exactly what is on screen."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
import sqlalchemy as sa
from flask import Flask, url_for
from flask.testing import FlaskClient

from crm.core import jobs, lists
from crm.core.audit import AuditEnvelope
from crm.core.clock import now
from crm.core.db import db
from crm.core.lists.saved import SavedView
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.ops.jobs import work_once
from crm.overview.jobs import remove_old
from crm.overview.views import exports
from tests import people
from tests.firms.test_listing import statements
from tests.overview.conftest import Enter
from tests.records.builders import BUILDERS


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


def heads(page: str) -> list[str]:
    """The heads of the table, in order."""
    table = page[page.index("<thead>") : page.index("</thead>")]
    found = re.findall(r"<th[^>]*>(.*?)</th>", table, re.S)
    return [" ".join(re.sub(r"<[^>]+>", "", head).split()) for head in found][1:]


def test_columns_are_shown_in_the_order_chosen_and_the_address_keeps_it(
    science: FlaskClient, enter: Enter
) -> None:
    enter(0, 1)
    assert heads(science.get("/firms?columns=officer,street,capital").text)[1:] == [
        "服务专员",
        "街道",
        "注册资本 万元",
    ]
    form = "/firms?order=street&column=street&order=officer&column=officer&sort=name"
    sent = science.get(form)
    assert dict(parse_qsl(sent.headers["Location"].partition("?")[2])) == {
        "columns": "street,officer",
        "sort": "name",
    }
    moved = science.get(form + "&move=up:officer").headers["Location"]
    assert "columns=officer,street" in moved
    assert heads(science.get(moved).text)[1:] == ["服务专员", "街道"]
    assert heads(science.get("/firms").text)[1:] == ["服务专员", "街道"]  # kept for the next visit


@pytest.mark.parametrize(
    ("person", "address"),
    [
        (people.SCIENCE, "/firms?columns=stage,officer,street&q=精密"),
        (people.SCIENCE, "/ladder/list?columns=stage,held,way,cause"),
        (people.SCIENCE, "/operations?work=any"),
        (people.SCIENCE, "/firms/imports"),
        (people.SYSTEM_ADMIN, "/people"),
        (people.AUDITOR, "/audit"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_twice_the_rows_cost_no_more_statements(
    client: FlaskClient, app: Flask, enter: Enter, person: people.Person, address: str
) -> None:
    enter(0, 4)
    people.sign_in(client, person)
    client.get(address)
    with statements(app) as few:
        assert client.get(address).status_code == 200
    enter(4, 8)
    with statements(app) as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few)
    assert len(many) <= 14, many


def save(client: FlaskClient, name: str, query: str) -> str:
    sent = people.post(client, "/lists/firms/views", {"name": name, "query": query})
    found = re.search(r"view=(\d+)", sent.headers["Location"])
    assert found is not None, client.get("/firms").text
    return found[1]


def test_a_view_keeps_filter_order_and_columns_and_nothing_else(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    enter(0, 2)
    view = save(science, "我的街道", "q=精密&sort=-name&columns=street,officer&evil=1&after=zzz")
    with app.app_context():
        kept = db.session.get_one(SavedView, int(view)).query
        db.session.remove()
    assert dict(parse_qsl(kept)) == {"q": "精密", "sort": "-name", "columns": "street,officer"}
    page = science.get(f"/firms?{kept}&view={view}").text
    assert "我的街道" in page and heads(page)[1:] == ["街道", "服务专员"]
    again = people.post(science, "/lists/firms/views", {"name": "我的街道", "query": "q=x"})
    assert again.status_code == 303
    assert "您已经有一个叫「我的街道」的视图" in science.get("/firms").text


def test_a_shared_view_is_opened_by_others_and_changed_by_its_owner_only(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    enter(0, 1)
    view = save(science, "全处共用", "q=精密")
    other = people.sign_in(app.test_client(), people.FINANCE)
    assert people.post(other, f"/views/{view}/pick").status_code == 404
    people.post(science, f"/views/{view}/share", {"shared": "1"})
    assert "全处共用" in other.get("/firms").text
    for what in ("rename", "update", "drop", "share"):
        people.post(other, f"/views/{view}/{what}", {"name": "改", "query": "q=改", "shared": ""})
        assert "这是别人的视图" in other.get("/firms").text, what
    people.post(other, f"/views/{view}/copy")
    people.post(science, f"/views/{view}/drop")
    with app.app_context():
        left = db.session.execute(sa.select(SavedView.name, SavedView.owner_name)).all()
        db.session.remove()
    assert [tuple(row) for row in left] == [("全处共用", people.FINANCE.name)]


def test_a_default_stays_as_chosen_when_its_owner_changes_the_view(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    enter(0, 1)
    view = save(science, "共用", "q=精密&columns=street")
    people.post(science, f"/views/{view}/share", {"shared": "1"})
    other = people.sign_in(app.test_client(), people.FINANCE)
    people.post(other, f"/views/{view}/pick")
    opened = other.get("/firms").headers["Location"]
    assert "columns=street" in opened and f"view={view}" in opened
    assert "改过了" not in other.get(opened).text
    people.post(science, f"/views/{view}/update", {"query": "q=别的&columns=officer", "version": "2"})
    still = other.get("/firms").headers["Location"]
    assert still == opened
    page = other.get(still).text
    assert "「共用」改过了" in page and people.SCIENCE.name in page
    changes = other.get(f"/views/{view}/changes").text
    assert "<del>精密</del>" in changes and "<ins>别的</ins>" in changes
    people.post(other, f"/views/{view}/pick")
    assert "columns=officer" in other.get("/firms").headers["Location"]
    people.post(other, "/lists/firms/views/unpick")
    assert other.get("/firms").status_code == 200


def test_what_a_view_was_before_it_was_shared_is_its_owners(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    enter(0, 1)
    view = save(science, "共用", "q=未公开的线索")
    people.post(science, f"/views/{view}/update", {"query": "q=精密"})
    people.post(science, f"/views/{view}/share", {"shared": "1"})
    other = people.sign_in(app.test_client(), people.FINANCE)
    assert "未公开的线索" not in other.get(f"/views/{view}/changes").text
    assert "未公开的线索" in science.get(f"/views/{view}/changes").text
    people.post(science, f"/views/{view}/update", {"query": "q=别的"})
    assert "<del>精密</del>" in other.get(f"/views/{view}/changes").text


def test_a_view_widens_nothing(science: FlaskClient, app: Flask, enter: Enter) -> None:
    """A condition on what the viewer may not see is dropped, and the page says so."""
    enter(0, 2)
    own = lists.LISTS["firms"]
    secret = lists.Filter(
        "secret", "注册资本至少", lambda _s, _v, _w: own.id == 0, kind="text", needs="audit:read"
    )
    own.filters.append(secret)  # type: ignore[attr-defined]
    try:
        page = science.get("/firms?secret=1").text
    finally:
        own.filters.remove(secret)  # type: ignore[attr-defined]
    assert "有条件没有生效" in page and "注册资本至少" in page and "温州第000" in page
    stranger = people.sign_in(app.test_client(), people.SYSTEM_ADMIN)
    view = save(science, "共享", "q=精密")
    people.post(science, f"/views/{view}/share", {"shared": "1"})
    assert stranger.get(f"/views/{view}/changes").status_code == 404
    assert people.post(stranger, "/lists/firms/views", {"name": "x", "query": ""}).status_code == 404


def export(client: FlaskClient, key: str = "firms", **data: Any) -> Any:
    return people.post(client, f"/lists/{key}/export", {"all": "1", "filter": "", **data})


def test_an_export_is_the_columns_on_screen_in_their_order_and_typed(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    enter(0, 2)
    sent = export(science, filter="sort=name&columns=officer,capital,registered")
    table = read(sent.data, "e.xlsx", known=["企业名称"])
    assert table.headings == ["统一社会信用代码", "企业名称", "服务专员", "注册资本（元）", "成立日期"]
    assert [record["企业名称"][-8:] for record in table.records] == ["精密机械有限公司"] * 2
    sheet = zipfile.ZipFile(io.BytesIO(sent.data)).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>1000000</v>" in sheet and "<f>" not in sheet
    assert "<v>40179</v>" in sheet  # 2010-01-01 is a date, not a text
    text = export(science, filter="columns=street", format="csv").data
    assert text.startswith(b"\xef\xbb\xbf") and text.decode("utf-8-sig").splitlines()[0].endswith(
        "企业名称,街道"
    )


def test_only_ticked_rows_are_taken_and_what_is_withheld_is_counted(
    client: FlaskClient, app: Flask, enter: Enter
) -> None:
    ids = enter(0, 3)
    people.sign_in(client, people.SCIENCE)
    text = export(client, all="", ids=ids[:2], format="csv").data.decode("utf-8-sig")
    assert len(text.splitlines()) == 3
    people.sign_in(client, people.REPORTER)
    assert export(client).status_code == 303
    assert "不在您可以导出的范围内" in client.get("/firms").text
    with app.app_context():
        params = list(
            db.session.scalars(sa.select(AuditEnvelope.params).where(AuditEnvelope.action == "firm.export"))
        )
        db.session.remove()
    assert [(found["count"], found["withheld"], found["selected"]) for found in params] == [(2, 0, True)]


def test_a_large_export_is_a_job_with_a_private_file_that_goes_after_a_day(
    science: FlaskClient, app: Flask, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    enter(0, 3)
    sent = export(science, format="csv", filter="sort=name&columns=street")
    job = sent.headers["Location"].rsplit("/", 1)[-1]
    assert science.get(f"/exports/{job}").status_code == 404
    assert work_once(app) == 1
    file = science.get(f"/exports/{job}")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert len(file.data.decode("utf-8-sig").splitlines()) == 4
    other = people.sign_in(app.test_client(), people.FINANCE)
    assert other.get(f"/exports/{job}").status_code == 404
    data = app.config["TIDUI"].data
    path = next((data / "exports").glob("*.csv"))
    assert path.stat().st_mode & 0o077 == 0
    later = now() + jobs.LEASE * 2 * 60 * 25
    assert time.time() - path.stat().st_mtime < 600
    assert remove_old(data, now()) == 0
    assert remove_old(data, later) == 1
    assert science.get(f"/exports/{job}").status_code == 404


def test_an_export_nobody_may_take_is_refused(client: FlaskClient, enter: Enter) -> None:
    enter(0, 1)
    people.sign_in(client, people.READ_ONLY)
    assert export(client).status_code == 403
    people.sign_in(client, people.AUDITOR)
    assert export(client).status_code == 404
    people.sign_in(client, people.SCIENCE)
    assert export(client, "no-such-list").status_code == 404


ALL_LISTS = [
    ("firms", people.SCIENCE), ("ladder", people.SCIENCE), ("imports", people.SCIENCE), ("operations", people.SCIENCE),
    ("steps", people.SCIENCE), ("instructions", people.LEADER), ("people", people.SYSTEM_ADMIN),
    ("audit", people.AUDITOR), ("projects", people.INVESTMENT), ("listing", people.FINANCE),
]  # fmt: skip


def test_every_list_is_walked_here(app: Flask) -> None:
    assert {key for key, _person in ALL_LISTS} == set(lists.LISTS)
    assert [key for key, declared in lists.LISTS.items() if declared.exports is None] == []


@pytest.fixture
def something(app: Flask, client: FlaskClient, enter: Enter) -> None:
    """A row or more on every list: firms, one with a certificate, an instruction, an import, what was done."""
    firm = enter(0, 3)[0]
    people.sign_in(client, people.SCIENCE)
    granted = {
        "kind": "high-tech",
        "granted_on": "2025-12-01",
        "expires_on": "",
        "number": "",
        "document": "",
    }
    people.post(client, f"/ladder/firms/{firm}/certifications/new", granted)
    pasted = {"sheet": "registry", "mode": "both", "pasted": "温州甲骊机械有限公司\n温州乙序电气有限公司"}
    people.post(client, people.post(client, "/firms/import", pasted).headers["Location"] + "/write")
    people.sign_in(client, people.LEADER)
    told = {"summary": "请尽快走访", "owner": people_id(app), "due_on": "2027-01-05"}
    assert people.post(client, f"/records/firm/{firm}/instruct", told).status_code == 303
    with app.app_context():
        for code in ("project", "candidate"):
            BUILDERS[code].make(db.session(), 1)
            commit(db.session())
        db.session.remove()


def people_id(app: Flask) -> str:
    with app.app_context():
        found = people.id_of(db.session(), people.SCIENCE)
        db.session.remove()
    return str(found)


@pytest.mark.parametrize(("key", "person"), ALL_LISTS, ids=[key for key, _person in ALL_LISTS])
def test_every_list_gives_exactly_what_is_on_screen(
    client: FlaskClient, app: Flask, something: None, key: str, person: people.Person
) -> None:
    """The rows of the page in its order, its columns in theirs, as a workbook and as text."""
    people.sign_in(client, person)
    with app.test_request_context():
        address = url_for(lists.LISTS[key].endpoint)
    page = client.get(address).text
    rows = re.findall(r'<input[^>]* name="ids" value="(\d+)"', page)
    assert rows, "an export of nothing shows nothing"
    query = re.search(r'id="export".*?name="filter" value="([^"]*)"', page, re.S)
    assert query is not None
    filtered = unescape(query[1])
    text = export(client, key, filter=filtered, format="csv").data.decode("utf-8-sig")
    head, *lines = list(csv.reader(io.StringIO(text)))
    taken = [line for line in lines if line[0] != "导出列表"]  # the log says that it is taken away, too
    declared = lists.LISTS[key]
    told = {str(column.label).rpartition("\x04")[2]: column for column in declared.columns}
    labels = [
        str(told[shown].heading or told[shown].label).rpartition("\x04")[2] for shown in heads(page)[1:]
    ]
    assert head == [str(column.label) for column in declared.always] + labels
    assert len(taken) == len(rows)
    names = re.findall(r'aria-label="选择 ([^"]*)"', page)
    at = [column.key for column in declared.always].index("name")
    assert [row[at] for row in taken] == [unescape(name) for name in names]
    one = export(client, key, all="", ids=rows[:1], filter=filtered, format="csv").data.decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(one)))[1:] == taken[:1]
    table = read(export(client, key, filter=filtered).data, "e.xlsx", known=head)
    assert table.headings == head
    assert [record[head[at]] for record in table.records][-len(rows) :] == [row[at] for row in taken]


def test_one_row_is_counted_in_the_singular_in_english(client: FlaskClient, enter: Enter) -> None:
    people.sign_in(client, people.SCIENCE)
    enter(0, 2)
    client.set_cookie("tidui_lang", "en")
    one, both = (client.get(f"/firms?q={name}").text for name in ("第000精密", "精密"))
    assert "1 firm<" in one and "1 firms" not in one and 'data-one="firm"' in one
    assert "2 firms<" in both

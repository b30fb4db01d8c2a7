"""The auditor's pages: who, when, from where, what before and after; trust.md R61, R62, R21, R29."""

from __future__ import annotations

import ast
import csv
import io
import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.config import ROOT
from crm.core import audit
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.overview import queries
from crm.overview.rules import MESSAGES
from tests import people
from tests.people import AUDITOR, SYSTEM_ADMIN, id_of, post, sign_in


def happened(session: Session, times: int) -> None:
    """Some entries, some refused, one by one."""
    for n in range(times):
        audit.begin(session, actor=system("tests"), action="person.edit", subject=("user", n + 1), name=f"某人{n}",
                    is_success=n % 3 != 0)  # fmt: skip
        commit(session)


def numbers(page: str) -> list[int]:
    return [int(value) for value in re.findall(r'class="td-name" href="/audit/(\d+)"', page)]


@pytest.mark.parametrize("person", [p for p in people.ONE_OF_EACH if p is not AUDITOR], ids=str)
def test_only_the_auditor_reads_the_log(client: FlaskClient, person: people.Person) -> None:
    sign_in(client, person)
    for url in ("/audit", "/audit/1", "/audit/export.csv"):
        assert client.get(url).status_code == 403
    assert post(client, "/audit/verify").status_code == 403


def test_nobody_can_write_or_delete_in_the_log(client: FlaskClient) -> None:
    sign_in(client, AUDITOR)
    for url in ("/audit", "/audit/1"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.open(url, method=method, headers={"X-CSRFToken": people.csrf(client)})
            assert answer.status_code == 405


def test_an_entry_shows_who_when_where_and_both_values(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    user = session.get_one(User, id_of(session, people.SCIENCE))
    data = {
        "username": user.username,
        "name": "叶知春",
        "unit_id": str(user.unit_id),
        "version": str(user.version),
    }
    assert post(client, f"/people/{user.id}/edit", data).status_code == 303
    sign_in(client, AUDITOR)
    listed = client.get("/audit?action=person.edit").get_data(as_text=True)
    assert "修改账号：叶知春" in listed
    [seq] = numbers(listed)
    page = client.get(f"/audit/{seq}").get_data(as_text=True)
    for text in (
        SYSTEM_ADMIN.name,
        "127.0.0.1",
        f"<del>{people.SCIENCE.name}</del>",
        "<ins>叶知春</ins>",
        "users",
    ):
        assert text in page


def test_both_languages_read_the_same_log(client: FlaskClient, session: Session) -> None:
    happened(session, 1)
    sign_in(client, AUDITOR)
    chinese = client.get("/audit").get_data(as_text=True)
    post(client, "/language", {"language": "en"})
    english = client.get("/audit").get_data(as_text=True)
    assert "修改账号：某人0" in chinese
    assert "某人0" in english


def test_every_action_the_source_names_has_a_sentence() -> None:
    """Written as a text here, or as a member of an `Act` enum, which carries its label."""
    named: dict[str, str] = {}
    for path in (ROOT / "crm").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "begin":
                for keyword in node.keywords:
                    if keyword.arg == "action":
                        texts = [part for part in ast.walk(keyword.value) if isinstance(part, ast.Constant)]
                        named.update({str(part.value): str(path) for part in texts})
    assert {"session.lock", "role.grant", "audit.export"} <= set(named)
    assert {code: path for code, path in named.items() if code not in MESSAGES} == {}


def test_the_log_is_filtered(client: FlaskClient, session: Session) -> None:
    happened(session, 6)
    sign_in(client, AUDITOR)

    def found(query: str) -> int:
        return len(numbers(client.get("/audit?" + query).get_data(as_text=True)))

    assert found("action=person.edit") == 6
    assert found("action=person.edit&outcome=refused") == 2
    assert found("subject=user:2&action=person.edit") == 1
    assert found("subject=user&action=person.edit") == 6
    assert found("who=system:tests") == 7
    assert found("who=100%25") == 0
    assert found("since=2000-01-01&until=2100-01-01&action=person.edit") == 6
    assert found("until=2000-01-01") == 0
    for nasty in (
        "since=x",
        "until=9999-12-31",
        "subject=user:" + "9" * 30,
        "action='",
        "who=%00",
        "after=AAAA",
        "sort=hash",
    ):
        assert client.get("/audit?" + nasty).status_code == 200


def test_the_log_is_paged_without_gap_or_double(client: FlaskClient, session: Session) -> None:
    happened(session, 70)
    sign_in(client, AUDITOR)
    url, seen = "/audit?action=person.edit", list[int]()
    while url:
        page = client.get(url).get_data(as_text=True)
        seen += numbers(page)
        link = re.search(r'href="([^"]+)"[^>]*rel="next"', page)
        url = link[1].replace("&amp;", "&") if link else ""
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == 70


def test_many_changes_of_one_entry_are_paged(client: FlaskClient, session: Session) -> None:
    audit.begin(session, actor=system("tests"), action="person.add", name="很多")
    rows = [{"username": f"n{n}", "username_key": f"n{n}", "name": f"某{n}", "password_hash": "!", "is_active": True,
             "must_change_password": False, "is_demo": False} for n in range(queries.CHANGES + 5)]  # fmt: skip
    audit.insert_many(session, User, rows)
    envelope = commit(session)
    assert envelope is not None
    sign_in(client, AUDITOR)
    page = client.get(f"/audit/{envelope.seq}").get_data(as_text=True)
    link = re.search(r'rel="next" href="([^"]+)"', page)
    assert link
    assert f"某{queries.CHANGES + 4}" not in page
    assert f"某{queries.CHANGES + 4}" in client.get(link[1].replace("&amp;", "&")).get_data(as_text=True)


def test_personal_values_stay_hidden() -> None:
    assert queries.masked(audit.COMMITTED + "ab" * 32) == "••••••"
    assert queries.masked("13800138000") == "13800138000"
    assert queries.masked(None) is None


def test_the_export_is_the_filtered_log_and_is_logged_itself(client: FlaskClient, session: Session) -> None:
    happened(session, 3)
    audit.begin(session, actor=system("tests"), action="person.add", name="=1+1", subject=("user", 1))
    commit(session)
    sign_in(client, AUDITOR)
    answer = client.get("/audit/export.csv?who=system:tests&subject=user")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert len(rows) == 1 + 4
    for row in rows[1:]:
        assert not any(cell.startswith(("=", "+", "@")) for cell in row)
    logged = session.scalars(
        sa.select(audit.AuditEnvelope).where(audit.AuditEnvelope.action == "audit.export")
    ).one()
    assert logged.params["n"] == 4
    assert logged.actor_id == id_of(session, AUDITOR)


def test_a_refused_request_is_in_the_log(client: FlaskClient, session: Session) -> None:
    sign_in(client, people.LEADER)
    assert client.get("/people").status_code == 403
    row = session.scalars(
        sa.select(audit.AuditEnvelope).where(audit.AuditEnvelope.action == "access.refused")
    ).one()
    assert (row.actor_name, row.is_success, row.params["endpoint"]) == (
        people.LEADER.name,
        False,
        "accounts.people",
    )


def test_verification_finds_a_changed_row_and_says_where(client: FlaskClient, session: Session) -> None:
    happened(session, 3)
    sign_in(client, AUDITOR)
    assert "完整" in post(client, "/audit/verify").get_data(as_text=True)
    session.execute(sa.text("UPDATE audit_envelopes SET actor_name = 'x' WHERE seq = 3"))
    session.commit()
    page = post(client, "/audit/verify").get_data(as_text=True)
    assert "不完整" in page
    assert "第 3 环" in page


def test_markup_in_the_log_is_shown_as_text(client: FlaskClient, session: Session) -> None:
    audit.begin(
        session,
        actor=system("tests"),
        action="person.edit",
        name="<script>alert(1)</script>",
        note="<b>x</b>",
    )
    envelope = commit(session)
    assert envelope is not None
    sign_in(client, AUDITOR)
    for url in ("/audit", f"/audit/{envelope.seq}"):
        page = client.get(url).get_data(as_text=True)
        assert "<script>alert" not in page
        assert "<b>x</b>" not in page


@pytest.mark.parametrize("seq", ["0", "99999", "9" * 18, "9" * 20, "x", "-1"])
def test_an_entry_that_is_not_there_is_not_found(client: FlaskClient, seq: str) -> None:
    sign_in(client, AUDITOR)
    assert client.get(f"/audit/{seq}").status_code == 404

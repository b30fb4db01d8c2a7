"""Many accounts are closed, and opened again, at once: each with its result; never one's own, never the last of a kind."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import people as actions
from crm.accounts.models import User, UserRole
from crm.accounts.rules import Role
from crm.core import audit
from crm.core.audit import AuditEnvelope
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.overview.models import BulkRow, BulkRun
from crm.overview.rules.bulk import BulkResult
from tests import people
from tests.people import post, sign_in


def ids_of(session: Session, *persons: people.Person) -> list[int]:
    found = [people.id_of(session, person) for person in persons]
    session.rollback()
    return found


def ask(client: FlaskClient, ids: list[int], verb: str = "archive") -> str:
    sent = post(client, "/lists/people/bulk", {"ids": ids, "verb": verb})
    assert sent.status_code == 303, sent.text
    return str(sent.headers["Location"])


def results(session: Session) -> dict[int, BulkResult | None]:
    session.rollback()
    run = session.scalar(sa.select(sa.func.max(BulkRun.id)))
    return dict(iter(session.execute(sa.select(BulkRow.row_id, BulkRow.result).where(BulkRow.run_id == run))))


def active(session: Session, ids: list[int]) -> list[bool]:
    session.rollback()
    return [session.get_one(User, key, populate_existing=True).is_active for key in ids]


def test_many_are_closed_with_a_reason_and_signed_out(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    live = sign_in(app.test_client(), people.FINANCE)
    ids = ids_of(session, people.FINANCE, people.REPORTER)
    sign_in(client, people.SYSTEM_ADMIN)
    page = client.get("/people").text
    assert "停用账号" in page and "恢复账号" not in page
    question = ask(client, ids)
    asked = client.get(question).text
    assert "停用账号" in asked and people.FINANCE.name in asked and active(session, ids) == [True, True]
    assert post(client, question).status_code == 422, "not without a reason"
    assert live.get("/account").status_code == 200
    done = post(client, question, {"reason": "机构改革"})
    result = client.get(done.headers["Location"]).text
    assert "已完成 2 行，共选 2 行" in result and "撤销" not in result and "/operations/" not in result
    assert active(session, ids) == [False, False]
    user = session.get_one(User, ids[0])
    assert (user.deactivation_reason, user.deactivated_on is not None) == ("机构改革", True)
    assert live.get("/account").status_code == 303, "the next request finds the door closed"
    envelope = session.scalars(
        sa.select(AuditEnvelope).where(AuditEnvelope.action == "person.deactivate-many")
    ).one()
    assert envelope.params["reason"] == "机构改革" and envelope.changes_count == 2


def test_ones_own_and_the_last_of_a_kind_stay_with_their_reasons(
    client: FlaskClient, session: Session
) -> None:
    cast = (people.SYSTEM_ADMIN, people.SECURITY_ADMIN, people.AUDITOR, people.SCIENCE)
    ids = ids_of(session, *cast)
    sign_in(client, people.SYSTEM_ADMIN)
    done = post(client, ask(client, ids), {"reason": "清理"})
    page = client.get(done.headers["Location"]).text
    assert results(session) == dict(zip(ids, [BulkResult.REFUSED] * 3 + [BulkResult.DONE], strict=True))
    for text in ("不能停用自己的账号", "这是最后一个在用的安全管理员", "这是最后一个在用的审计员"):
        assert text in page, text
    assert active(session, ids) == [True, True, True, False]


def test_of_two_of_a_kind_chosen_together_one_stays(client: FlaskClient, session: Session) -> None:
    audit.begin(session, actor=system("tests"), action="role.grant", name="-")
    session.add(UserRole(user_id=people.id_of(session, people.STRANGER), role=Role.AUDITOR))
    commit(session)
    ids = ids_of(session, people.AUDITOR, people.STRANGER)
    sign_in(client, people.SYSTEM_ADMIN)
    post(client, ask(client, ids), {"reason": "清理"})
    assert sorted(active(session, ids)) == [False, True]


def test_they_are_opened_again_from_the_list_of_the_closed(client: FlaskClient, session: Session) -> None:
    ids = ids_of(session, people.FINANCE, people.REPORTER)
    sign_in(client, people.SYSTEM_ADMIN)
    post(client, ask(client, ids), {"reason": "误操作"})
    page = client.get("/people?state=inactive").text
    assert "恢复账号" in page and "停用账号" not in page
    post(client, ask(client, [*ids, *ids_of(session, people.SCIENCE)], "restore"), {})
    assert active(session, ids) == [True, True]
    assert sorted(results(session).values(), key=str) == [
        BulkResult.DONE,
        BulkResult.DONE,
        BulkResult.UNCHANGED,
    ]
    assert "批量恢复账号" in sign_in(client, people.AUDITOR).get("/audit").text


def test_who_was_changed_since_is_left_alone(client: FlaskClient, session: Session) -> None:
    ids = ids_of(session, people.FINANCE, people.REPORTER)
    sign_in(client, people.SYSTEM_ADMIN)
    question = ask(client, ids)
    user = session.get_one(User, ids[0])
    actions.edit(
        session,
        user,
        actor=system("tests"),
        version=None,
        username=user.username,
        name="金书瑶二",
        unit_id=None,
    )
    commit(session)
    post(client, question, {"reason": "清理"})
    assert results(session) == {ids[0]: BulkResult.CHANGED, ids[1]: BulkResult.DONE}
    assert active(session, ids) == [True, False]


@pytest.mark.parametrize(
    ("person", "status"),
    [(people.SECURITY_ADMIN, 403), (people.AUDITOR, 403), (people.SCIENCE, 404), (people.LEADER, 404)],
    ids=lambda value: value.username if isinstance(value, people.Person) else str(value),
)
def test_only_who_keeps_accounts_may(
    client: FlaskClient, session: Session, person: people.Person, status: int
) -> None:
    ids = ids_of(session, people.FINANCE)
    sign_in(client, person)
    assert post(client, "/lists/people/bulk", {"ids": ids, "verb": "archive"}).status_code == status
    sign_in(client, people.SYSTEM_ADMIN)
    question = ask(client, ids)
    sign_in(client, person)
    assert post(client, question, {"reason": "越权"}).status_code in (403, 404)
    assert active(session, ids) == [True]


def test_a_reason_that_is_too_long_is_said_before_anybody_is_closed(
    client: FlaskClient, session: Session
) -> None:
    ids = ids_of(session, people.FINANCE)
    sign_in(client, people.SYSTEM_ADMIN)
    question = ask(client, ids)
    post(client, question, {"reason": "长" * 400})
    assert active(session, ids) == [True]

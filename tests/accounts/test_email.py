"""One's own address: changed with the password, told in the trail, and nobody else's."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import people as actions
from crm.accounts.models import User
from crm.core import audit
from crm.core.audit import AuditEnvelope
from crm.core.permissions import Forbidden, system
from crm.core.transaction import commit
from tests import people
from tests.people import PASSWORD, SCIENCE, SYSTEM_ADMIN, post, sign_in

PAGE = "/account/email"


def me(session: Session, person: people.Person = SCIENCE) -> User:
    session.rollback()
    return session.get_one(User, people.id_of(session, person), populate_existing=True)


def form(
    session: Session, email: str, current: str = PASSWORD, person: people.Person = SCIENCE
) -> dict[str, str]:
    return {"email": email, "current": current, "version": str(me(session, person).version)}


def test_a_person_says_where_the_mails_go(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    answer = post(client, PAGE, form(session, " ye.zhiqiu@example.gov.cn "))
    assert answer.status_code == 303
    assert me(session).email == "ye.zhiqiu@example.gov.cn"
    last = session.scalars(sa.select(AuditEnvelope).order_by(AuditEnvelope.seq.desc()).limit(1)).one()
    assert (last.action, last.actor_id) == ("person.email", me(session).id)
    for page in ("/account", "/digest/preferences"):
        assert "ye.zhiqiu@example.gov.cn" in client.get(page).text
    post(client, PAGE, form(session, ""))
    assert me(session).email is None, "an empty one takes it away"
    assert "还没有登记邮箱" in client.get("/digest/preferences").text


def test_an_administrator_of_accounts_does_so_too(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    post(client, PAGE, form(session, "fang@example.gov.cn", person=SYSTEM_ADMIN))
    assert me(session, SYSTEM_ADMIN).email == "fang@example.gov.cn"


def test_without_the_password_nothing_changes_and_the_name_is_locked_in_the_end(
    client: FlaskClient, session: Session
) -> None:
    sign_in(client, SCIENCE)
    for wrong in ("", "不是这个口令"):
        answer = post(client, PAGE, form(session, "thief@example.com", wrong))
        assert answer.status_code == 422
        assert "thief@example.com" in answer.text, "the form comes back filled"
        assert wrong not in answer.text or not wrong
    assert me(session).email is None
    for _ in range(4):
        post(client, PAGE, form(session, "thief@example.com", "不是这个口令"))
    assert post(client, PAGE, form(session, "mine@example.com")).status_code == 422, (
        "locked, also for the right one"
    )
    assert me(session).email is None
    assert client.get("/account").status_code == 200, "the live session goes on"


@pytest.mark.parametrize(
    "typed",
    ["nobody", "a@b\r\nBcc: x@y", "甲@例.中国", "a" * 200 + "@example.com", "a@b@c", "<a@example.com>"],
)
def test_what_is_no_address_is_refused(client: FlaskClient, session: Session, typed: str) -> None:
    sign_in(client, SCIENCE)
    answer = post(client, PAGE, form(session, typed))
    assert answer.status_code == 422
    assert "请填一个邮箱地址" in answer.text
    assert me(session).email is None


def test_the_second_of_two_is_told_and_sees_what_is_there(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    mine = form(session, "mine@example.com")
    user = me(session)
    audit.begin(
        session, actor=system("tests"), action="person.edit", subject=("user", user.id), name=user.name
    )
    user.email = "theirs@example.com"
    session.flush()
    commit(session)
    answer = post(client, PAGE, mine)
    assert answer.status_code == 409
    assert "theirs@example.com" in answer.text
    assert "mine@example.com" in answer.text
    assert me(session).email == "theirs@example.com"
    assert post(client, PAGE, form(session, "mine@example.com")).status_code == 303
    assert me(session).email == "mine@example.com"


def test_nobody_changes_another_s_here(session: Session) -> None:
    user = me(session)
    with pytest.raises(Forbidden):
        actions.choose_email(
            session,
            user,
            actor=people.actor(session, SYSTEM_ADMIN),
            version=user.version,
            email="x@example.com",
        )
    assert me(session).email is None


def test_posted_extras_have_no_effect(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    other = people.id_of(session, SYSTEM_ADMIN)
    post(
        client,
        PAGE,
        {**form(session, "mine@example.com"), "id": str(other), "user_id": str(other), "name": "改名"},
    )
    assert me(session, SYSTEM_ADMIN).email is None
    assert me(session).name == SCIENCE.name

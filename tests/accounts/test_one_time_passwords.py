"""One-time passwords run out: an account nobody opened in time is not left ajar."""

from __future__ import annotations

import argparse
import datetime as dt
import io
import re
import time

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import notices
from crm.accounts.actions import people as actions
from crm.accounts.actions.first import first_administrators
from crm.accounts.actions.hashing import hash_password, one_time_password
from crm.accounts.commands import COMMANDS
from crm.accounts.models import Notice, User, UserFactor
from crm.accounts.rules import is_spent, one_time_until
from crm.core import audit, cli
from crm.core.audit import AuditEnvelope
from crm.core.clock import now
from crm.core.permissions import system
from crm.core.transaction import commit
from tests import people
from tests.accounts.test_second_factor import code
from tests.overview.test_settings_page import DEFAULTS, FILLED
from tests.people import PASSWORD, SCIENCE, post, sign_in

NEW = "晨光Kx-742行"
HOUR = dt.timedelta(hours=1)
GIVEN = "Kx7w-mQ2r-pT9n-Vb4h"


def give(session: Session, ago: dt.timedelta, person: people.Person = SCIENCE) -> None:
    """A password for one use, given so long ago."""
    user = session.get_one(User, people.id_of(session, person))
    actions.reset_password(
        session, user, actor=system("tests"), password_hash=hash_password(GIVEN), at=now() - ago
    )
    commit(session)


def enter(client: FlaskClient, password: str, username: str = SCIENCE.username) -> tuple[int, str]:
    """The status and the sentence of an attempt to sign in."""
    answer = post(client, "/sign-in", {"username": username, "password": password})
    said = re.search(r'role="alert"[^>]*>(.*?)</', answer.text, re.S)
    return answer.status_code, said[1].strip() if said else ""


def test_when_it_runs_out() -> None:
    at = now()
    assert one_time_until(None) is None and not is_spent(None, at)
    assert not is_spent(at - 72 * HOUR, at) and is_spent(at - 72 * HOUR - dt.timedelta(seconds=1), at)
    assert is_spent(at - 2 * HOUR, at, 1)


def test_it_opens_the_door_until_then_and_not_after(client: FlaskClient, session: Session) -> None:
    give(session, 71 * HOUR)
    assert enter(client, GIVEN)[0] == 303
    assert client.get("/").location == "/account/password"
    give(session, 73 * HOUR)
    status, said = enter(client, GIVEN)
    assert status == 422
    assert (status, said) == enter(client, "Falsch-Kennwort-9"), "the same answer as for a wrong one"
    reasons = session.scalars(
        sa.select(AuditEnvelope).where(AuditEnvelope.action == "session.refuse").order_by(AuditEnvelope.seq)
    ).all()
    assert [row.params["reason"] for row in reasons] == ["spent", "password"], "the log knows"


def test_what_ran_out_counts_and_takes_time_like_a_wrong_one(client: FlaskClient, session: Session) -> None:
    give(session, 73 * HOUR)
    costs: dict[str, list[float]] = {GIVEN: [], "Falsch-Kennwort-9": []}
    for password in (GIVEN, "Falsch-Kennwort-9") * 2:
        began = time.process_time()
        assert enter(client, password)[0] == 422
        costs[password].append(time.process_time() - began)
    assert min(costs[GIVEN]) > 0.5 * min(costs["Falsch-Kennwort-9"])
    assert min(costs["Falsch-Kennwort-9"]) > 0.5 * min(costs[GIVEN])
    assert enter(client, GIVEN)[0] == 422
    locked = session.scalars(sa.select(AuditEnvelope).where(AuditEnvelope.action == "session.lock")).all()
    assert len(locked) == 1, "five in a row lock the account, whichever"


def test_ones_own_password_never_runs_out_by_this(client: FlaskClient, session: Session) -> None:
    give(session, 71 * HOUR)
    enter(client, GIVEN)
    changed = {"current": GIVEN, "password": NEW, "again": NEW}
    assert post(client, "/account/password", changed).status_code == 303
    session.rollback()
    user = session.get_one(User, people.id_of(session, SCIENCE), populate_existing=True)
    assert user.one_time_at is None and not user.must_change_password
    audit.begin(session, actor=system("tests"), action="person.edit", name="-")
    user.password_changed_at = now() - dt.timedelta(days=80)
    commit(session)
    assert enter(client, NEW)[0] == 303


def test_who_said_it_was_not_them_keeps_the_own_password_until_it_is_changed(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    """A forced change is no one-time password: nobody is locked out by having asked for help."""
    user = session.get_one(User, people.id_of(session, SCIENCE))
    audit.begin(session, actor=system("tests"), action="person.edit", name="-")
    user.password_changed_at = now() - 80 * 24 * HOUR
    notice = Notice(user_id=user.id, code="sign-in.new", params={}, at=now(), session_id=0)
    session.add(notice)
    session.flush()
    notices.disown(
        session, notice, actor=people.actor(session, SCIENCE), here=0, address="", agent="", at=now()
    )
    commit(session)
    assert enter(client, PASSWORD)[0] == 303
    sign_in(client, people.SYSTEM_ADMIN)
    page = client.get(f"/people/{people.id_of(session, SCIENCE)}").text
    assert "待本人修改" in page and "一次性口令有效至" not in page


def test_the_hours_are_a_setting_that_holds_for_those_given_already(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    give(session, 3 * HOUR)
    sign_in(client, people.SECURITY_ADMIN)
    assert "一次性口令多久内有效" in client.get("/settings").text
    sent = {**FILLED, **DEFAULTS, "version": "1"}
    refused = post(client, "/settings/passwords", {**sent, "password_one_time_hours": "0"})
    assert refused.status_code == 422
    assert post(client, "/settings/passwords", {**sent, "password_one_time_hours": "2"}).status_code == 303
    assert enter(app.test_client(), GIVEN)[0] == 422


def test_the_administrator_sees_until_when_and_gives_another(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    give(session, HOUR)
    user_id = people.id_of(session, SCIENCE)
    sign_in(client, people.SYSTEM_ADMIN)
    assert "一次性口令有效至 " in client.get(f"/people/{user_id}").text
    give(session, 73 * HOUR)
    sign_in(client, people.SYSTEM_ADMIN)
    assert "一次性口令已过期，请重设" in client.get(f"/people/{user_id}").text
    answer = post(client, f"/people/{user_id}/reset-password")
    assert "72 小时内有效" in answer.text
    found = re.search(r"[A-Za-z2-9]{4}(?:-[A-Za-z2-9]{4}){3}", answer.text)
    assert found is not None
    assert enter(app.test_client(), found[0])[0] == 303


def test_a_new_account_and_the_first_administrators_run_out_too(
    client: FlaskClient, session: Session
) -> None:
    sign_in(client, people.SYSTEM_ADMIN)
    answer = post(client, "/people/new", {"username": "zhao.min", "name": "赵敏", "unit_id": ""})
    assert "72 小时内有效" in answer.text
    session.rollback()
    made = session.scalars(sa.select(User).where(User.username == "zhao.min")).one()
    assert made.one_time_at == made.password_changed_at
    session.rollback()
    for table in ("user_grants", "user_factors", "user_sessions", "user_roles", "unit_heads", "users"):
        session.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608
    session.commit()
    first_administrators(session, actor=system("setup"), at=now() - 73 * HOUR)
    commit(session)
    assert all(is_spent(given, now()) for given in session.scalars(sa.select(User.one_time_at)))


def test_the_commands_say_how_long_and_reset_what_ran_out(client: FlaskClient, session: Session) -> None:
    give(session, 73 * HOUR)
    arguments = cli.parser_of(COMMANDS).parse_args(["people", "reset-password", SCIENCE.username])
    assert isinstance(arguments, argparse.Namespace)
    told = io.StringIO()
    arguments.command.run(arguments, cli.Context(system("cli"), False, told, told))
    assert "72 小时内有效" in told.getvalue() and "good for 72 hours" in told.getvalue()
    password = told.getvalue().split()[1]
    assert enter(client, password)[0] == 303


@pytest.mark.parametrize("hours", [71, 73])
def test_a_second_factor_does_not_keep_it_alive(client: FlaskClient, session: Session, hours: int) -> None:
    """The password was right in time, the code comes too late."""
    give(session, 71 * HOUR)
    audit.begin(session, actor=system("tests"), action="person.edit", name="-")
    session.add(UserFactor(user_id=people.id_of(session, SCIENCE), secret=people.FACTOR, confirmed_at=now()))
    commit(session)
    assert enter(client, GIVEN)[0] == 303
    audit.begin(session, actor=system("tests"), action="person.edit", name="-")
    session.get_one(User, people.id_of(session, SCIENCE)).one_time_at = now() - hours * HOUR
    commit(session)
    answer = post(client, "/sign-in/code", {"code": code()})
    assert answer.status_code == (303 if hours == 71 else 422)


def test_passwords_of_the_demo_are_their_own(session: Session) -> None:
    assert one_time_password()
    assert session.scalars(sa.select(User.id).where(User.one_time_at.is_not(None))).all() == []

"""The security policy is a setting, and acts on the very next request; trust.md R06, R08, R10, § Decided 1, 4."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts import queries
from crm.accounts.models import OldPassword, User, UserFactor, UserSession
from crm.accounts.rules import PasswordPolicy, check_password, is_expired, policy
from crm.config import Config
from crm.core import audit, settings
from crm.core.clock import now
from crm.core.permissions import system
from crm.core.settings import Setting
from crm.core.transaction import commit
from crm.core.words import Refused
from tests import people
from tests.people import PASSWORD, SCIENCE, post, sign_in

NEXT = ["晨光Kx-742行", "暮色Qy-853止", "星河Wz-964流", "山岚Vn-175起"]


def set_policy(session: Session, setting: Setting[Any], value: Any) -> None:
    rows = settings.rows_of(
        session, [s.key for s in settings.DECLARED.values() if s.section == setting.section]
    )
    version = settings.version_of(rows)
    settings.change(session, setting.section, {setting.key: value}, actor=system("tests"), version=version)
    commit(session)


def test_a_longer_minimum_is_asked_of_the_next_password() -> None:
    check_password("xK7#mP2q")
    with pytest.raises(Refused) as refusal:
        check_password("xK7#mP2q", PasswordPolicy(min_length=12))
    assert refusal.value.params == {"n": 12}


def test_fewer_kinds_may_be_asked_but_never_a_common_password() -> None:
    check_password("vbntrkwp", PasswordPolicy(kinds=1))
    for password in ("password", "12345678", "kejiju2024"):
        with pytest.raises(Refused):
            check_password(password, PasswordPolicy(kinds=1))


def test_zero_days_is_never() -> None:
    at = now()
    assert not is_expired(at - dt.timedelta(days=9999), at, 0)
    assert is_expired(at - dt.timedelta(days=31), at, 30)


def test_the_page_asks_what_the_policy_says(client: FlaskClient, session: Session) -> None:
    set_policy(session, policy.MIN_LENGTH, 14)
    sign_in(client, SCIENCE)
    assert "至少 14 个字符" in client.get("/account/password").get_data(as_text=True)
    data = {"current": PASSWORD, "password": NEXT[0], "again": NEXT[0]}
    answer = post(client, "/account/password", data)
    assert answer.status_code == 422
    assert "口令至少要 14 个字符" in answer.get_data(as_text=True)


def test_shorter_days_force_the_change_on_the_next_request(client: FlaskClient, session: Session) -> None:
    user = session.get_one(User, people.id_of(session, SCIENCE))
    audit.begin(session, actor=system("tests"), action="person.edit", name="-")
    user.password_changed_at = now() - dt.timedelta(days=20)
    commit(session)
    sign_in(client, SCIENCE)
    assert client.get("/account").status_code == 200
    set_policy(session, policy.MAX_AGE, 10)
    assert client.get("/account").location == "/account/password"


def test_remembered_passwords_may_not_come_back(client: FlaskClient, session: Session) -> None:
    set_policy(session, policy.REMEMBERED, 2)
    sign_in(client, SCIENCE)
    before = PASSWORD
    for wanted, status in [(NEXT[0], 303), (PASSWORD, 422), (NEXT[1], 303), (PASSWORD, 422), (NEXT[0], 422),
                           (NEXT[2], 303), (PASSWORD, 303)]:  # fmt: skip
        answer = post(client, "/account/password", {"current": before, "password": wanted, "again": wanted})
        assert answer.status_code == status, wanted
        before = wanted if status == 303 else before
    assert session.scalar(sa.select(sa.func.count()).select_from(OldPassword)) == 2
    session.rollback()
    set_policy(session, policy.REMEMBERED, 0)
    post(client, "/account/password", {"current": before, "password": NEXT[3], "again": NEXT[3]})
    assert session.scalar(sa.select(sa.func.count()).select_from(OldPassword)) == 0


def test_the_idle_time_is_a_setting(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    with client.session_transaction() as cookie:
        cookie["seen"] -= 20 * 60
    assert client.get("/account").status_code == 200
    set_policy(session, policy.IDLE, 10)
    with client.session_transaction() as cookie:
        cookie["seen"] -= 20 * 60
    assert client.get("/account").location.startswith("/sign-in")


def test_the_absolute_time_is_a_setting_and_cuts_open_sessions(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    session.execute(sa.update(UserSession).values(started_at=now() - dt.timedelta(hours=3)))
    session.commit()
    assert client.get("/account").status_code == 200
    set_policy(session, policy.ABSOLUTE, 2)
    assert client.get("/account").location.startswith("/sign-in")


def test_a_new_session_lasts_as_long_as_is_set(client: FlaskClient, session: Session) -> None:
    set_policy(session, policy.ABSOLUTE, 4)
    post(client, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD})
    row = session.scalars(sa.select(UserSession)).one()
    assert row.expires_at - row.started_at == dt.timedelta(hours=4)


def test_a_role_that_needs_a_second_factor_sets_it_up_first(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    assert client.get("/account").status_code == 200
    set_policy(session, policy.FACTOR_ROLES, frozenset({"science"}))
    assert client.get("/account").location == "/account/second-factor"
    assert sign_in(client, people.FINANCE).get("/account").status_code == 200


def test_demo_administrators_are_exempt_only_while_the_demo_is_on(
    app: Flask, client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.execute(sa.delete(UserFactor))
    session.execute(sa.text("UPDATE users SET is_demo = true"))
    session.commit()
    chosen: Config = app.config["TIDUI"]
    chosen.demo_accounts.write_text("[]", encoding="utf-8")
    try:
        monkeypatch.setitem(app.config, "TIDUI", dataclasses.replace(chosen, demo=True))
        sign_in(client, people.SYSTEM_ADMIN)
        assert client.get("/account").status_code == 200
        monkeypatch.setitem(app.config, "TIDUI", dataclasses.replace(chosen, demo=False))
        assert client.get("/account").location == "/account/second-factor"
    finally:
        chosen.demo_accounts.unlink()


def test_the_policy_costs_nothing_to_somebody_who_is_not_signed_in(session: Session) -> None:
    assert queries.idle_minutes(session) == 30
    assert queries.password_policy(session) == PasswordPolicy(8, 3, 90, 0)

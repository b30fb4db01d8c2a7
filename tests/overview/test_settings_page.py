"""The settings page: each administrator the own part; the second saver sees both sides; trust.md R43."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.queries import factor_roles, idle_minutes, password_policy
from tests import people
from tests.people import post, sign_in

FILLED = {
    "password_min_length": "10",
    "password_kinds": "3",
    "password_max_age_days": "60",
    "password_remembered": "2",
    "password_one_time_hours": "72",
}


def was(**values: str) -> dict[str, str]:
    return {f"was_{name}": value for name, value in values.items()}


DEFAULTS = was(
    password_min_length="8",
    password_kinds="3",
    password_max_age_days="90",
    password_remembered="0",
    password_one_time_hours="72",
)


def test_the_security_administrator_sets_the_policy_and_it_shows_who_did(
    client: FlaskClient, session: Session
) -> None:
    sign_in(client, people.SECURITY_ADMIN)
    assert "还没有改过" in client.get("/settings").get_data(as_text=True)
    answer = post(client, "/settings/passwords", {**FILLED, **DEFAULTS, "version": "1"})
    assert answer.status_code == 303
    policy = password_policy(session)
    assert (policy.min_length, policy.max_age_days, policy.remembered) == (10, 60, 2)
    page = client.get("/settings").get_data(as_text=True)
    assert f"{people.SECURITY_ADMIN.name} 改于" in page
    assert re.search(r"最短长度</td>.*?8 个字符.*?10 个字符", page, re.DOTALL)


def test_several_roles_are_chosen_and_taken_back(client: FlaskClient, session: Session) -> None:
    sign_in(client, people.SECURITY_ADMIN)
    data = {"factor_roles": ["leader", "science"], "was_factor_roles": "", "version": "1"}
    assert post(client, "/settings/second-factor", data).status_code == 303
    assert factor_roles(session) == {"leader", "science"}
    session.rollback()
    assert (
        post(
            client, "/settings/second-factor", {"was_factor_roles": "leader,science", "version": "2"}
        ).status_code
        == 303
    )
    assert factor_roles(session) == frozenset()


@pytest.mark.parametrize(
    ("person", "section", "status"),
    [(people.SYSTEM_ADMIN, "passwords", 403), (people.SECURITY_ADMIN, "house", 403), (people.AUDITOR, "house", 403),
     (people.SCIENCE, "passwords", 403), (people.SECURITY_ADMIN, "nothing-such", 404)],
)  # fmt: skip
def test_others_forms_are_refused_before_they_are_read(
    client: FlaskClient, session: Session, person: people.Person, section: str, status: int
) -> None:
    sign_in(client, person)
    assert post(client, f"/settings/{section}", {**FILLED, "version": "1"}).status_code == status
    assert password_policy(session).min_length == 8


def test_what_one_may_not_change_is_shown_but_has_no_form(client: FlaskClient) -> None:
    sign_in(client, people.AUDITOR)
    page = client.get("/settings").get_data(as_text=True)
    assert "最短长度" in page
    assert "/settings/passwords" not in page


@pytest.mark.parametrize("typed", ["7", "65", "", "acht", "9" * 40, "\x00", "8.5"])
def test_a_value_out_of_bounds_comes_back_filled_and_changes_nothing(
    client: FlaskClient, session: Session, typed: str
) -> None:
    sign_in(client, people.SECURITY_ADMIN)
    answer = post(client, "/settings/passwords", {**FILLED, "password_min_length": typed, "version": "1"})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "请填 8 到 64 的整数" in page
    assert 'value="60"' in page, "the rest is still there as typed"
    assert password_policy(session).max_age_days == 90


def test_the_second_saver_sees_both_sides_and_chooses(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    sign_in(client, people.SECURITY_ADMIN)
    other = sign_in(app.test_client(), people.SECURITY_ADMIN)
    assert post(other, "/settings/passwords", {**FILLED, **DEFAULTS, "version": "1"}).status_code == 303
    mine = {**FILLED, **DEFAULTS, "password_min_length": "12", "password_max_age_days": "30", "version": "1"}
    answer = post(client, "/settings/passwords", mine)
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    for text in ("8 个字符", "10 个字符", "12 个字符", "90 天", "60 天", "30 天"):
        assert text in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    choice = {"pick-password_min_length": "mine", "mine-password_min_length": "12",
              "pick-password_max_age_days": "theirs", "mine-password_max_age_days": "30", "version": version[1]}  # fmt: skip
    assert post(client, "/settings/passwords", choice).status_code == 303
    policy = password_policy(session)
    assert (policy.min_length, policy.max_age_days, policy.remembered) == (12, 60, 2)


def test_chosen_roles_survive_a_conflict(app: Flask, client: FlaskClient, session: Session) -> None:
    sign_in(client, people.SECURITY_ADMIN)
    first = {"factor_roles": ["leader"], "was_factor_roles": "", "version": "1"}
    assert post(client, "/settings/second-factor", first).status_code == 303
    second = {"factor_roles": ["science", "finance"], "was_factor_roles": "", "version": "1"}
    answer = post(client, "/settings/second-factor", second)
    assert answer.status_code == 409
    assert "科技专员、金融专员" in answer.get_data(as_text=True)
    choice = {"pick-factor_roles": "mine", "mine-factor_roles": "science,finance", "version": "2"}
    assert post(client, "/settings/second-factor", choice).status_code == 303
    assert factor_roles(session) == {"science", "finance"}


def test_a_form_without_a_version_saves_nothing(client: FlaskClient, session: Session) -> None:
    sign_in(client, people.SECURITY_ADMIN)
    assert (
        post(
            client, "/settings/sessions", {"session_idle_minutes": "5", "session_absolute_hours": "1"}
        ).status_code
        == 409
    )
    assert idle_minutes(session) == 30


def test_the_contact_is_shown_as_text_on_the_sign_in_page(app: Flask, client: FlaskClient) -> None:
    sign_in(client, people.SYSTEM_ADMIN)
    data = {"house_contact": "<b>请打 5588</b>", "version": "1"}
    assert post(client, "/settings/house", data).status_code == 303
    assert "&lt;b&gt;请打 5588" in app.test_client().get("/sign-in").get_data(as_text=True)

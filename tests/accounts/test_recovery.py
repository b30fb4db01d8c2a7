"""Recovery codes, and the second factor replaced or taken off; trust.md R08."""

from __future__ import annotations

import html
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts import queries
from crm.accounts.actions import factors
from crm.accounts.models import RecoveryCode, UserFactor
from crm.accounts.rules.second_factor import code_of, recovery_form, step_at
from crm.core import audit
from crm.core.clock import now
from crm.core.transaction import commit
from tests import people
from tests.people import FACTOR, PASSWORD, SCIENCE, SYSTEM_ADMIN, id_of, post, sign_in

SHOWN = re.compile(r"<li>([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})</li>")
OTHER = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def code(secret: str = FACTOR, steps: int = 0) -> str:
    return code_of(secret, step_at(now()) + steps)


def with_factor(session: Session, person: people.Person = SCIENCE) -> list[str]:
    made = factors.confirm(
        session, actor=people.actor(session, person), secret=OTHER, code=code(OTHER, -1), at=now()
    )
    commit(session)
    return made


def second_step(app: Flask, typed: str, person: people.Person = SCIENCE) -> tuple[FlaskClient, int]:
    client = app.test_client()
    assert post(client, "/sign-in", {"username": person.username, "password": PASSWORD}).status_code == 303
    return client, post(client, "/sign-in/code", {"code": typed}).status_code


def test_ten_codes_are_shown_once_when_it_is_set_up(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    page = client.get("/account/second-factor").get_data(as_text=True)
    found = re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", page)
    assert found
    answer = post(client, "/account/second-factor", {"code": code(found[1].replace(" ", ""))})
    shown = SHOWN.findall(answer.get_data(as_text=True))
    assert len(set(shown)) == 10
    assert answer.headers["Cache-Control"] == "no-store"
    assert "恢复码还剩 10 个" in client.get("/account").get_data(as_text=True)
    for url in ("/account", "/account/recovery-codes", "/account/second-factor"):
        assert not SHOWN.search(client.get(url).get_data(as_text=True))
    stored = session.scalars(sa.select(RecoveryCode.code_hash)).all()
    assert all(len(held) == 64 for held in stored)
    assert not set(stored) & set(shown)


def test_a_recovery_code_stands_in_for_the_phone_exactly_once(app: Flask, session: Session) -> None:
    made = with_factor(session)
    client, status = second_step(app, made[0])
    assert status == 303
    assert "还剩 9 个" in client.get("/account").get_data(as_text=True)
    assert second_step(app, made[0])[1] == 422
    assert second_step(app, made[1].lower().replace("-", " "))[1] == 303, "as people type it"


def test_a_code_of_somebody_else_or_none_is_refused(app: Flask, session: Session) -> None:
    with_factor(session)
    foreign = with_factor(session, people.FINANCE)
    assert second_step(app, foreign[0])[1] == 422
    assert second_step(app, "AAAA-AAAA-AAAA-AAAA")[1] == 422


@pytest.mark.parametrize("typed", ["", "AAAA", "A" * 17, "1" * 16, "\x00" * 16, "恢复" * 8, "A" * 100_000])
def test_what_cannot_be_a_recovery_code_is_none(typed: str) -> None:
    assert recovery_form(typed) is None


def test_wrong_recovery_codes_lock_like_wrong_passwords(app: Flask, session: Session) -> None:
    made = with_factor(session)
    for _ in range(5):
        assert second_step(app, "AAAA-AAAA-AAAA-AAAA")[1] == 422
    client = app.test_client()
    assert post(client, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD}).status_code == 422
    session.rollback()
    assert queries.codes_left(session, id_of(session, SCIENCE)) == len(made)


def test_new_codes_ask_for_the_password_and_end_the_old_ones(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    old = with_factor(session)
    sign_in(client, SCIENCE)
    assert post(client, "/account/recovery-codes", {"current": "falsch"}).status_code == 422
    assert second_step(app, old[0])[1] == 303
    answer = post(client, "/account/recovery-codes", {"current": PASSWORD})
    fresh = SHOWN.findall(answer.get_data(as_text=True))
    assert len(fresh) == 10
    assert second_step(app, old[1])[1] == 422
    assert second_step(app, fresh[0])[1] == 303


def test_replacing_it_asks_for_the_password_again(client: FlaskClient, session: Session) -> None:
    old = with_factor(session)
    sign_in(client, SCIENCE)
    page = client.get("/account/second-factor").get_data(as_text=True)
    found = re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", page)
    assert found
    secret = found[1].replace(" ", "")
    for current in ("", "falsch"):
        assert (
            post(client, "/account/second-factor", {"code": code(secret), "current": current}).status_code
            == 422
        )
    session.rollback()
    kept = sa.select(UserFactor.secret).where(UserFactor.user_id == id_of(session, SCIENCE))
    assert session.scalar(kept) == OTHER
    session.rollback()
    assert (
        post(client, "/account/second-factor", {"code": code(secret), "current": PASSWORD}).status_code == 200
    )
    assert session.scalar(kept) == secret
    assert not factors.use(session, id_of(session, SCIENCE), old[0], at=now()), "the old codes went with it"


def test_taking_it_off_asks_for_the_password_and_is_refused_where_it_is_required(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    with_factor(session)
    sign_in(client, SCIENCE)
    assert client.get("/account/second-factor/remove").status_code == 200
    assert post(client, "/account/second-factor/remove", {"current": "falsch"}).status_code == 422
    assert post(client, "/account/second-factor/remove", {"current": PASSWORD}).status_code == 303
    assert session.scalar(sa.select(sa.func.count()).select_from(RecoveryCode)) == 0
    admin = sign_in(app.test_client(), SYSTEM_ADMIN)
    assert post(admin, "/account/second-factor/remove", {"current": PASSWORD}).status_code == 422
    session.rollback()
    assert factors.factor_of(session, id_of(session, SYSTEM_ADMIN)) is not None


@pytest.mark.parametrize("url", ["/account/recovery-codes", "/account/second-factor/remove"])
def test_a_stolen_session_cannot_guess_the_password_there(
    client: FlaskClient, session: Session, url: str
) -> None:
    with_factor(session)
    sign_in(client, SCIENCE)
    for _ in range(5):
        assert post(client, url, {"current": "falsch"}).status_code == 422
    assert post(client, url, {"current": PASSWORD}).status_code == 422


@pytest.mark.parametrize("url", ["/account/recovery-codes", "/account/second-factor/remove"])
def test_without_a_factor_they_lead_to_setting_one_up(client: FlaskClient, url: str) -> None:
    sign_in(client, SCIENCE)
    assert client.get(url).location == "/account/second-factor"


def test_the_codes_never_reach_the_audit(session: Session) -> None:
    made = with_factor(session)
    everything = repr(
        [row.params for row in session.scalars(sa.select(audit.AuditEnvelope))]
        + [(row.before, row.after) for row in session.scalars(sa.select(audit.AuditChange))]
    )
    assert not [item for item in made if item in everything or item.replace("-", "") in everything]


def test_the_qr_code_is_drawn_by_the_server_without_style_or_script(client: FlaskClient) -> None:
    sign_in(client, SCIENCE)
    page = client.get("/account/second-factor").get_data(as_text=True)
    drawn = re.search(r"<svg[^>]*td-qr.*?</svg>", page, re.DOTALL)
    assert drawn
    assert "style" not in drawn[0]
    assert "otpauth://totp/" in html.unescape(page)
    assert page.count("<path") >= 2

"""The second factor: required for the three administrators, a code usable once; trust.md R08 and § Decided 4."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import factors
from crm.accounts.models import User, UserFactor
from crm.accounts.rules import ADMINISTRATORS, Role
from crm.accounts.rules.second_factor import STEP, code_of, is_required, matching_step, setup_link, step_at
from crm.core import audit
from crm.core.clock import now
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.core.words import Refused
from tests import people
from tests.people import FACTOR, PASSWORD, SCIENCE, SYSTEM_ADMIN, id_of, post, sign_in


def code(secret: str = FACTOR, steps: int = 0) -> str:
    return code_of(secret, step_at(now()) + steps)


def password_step(client: FlaskClient, person: people.Person) -> None:
    answer = post(client, "/sign-in?next=/account", {"username": person.username, "password": PASSWORD})
    assert answer.location == "/sign-in/code?next=/account"


@pytest.mark.parametrize(
    ("at", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at: int, expected: str) -> None:
    """RFC 6238, appendix B (SHA-1), the last six digits."""
    assert code_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", at // STEP) == expected


def test_a_code_counts_one_step_around_now_and_only_once() -> None:
    at = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.UTC)
    here = step_at(at)
    for drift, good in [(-2, False), (-1, True), (0, True), (1, True), (2, False)]:
        found = matching_step(FACTOR, code_of(FACTOR, here + drift), at=at, last_step=0)
        assert found == (here + drift if good else None)
    assert matching_step(FACTOR, code_of(FACTOR, here), at=at, last_step=here) is None
    assert matching_step(FACTOR, code_of(FACTOR, here - 1), at=at, last_step=here) is None
    for nasty in ("", "12345", "1234567", "abcdef", "１２３４５６", "9" * 1000):
        assert matching_step(FACTOR, nasty, at=at, last_step=0) is None


def test_it_is_required_for_administrators_that_are_not_for_show() -> None:
    for role in Role:
        assert is_required([role], is_exempt=False) == (role in ADMINISTRATORS)
        assert not is_required([role], is_exempt=True)
    assert setup_link(FACTOR, "cast system").startswith(
        "otpauth://totp/Tidui%3Acast%20system?secret=" + FACTOR
    )


def test_an_administrator_signs_in_with_password_and_code(client: FlaskClient) -> None:
    password_step(client, SYSTEM_ADMIN)
    assert client.get("/account").status_code == 303, "the password alone opens nothing"
    answer = post(client, "/sign-in/code?next=/account", {"code": code()})
    assert answer.location == "/account"
    assert client.get("/account").status_code == 200


def test_a_used_code_is_refused_also_elsewhere(app: Flask, client: FlaskClient) -> None:
    used = code()
    password_step(client, SYSTEM_ADMIN)
    assert post(client, "/sign-in/code", {"code": used}).status_code == 303
    other = app.test_client()
    password_step(other, SYSTEM_ADMIN)
    assert post(other, "/sign-in/code", {"code": used}).status_code == 422
    assert other.get("/account").status_code == 303


def test_five_wrong_codes_lock_the_account(app: Flask, client: FlaskClient) -> None:
    password_step(client, SYSTEM_ADMIN)
    for _ in range(5):
        assert post(client, "/sign-in/code", {"code": code(steps=50)}).status_code == 422
    assert post(client, "/sign-in/code", {"code": code()}).status_code == 422
    assert (
        post(
            app.test_client(), "/sign-in", {"username": SYSTEM_ADMIN.username, "password": PASSWORD}
        ).status_code
        == 422
    )


def test_signing_in_again_does_not_forget_wrong_codes(client: FlaskClient) -> None:
    for _ in range(5):
        password_step(client, SYSTEM_ADMIN)
        assert post(client, "/sign-in/code", {"code": code(steps=50)}).status_code == 422
    assert (
        post(client, "/sign-in", {"username": SYSTEM_ADMIN.username, "password": PASSWORD}).status_code == 422
    )


def test_the_code_page_is_only_for_who_gave_the_password_just_now(
    client: FlaskClient, session: Session
) -> None:
    assert client.get("/sign-in/code").location == "/sign-in"
    assert post(client, "/sign-in/code", {"code": code()}).location == "/sign-in"
    password_step(client, SYSTEM_ADMIN)
    with client.session_transaction() as cookie:
        cookie["pending"][3] -= 6 * 60
        cookie.modified = True
    assert post(client, "/sign-in/code", {"code": code()}).location == "/sign-in"


def test_a_password_changed_meanwhile_ends_the_waiting(client: FlaskClient, session: Session) -> None:
    password_step(client, SYSTEM_ADMIN)
    user = session.get_one(User, id_of(session, SYSTEM_ADMIN))
    audit.begin(session, actor=system("tests"), action="password.reset", name="-")
    user.password_hash = "scrypt:32768:8:1$other$00"
    commit(session)
    assert post(client, "/sign-in/code", {"code": code()}).status_code == 422
    assert client.get("/account").status_code == 303


def without_factor(session: Session, person: people.Person) -> None:
    session.execute(sa.delete(UserFactor).where(UserFactor.user_id == id_of(session, person)))
    session.commit()


def test_an_administrator_without_one_sets_it_up_first(client: FlaskClient, session: Session) -> None:
    without_factor(session, SYSTEM_ADMIN)
    sign_in(client, SYSTEM_ADMIN)
    for url in ("/", "/people", "/account"):
        assert client.get(url).location == "/account/second-factor"
    page = client.get("/account/second-factor").get_data(as_text=True)
    shown = re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", page)
    assert shown
    secret = shown[1].replace(" ", "")
    assert post(client, "/account/second-factor", {"code": code(secret, 50)}).status_code == 422
    assert client.get("/people").status_code == 303
    assert post(client, "/account/second-factor", {"code": code(secret)}).status_code == 200
    assert client.get("/people").status_code == 200
    session.rollback()
    kept = session.execute(
        sa.select(UserFactor).where(UserFactor.user_id == id_of(session, SYSTEM_ADMIN))
    ).scalar_one()
    assert kept.secret == secret
    assert kept.last_step > 0, "the first code is used up"


def test_it_is_offered_to_all(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    page = client.get("/account/second-factor").get_data(as_text=True)
    shown = re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", page)
    assert shown
    assert (
        post(client, "/account/second-factor", {"code": code(shown[1].replace(" ", ""))}).status_code == 200
    )
    post(client, "/sign-out")
    password_step(client, SCIENCE)


def test_a_lost_one_is_taken_off_but_not_an_administrators(client: FlaskClient, session: Session) -> None:
    audit.begin(session, actor=system("tests"), action="factor.confirm")
    session.add(UserFactor(user_id=id_of(session, SCIENCE), secret=FACTOR, confirmed_at=now()))
    commit(session)
    sign_in(client, SYSTEM_ADMIN)
    assert post(client, f"/people/{id_of(session, SCIENCE)}/remove-factor").status_code == 303
    assert post(client, f"/people/{id_of(session, people.AUDITOR)}/remove-factor").status_code == 422
    assert factors.factor_of(session, id_of(session, SCIENCE)) is None
    assert factors.factor_of(session, id_of(session, people.AUDITOR)) is not None


def test_the_secret_never_reaches_the_audit(client: FlaskClient, session: Session) -> None:
    factors.confirm(session, actor=people.actor(session, SCIENCE), secret=FACTOR, code=code(), at=now())
    commit(session)
    rows = session.scalars(sa.select(audit.AuditChange)).all()
    assert FACTOR not in repr([(row.before, row.after) for row in rows])
    with pytest.raises(Refused):
        factors.confirm(session, actor=people.actor(session, SCIENCE), secret=FACTOR, code="000000", at=now())

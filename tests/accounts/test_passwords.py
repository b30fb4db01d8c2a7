"""Passwords: trust.md R01, R06, R07, R09 and the forced change."""

from __future__ import annotations

import datetime as dt
import re
import time

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions.first import first_administrators
from crm.accounts.actions.hashing import hash_password, is_right, one_time_password
from crm.accounts.models import User
from crm.accounts.rules import ADMINISTRATORS, PasswordPolicy, check_password, is_expired
from crm.accounts.rules.passwords import COMMON, PLACES
from crm.core import audit
from crm.core.audit import AuditChange
from crm.core.clock import now
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.core.words import Refused
from tests import people
from tests.people import PASSWORD, SCIENCE, post, sign_in

NEW = "晨光Kx-742行"


@pytest.fixture
def empty(session: Session) -> Session:
    """The database without anybody."""
    for table in ("user_grants", "user_factors", "user_roles", "unit_heads", "users"):
        session.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608
    session.commit()
    return session


BAD = [
    *"P@ssw0rd P@ssw0rd1 Password123 Password1! Passw0rd2026 Pa$$w0rd Admin123 Admin@123 Admin888 Root@123".split(),  # noqa: SIM905
    *"Qwer1234 Qwer1234! Qwer!234 Qwerty123 Asdf1234 Zxcv1234 Abc12345 Abc@1234 Abcd1234 Abc123456 Abc123!@#".split(),  # noqa: SIM905
    *"Aa123456 Aa123456! A1234567 A1b2c3d4 1qaz@WSX 1qaz2WSX !QAZ2wsx Zaq12wsx 1Q2w3e4r Q1w2e3r4! Woaini1314".split(),  # noqa: SIM905
    *"Woaini520 Iloveyou1 Welcome@123 Changeme1 Letmein1! Test@123 Huawei@123 Summer2024! January2024".split(),  # noqa: SIM905
    *"Company123 Dragon123 Football1 Qq123456 Zhongguo1 Wenzhou123 Wenzhou@2024 Wenzhou2024! Tidui2024".split(),  # noqa: SIM905
    *"Tidui@123 Kejiju123 Kejiju@123 Shangwuju1 Jingkaiqu1! Zhejiang1! Longwan123 Zichuangban1 Jinrongban1".split(),  # noqa: SIM905
    *"Oufei@2026 温州2024Ab 科技局123Ab 管委会@2026 商务局Aa123 Aa1!Aa1! Aaa111111 chenli@123A".split(),  # noqa: SIM905
]
GOOD = ["xK7#mP2q", "春眠不觉晓处处闻啼鸟", "月落乌啼霜满天江枫渔火", "correct horse battery staple", "Aa1!" * 16, "kL9-" * 20,
        "Mq7-温州-rX9t", PASSWORD, NEW, "青山绿水Ab3-", "rT5%" + "x9Lw" * 60]  # fmt: skip


@pytest.mark.parametrize("password", BAD)
def test_a_password_guessers_try_first_is_refused(password: str) -> None:
    with pytest.raises(Refused):
        check_password(password, username="chenli", name="陈立")


@pytest.mark.parametrize("password", GOOD)
def test_a_good_password_is_allowed_also_long_and_chinese(password: str) -> None:
    check_password(password, username="chenli", name="陈立")


@pytest.mark.parametrize(
    "password", ["", "Ab3-xyz", "abcdefghi", "ABC12345", "x" * 257, "长" * 64, "aB3-" + "x" * 500]
)
def test_too_short_too_plain_and_too_long_are_refused(password: str) -> None:
    with pytest.raises(Refused):
        check_password(password)


def test_the_lists_of_common_words_are_long_enough() -> None:
    assert len(COMMON) >= 150
    assert {"kejiju", "shangwuju", "wenzhou", "科技局", "管委会"} <= set(PLACES)


def test_judging_a_password_is_quick() -> None:
    began = time.process_time()
    check_password("xK7#mP2q9vRt" * 21)
    assert time.process_time() - began < 30


def test_passwords_are_stored_with_scrypt_and_salt() -> None:
    first, second = hash_password(NEW), hash_password(NEW)
    assert first.startswith("scrypt:32768:8:1$")
    assert first != second
    assert is_right(first, NEW)
    assert not is_right(first, NEW + " ")


def test_no_account_and_no_usable_hash_cost_as_much_as_a_wrong_password() -> None:
    known = hash_password(NEW)

    def cost(stored: str | None) -> float:
        best = 9.0
        for _ in range(3):
            began = time.process_time()
            assert not is_right(stored, "x" * 12)
            best = min(best, time.process_time() - began)
        return best

    for stored in (None, "!"):
        assert cost(stored) > cost(known) * 0.5


def test_one_time_passwords_are_random_and_allowed() -> None:
    made = {one_time_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_password(password)


def test_a_password_is_old_after_ninety_days() -> None:
    at = now()
    assert not is_expired(at - dt.timedelta(days=PasswordPolicy().max_age_days), at)
    assert is_expired(at - dt.timedelta(days=PasswordPolicy().max_age_days, seconds=1), at)


def set_user(session: Session, **values: object) -> None:
    user = session.execute(sa.select(User).where(User.username_key == SCIENCE.username)).scalar_one()
    audit.begin(session, actor=system("tests"), action="person.edit", name="-")
    for name, value in values.items():
        setattr(user, name, value)
    commit(session)


def change(client: FlaskClient, current: str, new: str, again: str | None = None) -> int:
    data = {"current": current, "password": new, "again": new if again is None else again}
    return post(client, "/account/password", data).status_code


def test_an_own_password_is_changed_and_every_other_session_ends(app: Flask, client: FlaskClient) -> None:
    other = sign_in(app.test_client(), SCIENCE)
    sign_in(client, SCIENCE)
    old = client.get_cookie("tidui")
    assert old is not None
    assert change(client, PASSWORD, NEW) == 303
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    client.set_cookie("tidui", old.value)
    assert client.get("/account").status_code == 303
    assert post(client, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD}).status_code == 422
    assert post(client, "/sign-in", {"username": SCIENCE.username, "password": NEW}).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "again"),
    [("falsch", NEW, NEW), (PASSWORD, NEW, NEW + "x"), (PASSWORD, PASSWORD, PASSWORD), (PASSWORD, "Aa123456", "Aa123456"),
     (PASSWORD, "cast-science-A1", "cast-science-A1"), ("", NEW, NEW)],
)  # fmt: skip
def test_a_change_that_breaks_a_rule_is_refused(
    client: FlaskClient, current: str, new: str, again: str
) -> None:
    sign_in(client, SCIENCE)
    assert change(client, current, new, again) == 422
    assert client.get("/account").status_code == 200


def test_a_stolen_session_cannot_guess_the_password(client: FlaskClient) -> None:
    sign_in(client, SCIENCE)
    for _ in range(5):
        assert change(client, "falsch", NEW) == 422
    assert change(client, PASSWORD, NEW) == 422


def test_a_one_time_password_opens_only_the_change(client: FlaskClient, session: Session) -> None:
    set_user(session, must_change_password=True)
    sign_in(client, SCIENCE)
    for url in ("/", "/account", "/search?q=x"):
        assert client.get(url).location == "/account/password"
    assert client.get("/account/password").status_code == 200
    assert change(client, PASSWORD, NEW) == 303
    assert client.get("/account").status_code == 200


def test_an_old_password_opens_only_the_change(client: FlaskClient, session: Session) -> None:
    set_user(session, password_changed_at=now() - dt.timedelta(days=91))
    sign_in(client, SCIENCE)
    assert client.get("/").location == "/account/password"


def test_the_hash_never_reaches_the_audit(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    change(client, PASSWORD, NEW)
    rows = session.scalars(
        sa.select(AuditChange).where(AuditChange.kind == "users", AuditChange.verb == "update")
    ).all()
    assert any("password_hash" in row.after for row in rows)
    assert "scrypt" not in repr([(row.before, row.after) for row in session.scalars(sa.select(AuditChange))])


def test_the_first_start_makes_three_administrators_with_one_time_passwords(empty: Session) -> None:
    made = first_administrators(empty, actor=system("setup"), at=now())
    commit(empty)
    assert {role for role, _name, _password in made} == {role.value for role in ADMINISTRATORS}
    users = empty.scalars(sa.select(User)).all()
    assert len(users) == 3
    assert all(user.must_change_password for user in users)
    assert len({password for _role, _name, password in made}) == 3
    assert first_administrators(empty, actor=system("setup"), at=now()) == [], (
        "only in a house without people"
    )


def test_nobody_is_shipped_with_a_password(session: Session) -> None:
    """The cast is the tests' own; the house brings nobody."""
    made = session.scalars(sa.select(User.username).where(~User.username_key.like("cast-%"))).all()
    assert made == []
    assert len(ADMINISTRATORS) == 3


def test_an_administrator_resets_a_password_once_and_shows_it_once(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    live = sign_in(app.test_client(), SCIENCE)
    sign_in(client, people.SYSTEM_ADMIN)
    answer = post(client, f"/people/{people.id_of(session, SCIENCE)}/reset-password")
    found = re.search(r"[A-Za-z2-9]{4}(?:-[A-Za-z2-9]{4}){3}", answer.get_data(as_text=True))
    assert found
    assert answer.headers["Cache-Control"] == "no-store"
    assert live.get("/account").status_code == 303
    fresh = app.test_client()
    assert post(fresh, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD}).status_code == 422
    assert post(fresh, "/sign-in", {"username": SCIENCE.username, "password": found[0]}).status_code == 303
    assert fresh.get("/").location == "/account/password"


@pytest.mark.parametrize("person", [people.SECURITY_ADMIN, people.AUDITOR, people.SYSTEM_ADMIN], ids=str)
def test_no_administrator_can_become_another_by_a_reset(
    client: FlaskClient, session: Session, person: people.Person
) -> None:
    sign_in(client, people.SYSTEM_ADMIN)
    assert post(client, f"/people/{people.id_of(session, person)}/reset-password").status_code == 422

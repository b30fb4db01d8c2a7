"""The crowded door: few hash at once, nobody sleeps, who comes too fast is told when to come back; trust.md R04, R05."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import hashing, sessions
from crm.accounts.models import SignInAttempt
from crm.accounts.rules import address_key
from crm.accounts.rules.sign_in import ADDRESS_TRIES, PAUSE, PAUSE_TOP, pause_for
from crm.core.clock import now
from crm.core.db import db
from crm.core.words import Later
from crm.serve import THREADS
from tests import people
from tests.people import PASSWORD, SCIENCE, post, sign_in


def test_no_more_than_two_hash_at_once_and_the_rest_wait_their_turn() -> None:
    gate = hashing.Gate(2, 10, 5)
    running, most, done = [0], [0], [0]
    lock = threading.Lock()

    def work() -> None:
        with gate.pass_through():
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            time.sleep(0.02)
            with lock:
                running[0] -= 1
                done[0] += 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most[0], done[0]) == (2, 12)


def test_a_full_room_answers_at_once_and_keeps_places_for_known_browsers() -> None:
    gate = hashing.Gate(1, 2, 5)
    with gate.pass_through():
        gate._inside += 1  # somebody waits
        with pytest.raises(Later), gate.pass_through(kept=1):
            pass
        gate.patience = 0.01
        began = time.monotonic()
        with pytest.raises(Later), gate.pass_through():
            pass
        assert time.monotonic() - began < 4, "the patience of before was 5"
        assert gate._inside == 2, "who has left is counted out"


def test_the_server_has_threads_left_for_pages_when_the_room_is_full() -> None:
    assert hashing.AT_ONCE == 2
    assert THREADS >= hashing.AT_ONCE + hashing.WAITING + 4


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "GATE", hashing.Gate(1, -1, 0))


def test_who_has_not_failed_finds_a_place_before_who_has(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = hashing.Gate(2, 22, 4)
    monkeypatch.setattr(hashing, "GATE", gate)
    gate._inside = gate.places - hashing.FOR_KNOWN - hashing.FOR_FRESH  # as many as failing browsers may take
    right = {"username": SCIENCE.username, "password": PASSWORD}
    with client.session_transaction() as cookie:
        cookie["failed"] = int(time.time())
    assert post(client, "/sign-in", right).status_code == 429
    with client.session_transaction() as cookie:
        del cookie["failed"]
    assert post(client, "/sign-in", right).status_code == 303
    post(client, "/sign-out")
    gate._inside = (
        gate.places - hashing.FOR_KNOWN
    )  # full of those who never failed: strangers with new cookies
    assert post(client, "/sign-in", {**right, "username": people.FINANCE.username}).status_code == 429
    assert post(client, "/sign-in", right).status_code == 303, "the browser is known to this account"


@pytest.mark.parametrize("username", [SCIENCE.username, "nobody-here"])
def test_a_full_room_is_said_in_plain_words_and_counts_nothing(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    full(monkeypatch)
    answer = post(client, "/sign-in", {"username": username, "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    page = answer.get_data(as_text=True)
    assert "现在登录的人太多" in page
    assert f'value="{username}"' in page, "the name is still there"
    assert PASSWORD not in page
    assert session.scalars(sa.select(SignInAttempt)).all() == []


def test_a_full_room_is_told_to_whoever_changes_a_password_too(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, SCIENCE)
    full(monkeypatch)
    data = {"current": PASSWORD, "password": "晨光Kx-742行", "again": "晨光Kx-742行"}
    answer = post(client, "/account/password", data)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"]


def busy_address(session: Session, failures: int) -> None:
    session.add(SignInAttempt(key=address_key("127.0.0.1"), failures=failures, first_at=now()))
    session.commit()


def test_who_failed_just_now_at_a_busy_address_has_to_pause(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_address(session, ADDRESS_TRIES + 5)
    wrong = {"username": "nobody-here", "password": "Falsch-Kennwort-9"}
    assert post(client, "/sign-in", wrong).status_code == 422
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("somebody sleeps in a thread"))
    answer = post(client, "/sign-in", wrong)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= PAUSE
    assert "账号没有因此被锁定" in answer.get_data(as_text=True)
    with client.session_transaction() as cookie:
        cookie["failed"] -= PAUSE + 1
    assert post(client, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD}).status_code == 303


def test_a_busy_address_is_never_locked(app: Flask, client: FlaskClient, session: Session) -> None:
    busy_address(session, 100_000)
    assert post(client, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD}).status_code == 303


def test_a_known_browser_need_not_pause(client: FlaskClient, session: Session) -> None:
    right = {"username": SCIENCE.username, "password": PASSWORD}
    post(client, "/sign-in", right)
    post(client, "/sign-out")
    busy_address(session, 100_000)
    assert post(client, "/sign-in", {**right, "password": "Falsch-Kennwort-9"}).status_code == 422
    assert post(client, "/sign-in", right).status_code == 303, "mistyped once, then right"
    post(client, "/sign-out")
    with client.session_transaction() as cookie:
        cookie["failed"] = int(time.time())
    other = {"username": people.FINANCE.username, "password": PASSWORD}
    assert post(client, "/sign-in", other).status_code == 429, "known to the own account only"


@pytest.mark.parametrize("value", ["", "x", "W10.x", "a" * 4000])
def test_a_forged_cookie_makes_no_browser_known(client: FlaskClient, session: Session, value: str) -> None:
    busy_address(session, 1000)
    client.set_cookie("tidui_known", value)
    with client.session_transaction() as cookie:
        cookie["failed"] = int(time.time())
    assert post(client, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD}).status_code == 429


def test_the_pause_grows_and_has_a_top() -> None:
    assert pause_for(ADDRESS_TRIES - 1, 0) == 0
    assert pause_for(ADDRESS_TRIES, None) == 0
    assert pause_for(ADDRESS_TRIES, 0) == PAUSE
    assert pause_for(ADDRESS_TRIES * 3, 0) == PAUSE * 3
    assert pause_for(10**9, 0) == PAUSE_TOP
    assert pause_for(10**9, PAUSE_TOP + 1) == 0
    assert pause_for(ADDRESS_TRIES, -3600) == PAUSE, "a clock set back does not lock anybody out for long"


def test_failures_survive_a_restart_and_are_shared_by_all_workers(app: Flask, session: Session) -> None:
    """They live in the database: another connection, as another process has it, sees them (R02)."""
    sessions.refuse(
        session, username=SCIENCE.username, user_id=None, address="a", reason="password", at=now()
    )
    from crm.core.transaction import commit

    commit(session)
    db.engine.dispose()
    with Session(db.engine) as other:
        assert other.scalar(sa.select(sa.func.count()).select_from(SignInAttempt)) == 2


def test_twenty_four_wrong_sign_ins_at_once_leave_room_for_a_right_one(app: Flask) -> None:
    """All in one process, as threads of the server: each is answered, the right one gets in."""
    statuses: list[int] = []

    def try_in(username: str, password: str) -> None:
        client = app.test_client()
        statuses.append(post(client, "/sign-in", {"username": username, "password": password}).status_code)

    threads = [threading.Thread(target=try_in, args=(f"nobody-{n}", "Falsch-Kennwort-9")) for n in range(24)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    right = app.test_client()
    until = dt.timedelta(seconds=30).total_seconds()
    status = 0
    while status != 303 and time.monotonic() - began < until:
        answer = post(right, "/sign-in", {"username": SCIENCE.username, "password": PASSWORD})
        status = answer.status_code
        if status != 303:
            time.sleep(int(answer.headers["Retry-After"]))
    for thread in threads:
        thread.join()
    assert status == 303
    assert set(statuses) <= {422, 429}

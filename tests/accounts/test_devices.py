"""One's own sessions, and the notice of a sign-in from a new place; trust.md R09."""

from __future__ import annotations

import datetime as dt
import re
import threading

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import Notice, UserSession
from crm.core import audit
from crm.core.clock import now
from tests import people
from tests.people import PASSWORD, SCIENCE, id_of, post, sign_in

EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def come_in(app: Flask, agent: str, *, address: str = "10.0.0.7") -> FlaskClient:
    """Sign in as a person does, from a browser and an address."""
    client = app.test_client()
    client.environ_base.update({"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address})
    data = {"username": SCIENCE.username, "password": PASSWORD}
    assert post(client, "/sign-in", data).status_code == 303
    return client


def notice_id(client: FlaskClient) -> str:
    found = re.search(r"/account/notices/(\d+)/dismiss", client.get("/account").get_data(as_text=True))
    assert found
    return found[1]


def open_sessions(session: Session) -> int:
    session.rollback()
    return session.scalar(sa.select(sa.func.count()).where(UserSession.ended_at.is_(None))) or 0


def test_the_list_shows_browser_address_and_which_is_this_one(app: Flask) -> None:
    come_in(app, EDGE)
    client = come_in(app, FIREFOX, address="10.0.0.8")
    page = client.get("/account").get_data(as_text=True)
    for text in ("Edge · Windows", "10.0.0.7", "Firefox · Linux", "10.0.0.8"):
        assert text in page
    assert page.count("本机") == 1
    assert len(re.findall(r"/account/sessions/\d+/end", page)) == 1, "the own one has the ordinary way out"


def test_one_device_is_signed_out_and_no_other(app: Flask, client: FlaskClient) -> None:
    first, second = come_in(app, EDGE), come_in(app, FIREFOX)
    third = come_in(app, EDGE, address="10.0.0.9")
    page = third.get("/account").get_data(as_text=True)
    target = re.search(r"Firefox.*?/account/sessions/(\d+)/end", page, re.DOTALL)
    assert target
    assert post(third, f"/account/sessions/{target[1]}/end").status_code == 303
    assert second.get("/account").status_code == 303
    assert first.get("/account").status_code == 200
    assert post(third, f"/account/sessions/{target[1]}/end").status_code == 404, "it has ended already"


def test_ending_this_very_session_leads_to_the_door(client: FlaskClient, session: Session) -> None:
    sign_in(client, SCIENCE)
    own = session.scalars(sa.select(UserSession.id)).one()
    session.rollback()
    assert post(client, f"/account/sessions/{own}/end").location == "/sign-in"
    assert client.get("/account").status_code == 303


def test_a_session_of_somebody_else_is_not_found(app: Flask, client: FlaskClient, session: Session) -> None:
    live = sign_in(app.test_client(), people.FINANCE)
    foreign = session.scalars(sa.select(UserSession.id)).one()
    session.rollback()
    sign_in(client, SCIENCE)
    for target in (str(foreign), "999999", "9" * 18):
        assert post(client, f"/account/sessions/{target}/end").status_code == 404
    assert live.get("/account").status_code == 200


def test_an_administrator_signs_a_person_out_everywhere(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    first, second = sign_in(app.test_client(), SCIENCE), sign_in(app.test_client(), SCIENCE)
    target = id_of(session, SCIENCE)
    session.rollback()
    for person in (people.SECURITY_ADMIN, people.LEADER):
        assert post(sign_in(app.test_client(), person), f"/people/{target}/end-sessions").status_code == 403
    assert first.get("/account").status_code == 200
    sign_in(client, people.SYSTEM_ADMIN)
    assert post(client, f"/people/{target}/end-sessions").status_code == 303
    assert first.get("/account").status_code == second.get("/account").status_code == 303
    assert client.get("/account").status_code == 200
    [told] = session.scalars(
        sa.select(audit.AuditEnvelope).where(audit.AuditEnvelope.action == "person.end-sessions")
    )
    assert told.subject_id == target


def test_last_use_is_noted_every_few_minutes_and_not_with_every_page(
    client: FlaskClient, session: Session
) -> None:
    sign_in(client, SCIENCE)
    long_ago = now() - dt.timedelta(minutes=20)
    session.execute(sa.update(UserSession).values(seen_at=long_ago))
    session.commit()
    assert client.get("/account").status_code == 200
    noted = session.scalars(sa.select(UserSession.seen_at)).one()
    assert noted is not None
    assert now() - noted < dt.timedelta(minutes=1)
    session.rollback()
    client.get("/account")
    assert session.scalars(sa.select(UserSession.seen_at)).one() == noted


def test_no_page_waits_for_the_note_of_last_use(app: Flask, client: FlaskClient, session: Session) -> None:
    """Somebody writes for long (an import): pages that only read go on."""
    sign_in(client, SCIENCE)
    session.execute(sa.update(UserSession).values(seen_at=now() - dt.timedelta(minutes=20)))
    session.commit()
    session.execute(sa.update(Notice).values(code="x"))  # holds SQLite's one writer's lock
    began = now()
    answers: list[int] = []
    reader = threading.Thread(target=lambda: answers.append(client.get("/account").status_code))
    reader.start()
    reader.join(10)
    assert answers == [200]
    assert now() - began < dt.timedelta(seconds=3)
    session.rollback()


def test_the_first_sign_in_of_an_account_is_no_news(app: Flask, session: Session) -> None:
    client = come_in(app, EDGE)
    assert "新的登录" not in client.get("/account").get_data(as_text=True)
    assert session.scalars(sa.select(Notice)).all() == []


def test_the_same_browser_and_address_again_is_no_news(app: Flask, session: Session) -> None:
    come_in(app, EDGE)
    come_in(app, EDGE.replace("140", "141"))
    assert session.scalars(sa.select(Notice)).all() == []


@pytest.mark.parametrize(("agent", "address"), [(FIREFOX, "10.0.0.7"), (EDGE, "203.0.113.5")])
def test_a_sign_in_from_a_new_place_is_told_on_the_next_pages(app: Flask, agent: str, address: str) -> None:
    owner = come_in(app, EDGE)
    stranger = come_in(app, agent, address=address)
    page = owner.get("/account").get_data(as_text=True)
    assert address in page.partition("</section>")[0]
    assert "不是我" in page
    assert "不是我" not in stranger.get("/account").get_data(as_text=True), "where it was, it is only told"


def test_this_was_not_me_ends_the_session_and_forces_a_new_password(app: Flask, session: Session) -> None:
    owner = come_in(app, EDGE)
    stranger = come_in(app, FIREFOX, address="203.0.113.5")
    answer = post(owner, f"/account/notices/{notice_id(owner)}/not-me")
    assert answer.location == "/account/password"
    assert stranger.get("/account").location.startswith("/sign-in")
    assert owner.get("/account").location == "/account/password"
    assert open_sessions(session) == 1
    new = "晨光Kx-742行"
    assert (
        post(owner, "/account/password", {"current": PASSWORD, "password": new, "again": new}).status_code
        == 303
    )
    assert "新的登录" not in owner.get("/account").get_data(as_text=True)


def test_it_was_me_takes_the_notice_away_for_good(app: Flask, session: Session) -> None:
    owner = come_in(app, EDGE)
    come_in(app, FIREFOX)
    assert post(owner, f"/account/notices/{notice_id(owner)}/dismiss").status_code == 303
    assert "新的登录" not in owner.get("/account").get_data(as_text=True)
    assert open_sessions(session) == 2


def test_a_stranger_cannot_hide_the_notice_from_the_owner(app: Flask) -> None:
    owner = come_in(app, EDGE)
    stranger = come_in(app, FIREFOX, address="203.0.113.5")
    again = come_in(app, FIREFOX, address="203.0.113.5")
    for client in (stranger, again):
        known = notice_id(owner)
        post(client, f"/account/notices/{known}/dismiss")
        assert "新的登录" not in client.get("/account").get_data(as_text=True)
        assert "新的登录" in owner.get("/account").get_data(as_text=True)


def test_a_stranger_cannot_throw_the_owner_out_by_not_me(app: Flask) -> None:
    owner = come_in(app, EDGE)
    come_in(app, FIREFOX, address="203.0.113.5")
    again = come_in(app, FIREFOX, address="203.0.113.5")
    assert "不是我" not in again.get("/account").get_data(as_text=True)
    assert post(again, f"/account/notices/{notice_id(owner)}/not-me").status_code == 422
    assert owner.get("/account").status_code == 200


def test_a_notice_of_somebody_else_is_not_found(app: Flask, client: FlaskClient) -> None:
    owner = come_in(app, EDGE)
    come_in(app, FIREFOX)
    known = notice_id(owner)
    sign_in(client, people.FINANCE)
    for verb in ("dismiss", "not-me"):
        assert post(client, f"/account/notices/{known}/{verb}").status_code == 404
    assert "新的登录" in owner.get("/account").get_data(as_text=True)


def test_the_notice_is_stored_as_a_code_and_reads_in_both_languages(app: Flask, session: Session) -> None:
    owner = come_in(app, EDGE)
    come_in(app, FIREFOX)
    row = session.scalars(sa.select(Notice)).one()
    assert row.code == "sign-in.new"
    assert row.params == {"browser": "Firefox · Linux", "address": "10.0.0.7"}
    session.rollback()
    post(owner, "/language", {"language": "en"})
    assert "somebody signed in from a browser or address" in owner.get("/account").get_data(as_text=True)


def test_pages_without_a_notice_ask_for_none(app: Flask, client: FlaskClient) -> None:
    sign_in(client, SCIENCE)
    seen: list[str] = []
    from crm.core.db import db

    with app.app_context():
        engine = db.engine

    def count(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", count)
    try:
        client.get("/account")
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
    assert not [statement for statement in seen if statement.startswith("SELECT notices")]

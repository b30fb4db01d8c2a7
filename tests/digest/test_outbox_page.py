"""The outbox as rows and as a page: one mail a person and week, by state, what stops every mail, copies in their week."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import mail
from crm.core.db import db
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.digest.actions import outbox
from crm.digest.jobs import claiming
from crm.digest.models import DigestTold, OutboxMail
from crm.digest.queries import compose
from crm.digest.queries.outbox import outage
from crm.digest.rules import delivery
from crm.digest.rules.delivery import MailState, Trouble
from crm.digest.rules.week import week_of
from tests import people
from tests.digest.crowd import enter

MONDAY = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)  # nine o'clock here
MINUTE = dt.timedelta(minutes=1)


def test_the_database_itself_refuses_a_second_mail_of_a_week(app: Flask, session: Session) -> None:
    enter(session, 1)
    letters = list(compose(session, MONDAY.date()).values())
    outbox.put(session, letters, actor=system("tests"), at=MONDAY, base_url="")
    commit(session)
    there = session.execute(sa.select(OutboxMail.__table__)).mappings().one()
    twice = {**there, "message_id": "<another@t.example>"}
    del twice["id"]
    with pytest.raises(IntegrityError):
        session.connection().execute(sa.insert(OutboxMail.__table__), [twice])
    session.rollback()


def test_once_a_mail_has_gone_the_way_is_open_whatever_still_waits(app: Flask, session: Session) -> None:
    enter(session, 2)
    outbox.put(
        session, compose(session, MONDAY.date()).values(), actor=system("tests"), at=MONDAY, base_url=""
    )
    commit(session)
    for who in ("a", "b"):
        taken = claiming.take(db.engine, who, MONDAY)
        assert taken is not None
        if who == "a":
            claiming.failed(taken, who, MONDAY, mail.Failure("connect", is_outage=True))
            found = outage(session)
            assert found is not None and (found.trouble, found.waiting) == (Trouble.CONNECT, 2)
            session.rollback()
        else:
            claiming.sent(db.engine, taken, MONDAY + MINUTE)
    assert outage(session) is None


def test_the_page_shows_every_mail_by_state_and_sends_again(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    enter(session, 3)
    at = dt.datetime.now(dt.UTC)
    outbox.put(session, compose(session, MONDAY.date()).values(), actor=system("tests"), at=at, base_url="")
    commit(session)
    row = session.scalars(sa.select(OutboxMail).order_by(OutboxMail.id)).first()
    assert row is not None
    outbox.end(session, row, MailState.FAILED, Trouble.REFUSED, "550 <b>no</b>")
    row.ends_at = at + dt.timedelta(days=1)
    commit(session)
    mail_id = row.id
    people.sign_in(client, people.SCIENCE)
    assert client.get("/outbox").status_code == 403
    people.sign_in(client, people.SYSTEM_ADMIN)
    page = client.get("/outbox").text
    assert page.count("再发") >= 3 and "发信服务器拒收" in page and "550 &lt;b&gt;no" in page
    assert "没有设发信服务器" in page and "补材料" not in page
    assert client.get("/outbox?week=x&state=y&page=999999&q=%00%25").status_code == 200
    only = client.get("/outbox?state=failed").text
    assert only.count('data-label="收件人"') == 1
    assert people.post(client, f"/outbox/{mail_id}/resend").status_code == 303
    assert client.get("/outbox?state=failed").text.count('data-label="收件人"') == 0
    assert people.post(client, "/outbox/99999999/resend").status_code == 404


def test_a_copy_stands_in_the_week_it_is_a_copy_of(app: Flask, client: FlaskClient, session: Session) -> None:
    enter(session, 2)
    letters = list(compose(session, MONDAY.date()).values())
    outbox.put(session, letters, actor=system("tests"), at=MONDAY, base_url="")
    commit(session)
    later = [replace(letter, week=week_of(dt.date(2026, 12, 7))) for letter in letters]
    for letter in [letters[0], later[0], later[1]]:
        outbox.copy(session, letter, actor=people.actor(session, people.SCIENCE), at=MONDAY, base_url="")
        commit(session)
    people.sign_in(client, people.SYSTEM_ADMIN)
    weeks = re.findall(r'<option value="([^"]+)"', client.get("/outbox").text)
    assert weeks == ["2026-W50", "2026-W48"]
    assert client.get("/outbox?week=2026-W48").text.count('data-label="收件人"') == 3
    assert client.get("/outbox?week=2026-W50").text.count('data-label="收件人"') == 2
    assert client.get("/outbox?week=2026-W5_").text.count('data-label="收件人"') == 2, "no week: the newest"


def test_only_what_was_not_sent_is_sent_again_by_hand(app: Flask, session: Session) -> None:
    enter(session, 1)
    letters = [replace(letter, onces=("k",)) for letter in compose(session, MONDAY.date()).values()]
    outbox.put(session, letters, actor=system("tests"), at=MONDAY, base_url="")
    commit(session)
    told = sa.select(sa.func.count()).select_from(DigestTold)
    row = session.scalars(sa.select(OutboxMail)).one()
    outbox.end(session, row, MailState.FAILED, Trouble.REFUSED, "550 no")
    commit(session)
    assert session.scalar(told) == 0
    outbox.resend(session, row.id, actor=system("tests"), at=MONDAY)
    commit(session)
    assert session.scalar(told) == 1, "what it tells once is told by it after all"
    assert (row.state, row.trouble, row.attempts) == (MailState.WAITING, None, 0)
    session.rollback()
    claiming.take(db.engine, "a", MONDAY)
    session.refresh(row)
    with pytest.raises(Refused):
        outbox.resend(session, row.id, actor=system("tests"), at=MONDAY)
    row.state = MailState.SENT
    commit(session)
    with pytest.raises(Refused):
        outbox.resend(session, row.id, actor=system("tests"), at=MONDAY)
    row.state = MailState.GIVEN_UP
    commit(session)
    with pytest.raises(Refused):
        outbox.resend(session, row.id, actor=system("tests"), at=MONDAY + dt.timedelta(days=7))
    assert delivery.end_of(week_of(MONDAY.date()), MONDAY) == dt.datetime(2026, 11, 29, 16, tzinfo=dt.UTC)

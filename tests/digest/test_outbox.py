"""The outbox: once a person and week, tried again, ended; what it would have told once is told later."""

from __future__ import annotations

import datetime as dt
import errno
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core import audit, jobs, mail
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.digest.actions import outbox
from crm.digest.jobs import claiming, delivering, send_some
from crm.digest.models import DigestTold, OutboxMail
from crm.digest.queries import compose
from crm.digest.rendering import mute_links, render, site_url
from crm.digest.rules import delivery
from crm.digest.rules.delivery import MailState, Trouble
from crm.digest.rules.letters import from_payload
from crm.ops.jobs import Scheduler
from tests import people
from tests.digest.crowd import enter
from tests.digest.post_office import Office, office

MONDAY = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)  # nine o'clock here
MINUTE = dt.timedelta(minutes=1)


class Time:
    """A clock that is moved on by hand."""

    def __init__(self, at: dt.datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> dt.datetime:
        return self.at

    def on(self, **more: float) -> None:
        self.at += dt.timedelta(**more)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr("crm.core.jobs.claiming.now", made)
    monkeypatch.setattr("crm.core.jobs.doing.now", made)
    return made


@pytest.fixture
def open_office(app: Flask) -> Iterator[Office]:
    """A server the application sends by, with short patience."""
    with office() as opened:
        before = app.config["TIDUI"]
        app.config["TIDUI"] = replace(before, smtp_url=opened.url())
        yield opened
        app.config["TIDUI"] = before
        app.extensions.pop(delivering.KEY, None)


@pytest.fixture(autouse=True)
def _rested(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.extensions.pop(delivering.KEY, None)
    monkeypatch.setattr(mail, "TIMEOUT", 1.0)
    monkeypatch.setattr("crm.core.mail.Smtp.__init__.__kwdefaults__", {"timeout": 1.0, "whole": 5.0})


@pytest.fixture
def scheduler(app: Flask, time: Time) -> Scheduler:
    return Scheduler(app, clock=time)


def crowd(app: Flask, many: int) -> set[str]:
    with app.app_context():
        writing()
        found = enter(db.session(), many)
        db.session.remove()
    return found


def mails(app: Flask) -> dict[str, Any]:
    """The outbox by address."""
    with app.app_context():
        rows = db.session.execute(sa.select(OutboxMail, User.email).join(User)).all()
        db.session.remove()
    return {row.email or f"user-{row.OutboxMail.person_id}": row.OutboxMail for row in rows}


def states(app: Flask) -> dict[str, str]:
    return {address: row.state.value for address, row in mails(app).items()}


def test_a_week_is_written_and_sent_once(
    app: Flask, open_office: Office, scheduler: Scheduler, time: Time
) -> None:
    expected = crowd(app, 4)
    for _ in range(3):
        scheduler.tick()
        time.on(days=1)
    assert sorted(address for address, _mail in open_office.box.received) == sorted(expected)
    assert set(states(app).values()) == {"sent"}
    time.on(days=4)  # the next Monday
    scheduler.tick()
    assert len(open_office.box.received) == 8
    assert len(set(open_office.box.ids())) == 8


def test_what_is_sent_is_what_the_preview_showed_byte_for_byte(
    app: Flask, open_office: Office, scheduler: Scheduler
) -> None:
    crowd(app, 1)
    with app.app_context():
        letter = next(iter(compose(db.session(), MONDAY.date()).values()))
        base = site_url()
        shown = render(letter, base, mute_links(letter.person_id, base))
        db.session.remove()
    scheduler.tick()
    [(_address, got)] = open_office.box.received
    plain, rich = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None and rich is not None
    assert got["Subject"] == shown.subject
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == shown.text.rstrip("\n")
    assert rich.get_content().replace("\r\n", "\n").rstrip("\n") == shown.html.rstrip("\n")


def test_nothing_goes_out_before_its_time(
    app: Flask, open_office: Office, scheduler: Scheduler, time: Time
) -> None:
    crowd(app, 1)
    time.at = dt.datetime(2026, 11, 23, 0, 29, tzinfo=dt.UTC)
    scheduler.tick()
    sent = [mail["Date"] for _address, mail in open_office.box.received]
    assert len(sent) == 0
    time.on(minutes=1)
    scheduler.tick()
    assert len(open_office.box.received) == 1


def test_one_bad_recipient_is_not_the_others_concern(
    app: Flask, open_office: Office, scheduler: Scheduler, time: Time
) -> None:
    crowd(app, 5)
    box = open_office.box
    box.ways["crowd0@zone.example"] = ["451 4.3.0 later"]
    box.ways["crowd1@zone.example"] = ["550 5.1.1 unknown"]
    box.ways["crowd2@zone.example"] = ["drop-mid-mail"]
    box.ways["crowd3@zone.example"] = ["hang"]
    scheduler.tick()
    found = mails(app)
    told = {address[5]: (row.state, row.trouble, row.attempts) for address, row in found.items()}
    assert told == {
        "0": (MailState.WAITING, Trouble.DEFERRED, 1), "1": (MailState.FAILED, Trouble.REFUSED, 1),
        "2": (MailState.WAITING, Trouble.DROPPED, 1), "3": (MailState.WAITING, Trouble.TIMEOUT, 1),
        "4": (MailState.SENT, None, 1),
    }  # fmt: skip
    assert found["crowd1@zone.example"].reply == "550 5.1.1 unknown"
    scheduler.tick()
    assert len(box.received) == 1, "not before its time"
    time.on(minutes=2)
    scheduler.tick()
    assert sorted(address[5] for address, _mail in box.received) == ["0", "2", "3", "4"]
    assert {str(got["Message-ID"]) for _address, got in box.received} == {
        row.message_id for address, row in found.items() if address[5] != "1"
    }


def test_a_mail_that_never_goes_ends(
    app: Flask, open_office: Office, scheduler: Scheduler, time: Time
) -> None:
    crowd(app, 1)
    open_office.box.always = "451 never"
    scheduler.tick()
    for _ in range(150):
        scheduler.go(jobs.ROUNDS["mail"])
        time.on(hours=1)
        if states(app)["crowd0@zone.example"] == "given-up":
            break
    row = mails(app)["crowd0@zone.example"]
    assert (row.state, row.trouble, row.attempts) == (MailState.GIVEN_UP, Trouble.DEFERRED, delivery.ATTEMPTS)
    assert open_office.box.tries["crowd0@zone.example"] == delivery.ATTEMPTS


def test_while_the_server_is_away_nothing_is_counted_against_a_mail(
    app: Flask, scheduler: Scheduler, time: Time
) -> None:
    crowd(app, 3)
    before = app.config["TIDUI"]
    app.config["TIDUI"] = replace(before, smtp_url="smtp://localhost:1?from=a@b.cn")
    try:
        for _ in range(5):
            scheduler.tick()
            time.on(hours=1)
            app.extensions.pop(delivering.KEY, None)
        rows = mails(app).values()
        assert {(row.state, row.attempts) for row in rows} == {(MailState.WAITING, 0)}
        assert Trouble.CONNECT in {row.trouble for row in rows}
        with office() as opened:
            app.config["TIDUI"] = replace(before, smtp_url=opened.url())
            scheduler.tick()
            assert len(opened.box.received) == 3
    finally:
        app.config["TIDUI"] = before


def test_a_fortnight_of_downtime_sends_this_weeks_mail_only_and_loses_nothing(
    app: Flask, session: Session, open_office: Office, time: Time
) -> None:
    writing()
    expected = enter(session, 2)
    letters = [
        replace(letter, onces=("light:1:2026-11",)) for letter in compose(session, MONDAY.date()).values()
    ]
    outbox.put(session, letters, actor=system("tests"), at=MONDAY, base_url="")
    commit(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(DigestTold)) == 2
    session.rollback()
    db.session.remove()
    time.on(days=15)  # a Tuesday, two weeks on
    Scheduler(app, clock=time).tick()
    session = db.session()  # the other one has been put away
    by_period: dict[str, set[str]] = {}
    for row in session.scalars(sa.select(OutboxMail)):
        by_period.setdefault(row.period, set()).add(f"{row.state.value} {row.trouble and row.trouble.value}")
    assert by_period == {"2026-W48": {"given-up late"}, "2026-W50": {"sent None"}}
    assert sorted(address for address, _mail in open_office.box.received) == sorted(expected)
    assert session.scalar(sa.select(sa.func.count()).select_from(DigestTold)) == 0, (
        "told by nobody, so told later"
    )


def test_a_mail_and_what_it_tells_once_are_written_together_or_not_at_all(session: Session) -> None:
    enter(session, 2)
    letters = [replace(letter, onces=("k",)) for letter in compose(session, MONDAY.date()).values()]
    assert outbox.put(session, letters, actor=system("tests"), at=MONDAY, base_url="") == 2
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(DigestTold)) == 0
    assert outbox.put(session, letters, actor=system("tests"), at=MONDAY, base_url="https://t.example") == 2
    commit(session)
    assert outbox.put(session, letters, actor=system("tests"), at=MONDAY, base_url="") == 0
    rows = session.scalars(sa.select(OutboxMail)).all()
    assert [from_payload(row.payload) for row in rows] == letters
    assert all(row.message_id.endswith("@t.example>") for row in rows)
    assert session.scalar(sa.select(sa.func.count()).select_from(DigestTold)) == 2


def test_a_mail_is_taken_by_one_and_again_when_the_lease_ran_out(app: Flask, session: Session) -> None:
    enter(session, 1)
    outbox.put(
        session, compose(session, MONDAY.date()).values(), actor=system("tests"), at=MONDAY, base_url=""
    )
    commit(session)
    first = claiming.take(db.engine, "a", MONDAY)
    assert first is not None and claiming.take(db.engine, "b", MONDAY) is None
    late = MONDAY + delivery.LEASE + MINUTE
    second = claiming.take(db.engine, "b", late)
    assert second is not None and second.message_id == first.message_id
    assert claiming.failed(first, "a", late, mail.Failure("dropped")) is None, "it is b's now"
    claiming.sent(db.engine, second, late)
    assert claiming.take(db.engine, "c", late + delivery.LEASE + MINUTE) is None


def test_what_somebody_may_not_see_any_more_is_not_sent(
    app: Flask, session: Session, open_office: Office, time: Time
) -> None:
    enter(session, 2)
    outbox.put(
        session, compose(session, MONDAY.date()).values(), actor=system("tests"), at=MONDAY, base_url=""
    )
    audit.begin(session, actor=system("tests"), action="tests.leave")
    session.execute(
        sa.text("DELETE FROM user_roles WHERE user_id IN (SELECT id FROM users WHERE username = 'crowd0')")
    )
    session.execute(sa.text("UPDATE users SET email = NULL WHERE username = 'crowd1'"))
    commit(session)
    send_some("a", time, Event())
    found = {
        row.trouble
        for row in session.scalars(sa.select(OutboxMail).execution_options(populate_existing=True))
    }
    assert found == {Trouble.NOTHING, Trouble.NO_ADDRESS} and open_office.box.received == []


def test_what_is_too_late_is_taken_by_nobody(app: Flask, session: Session) -> None:
    enter(session, 1)
    outbox.put(
        session, compose(session, MONDAY.date()).values(), actor=system("tests"), at=MONDAY, base_url=""
    )
    commit(session)
    sunday = dt.datetime(2026, 11, 29, 15, 59, tzinfo=dt.UTC)  # a minute before midnight here
    assert claiming.take(db.engine, "a", sunday + MINUTE) is None
    assert claiming.take(db.engine, "a", sunday) is not None


def test_a_clock_that_jumps_on_and_back_doubles_nothing(
    app: Flask, open_office: Office, scheduler: Scheduler, time: Time
) -> None:
    expected = crowd(app, 2)
    for jump in (0, 24, -23, 24 * 7, -24 * 7, -1, 1):
        time.on(hours=jump)
        scheduler.tick()
    got = [(address, str(letter["Message-ID"])) for address, letter in open_office.box.received]
    assert len(got) == len(set(got)) == 4, "this week's and, with the clock a week ahead, the next one's"
    assert {address for address, _id in got} == expected
    time.at = MONDAY + dt.timedelta(days=7)
    scheduler.tick()
    assert len(open_office.box.received) == 4


def test_a_server_away_for_a_week_is_said_and_costs_that_week_only(
    app: Flask, client: FlaskClient, scheduler: Scheduler, time: Time
) -> None:
    crowd(app, 3)
    before = app.config["TIDUI"]
    app.config["TIDUI"] = replace(before, smtp_url="smtp://localhost:1?from=a@b.cn")
    people.sign_in(client, people.SYSTEM_ADMIN)
    assert "发不出去" not in client.get("/outbox").text
    try:
        for _ in range(6):
            scheduler.tick()
            time.on(days=1)
            app.extensions.pop(delivering.KEY, None)
            page = client.get("/outbox").text
            assert "发不出去：连不上发信服务器" in page and "3 封在等" in page
        time.on(days=1)
        with office() as opened:
            app.config["TIDUI"] = replace(before, smtp_url=opened.url())
            scheduler.tick()
            assert len(opened.box.received) == 3
        assert "发不出去" not in client.get("/outbox").text
        late = client.get("/outbox?week=2026-W48").text
        assert late.count("这一周过完了还没有发出") == 3 and "refused" in late, (
            "what stood in the way is kept"
        )
    finally:
        app.config["TIDUI"] = before


@pytest.mark.parametrize("fault", ["full", "no folder"])
def test_a_folder_that_takes_nothing_is_said_and_the_mails_wait(
    app: Flask,
    client: FlaskClient,
    scheduler: Scheduler,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    crowd(app, 2)
    folder: Path = app.config["TIDUI"].data / mail.FOLDER
    if fault == "full":

        def full(_file: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("crm.core.mail.os.fsync", full)
    elif folder.is_dir():
        shutil.rmtree(folder)
    if fault == "no folder":
        folder.write_text("not a folder")
    people.sign_in(client, people.SYSTEM_ADMIN)
    try:
        scheduler.tick()
        rows = mails(app).values()
        assert {(row.state, row.attempts) for row in rows} == {(MailState.WAITING, 0)}
        page = client.get("/outbox").text
        assert "发不出去：邮件文件夹写不进去" in page and "2 封在等" in page
        assert folder.is_file() or list(folder.glob(".*.part")) == []
    finally:
        monkeypatch.undo()
        if folder.is_file():
            folder.unlink()
    app.extensions.pop(delivering.KEY, None)
    time.on(minutes=5)
    scheduler.go(jobs.ROUNDS["mail"])
    assert set(states(app).values()) == {"sent"}
    assert "发不出去" not in client.get("/outbox").text
    shutil.rmtree(folder)


def test_without_a_server_mails_are_files_and_the_page_names_them(
    app: Flask, client: FlaskClient, scheduler: Scheduler
) -> None:
    crowd(app, 2)
    scheduler.tick()
    folder: Path = app.config["TIDUI"].data / mail.FOLDER
    names = {path.name for path in folder.glob("digest.*.eml")}
    assert len(names) >= 2
    assert set(states(app).values()) == {"sent"}
    people.sign_in(client, people.SYSTEM_ADMIN)
    page = client.get("/outbox").text
    assert page.count("写成文件</span>") == 2
    assert {row.reply for row in mails(app).values()} <= names and all(name in page for name in names)
    for path in folder.iterdir():
        path.unlink()


def test_the_jobs_page_tells_last_next_and_result(
    app: Flask, client: FlaskClient, scheduler: Scheduler
) -> None:
    people.sign_in(client, people.SYSTEM_ADMIN)
    assert "两小时里没有定时进程来看过" in client.get("/jobs").text
    Scheduler(app).tick()
    page = client.get("/jobs").text
    assert "两小时里没有定时进程来看过" not in page
    assert "每周提醒" in page and "清理会话、草稿和临时文件" in page and "已完成" in page
    people.sign_in(client, people.SCIENCE)
    assert client.get("/jobs").status_code == 403

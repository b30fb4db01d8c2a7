"""What composing costs: as many statements for twice the people and lines, all of different owners and units."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.permissions import system
from crm.core.reminders import REMINDERS
from crm.core.transaction import commit
from crm.digest.actions import outbox
from crm.digest.models import OutboxMail
from crm.digest.queries import compose
from crm.digest.rules.delivery import MailState, Trouble
from tests import people
from tests.digest.bench import costs, fill
from tests.digest.cast import TODAY, everything
from tests.projects.counting import statements


def test_twice_the_people_and_lines_cost_the_same_statements(app: Flask, session: Session) -> None:
    everything(session)
    fill(session, people=10, items=100, day=TODAY)
    with statements() as few:
        before = compose(session, TODAY)
    session.rollback()
    fill(session, people=20, items=300, day=TODAY, start=100)
    with statements() as many:
        after = compose(session, TODAY)
    assert len(after) >= len(before) + 20
    assert sum(letter.count for letter in after.values()) > 2 * sum(
        letter.count for letter in before.values()
    )
    assert len(few) == len(many), sorted(set(many) - set(few))
    assert len(few) <= 3 * len(REMINDERS)


def test_each_kind_costs_the_same_statements_for_twice_the_people_and_lines(
    app: Flask, session: Session
) -> None:
    everything(session)
    fill(session, people=10, items=100, day=TODAY)
    before = costs(session, TODAY)
    session.rollback()
    fill(session, people=20, items=300, day=TODAY, start=100)
    after = costs(session, TODAY)
    assert set(before) == {reminder.code for reminder in REMINDERS}
    assert {code: sent for code, (_lines, sent, _seconds) in before.items()} == {
        code: sent for code, (_lines, sent, _seconds) in after.items()
    }
    reserve = [code for code in after if code.startswith(("listing-", "obstacle-"))]
    assert len(reserve) == 7
    assert before["listing-unowned"][0] >= 1  # one line for each who keeps the reserve
    assert all(after[code][0] > before[code][0] >= 1 for code in reserve if code != "listing-unowned")


def test_few_people_or_all_of_them_gives_each_the_same_letter(app: Flask, session: Session) -> None:
    everything(session)
    fill(session, people=5, items=60, day=TODAY)
    whole = compose(session, TODAY)
    for person_id, letter in whole.items():
        assert compose(session, TODAY, [person_id]) == {person_id: letter}
    assert compose(session, TODAY, sorted(whole)) == whole


def mails(session: Session, start: int) -> None:
    """Ten more mails, to people of other units, in every state."""
    fill(session, people=10, items=60, day=TODAY, start=start)
    at = dt.datetime(2026, 11, 23, 1, tzinfo=dt.UTC)
    outbox.put(session, compose(session, TODAY).values(), actor=system("tests"), at=at, base_url="")
    commit(session)
    for n, row in enumerate(session.scalars(sa.select(OutboxMail))):
        row.state = list(MailState)[n % len(MailState)]
        row.trouble = Trouble.REFUSED if row.state is MailState.FAILED else None
    commit(session)


@pytest.mark.parametrize(
    ("who", "address"),
    [
        (people.SYSTEM_ADMIN, "/outbox"),
        (people.SYSTEM_ADMIN, "/outbox?state=failed"),
        (people.SYSTEM_ADMIN, "/jobs"),
        (people.LEADER, "/digest"),
        (people.LEADER, "/digest/panel"),
        (people.LEADER, "/inbox"),
    ],
)
def test_twice_the_mails_of_others_cost_a_page_the_same_statements(
    app: Flask, client: FlaskClient, session: Session, who: people.Person, address: str
) -> None:
    everything(session)
    mails(session, 0)
    people.sign_in(client, who)
    assert client.get(address).status_code == 200  # what is read once a process
    with statements() as few:
        first = client.get(address).text
    mails(session, 100)
    people.sign_in(client, who)
    client.get(address)
    with statements() as many:
        second = client.get(address).text
    assert len(few) == len(many), sorted(set(many) - set(few))
    if address == "/outbox":
        assert second.count('data-label="收件人"') >= first.count('data-label="收件人"') + 10

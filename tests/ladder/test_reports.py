"""The yearly report of high-tech enterprises on a firm's page: one button, and the way back."""

from __future__ import annotations

import datetime as dt

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused
from crm.ladder import actions, queries
from crm.ladder.actions import Grant
from tests import people
from tests.ladder.builders import SYSTEM, firm


def test_a_report_is_entered_and_taken_back(client: FlaskClient, session: Session) -> None:
    one = firm(session)
    year = today().year - 1
    grant = Grant(one.id, "high-tech", dt.date(year - 1, 11, 1), expires_on=dt.date(year + 2, 10, 31))
    actions.grant_many(session, [grant], actor=SYSTEM, today=today())
    commit(session)
    people.sign_in(client, people.SCIENCE)
    panel, url = f"/ladder/firms/{one.id}/panel", f"/ladder/firms/{one.id}/reports"
    assert client.get(panel).text.count("没有登记") == 2
    for _ in range(2):  # twice is once
        assert people.post(client, url, {"year": str(year)}).status_code == 303
        assert queries.reports_of(session, one.id) == {year: today()}
        session.rollback()
    for wrong in ("", "x", "1999", "20260", "-1", str(today().year)):
        assert people.post(client, url, {"year": wrong}).status_code == 303
    assert queries.reports_of(session, one.id) == {year: today()}
    session.rollback()
    people.sign_in(client, people.INVESTMENT)
    assert people.post(client, url, {"year": str(year - 1)}).status_code == 403
    people.sign_in(client, people.SCIENCE)
    assert people.post(client, url, {"year": str(year), "drop": "1"}).status_code == 303
    assert queries.reports_of(session, one.id) == {}


def test_a_report_is_refused_for_a_year_or_day_to_come_and_twice(session: Session) -> None:
    one, day = firm(session), dt.date(2026, 11, 23)
    science = people.actor(session, people.SCIENCE)
    with pytest.raises(Refused):
        actions.file_report(session, one.id, year=2026, on=day, actor=science, today=day)
    with pytest.raises(Refused):
        actions.file_report(session, one.id, year=2025, on=day + dt.timedelta(1), actor=science, today=day)
    actions.file_report(session, one.id, year=2025, on=day, actor=science, today=day)
    commit(session)
    with pytest.raises(Conflict):
        actions.file_report(session, one.id, year=2025, on=day, actor=science, today=day)

"""Chinese working days: the moved ones, a year nobody knows, setting a day."""

from __future__ import annotations

import datetime as dt

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import workdays
from crm.core.permissions import Forbidden
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused
from tests import people

DAY = dt.date


def test_moved_days_are_known_from_the_start(session: Session) -> None:
    assert not workdays.is_workday(session, DAY(2026, 10, 1))  # Thursday, 国庆节
    assert workdays.is_workday(session, DAY(2026, 1, 4))  # Sunday, worked for 元旦
    assert workdays.is_workday(session, DAY(2026, 11, 23)) and not workdays.is_workday(
        session, DAY(2026, 11, 22)
    )


@pytest.mark.parametrize(
    ("day", "count", "found"),
    [
        (DAY(2026, 9, 30), 1, DAY(2026, 10, 8)),
        (DAY(2026, 11, 27), 1, DAY(2026, 11, 30)),
        (DAY(2026, 11, 28), 0, DAY(2026, 11, 30)),
        (DAY(2026, 11, 23), 0, DAY(2026, 11, 23)),
        (DAY(2024, 2, 29), 3, DAY(2024, 3, 5)),
    ],
)
def test_so_many_working_days_later(session: Session, day: dt.date, count: int, found: dt.date) -> None:
    assert workdays.add_workdays(session, day, count) == found


def test_of_an_unknown_year_weekdays_are_taken_and_said(session: Session) -> None:
    assert workdays.unknown_years(session, [2026, 2027]) == [2027]
    assert workdays.is_workday(session, DAY(2027, 10, 1))


def test_a_day_is_set_and_taken_back(session: Session) -> None:
    actor = people.actor(session, people.SYSTEM_ADMIN)
    row = workdays.set_day(session, actor=actor, on=DAY(2027, 10, 1), is_workday=False, name="国庆节")
    commit(session)
    assert (
        not workdays.is_workday(session, DAY(2027, 10, 1)) and workdays.unknown_years(session, [2027]) == []
    )
    with pytest.raises(Conflict):
        workdays.drop_day(session, row, actor=actor, version=row.version + 1)
    workdays.drop_day(session, row, actor=actor, version=row.version)
    commit(session)
    assert workdays.is_workday(session, DAY(2027, 10, 1))


def test_what_the_weekday_says_already_is_refused(session: Session) -> None:
    actor = people.actor(session, people.SYSTEM_ADMIN)
    for on, is_workday in ((DAY(2027, 3, 1), True), (DAY(2027, 3, 6), False)):
        with pytest.raises(Refused):
            workdays.set_day(session, actor=actor, on=on, is_workday=is_workday, name="平日")
    with pytest.raises(Refused, match="2031"):
        workdays.seed_year(session, actor=actor, year=2031)
    with pytest.raises(Forbidden):
        workdays.set_day(
            session,
            actor=people.actor(session, people.LEADER),
            on=DAY(2027, 10, 1),
            is_workday=False,
            name="国庆节",
        )


def test_the_page_shows_a_year_and_takes_a_day(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.SYSTEM_ADMIN)
    page = client.get("/settings/working-days?year=2026").text
    assert "国庆节" in page and "上班" in page
    assert "还没有设定" in client.get("/settings/working-days?year=2027").text
    answer = people.post(
        client, "/settings/working-days", {"on": "2027-10-01", "is_workday": "no", "name": "国庆节"}
    )
    assert answer.status_code == 303
    assert "2027-10-01" in client.get("/settings/working-days?year=2027").text
    answer = people.post(
        client, "/settings/working-days", {"on": "2027-13-01", "is_workday": "no", "name": "x"}
    )
    assert answer.status_code == 422 and "2027-13-01" in answer.text
    for far, why in (("0001-01-01", "太早"), ("9999-12-31", "太远")):  # no page would ever show it again
        answer = people.post(client, "/settings/working-days", {"on": far, "is_workday": "no", "name": "x"})
        assert answer.status_code == 422 and why in answer.text, far
    answer = people.post(client, "/settings/working-days/fill", {"year": "2026"})
    assert answer.status_code == 303
    people.sign_in(client, people.LEADER)
    assert client.get("/settings/working-days").status_code == 403

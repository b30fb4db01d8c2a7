"""What asks for attention stands on the list, the board, the calendar and the workbench; each figure opens its rows."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.listing import actions, queries
from crm.listing.models import Candidate
from crm.listing.queries.clocks import clocks_where
from crm.listing.rules.words import Stage, State
from tests import people
from tests.listing.cast import ROBOT, a_candidate, bring
from tests.projects.counting import statements

COUNT = re.compile(r'<a [^>]*href="([^"]*)"[^>]*data-count="(\d+)"')
FAR = 100


def a_case(session: Session, n: int, stage: Stage, months: int, who: people.Person) -> int:
    """A candidate that came to a stage so many months ago."""
    start = today() - dt.timedelta(30 * months + FAR * list(Stage).index(stage))
    candidate = a_candidate(session, n, on=start, officer_id=people.id_of(session, who))
    return bring(session, candidate, stage, days=FAR).id


def morning(session: Session, first: int = 1) -> dict[str, list[int]]:
    """Candidates of two officers, of every kind that asks for attention."""
    made: dict[str, list[int]] = {}
    for place, who in enumerate((people.FINANCE, people.SCIENCE)):
        n = first + 10 * place
        for key, stage, months in (
            ("out", Stage.TUTORED, 13), ("soon", Stage.EFFECTIVE, 11), ("tutored", Stage.TUTORING, 4), ("calm", Stage.TUTORED, 1),
        ):  # fmt: skip
            made.setdefault(key, []).append(a_case(session, n, stage, months, who))
            n += 1
        candidate = a_candidate(session, n, officer_id=people.id_of(session, who))
        actions.plan(session, candidate, actor=ROBOT, stage=Stage.REFORM, on=today() - dt.timedelta(9))
        commit(session)
        actions.raise_obstacle(
            session, candidate, actor=ROBOT, today=today() - dt.timedelta(30), text="土地证未办",
            owner_id=people.id_of(session, who), unit_id=people.unit_id(session, "金融办"),
            due_on=today() - dt.timedelta(2),
        )  # fmt: skip
        commit(session)
        made.setdefault("late", []).append(candidate.id)
    return made


def listed(session: Session, **asked: str) -> list[int]:
    viewer = people.actor(session, people.FINANCE)
    ids, understood = queries.matching(session, queries.LIST.asked(asked, today()), viewer)
    assert understood == asked
    return sorted(session.scalars(ids))


def test_the_list_asks_for_what_runs_out_and_shows_it(client: FlaskClient, session: Session) -> None:
    made = morning(session)
    for key in ("out", "soon", "tutored"):
        assert listed(session, clock=key) == sorted(made[key])
    assert listed(session, clock="trouble") == sorted([*made["out"], *made["soon"]])
    assert listed(session, plan="late") == listed(session, obstacles="late") == sorted(made["late"])
    away = session.get_one(queries.LIST.id.class_, made["out"][0])
    actions.set_aside(
        session, away, actor=ROBOT, today=today(), state=State.SUSPENDED, on=today(), reason="等资料"
    )
    commit(session)
    assert listed(session, clock="out") == made["out"][1:]
    session.rollback()
    people.sign_in(client, people.FINANCE)
    page = client.get("/listing?clock=soon").text
    assert page.count("期限快到</span>") == 2 and "注册批复 1 年有效" in page


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_day_of_a_clock_that_is_marked_is_exported_as_a_day(
    client: FlaskClient, session: Session, form: str
) -> None:
    made = morning(session)
    clocks = clocks_where(session, Candidate.id.in_(made["soon"]))
    session.rollback()
    people.sign_in(client, people.FINANCE)
    sent = {"all": "1", "filter": "clock=soon&columns=clock", "format": form}
    file = people.post(client, "/lists/listing/export", sent)
    assert file.status_code == 200
    told = [record["期限"] for record in read(file.data, f"e.{form}").records]
    assert sorted(str(day)[:10] for day in told) == sorted(str(clock.due_on) for clock in clocks.values())


def test_the_list_and_the_clock_of_the_page_say_the_same(client: FlaskClient, session: Session) -> None:
    made = morning(session)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    for key, light in (("out", "is-r"), ("soon", "is-y"), ("tutored", "is-g"), ("calm", "is-g")):
        for number in made[key]:
            assert f'class="td-light {light} is-pill"' in client.get(f"/listing/{number}").text, key


def test_the_board_and_the_calendar_warn(client: FlaskClient, session: Session) -> None:
    made = morning(session)
    session.rollback()
    people.sign_in(client, people.LEADER)
    cards = dict(
        re.findall(
            r'class="td-card" href="/listing/(\d+)">(.*?)</a>', client.get("/listing/board").text, re.S
        )
    )
    for key, light in (("out", "is-r"), ("soon", "is-y"), ("tutored", "is-g")):
        for number in made[key]:
            assert f"td-light {light}" in cards[str(number)], key
    assert "td-light" not in cards[str(made["late"][0])]
    soon = client.get("/listing/calendar").text
    assert soon.count("注册批复 1 年有效") == 2
    past = client.get(f"/listing/calendar?month={(today() - dt.timedelta(70)):%Y-%m}").text
    assert past.count("辅导验收完成函 12 个月有效") >= 2 and "已过" in past


def test_every_figure_of_the_finance_officer_s_panel_opens_just_so_many(
    client: FlaskClient, session: Session
) -> None:
    made = morning(session)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    page = client.get("/").text
    panel = re.search(r'<section[^>]*aria-labelledby="listing-h".*?</section>', page, re.S)
    assert panel is not None
    found = [(unescape(url), int(count)) for url, count in COUNT.findall(panel[0])]
    assert [count for _url, count in found] == [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 5, 10]
    for url, count in found:
        answer = client.get(url).text
        shown = re.search(r'class="td-count">([\d,]+)', answer)
        body = re.search(r"<tbody>(.*)</tbody>", answer, re.S)
        assert shown is not None and body is not None
        assert int(shown[1]) == body[1].count("<tr") == count, url
    lines = re.findall(r'href="/listing/(\d+)"', panel[0])
    assert sorted(int(number) for number in lines) == sorted([*made["out"], *made["soon"]])


@pytest.mark.parametrize("who", [people.LEADER, people.INVESTMENT, people.READ_ONLY], ids=str)
def test_the_panel_is_the_finance_officer_s(
    client: FlaskClient, session: Session, who: people.Person
) -> None:
    morning(session)
    session.rollback()
    people.sign_in(client, who)
    assert 'id="listing-h"' not in client.get("/").text


@pytest.mark.parametrize(
    "address", ["/", "/listing?clock=trouble", "/listing?plan=late&obstacles=late", "/listing/board", "/listing/calendar"]
)  # fmt: skip
def test_twice_the_candidates_cost_the_same_statements(
    app: Flask, client: FlaskClient, session: Session, address: str
) -> None:
    def cost() -> int:
        session.rollback()
        with app.app_context(), statements() as sent:
            assert client.get(address).status_code == 200
        return len(sent)

    morning(session)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    client.get(address)
    few = cost()
    morning(session, 40)
    assert cost() == few

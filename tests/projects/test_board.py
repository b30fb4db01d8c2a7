"""Kanban, funnel, workload: views of one filter; every figure opens just so many rows; constant statements."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.db import db
from crm.projects import actions, queries
from crm.projects.rules.words import Stage, State
from tests import people
from tests.projects.cast import ROBOT, a_lead, bring, commit, fill
from tests.projects.counting import statements

COUNT = re.compile(r'<a [^>]*href="([^"]*)"[^>]*data-count="(\d+)"')
OWNERS = [people.INVESTMENT, people.INVESTMENT_2, people.SCIENCE, people.FINANCE]


def some(session: Session, many: int, start: int = 0) -> None:
    """Projects with different owners at different stages."""
    day = today()
    for n in range(start, start + many):
        at = dt.datetime.combine(day, dt.time(2), dt.UTC) - dt.timedelta(400 * (n % 3))
        project = a_lead(session, n, OWNERS[n % 4], at=at, today=at.date())
        if n % 3 == 1:
            actions.edit(session, project, actor=ROBOT, today=day, total_yuan=(n + 1) * 10**8)
            commit(session)
        if n % 3 == 2:
            bring(session, project, Stage.NEGOTIATION)


@pytest.mark.parametrize("address", ["/projects/board", "/projects/funnel", "/projects/workload"])
def test_every_figure_opens_just_so_many_rows(client: FlaskClient, session: Session, address: str) -> None:
    some(session, 9)
    session.rollback()
    people.sign_in(client, people.LEADER)
    found = COUNT.findall(client.get(address).text)
    assert found
    for url, count in found:
        page = client.get(unescape(url)).text
        shown = re.search(r'class="td-count">([\d,]+)', page)
        assert shown is not None and int(shown[1]) == int(count), url


@pytest.mark.parametrize(
    "address", ["/projects", "/projects/board", "/projects/funnel", "/projects/workload"]
)
def test_twice_the_projects_cost_the_same_statements(
    app: Flask, client: FlaskClient, session: Session, address: str
) -> None:
    some(session, 8)
    session.rollback()
    people.sign_in(client, people.LEADER)
    client.get(address)
    with app.app_context(), statements() as few:
        client.get(address)
    some(session, 8, 8)
    session.rollback()
    with app.app_context(), statements() as many:
        client.get(address)
    assert len(many) == len(few)


def test_a_card_moves_through_the_gate_and_back_by_undo(client: FlaskClient, session: Session) -> None:
    project = a_lead(session)
    fill(session, project, Stage.QUALIFIED)
    number, version = project.id, project.version
    session.rollback()
    people.sign_in(client, people.INVESTMENT)
    sent = {
        "stage": "qualified",
        "on": today().isoformat(),
        "version": str(version),
        "next": "/projects/board",
    }
    answer = people.post(client, f"/projects/{number}/move", sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects/board")
    page = client.get("/projects/board").text
    undo = re.search(r'action="(/operations/[0-9a-f]+/undo)"', page)
    assert undo is not None
    answer = people.post(client, undo[1], {})
    assert answer.status_code == 303, answer.text
    db.session.rollback()
    db.session.expire_all()
    again = queries.get_project(db.session(), number, viewer=ROBOT)
    assert again.stage is Stage.LEAD and len(queries.moves_of(db.session(), number)) == 1


def test_a_card_that_lacks_something_says_what(client: FlaskClient, session: Session) -> None:
    project = a_lead(session)
    number, version = project.id, project.version
    session.rollback()
    people.sign_in(client, people.INVESTMENT)
    sent = {"stage": "negotiation", "on": today().isoformat(), "version": str(version)}
    answer = people.post(client, f"/projects/{number}/move", sent)
    assert answer.status_code == 422
    for missing in ("牵头领导和专班", "主导产业", "总投资"):
        assert missing in answer.text


def test_who_may_not_move_a_card_gets_no_handle(client: FlaskClient, session: Session) -> None:
    a_lead(session)
    session.rollback()
    people.sign_in(client, people.INVESTMENT_2)
    page = client.get("/projects/board").text
    assert "第1条精密减速器产线" in page and "data-card" not in page


def test_jumped_stages_count_as_passed(session: Session) -> None:
    bring(session, a_lead(session), Stage.SIGNED)
    actions.set_aside(
        session,
        lost := a_lead(session, 2),
        actor=ROBOT,
        today=today(),
        state=State.LOST,
        on=today(),
        reason="没有下文",
    )
    commit(session)
    wanted = queries.LIST.asked({}, today())
    (cohort,), _ = queries.funnel(session, wanted, people.actor(session, people.LEADER))
    assert lost.state is State.LOST
    assert [cohort.reached[stage] for stage in (Stage.LEAD, Stage.REVIEW, Stage.SIGNED, Stage.REGISTERED)] == [
        2, 1, 1, 0,
    ]  # fmt: skip
    assert cohort.over == 1


def test_the_next_cards_are_asked_for(client: FlaskClient, session: Session) -> None:
    for n in range(queries.CARDS + 3):
        a_lead(session, n)
    session.rollback()
    people.sign_in(client, people.LEADER)
    page = client.get("/projects/board").text
    assert page.count("<article") == queries.CARDS
    more = re.search(r'hx-get="(/projects/board/more[^"]*)"', page)
    assert more is not None
    part = client.get(unescape(more[1]), headers={"HX-Request": "true"}).text
    assert part.count("<article") == 3


def test_the_list_shows_the_next_step_and_the_light_with_its_shape(
    client: FlaskClient, session: Session
) -> None:
    a_lead(session)
    people.sign_in(client, people.INVESTMENT)
    page = client.get("/projects").get_data(as_text=True)
    assert "电话问清用地" in page and 'class="td-light is-' in page
    assert "电话问清用地" in client.get("/projects?columns=step,due").get_data(as_text=True)

"""Overdue next steps climb, are told on the workbench of whom they reached, and come down when they are done."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import UnitHead
from crm.activities.models import NextStep
from crm.activities.queries import of_subject
from crm.activities.rules.words import StepState
from crm.core import audit, news
from crm.core.transaction import commit
from crm.projects import actions, queries
from crm.projects.models import Project
from crm.projects.queries.escalation import escalated, standing
from crm.projects.queries.mine import lit
from crm.projects.rules.escalation import Climb, Rung, climbed_to
from crm.projects.rules.words import Colour, Stage, State
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, bring

OWNER, LIAISON, LEADER, HEAD = 1, 2, 3, 4
PEOPLE: dict[Rung, int | None] = {Rung.LIAISON: LIAISON, Rung.LEADER: LEADER, Rung.HEAD: HEAD}


@pytest.mark.parametrize(
    ("days", "rung"),
    [
        (-1, None), (0, None), (1, Rung.OFFICER), (2, Rung.OFFICER), (3, Rung.LIAISON), (6, Rung.LIAISON),
        (7, Rung.LEADER), (13, Rung.LEADER), (14, Rung.HEAD), (400, Rung.HEAD),
    ],
)  # fmt: skip
def test_a_step_climbs_with_the_days_it_is_overdue(days: int, rung: Rung | None) -> None:
    assert climbed_to(TODAY - dt.timedelta(days), OWNER, PEOPLE, TODAY, Climb()) is rung


def test_a_rung_nobody_stands_on_or_only_who_owes_it_is_passed_over() -> None:
    due = TODAY - dt.timedelta(20)
    assert climbed_to(due, OWNER, {**PEOPLE, Rung.HEAD: None}, TODAY, Climb()) is Rung.LEADER
    assert climbed_to(due, LEADER, {**PEOPLE, Rung.HEAD: None}, TODAY, Climb()) is Rung.LIAISON
    assert climbed_to(due, OWNER, {}, TODAY, Climb()) is Rung.OFFICER


def late(session: Session, project: Project, days: int, owner: people.Person = people.REPORTER) -> NextStep:
    """The one open step of a project, overdue for so many days, owed by somebody."""
    step = session.scalars(
        sa.select(NextStep).where(NextStep.kind == "project", NextStep.subject_id == project.id)
    ).one()
    audit.begin(session, actor=ROBOT, action="tests.late")
    step.due_on, step.owner_id = TODAY - dt.timedelta(days), people.id_of(session, owner)
    commit(session)
    return step


def head(session: Session, person: people.Person, unit: str = "商务局") -> None:
    audit.begin(session, actor=ROBOT, action="tests.head")
    unit_id = people.unit_id(session, unit)
    session.add(
        UnitHead(unit_id=unit_id, user_id=people.id_of(session, person), starts_on=dt.date(2020, 1, 1))
    )
    commit(session)


def reached(session: Session, person: people.Person) -> list[tuple[str, Rung]]:
    lines, total = escalated(session, people.actor(session, person), TODAY, size=50)
    assert total == len(lines)
    wanted = queries.LIST.asked({"climbed": "me"}, TODAY)
    ids, _understood = queries.matching(session, wanted, people.actor(session, person))
    assert sorted(session.scalars(ids)) == sorted(line.project_id for line in lines), "the list it opens"
    return [(line.project, line.rung) for line in lines]


def test_it_reaches_the_liaison_then_the_leader_then_the_head_of_the_unit(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    head(session, people.BUREAU_HEAD)
    chain = (people.INVESTMENT, people.LEADER, people.BUREAU_HEAD)
    rungs = (Rung.LIAISON, Rung.LEADER, Rung.HEAD)
    for days, count in ((0, 0), (2, 0), (3, 1), (7, 2), (14, 3)):
        step = late(session, project, days)
        found = [reached(session, person) for person in chain]
        expected = [[(project.name, rung)] if place < count else [] for place, rung in enumerate(rungs)]
        assert found == expected, days
    audit.begin(session, actor=ROBOT, action="tests.done")
    step.state, step.closed_on = StepState.DONE, TODAY
    commit(session)
    assert [reached(session, person) for person in chain] == [[], [], []]


def test_nobody_is_told_of_the_own_step_or_of_a_project_that_is_over(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    late(session, project, 30, people.LEADER)
    assert reached(session, people.LEADER) == [] and reached(session, people.INVESTMENT) != []
    late(session, project, 30)
    assert reached(session, people.LEADER) != []
    actions.set_aside(
        session, project, actor=ROBOT, today=TODAY, state=State.LOST, on=TODAY, reason="去了邻市"
    )
    commit(session)
    assert reached(session, people.LEADER) == []


def test_a_lead_without_a_team_climbs_to_the_head_of_who_follows_it(session: Session) -> None:
    project = a_lead(session)
    head(session, people.BUREAU_HEAD)
    late(session, project, 13)
    assert reached(session, people.BUREAU_HEAD) == []
    late(session, project, 14)
    assert reached(session, people.BUREAU_HEAD) == [(project.name, Rung.HEAD)]


def test_the_page_and_the_workbench_name_the_same_rung(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    late(session, project, 8)
    viewer = people.actor(session, people.LEADER)
    steps = of_subject(session, viewer, ("project", project.id), today=TODAY)
    first = standing(session, project, queries.charge_of(session, project.id), steps, TODAY)[0]
    assert (first.rung, first.name, first.days) == (Rung.LEADER, people.LEADER.name, 8)
    assert reached(session, people.LEADER) == [(project.name, Rung.LEADER)]


def test_the_project_page_says_with_whom_it_stands(client: FlaskClient, session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    late(session, project, 40)  # overdue on whatever day this runs: the page reads the clock
    people.sign_in(client, people.LEADER)
    shown = client.get(f"/projects/{project.id}").text
    assert f"已上报牵头领导{people.LEADER.name}。" in shown and "跳过" in shown
    bench = client.get("/").text
    assert "我的专班逾期" in bench and "您是牵头领导" in bench
    people.post(client, "/language", {"language": "en"})
    assert client.get(f"/projects/{project.id}").status_code == client.get("/").status_code == 200


def test_lights_are_counted_by_hand_and_open_their_rows(session: Session) -> None:
    day = TODAY - dt.timedelta(120)
    old = bring(session, a_lead(session, today=day, at=AT - dt.timedelta(120)), Stage.QUALIFIED, day)
    a_lead(session, 2, person=people.INVESTMENT_2)
    viewer = people.actor(session, people.INVESTMENT)

    def ids(**asked: str) -> list[int]:
        found, _understood = queries.matching(session, queries.LIST.asked(asked, TODAY), viewer)
        return list(session.scalars(found))

    for since in (TODAY - dt.timedelta(7), TODAY - dt.timedelta(60)):
        found = lit(session, viewer, TODAY, since=since, whole=False, size=5)
        assert (
            (found.mine_open, found.all_open)
            == (len(ids(team="me", state="open")), len(ids(state="open")))
            == (1, 2)
        )
        for colour in Colour:
            assert found.mine[colour] == len(ids(team="me", light=colour.value))
            assert found.all[colour] == len(ids(light=colour.value))
        assert found.turned == len(ids(team="me", turned=since.isoformat())) == len(found.lines)
    assert (found.mine[Colour.RED], found.turned, found.lines[0][0]) == (1, 1, old.id)
    # it was red before the week began: no news of this week
    assert ids(turned=(TODAY - dt.timedelta(7)).isoformat()) == []


def test_moves_are_news_each_of_one_kind(session: Session) -> None:
    first = bring(session, a_lead(session), Stage.QUALIFIED)
    bring(session, first, Stage.SIGNED)  # a jump over negotiation, site visit and review
    second = a_lead(session, 2)
    for state, reason in ((State.PAUSED, "等规划"), (State.LOST, "去了邻市")):
        actions.set_aside(session, second, actor=ROBOT, today=TODAY, state=state, on=TODAY, reason=reason)
        commit(session)
    third = bring(session, a_lead(session, 3), Stage.QUALIFIED)
    actions.move(session, third, actor=ROBOT, today=TODAY, stage=Stage.LEAD, on=TODAY, reason="投资方换人")
    commit(session)
    viewer = people.actor(session, people.LEADER)
    found = news.counts(session, viewer, first=TODAY, last=TODAY)
    assert {code: number for code, number in found.items() if code.startswith("project-")} == {
        "project-signed": 1, "project-moved": 2, "project-back": 1, "project-lost": 1, "project-paused": 1,
        "project-reported": 3,
    }  # fmt: skip
    lines, _more = news.page(session, viewer, first=TODAY, last=TODAY, only="project-signed")
    assert [(line.name, line.values) for _kind, line in lines] == [(first.name, {"project_id": first.id})]
    outside = news.counts(session, people.actor(session, people.SYSTEM_ADMIN), first=TODAY, last=TODAY)
    assert not any(number for code, number in outside.items() if code.startswith("project-"))


def test_twice_the_projects_of_other_people_cost_no_more_statements(session: Session) -> None:
    viewer = people.actor(session, people.LEADER)

    def cost() -> int:
        seen: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        session.expire_all()
        engine = session.get_bind()
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            escalated(session, viewer, TODAY, size=5)
            lit(session, viewer, TODAY, since=TODAY - dt.timedelta(7), whole=True, size=5)
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    for n in (1, 2):
        late(session, bring(session, a_lead(session, n), Stage.NEGOTIATION), 10)
    cost()  # the settings are read once and kept
    few = cost()
    for n, person in (
        (3, people.INVESTMENT_2),
        (4, people.SCIENCE),
        (5, people.FINANCE),
        (6, people.REPORTER),
    ):
        late(session, bring(session, a_lead(session, n, person), Stage.NEGOTIATION), 10, people.SCIENCE_2)
    assert len(reached(session, people.LEADER)) == 6
    assert cost() == few <= 12

"""The clocks of a lead run in working days; a project that goes on always has a next step."""

from __future__ import annotations

import datetime as dt

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities import actions as follow_up
from crm.activities.actions import Planned
from crm.activities.models import NextStep
from crm.activities.queries import of_subject
from crm.activities.rules.words import ActivityKind, StepState
from crm.core.clock import today
from crm.core.db import db
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.projects import actions
from crm.projects.models import Project
from crm.projects.queries.clocks import clocks_of, late_clocks
from crm.projects.rules import clocks as law
from crm.projects.rules.clocks import ClockKind
from crm.projects.rules.words import Source, Stage, State
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, bring
from tests.projects.counting import statements

FRIDAY = dt.date(2026, 9, 30)  # the eve of 国庆节


def clocks(session: Session, project: Project, day: dt.date) -> dict[ClockKind, law.Clock]:
    return {clock.kind: clock for clock in clocks_of(session, [project.id], day)[project.id]}


def test_the_first_reply_is_due_on_the_next_working_day(session: Session) -> None:
    project = a_lead(session, at=dt.datetime(2026, 9, 30, 2, tzinfo=dt.UTC), today=FRIDAY)
    found = clocks(session, project, dt.date(2026, 10, 8))
    assert found[ClockKind.REPLY].due_on == dt.date(2026, 10, 8) and not found[ClockKind.REPLY].is_late
    assert found[ClockKind.ASSESS].due_on == dt.date(2026, 10, 10)  # a Saturday that is worked
    assert clocks(session, project, dt.date(2026, 10, 9))[ClockKind.REPLY].is_late


def test_nobody_waits_to_be_told_of_an_own_visit(session: Session) -> None:
    for number, source in enumerate(Source):
        project = a_lead(session, number, source=source)
        late = clocks(session, project, TODAY + dt.timedelta(40))
        assert (ClockKind.FEEDBACK in late) is (source is not Source.VISIT), source


def test_a_lead_sent_back_is_assessed_anew_within_a_term_of_its_own(session: Session) -> None:
    project = a_lead(session)
    bring(session, project, Stage.QUALIFIED)
    assert clocks(session, project, TODAY)[ClockKind.ASSESS].met_on == TODAY
    later, after = dt.date(2026, 12, 23), dt.date(2026, 12, 29)  # a Wednesday; the Tuesday behind the term
    actions.move(session, project, actor=ROBOT, today=later, stage=Stage.LEAD, on=later, reason="换了投资方")
    commit(session)
    found = clocks(session, project, later)[ClockKind.ASSESS]
    assert (found.due_on, found.met_on, found.is_late) == (dt.date(2026, 12, 28), None, False)
    assert clocks(session, project, after)[ClockKind.ASSESS].is_late
    actions.move(session, project, actor=ROBOT, today=after, stage=Stage.QUALIFIED, on=after)
    commit(session)
    assert clocks(session, project, after)[ClockKind.ASSESS].met_on == after


def test_a_contact_meets_the_reply_and_a_stage_the_assessment(session: Session) -> None:
    project = a_lead(session)
    follow_up.log(
        session, actor=people.actor(session, people.INVESTMENT), at=AT, today=TODAY, kind=ActivityKind.CALL, on=TODAY,
        summary="问清租期", subjects=[("project", project.id)],
    )  # fmt: skip
    commit(session)
    bring(session, project, Stage.QUALIFIED)
    actions.note_feedback(session, project, actor=ROBOT, today=TODAY)
    commit(session)
    found = clocks(session, project, TODAY + dt.timedelta(40))
    for kind in (ClockKind.REPLY, ClockKind.ASSESS, ClockKind.FEEDBACK):
        assert found[kind].met_on == TODAY and not found[kind].is_late
    assert found[ClockKind.REPORT].is_late and found[ClockKind.REPORT].due_on == TODAY + dt.timedelta(14)
    with pytest.raises(Refused, match="登记过反馈"):
        actions.note_feedback(session, project, actor=ROBOT, today=TODAY)


def test_a_large_lead_has_more_days_for_its_assessment(session: Session) -> None:
    small, large = a_lead(session, 1), a_lead(session, 2, total_yuan=600_000_000)
    assert clocks(session, small, TODAY)[ClockKind.ASSESS].due_on == dt.date(2026, 11, 26)
    assert clocks(session, large, TODAY)[ClockKind.ASSESS].due_on == dt.date(2026, 11, 30)


def test_what_is_signed_or_over_has_no_clocks(session: Session) -> None:
    signed, lost = bring(session, a_lead(session, 1), Stage.SIGNED), a_lead(session, 2)
    actions.set_aside(session, lost, actor=ROBOT, today=TODAY, state=State.LOST, on=TODAY, reason="去了邻市")
    commit(session)
    assert not clocks(session, signed, TODAY) and not clocks(session, lost, TODAY)


def test_late_clocks_are_those_of_ones_own_leads(session: Session) -> None:
    project = a_lead(session)
    late = TODAY + dt.timedelta(20)
    mine = late_clocks(session, people.actor(session, people.INVESTMENT), late)
    assert {clock.kind for clock in mine[project.id]} == set(ClockKind)
    assert late_clocks(session, people.actor(session, people.INVESTMENT_2), late) == {}


def test_twice_the_leads_cost_the_same_statements(session: Session) -> None:
    ids = [a_lead(session, n, person).id for n, person in enumerate((people.INVESTMENT, people.SCIENCE))]
    clocks_of(session, ids, TODAY)
    with statements() as few:
        clocks_of(session, ids[:1], TODAY)
    with statements() as many:
        clocks_of(session, ids, TODAY)
    assert len(many) == len(few)


def test_the_panel_says_what_runs(client: FlaskClient, session: Session) -> None:
    number = a_lead(session).id
    session.rollback()
    people.sign_in(client, people.LEADER)
    page = client.get(f"/projects/{number}/clocks", headers={"HX-Request": "true"}).text
    for word in ("首次答复", "研判", "向来源反馈", "报进展"):
        assert word in page


def only_step(session: Session) -> NextStep:
    return session.query(NextStep).filter_by(state=StepState.OPEN).one()


def test_the_last_step_of_a_project_takes_the_next_one_along(session: Session) -> None:
    project = a_lead(session)
    actor = people.actor(session, people.INVESTMENT)
    step = only_step(session)
    with pytest.raises(Refused, match="接下来"):
        follow_up.finish(session, step, actor=actor, at=AT, today=TODAY)
    session.rollback()
    following = Planned("约到现场看地", TODAY + dt.timedelta(5))
    follow_up.finish(session, only_step(session), actor=actor, at=AT, today=TODAY, following=following)
    commit(session)
    open_ones = of_subject(session, actor, ("project", project.id), today=TODAY)
    assert [line.step.text for line in open_ones] == ["约到现场看地"]


def test_with_another_open_step_or_over_nothing_more_is_asked(session: Session) -> None:
    project = a_lead(session)
    actor = people.actor(session, people.INVESTMENT)
    first = only_step(session)
    follow_up.plan(
        session, actor=actor, at=AT, today=TODAY, subject=("project", project.id), text="送材料", due_on=TODAY,
        owner_id=actor.user_id,
    )  # fmt: skip
    follow_up.finish(session, first, actor=actor, at=AT, today=TODAY)
    commit(session)
    actions.set_aside(
        session, project, actor=ROBOT, today=TODAY, state=State.PAUSED, on=TODAY, reason="等批复"
    )
    commit(session)
    follow_up.drop(session, only_step(session), actor=actor, at=AT, today=TODAY, reason="暂缓")
    commit(session)


def test_the_page_of_the_last_step_asks_for_the_next_one(client: FlaskClient, session: Session) -> None:
    a_lead(session)
    step = only_step(session)
    number, version = step.id, step.version
    session.rollback()
    people.sign_in(client, people.INVESTMENT)
    assert "接下来做什么" in client.get(f"/steps/{number}").text
    answer = people.post(client, f"/steps/{number}/done", {"version": str(version)})
    assert answer.status_code == 422 and "接下来" in answer.text
    sent = {"version": str(version), "following": "约到现场", "following_on": "明天"}
    assert people.post(client, f"/steps/{number}/done", sent).status_code == 303
    found = db.session().query(NextStep).filter_by(state=StepState.OPEN).one()
    assert (found.text, found.due_on) == ("约到现场", today() + dt.timedelta(1))

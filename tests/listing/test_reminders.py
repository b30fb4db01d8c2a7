"""What the reserve reminds of, to whom, and when it falls silent."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.accounts.queries.readers import readers
from crm.core import audit
from crm.core.months import add_months
from crm.core.reminders import Row
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.listing import actions
from crm.listing.models import Candidate, Obstacle
from crm.listing.queries.reminders import REMINDERS, sight
from crm.listing.queries.scope import visible_to
from crm.listing.rules.words import Evidence, Stage, State
from tests import people
from tests.listing.cast import ROBOT, TODAY, a_candidate, bring
from tests.projects.counting import statements

KINDS = {kind.code: kind for kind in REMINDERS}


def told(session: Session, code: str, day: dt.date = TODAY) -> list[Row]:
    everybody = {key: reader.actor for key, reader in readers(session).items()}
    return list(KINDS[code].query(session, day, everybody))


def at(session: Session, stage: Stage, n: int = 1) -> Candidate:
    owner = people.id_of(session, people.FINANCE)
    return bring(session, a_candidate(session, n, on=dt.date(2023, 1, 9), officer_id=owner), stage, days=95)


@pytest.mark.parametrize("stage", [Stage.TUTORED, Stage.EFFECTIVE])
def test_a_term_warns_sixty_days_before_it_runs_out_and_stays_red_until_the_stage_is_left(
    session: Session, stage: Stage
) -> None:
    candidate = at(session, stage)
    last = add_months(candidate.stage_on, 12) - dt.timedelta(1)

    def codes(day: dt.date) -> list[str]:
        return [
            code for code in ("listing-soon", "listing-out") for row in told(session, code, day)
            if (row.kind, row.subject_id) == ("candidate", candidate.id)
        ]  # fmt: skip

    assert codes(last - dt.timedelta(61)) == []
    assert codes(last - dt.timedelta(60)) == codes(last) == ["listing-soon"]
    assert codes(last + dt.timedelta(1)) == codes(last + dt.timedelta(90)) == ["listing-out"]
    row = told(session, "listing-out", last + dt.timedelta(4))[0]
    assert (row.person_id, row.params["n"], row.due_on) == (
        people.id_of(session, people.FINANCE), 4, last
    )  # fmt: skip
    actions.set_aside(
        session, candidate, actor=ROBOT, today=TODAY, state=State.SUSPENDED, on=TODAY, reason="等资料"
    )
    commit(session)
    assert codes(last + dt.timedelta(1)) == []


def test_the_decision_on_a_registration_runs_in_working_days(session: Session) -> None:
    candidate = at(session, Stage.SUBMITTED)
    due = candidate.stage_on
    days = [row.due_on for row in told(session, "listing-soon", due + dt.timedelta(24))]
    days += [row.due_on for row in told(session, "listing-out", due + dt.timedelta(60))]
    assert len(set(days)) == 1 and days[0] is not None
    assert dt.timedelta(26) <= days[0] - due <= dt.timedelta(40)


def test_the_day_of_the_document_counts_not_that_of_the_entry(session: Session) -> None:
    candidate = at(session, Stage.TUTORED)
    newer = candidate.stage_on + dt.timedelta(40)
    actions.prove(
        session, candidate, actor=ROBOT, today=TODAY, kind=Evidence.TUTORING_LETTER, on=newer, reference="二次"
    )  # fmt: skip
    commit(session)
    assert told(session, "listing-out", add_months(candidate.stage_on, 12)) == []
    assert told(session, "listing-out", add_months(newer, 12))


def test_tutoring_that_is_done_is_told_once(session: Session) -> None:
    candidate = at(session, Stage.TUTORING)
    done = add_months(candidate.stage_on, 3)
    assert told(session, "listing-tutored", done - dt.timedelta(1)) == []
    first, again = (
        told(session, "listing-tutored", done),
        told(session, "listing-tutored", done + dt.timedelta(30)),
    )
    assert first[0].once == again[0].once != ""


def test_a_planned_day_that_has_passed_is_told_until_its_stage_is_reached(session: Session) -> None:
    candidate = at(session, Stage.REFORM)
    for stage, day in (
        (Stage.REFORM, 90), (Stage.TUTORING, 30), (Stage.TUTORED, 10), (Stage.LISTED, -300),
    ):  # fmt: skip
        actions.plan(session, candidate, actor=ROBOT, stage=stage, on=TODAY - dt.timedelta(day))
        commit(session)
    rows = told(session, "listing-planned")
    assert [(row.params["n"], row.params["stage"].text) for row in rows] == [(30, "辅导备案")]
    bring(session, candidate, Stage.TUTORED, days=95)
    assert told(session, "listing-planned") == []


def test_an_obstacle_is_its_owner_s_and_nobody_else_s(session: Session) -> None:
    candidate = at(session, Stage.RESERVE)
    owner = people.id_of(session, people.SCIENCE)
    common = {"actor": ROBOT, "unit_id": people.unit_id(session, "科技局")}
    for days in (-3, 0, 6, 7):
        actions.raise_obstacle(
            session, candidate, today=TODAY - dt.timedelta(30), text=f"难题{days}", owner_id=owner,
            due_on=TODAY + dt.timedelta(days), **common,
        )  # fmt: skip
        commit(session)
    assert [(row.person_id, row.params["n"]) for row in told(session, "obstacle-late")] == [(owner, 3)]
    assert [row.params["text"] for row in told(session, "obstacle-due")] == ["难题0", "难题6"]
    late = session.query(Obstacle).order_by(Obstacle.due_on).first()
    assert late is not None
    actions.settle_obstacle(
        session, candidate, late, actor=ROBOT, today=TODAY, on=TODAY, outcome="已办妥", version=late.version
    )
    commit(session)
    assert told(session, "obstacle-late") == []
    with pytest.raises(Refused, match="能查看上市后备"):  # who could not see it would never hear of it
        actions.raise_obstacle(
            session, candidate, today=TODAY, text="难题", owner_id=people.id_of(session, people.INVESTMENT),
            due_on=TODAY, **common,
        )  # fmt: skip


def test_who_may_see_many_is_who_may_see_one(session: Session) -> None:
    candidate = at(session, Stage.RESERVE)
    sees = sight(session, [candidate.id, 999])
    for who in people.CAST:
        viewer = people.actor(session, who)
        one = bool(session.query(Candidate).where(visible_to(viewer)).count())
        assert sees(viewer, candidate.id) is one, who
        assert not sees(viewer, 999)


def test_twice_the_candidates_cost_the_same_statements(app: Flask, session: Session) -> None:
    def cost() -> int:
        session.rollback()
        everybody = {key: reader.actor for key, reader in readers(session).items()}
        with app.app_context(), statements() as sent:
            for kind in REMINDERS:
                list(kind.query(session, TODAY, everybody))
        return len(sent)

    def some(first: int) -> None:
        for n in range(first, first + 3):
            candidate = at(session, list(Stage)[3 + n % 2], n)
            actions.plan(session, candidate, actor=ROBOT, stage=Stage.LISTED, on=TODAY - dt.timedelta(n))
            commit(session)

    some(1)
    few = cost()
    some(4)
    assert cost() == few


def test_what_nobody_looks_after_is_told_to_the_finance_office(session: Session) -> None:
    candidate = at(session, Stage.TUTORED)
    last = add_months(candidate.stage_on, 12)
    finance, science = (people.id_of(session, each) for each in (people.FINANCE, people.SCIENCE))
    assert [(row.person_id, row.why) for row in told(session, "listing-out", last)] == [(finance, "officer")]
    assert told(session, "listing-unowned") == []
    actions.plan(session, candidate, actor=ROBOT, stage=Stage.ACCEPTED, on=TODAY)
    actions.edit(session, candidate, actor=ROBOT, today=TODAY, values={"officer_id": None})
    commit(session)
    for code, day in (("listing-out", last), ("listing-planned", TODAY + dt.timedelta(1))):
        rows = [(row.person_id, row.why) for row in told(session, code, day)]
        assert (finance, "office") in rows and science not in {key for key, _why in rows}, code
    row = next(row for row in told(session, "listing-unowned") if row.person_id == finance)
    assert (row.params["count"], row.link) == (1, ("listing.index", {"officer": "none", "state": "open"}))
    somebody = people.id_of(session, people.SCIENCE)
    actions.edit(session, candidate, actor=ROBOT, today=TODAY, values={"officer_id": somebody})
    commit(session)
    audit.begin(session, actor=ROBOT, action="user.deactivate")
    session.get_one(User, somebody).is_active = False
    session.flush()
    assert (finance, "office") in [(row.person_id, row.why) for row in told(session, "listing-out", last)]

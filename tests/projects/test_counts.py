"""The numbers as of a day: equal to a slow recount, the same total for everybody, rows that add up."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from crm import cli
from crm.core import audit
from crm.core.db import db
from crm.core.pipeline import MoveKind
from crm.core.transaction import commit
from crm.projects import actions
from crm.projects.models import Project, ProjectCount, ProjectMove, ProjectPayment
from crm.projects.queries.counts import UNCOUNTED, opened, tallies
from crm.projects.rules.counting import BY_KEY
from crm.projects.rules.words import (
    Confidentiality,
    Headquarters,
    Origin,
    PaymentKind,
    Source,
    Stage,
    State,
)
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY
from tests.projects.money_cast import counted, frozen, paid, signed

YI = 10**8
FIRST = dt.date(2024, 1, 1)
ONLOOKERS = (people.LEADER, people.INVESTMENT, people.INVESTMENT_2, people.SCIENCE, people.READ_ONLY)


def random_day(dice: random.Random) -> dt.date:
    return FIRST + dt.timedelta(dice.randrange(1100))


def random_world(session: Session, seed: int, projects: int = 30) -> None:
    """Projects, counts and payments of every kind, straight into the tables: also what the actions would not do."""
    dice = random.Random(seed)
    units = [people.unit_id(session, name) for name in ("商务局", "经发局", "科技局", "海城")]
    holders = [
        people.id_of(session, person) for person in (people.INVESTMENT, people.INVESTMENT_2, people.SCIENCE)
    ]
    audit.begin(session, actor=ROBOT, action="test.world")
    rows = [
        {
            "name": f"项目{seed}-{n}", "name_key": f"项目{seed}{n}", "name_sort": f"x{n}", "investor": f"甲{n}",
            "investor_key": f"甲{n}", "source": Source.FAIR, "stage": Stage.LEAD, "stage_on": FIRST,
            "first_reported_at": AT, "confidentiality": dice.choice(list(Confidentiality)),
            "holder_id": dice.choice(holders), "holder_unit_id": dice.choice(units),
            "signed_on": dice.choice([None, random_day(dice)]), "agreed_yuan": dice.choice([None, 3 * YI]),
        }
        for n in range(projects)
    ]  # fmt: skip
    ids = audit.insert_many(session, Project, rows)
    moves = [
        {"project_id": key, "kind": MoveKind.REPORT, "stage": Stage.LEAD, "state": "active", "on": FIRST}
        for key in ids
    ]
    audit.insert_many(session, ProjectMove, [{**move, "state": "active"} for move in moves])
    counts: list[dict[str, Any]] = []
    payments: list[dict[str, Any]] = []
    for key in ids:
        day = random_day(dice)
        for n in range(dice.randrange(3)):
            is_last = n == 1
            until = day + dt.timedelta(dice.randrange(200))
            counts.append(
                {
                    "project_id": key, "is_standing": 1 if is_last else None, "counts_on": day,
                    "yuan": dice.choice([1, YI - 1, YI, 9 * YI, 10 * YI, 12 * YI, 20 * YI, 49 * YI, 50 * YI, 80 * YI]),
                    "fixed_yuan": dice.choice([None, YI]), "headquarters": dice.choice([None, *Headquarters]),
                    "is_innovative": dice.random() < 0.4, "checked_on": day,
                    "withdrawn_on": None if is_last else until,
                }
            )  # fmt: skip
            day = until
        for _ in range(dice.randrange(5)):
            on, is_checked = random_day(dice), dice.random() < 0.8
            payments.append(
                {
                    "project_id": key, "on": on, "yuan": dice.randrange(1, YI), "origin": dice.choice(list(Origin)),
                    "kind": dice.choice(list(PaymentKind)), "checked_on": on if is_checked else None,
                    "counts_on": on if is_checked else None,
                    "withdrawn_on": random_day(dice) if dice.random() < 0.3 else None,
                }
            )  # fmt: skip
    audit.insert_many(session, ProjectCount, counts)
    audit.insert_many(session, ProjectPayment, payments)
    commit(session)


def in_band(key: str, yuan: int) -> bool:
    """The bands, written out once more by hand."""
    return {
        "all": True, "over-1": yuan >= YI, "over-10": yuan >= 10 * YI, "over-20": yuan >= 20 * YI,
        "over-50": yuan >= 50 * YI, "from-0": yuan < YI, "from-1": YI <= yuan < 10 * YI,
        "from-10": 10 * YI <= yuan < 20 * YI, "from-20": 20 * YI <= yuan < 50 * YI, "from-50": yuan >= 50 * YI,
    }[key]  # fmt: skip


def slow(session: Session, key: str, day: dt.date) -> tuple[int, int, int, int]:
    """(how many, agreed, fixed, in place) of a figure: every row of the tables, looked at one by one."""
    number = agreed = fixed = 0
    projects: list[int] = []
    for row in session.execute(sa.select(ProjectCount.__table__)):
        if row.counts_on > day:
            continue
        if row.withdrawn_on is not None and row.withdrawn_on <= day:
            continue
        if key.startswith("headquarters"):
            short = (
                "" if row.headquarters is None else row.headquarters.value.replace("rd-headquarters", "rd")
            )
            fits = bool(short) if key == "headquarters" else key == f"headquarters-{short}"
        elif key == "innovative":
            fits = row.is_innovative
        elif key.startswith("in-place"):
            fits = False
        else:
            fits = in_band(key, row.yuan)
        if fits:
            number, agreed, fixed = number + 1, agreed + row.yuan, fixed + (row.fixed_yuan or 0)
            projects.append(row.project_id)
    money, payers = 0, set()
    for row in session.execute(sa.select(ProjectPayment.__table__)):
        if row.checked_on is None or row.counts_on > day:
            continue
        if row.withdrawn_on is not None and row.withdrawn_on <= day:
            continue
        if key.startswith("in-place"):
            if key in ("in-place", f"in-place-{row.origin.value}", f"in-place-{row.kind.value}"):
                money += row.yuan
                payers.add(row.project_id)
        elif row.project_id in projects:
            money += row.yuan
    return (len(payers) if key.startswith("in-place") else number), agreed, fixed, money


@pytest.mark.parametrize("seed", range(6))
def test_as_of_counts_equal_a_slow_recount(session: Session, seed: int) -> None:
    random_world(session, seed)
    dice = random.Random(seed * 7)
    known = [row for row in session.scalars(sa.select(ProjectCount.counts_on))]
    ends = [row for row in session.scalars(sa.select(ProjectPayment.withdrawn_on)) if row is not None]
    for day in [random_day(dice), random_day(dice), dice.choice(known), dice.choice(ends), TODAY]:
        found = tallies(session, day, viewer=ROBOT)
        for key in BY_KEY:
            tally = found[key]
            assert (tally.count, tally.agreed, tally.fixed, tally.in_place) == slow(session, key, day), (
                key,
                day,
            )
        assert sum(found[key].count for key in BY_KEY if key.startswith("from-")) == found["all"].count


def test_any_day_is_counted_as_the_slow_recount_does(session: Session) -> None:
    random_world(session, 77, projects=15)

    @settings(max_examples=40, deadline=None)
    @given(
        day=st.dates(FIRST - dt.timedelta(30), FIRST + dt.timedelta(1300)),
        key=st.sampled_from(sorted(BY_KEY)),
    )
    def check(day: dt.date, key: str) -> None:
        tally = tallies(session, day, viewer=ROBOT)[key]
        assert (tally.count, tally.agreed, tally.fixed, tally.in_place) == slow(session, key, day)

    check()


@pytest.mark.parametrize("seed", range(2))
def test_a_total_is_the_same_for_everybody_and_its_rows_and_the_withheld_make_it(
    session: Session, seed: int
) -> None:
    random_world(session, seed)
    official = tallies(session, TODAY, viewer=ROBOT)
    hidden = 0
    for person in ONLOOKERS:
        viewer = people.actor(session, person)
        for key, tally in tallies(session, TODAY, viewer=viewer).items():
            assert (tally.count, tally.agreed, tally.in_place) == (
                official[key].count, official[key].agreed, official[key].in_place,
            )  # fmt: skip
            page = opened(session, key, TODAY, viewer=viewer)
            assert (len(page.rows), page.withheld) == (len(tally.ids), tally.withheld)
            assert page.count == tally.count
            assert sorted(row.project.id for row in page.rows) == sorted(tally.ids)
            hidden += tally.withheld
    assert hidden


def test_what_was_signed_and_not_counted_says_why(session: Session) -> None:
    counted(session, signed(session))
    open_one = signed(session, 2)
    page = opened(session, UNCOUNTED, TODAY, viewer=ROBOT)
    assert [row.project.id for row in page.rows] == [open_one.id]
    assert [str(reason.line) for reason in page.rows[0].why] == ["checked"]  # type: ignore[union-attr]
    actions.set_aside(session, open_one, actor=ROBOT, today=TODAY, state=State.ENDED, on=TODAY, reason="撤资")
    commit(session)
    page = opened(session, UNCOUNTED, TODAY, viewer=ROBOT)
    assert [str(reason.line) for reason in page.rows[0].why] == ["state"], "it waits for nobody's check"  # type: ignore[union-attr]


def statements(work: Callable[[], object]) -> int:
    found: list[str] = []

    def heard(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        found.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", heard)
    try:
        work()
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", heard)
    return len(found)


def test_twice_the_projects_ask_no_more_statements(session: Session) -> None:
    viewer = people.actor(session, people.INVESTMENT)

    def work() -> None:
        session.expire_all()
        tallies(session, TODAY, viewer=viewer)
        for key in ("all", "in-place", UNCOUNTED):
            opened(session, key, TODAY, viewer=viewer)

    random_world(session, 1)
    once = statements(work)
    random_world(session, 2)
    assert statements(work) == once


def test_the_command_says_the_same_as_the_page(
    app: Flask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "create_app", lambda: app)
    with app.app_context():
        session = db.session()
        secret = counted(session, signed(session, confidentiality=Confidentiality.TEAM))
        shown = counted(session, signed(session, 2))
        paid(session, secret)
        frozen(session, "2026-09")
        db.session.remove()
    arguments = ["projects", "count", "--as-of", "2026-09-30", "--json"]
    assert cli.main(arguments) == 0
    assert {tuple(row) for row in json.loads(capsys.readouterr().out)} == {
        ("key", "count", "ids", "withheld")
    }
    arguments.append("--amounts")
    assert cli.main(arguments) == 0
    everything = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert everything["over-10"] | {"ids": None} == {
        "key": "over-10", "count": 2, "ids": None, "withheld": 0, "agreed_yuan": 24 * YI, "fixed_yuan": 18 * YI,
        "in_place_yuan": 30_000_000,
    }  # fmt: skip
    assert cli.main([*arguments, "--as", people.INVESTMENT_2.username]) == 0
    seen = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert (seen["over-10"]["count"], seen["over-10"]["ids"], seen["over-10"]["withheld"]) == (
        2,
        [shown.id],
        1,
    )
    assert (seen["in-place"]["ids"], seen["in-place"]["withheld"], seen["in-place"]["in_place_yuan"]) == (
        [], 1, 30_000_000,
    )  # fmt: skip

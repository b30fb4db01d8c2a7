"""Two projects become one: money of both counts once, and the preview says what each side has."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import merging
from crm.core.records import kind_of
from crm.core.transaction import commit
from crm.projects.models import ProjectPayment
from crm.projects.queries.counts import tallies
from crm.projects.rules.words import Stage
from tests import people
from tests.projects.cast import ROBOT, TODAY, a_lead, bring
from tests.projects.joining import joined, two, whole
from tests.projects.money_cast import paid, signed
from tests.records.office import business


def in_place(session: Session, day: dt.date = TODAY) -> int:
    return tallies(session, day, viewer=ROBOT)["in-place"].in_place


def test_money_both_had_is_in_place_once_and_money_of_two_vouchers_twice(session: Session) -> None:
    kept, gone = signed(session, 1), signed(session, 2)
    for project in (kept, gone):
        paid(session, project)
        paid(session, project, yuan=20_000_000, reference=f"进账单 {project.id}")
    assert in_place(session) == 100_000_000
    before = business(session)
    joined(session, kept, gone)
    assert in_place(session) == 70_000_000
    assert in_place(session, TODAY - dt.timedelta(1)) == 100_000_000, "what was told stays"
    whole(session)
    merging.undo_merge(session, kind_of("project"), gone.id, actor=ROBOT)
    commit(session)
    assert business(session) == before


@pytest.mark.parametrize("checked", ["kept", "gone"])
def test_of_one_payment_entered_twice_the_checked_entry_stands(session: Session, checked: str) -> None:
    kept, gone = signed(session, 1), signed(session, 2)
    rows = {
        name: paid(session, each, check=name == checked).id for name, each in (("kept", kept), ("gone", gone))
    }
    joined(session, kept, gone)
    standing = session.scalars(sa.select(ProjectPayment).where(ProjectPayment.withdrawn_on.is_(None))).all()
    assert [(row.id, row.project_id) for row in standing] == [(rows[checked], kept.id)]
    assert in_place(session) == 30_000_000


def test_a_person_may_say_that_two_payments_alike_are_two(session: Session) -> None:
    kept, gone = signed(session, 1), signed(session, 2)
    one, two = paid(session, kept), paid(session, gone)
    joined(session, kept, gone, {f"project_payments-{one.id}-{two.id}": merging.BOTH})
    assert in_place(session) == 60_000_000


def test_the_preview_says_areas_and_rates_as_they_are_typed_and_fills_a_missing_total(
    session: Session,
) -> None:
    kept, gone = a_lead(session, 1), a_lead(session, 2, total_yuan=69_000_000, land_m2=10_000)
    shown = merging.preview(session, kind_of("project"), kept.id, gone.id, viewer=ROBOT, stays=merging.LEFT)
    by_name = {choice.facts[0].name: choice for choice in shown.facts}
    assert by_name["total_yuan"].default == merging.RIGHT, "that it is in yuan says nothing"
    fact = by_name["land_m2"].facts[0]
    assert fact.show is not None and fact.show(session, 10_000) == "15"
    rate = kind_of("project").fact("rate_micros")
    assert rate is not None and rate.show is not None and rate.show(session, 7_100_000) == "7.1"


def test_the_preview_names_who_is_in_charge_on_both_sides(client: FlaskClient, session: Session) -> None:
    kept, gone = (bring(session, each, Stage.NEGOTIATION) for each in two(session))
    paid(session, kept), paid(session, gone)
    people.sign_in(client, people.BUREAU_HEAD)
    page = client.get(f"/records/project/{kept.id}/merge/{gone.id}").get_data(as_text=True)
    assert page.count(people.LEADER.name) >= 2 and "两条都算，是两回事" in page and "3,000 万元" in page

"""What counts, from which day, checked by whom; frozen months stand against every road."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.accounts.models import UserGrant
from crm.core import audit, merging, records, undo
from crm.core.permissions import Forbidden
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.projects import actions
from crm.projects.models import FrozenMonth, Project, ProjectCount, ProjectPayment
from crm.projects.queries.counting import count_of
from crm.projects.queries.counts import Tally, tallies
from crm.projects.queries.record import met_items
from crm.projects.rules import counting as law
from crm.projects.rules import drawing
from crm.projects.rules.words import Currency, Origin, PaymentKind, Stage, State
from tests import people
from tests.projects.cast import ROBOT, TODAY, a_lead, bring, give_team
from tests.projects.money_cast import SIGNED, counted, frozen, paid, signed

END = dt.date(2026, 9, 30)
YI = 10**8


def numbers(session: Session, day: dt.date = END) -> dict[str, dict[str, int]]:
    return {key: tally.reported for key, tally in tallies(session, day, viewer=ROBOT).items()}


def supervisor(session: Session) -> object:
    return people.actor(session, people.SUPERVISOR)


def last_operation(session: Session, action: str) -> audit.AuditEnvelope:
    return session.scalars(
        sa.select(audit.AuditEnvelope)
        .where(audit.AuditEnvelope.action == action)
        .order_by(audit.AuditEnvelope.seq.desc())
        .limit(1)
    ).one()


def take_back(session: Session, action: str) -> None:
    undo.undo(session, last_operation(session, action).operation, actor=ROBOT)
    commit(session)


def test_a_day_counts_for_itself_or_the_first_open_month() -> None:
    closed = law.closed_until(["2026-03", "2026-01"])
    assert closed == dt.date(2026, 3, 31)
    assert law.counts_on(dt.date(2026, 2, 3), closed) == dt.date(2026, 4, 1)
    assert law.counts_on(dt.date(2026, 4, 3), closed) == dt.date(2026, 4, 3)
    assert law.counts_on(dt.date(2026, 4, 3), None) == dt.date(2026, 4, 3)
    assert law.counts_on(dt.date(2026, 4, 3), closed, dt.date(2026, 5, 1)) == dt.date(2026, 5, 1)


def test_bands_are_nested_and_the_separate_reading_adds_up() -> None:
    twelve = [f.key for f in law.FIGURES if f.takes_count(12 * YI, None, False)]
    assert twelve == ["all", "over-1", "over-10", "from-10"]
    for yuan in (1, YI - 1, YI, 10 * YI, 20 * YI - 1, 50 * YI, 900 * YI):
        separate = [
            f for f in law.FIGURES if f.group is law.Group.SEPARATE and f.takes_count(yuan, None, False)
        ]
        assert len(separate) == 1


def test_a_counted_project_says_why(session: Session) -> None:
    project = counted(session, signed(session))
    row = count_of(session, project.id)
    assert row is not None and (row.counts_on, row.yuan) == (SIGNED, 1_200_000_000)
    assert numbers(session)["over-10"]["count"] == 1
    with pytest.raises(Refused, match="已经计数"):
        counted(session, project)


def test_what_lacks_is_named_line_by_line(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(Refused) as refused:
        counted(session, project)
    assert [item.text for item in refused.value.items] == ["还没有签约", "没有填协议投资", "没有登记投资协议"]


def test_a_project_that_ended_before_it_was_checked_does_not_count(session: Session) -> None:
    project = signed(session)
    actions.set_aside(session, project, actor=ROBOT, today=TODAY, state=State.ENDED, on=TODAY, reason="撤资")
    commit(session)
    with pytest.raises(Refused, match="还不能计数"):
        counted(session, project)


def test_the_same_project_again_is_a_duplicate_unless_it_is_an_increase(session: Session) -> None:
    first = counted(session, signed(session))
    again = signed(session, 2)
    actions.edit(session, again, actor=ROBOT, today=TODAY, name=first.name, investor=first.investor)
    commit(session)
    with pytest.raises(Refused, match="同名项目已经计数"):
        counted(session, again)
    session.rollback()
    actions.mark_increase(session, again, actor=ROBOT, original_id=first.id)
    actions.edit(session, again, actor=ROBOT, today=TODAY, agreed_yuan=2 * YI)
    commit(session)
    counted(session, again)
    assert numbers(session)["all"] == {
        "count": 2, "agreed": 14 * YI, "fixed": first.fixed_yuan + again.fixed_yuan,
    }  # fmt: skip


def test_nobody_checks_a_record_of_their_own(session: Session) -> None:
    checker = people.id_of(session, people.BUREAU_HEAD)
    audit.begin(session, actor=ROBOT, action="user.grant")
    session.add(UserGrant(user_id=checker, permission="project:check"))
    commit(session)
    head = people.actor(session, people.BUREAU_HEAD)
    assert head.may("project:check")
    held, edited, led = (signed(session, n) for n in (1, 2, 3))
    mine = signed(session, 4, person=people.BUREAU_HEAD)
    audit.begin(session, actor=ROBOT, action="test.hold")
    held.holder_id = checker
    commit(session)
    actions.edit(session, edited, actor=head, today=TODAY, agreed_yuan=13 * YI)
    commit(session)
    give_team(session, led, liaison=people.BUREAU_HEAD)
    for project in (held, edited, led, mine):
        with pytest.raises(Refused, match="不能核定自己"):
            actions.count(session, project, actor=head, today=TODAY)
        session.rollback()
    other = signed(session, 5)
    actions.count(session, other, actor=head, today=TODAY)
    commit(session)


def test_a_checker_of_a_bureau_checks_its_projects_alone(session: Session) -> None:
    officer = people.actor(session, people.INVESTMENT_2)
    project = signed(session)
    with pytest.raises(Forbidden):
        actions.count(session, project, actor=officer, today=TODAY)
    audit.begin(session, actor=ROBOT, action="user.grant")
    session.add(UserGrant(user_id=officer.user_id, permission="project:check"))
    commit(session)
    with pytest.raises(Forbidden, match="本单位"):
        actions.count(session, project, actor=people.actor(session, people.INVESTMENT_2), today=TODAY)


def test_a_payment_is_never_checked_by_who_entered_it(session: Session) -> None:
    project = signed(session)
    row = paid(session, project, check=False)
    assert numbers(session)["in-place"]["in_place"] == 0
    audit.begin(session, actor=ROBOT, action="user.grant")
    session.add(UserGrant(user_id=row.entered_by_id, permission="project:check"))
    commit(session)
    with pytest.raises(Refused, match="自己登记"):
        actions.check_payment(
            session, project, row, actor=people.actor(session, people.INVESTMENT), today=TODAY
        )
    session.rollback()
    with pytest.raises(IntegrityError):
        session.execute(
            sa.text(
                "UPDATE project_payments SET checked_by_id = entered_by_id, checked_on = paid_on,"
                " counts_on = paid_on WHERE id = :id"
            ),
            {"id": row.id},
        )
    session.rollback()


def test_foreign_money_takes_the_rate_of_its_day(session: Session) -> None:
    project = signed(session)
    officer = people.actor(session, people.INVESTMENT)
    given = {
        "actor": officer, "today": TODAY, "on": SIGNED, "origin": Origin.ABROAD, "kind": PaymentKind.CAPITAL,
        "currency": Currency.USD, "foreign": 5_000_000, "reference": "外汇业务登记 12",
    }  # fmt: skip
    with pytest.raises(Refused, match="汇率"):
        actions.pay(session, project, **given)
    row = actions.pay(session, project, rate_micros=7_123_400, **given)
    commit(session)
    assert row.yuan == 35_617_000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"on": TODAY + dt.timedelta(1)}, "on"),
        ({"reference": " "}, "reference"),
        ({"yuan": None}, "yuan"),
        ({"yuan": 10**13}, "yuan"),
        ({"attachment_id": 999}, "attachment"),
    ],
)
def test_a_payment_that_cannot_be_is_refused_where_it_is_wrong(
    session: Session, change: dict[str, object], field: str
) -> None:
    project = signed(session)
    given = {
        "on": SIGNED,
        "yuan": 1_000_000,
        "reference": "进账单",
        "origin": Origin.CITY,
        "kind": PaymentKind.LOAN,
    }
    with pytest.raises(Refused) as refused:
        actions.pay(session, project, actor=ROBOT, today=TODAY, **{**given, **change})  # type: ignore[arg-type]
    assert refused.value.field == field
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(ProjectPayment)) == 0


def test_what_is_withdrawn_stays_in_the_days_gone_by(session: Session) -> None:
    project = counted(session, signed(session))
    row = paid(session, project)
    before = numbers(session)
    actions.uncount(session, project, actor=supervisor(session), today=TODAY, reason="协议解除")
    actions.withdraw_payment(
        session, project, row, actor=supervisor(session), today=TODAY, reason="退回投资款"
    )
    commit(session)
    assert numbers(session) == before
    assert numbers(session, TODAY)["all"]["count"] == numbers(session, TODAY)["in-place"]["in_place"] == 0


def test_counted_again_it_never_counts_twice_on_one_day(session: Session) -> None:
    project = counted(session, signed(session))
    actions.uncount(session, project, actor=supervisor(session), today=TODAY, reason="数额有误")
    commit(session)
    counted(session, project)
    days = [SIGNED, END, TODAY - dt.timedelta(1), TODAY, TODAY + dt.timedelta(1)]
    assert [numbers(session, day)["all"]["count"] for day in days] == [1] * 5


def test_what_is_checked_late_counts_in_the_first_open_month(session: Session) -> None:
    late, early = signed(session), counted(session, signed(session, 2))
    frozen(session, "2026-09")
    before = numbers(session)
    counted(session, late)
    paid(session, early)
    assert numbers(session) == before and before["all"]["count"] == 1
    row = count_of(session, late.id)
    assert row is not None and row.counts_on == dt.date(2026, 10, 1)


def test_a_month_is_frozen_by_the_supervisor_when_it_is_over(session: Session) -> None:
    for person in (people.LEADER, people.BUREAU_HEAD, people.INVESTMENT):
        with pytest.raises(Forbidden):
            actions.freeze(session, actor=people.actor(session, person), today=TODAY, month="2026-09")
    for month, why in (("2026-11", "没有过完"), ("2026-13", "这样的月份"), ("九月", "这样的月份")):
        with pytest.raises(Refused, match=why):
            frozen(session, month)
        session.rollback()
    frozen(session, "2026-09")
    with pytest.raises(Refused, match="已经冻结"):
        frozen(session, "2026-09")


def a_frozen_world(session: Session) -> tuple[Project, ProjectPayment, dict[str, dict[str, int]]]:
    project = counted(session, signed(session))
    row = paid(session, project)
    frozen(session, "2026-09")
    stored = session.scalars(sa.select(FrozenMonth)).one()
    assert stored.figures == numbers(session)
    return project, row, numbers(session)


@pytest.mark.parametrize(
    "column", ["yuan", "fixed_yuan", "headquarters", "is_innovative", "counts_on", "withdrawn_on"]
)
def test_no_write_changes_a_frozen_count(session: Session, column: str) -> None:
    project, _row, before = a_frozen_world(session)
    row = count_of(session, project.id)
    assert row is not None
    audit.begin(session, actor=ROBOT, action="test.road")
    values = {"yuan": 1, "fixed_yuan": 1, "headquarters": law.Headquarters.RD, "is_innovative": True}
    setattr(row, column, values.get(column, dt.date(2026, 9, 20)))
    if column == "withdrawn_on":
        row.is_standing = None
    with pytest.raises(Refused, match="已经冻结"):
        commit(session)
    session.rollback()
    assert numbers(session) == before


@pytest.mark.parametrize("column", ["yuan", "origin", "kind", "counts_on", "withdrawn_on"])
def test_no_write_changes_frozen_money(session: Session, column: str) -> None:
    _project, row, before = a_frozen_world(session)
    audit.begin(session, actor=ROBOT, action="test.road")
    values = {"yuan": 1, "origin": Origin.ABROAD, "kind": PaymentKind.LOAN}
    setattr(row, column, values.get(column, dt.date(2026, 9, 20)))
    with pytest.raises(Refused, match="已经冻结"):
        commit(session)
    session.rollback()
    assert numbers(session) == before


def test_no_set_based_write_or_delete_changes_it_either(session: Session) -> None:
    project, row, before = a_frozen_world(session)
    standing = count_of(session, project.id)
    assert standing is not None
    roads = [
        lambda: audit.update_many(session, ProjectPayment, [(row.id, {}, {"yuan": 2})]),
        lambda: audit.delete_many(session, ProjectCount, [standing.id]),
        lambda: audit.insert_many(
            session,
            ProjectPayment,
            [
                {
                    "project_id": project.id, "on": SIGNED, "yuan": 5, "origin": Origin.CITY, "kind": PaymentKind.LOAN,
                    "checked_on": SIGNED, "counts_on": SIGNED,
                }
            ],
        ),
    ]  # fmt: skip
    for road in roads:
        audit.begin(session, actor=ROBOT, action="test.road")
        road()
        with pytest.raises(Refused, match="已经冻结"):
            commit(session)
        session.rollback()
        assert numbers(session) == before


def test_undo_changes_no_frozen_month(session: Session) -> None:
    _project, _row, before = a_frozen_world(session)
    for action in ("project.count", "project.pay-check", "project.freeze"):
        with pytest.raises(Refused, match="冻结"):
            take_back(session, action)
        session.rollback()
    assert numbers(session) == before
    assert session.scalar(sa.select(sa.func.count()).select_from(FrozenMonth)) == 1


def test_undo_of_a_withdrawal_after_the_freeze_is_free(session: Session) -> None:
    project, _row, before = a_frozen_world(session)
    actions.uncount(session, project, actor=supervisor(session), today=TODAY, reason="协议解除")
    commit(session)
    take_back(session, "project.uncount")
    session.expire_all()
    assert count_of(session, project.id) is not None
    assert numbers(session) == before


def test_a_merge_and_its_undo_change_no_frozen_month(session: Session) -> None:
    one = counted(session, signed(session))
    two = counted(session, signed(session, 2, agreed_yuan=3 * YI))
    paid(session, one)
    paid(session, two, yuan=7_000_000, origin=Origin.ABROAD)
    frozen(session, "2026-09")
    before = numbers(session)
    merging.merge(
        session,
        records.SUBJECTS["project"],
        one.id,
        two.id,
        actor=ROBOT,
        today=TODAY,
        stays="left",
        reason="同一项目",
    )
    commit(session)
    assert numbers(session) == before
    assert numbers(session, TODAY)["all"]["count"] == 1
    take_back(session, last_operation_name(session))
    assert numbers(session) == before
    assert numbers(session, TODAY)["all"]["count"] == 2


def last_operation_name(session: Session) -> str:
    return session.scalars(
        sa.select(audit.AuditEnvelope.action).order_by(audit.AuditEnvelope.seq.desc()).limit(1)
    ).one()


def test_what_is_edited_after_the_count_changes_no_number(session: Session) -> None:
    project = counted(session, signed(session))
    before = numbers(session)
    actions.edit(
        session, project, actor=ROBOT, today=TODAY, agreed_yuan=60 * YI, fixed_yuan=1 * YI, is_innovative=True
    )
    commit(session)
    assert numbers(session) == before


def test_the_gate_that_asks_for_money_is_met_by_checked_money(session: Session) -> None:
    project = bring(session, signed(session), Stage.REGISTERED)
    paid(session, project, check=False)
    assert "money" not in met_items(session, [project])[project.id]
    paid(session, project, yuan=20_000_000)
    assert "money" in met_items(session, [project])[project.id]


def test_a_tally_says_how_many_are_withheld() -> None:
    assert Tally(law.BY_KEY["all"], count=3, ids=[7]).withheld == 2


def test_the_picture_of_money_climbs_to_what_was_agreed() -> None:
    assert drawing.growth([], 5, TODAY) is None
    made = drawing.growth([(SIGNED, 1 * YI), (END, 4 * YI)], 4 * YI, TODAY)
    assert made is not None
    assert [(mark.x, mark.y) for mark in made.marks] == [(30.0, 87.5), (90.0, 20.0)]
    assert made.agreed_y == 20.0 and made.line.endswith("H252") and made.grid[0] == (110.0, 0)
    alone = drawing.growth([(TODAY, 5)], None, TODAY)
    assert alone is not None and alone.agreed_y is None

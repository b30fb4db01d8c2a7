"""What happened and what comes next: who may, what is told to whom, nothing vanishes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities import actions
from crm.activities.actions import Planned
from crm.activities.models import Activity, InboxItem, NextStep, StepMove
from crm.activities.queries.entries import ACTIVITIES, FILES, STEPS, get_activity
from crm.activities.queries.inbox import count_inbox, list_inbox
from crm.activities.queries.steps import Whose, count_steps, get_step, list_steps
from crm.activities.queries.timeline import SOURCES, Group, stream
from crm.activities.rules.words import ActivityKind, StepState, When
from crm.core.clock import now
from crm.core.permissions import Forbidden
from crm.core.transaction import commit
from crm.core.words import Missing, Refused
from crm.firms import actions as registry
from crm.firms.models import Firm
from tests import people

TODAY = dt.date(2026, 11, 27)


def firm(session: Session, name: str = "温州岚屿泵阀有限公司") -> Firm:
    made = registry.register(session, actor=people.actor(session, people.SCIENCE), today=TODAY, name=name)
    commit(session)
    return made


def logged(session: Session, about: Firm, who: people.Person = people.SCIENCE, **more: Any) -> Activity:
    values: dict[str, Any] = {"kind": ActivityKind.VISIT, "on": TODAY, "summary": "看了车间，想扩产"}
    entry = actions.log(
        session, actor=people.actor(session, who), at=now(), today=TODAY, subjects=[("firm", about.id)],
        **{**values, **more},
    )  # fmt: skip
    commit(session)
    return entry


def step_of(session: Session, entry: Activity) -> NextStep:
    return session.scalars(sa.select(NextStep).where(NextStep.activity_id == entry.id)).one()


def test_a_visit_is_logged_with_what_comes_next(session: Session) -> None:
    about = firm(session)
    entry = logged(
        session, about, on=dt.date(2026, 11, 20), step=Planned("送用地政策", dt.date(2026, 11, 30))
    )
    step = step_of(session, entry)
    me = people.actor(session, people.SCIENCE)
    assert (step.owner_id, step.given_by_id, step.due_on) == (me.user_id, None, dt.date(2026, 11, 30))
    shown = stream(session, ("firm", about.id), me, today=TODAY, only=Group.CONTACT)
    assert [(item.source, item.on) for item in shown.entries] == [("activity", dt.date(2026, 11, 20))]
    assert count_steps(session, me, whose=Whose.MINE, today=TODAY)[When.LATER] == 1
    assert [line.title for line in list_steps(session, me, whose=Whose.MINE, today=TODAY)[0]] == [about.name]


@pytest.mark.parametrize("who", [people.READ_ONLY, people.SYSTEM_ADMIN, people.AUDITOR, people.STRANGER])
def test_who_may_not_add_adds_nothing(session: Session, who: people.Person) -> None:
    about = firm(session)
    with pytest.raises(Refused):
        logged(session, about, who)
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(Activity)) == 0


def test_only_leaders_and_supervisors_instruct_and_somebody_answers(session: Session) -> None:
    about, science = firm(session), people.actor(session, people.SCIENCE)
    with pytest.raises(Forbidden):
        logged(session, about, kind=ActivityKind.INSTRUCTION, step=Planned("拿方案", TODAY, science.user_id))
    session.rollback()
    with pytest.raises(Refused) as refusal:
        logged(session, about, people.LEADER, kind=ActivityKind.INSTRUCTION)
    assert refusal.value.field == "owner"
    session.rollback()
    entry = logged(
        session, about, people.LEADER, kind=ActivityKind.INSTRUCTION, summary="两周内给结论",
        step=Planned("给出供电方案", dt.date(2026, 12, 11), science.user_id),
    )  # fmt: skip
    step = step_of(session, entry)
    assert [told.item.code for told in list_inbox(session, science, today=TODAY)[0]] == ["instruction"]
    with pytest.raises(Refused):
        actions.finish(session, step, actor=science, at=now(), today=TODAY)
    with pytest.raises(Refused):
        actions.drop(session, step, actor=science, at=now(), today=TODAY, reason="不合适")
    actions.finish(session, step, actor=science, at=now(), today=TODAY, outcome="双回路，12 月送电")
    commit(session)
    leader = people.actor(session, people.LEADER)
    assert [told.item.code for told in list_inbox(session, leader, today=TODAY)[0]] == ["answered"]


def test_the_third_move_asks_why_and_every_move_is_kept(session: Session) -> None:
    entry = logged(session, firm(session), step=Planned("送政策", TODAY))
    step, me = step_of(session, entry), people.actor(session, people.SCIENCE)
    for day in (28, 29):
        actions.put_off(session, step, actor=me, today=TODAY, due_on=dt.date(2026, 11, day))
    with pytest.raises(Refused) as refusal:
        actions.put_off(session, step, actor=me, today=TODAY, due_on=dt.date(2026, 11, 30))
    assert refusal.value.field == "reason"
    actions.put_off(session, step, actor=me, today=TODAY, due_on=dt.date(2026, 11, 30), reason="对方出差")
    commit(session)
    moves = session.scalars(sa.select(StepMove).order_by(StepMove.id)).all()
    assert [(move.from_day, move.to_day) for move in moves][-1] == (
        dt.date(2026, 11, 29),
        dt.date(2026, 11, 30),
    )
    assert moves[-1].reason == "对方出差" and step.moves == 3


def test_a_step_handed_over_is_told_and_stays_in_sight(session: Session) -> None:
    entry = logged(session, firm(session), step=Planned("送政策", TODAY))
    step, me, other = (
        step_of(session, entry),
        *(people.actor(session, who) for who in (people.SCIENCE, people.FINANCE)),
    )
    actions.hand_over(session, step, actor=me, at=now(), today=TODAY, owner_id=other.user_id)
    commit(session)
    assert count_steps(session, me, whose=Whose.MINE, today=TODAY)[When.TODAY] == 0
    assert count_steps(session, me, whose=Whose.GIVEN, today=TODAY)[When.TODAY] == 1
    assert count_inbox(session, other, today=TODAY) == 1
    actions.finish(session, step, actor=other, at=now(), today=TODAY, outcome="已送")
    commit(session)
    assert step.state is StepState.DONE
    assert [told.item.code for told in list_inbox(session, me, today=TODAY)[0]] == ["done-for-you"]


def test_what_one_may_not_see_is_given_to_nobody(session: Session) -> None:
    about, admin = firm(session), people.id_of(session, people.SYSTEM_ADMIN)
    with pytest.raises(Refused) as refusal:
        logged(session, about, step=Planned("看看", TODAY, admin))
    assert refusal.value.field == "owner"
    session.rollback()
    with pytest.raises(Refused):
        logged(session, about, mentions=[admin])
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(InboxItem)) == 0


def test_an_entry_is_changed_by_its_author_only_and_taken_back_with_a_reason(session: Session) -> None:
    about = firm(session)
    entry = logged(session, about)
    other, me = people.actor(session, people.SCIENCE_2), people.actor(session, people.SCIENCE)
    values: dict[str, Any] = {"kind": ActivityKind.CALL, "on": dt.date(2026, 11, 25), "summary": "电话里说的"}
    with pytest.raises(Forbidden):
        actions.edit(session, entry, actor=other, at=now(), today=TODAY, version=None, **values)
    actions.edit(session, entry, actor=me, at=now(), today=TODAY, version=entry.version, **values)
    commit(session)
    assert stream(session, ("firm", about.id), me, today=TODAY, only=Group.CONTACT).entries[0].on == dt.date(
        2026, 11, 25
    )
    actions.withdraw(session, entry, actor=me, today=TODAY, version=entry.version, reason="记错了企业")
    commit(session)
    shown = stream(session, ("firm", about.id), me, today=TODAY, only=Group.CONTACT).entries[0]
    assert shown.text == "记错了企业" and "收回" in shown.title.text


def test_tomorrow_has_not_happened(session: Session) -> None:
    with pytest.raises(Refused) as refusal:
        logged(session, firm(session), on=TODAY + dt.timedelta(1))
    assert refusal.value.field == "on"


@pytest.mark.parametrize("who", [people.SYSTEM_ADMIN, people.SECURITY_ADMIN, people.AUDITOR, people.STRANGER])
def test_who_may_not_see_the_firm_sees_nothing_that_hangs_on_it(session: Session, who: people.Person) -> None:
    about = firm(session)
    entry = logged(session, about, step=Planned("送政策", TODAY))
    viewer = people.actor(session, who)
    with pytest.raises(Missing):
        get_activity(session, entry.id, viewer=viewer)
    with pytest.raises(Missing):
        get_step(session, step_of(session, entry).id, viewer=viewer)
    values = {"key": "x", "code": "mention", "params": {}, "kind": "firm", "subject_id": about.id}
    session.add(InboxItem(user_id=viewer.user_id, at=now(), **values))
    session.flush()
    assert count_inbox(session, viewer, today=TODAY) == 0
    assert list_inbox(session, viewer, today=TODAY) == ([], False)


def test_a_stream_is_paged_without_gaps_or_doubles(session: Session) -> None:
    about, me = firm(session), people.actor(session, people.SCIENCE)
    for n in range(25):
        logged(session, about, on=TODAY - dt.timedelta(n // 3), summary=f"第 {n} 次")
    assert {ACTIVITIES, FILES, STEPS} <= set(SOURCES)
    seen: list[str] = []
    place = None
    while True:
        page = stream(session, ("firm", about.id), me, today=TODAY, after=place, size=7)
        seen += [item.text for item in page.entries if item.source == "activity"]
        place = page.more
        if place is None:
            break
    assert len(seen) == len(set(seen)) == 25
    assert seen[:3] == ["第 2 次", "第 1 次", "第 0 次"]

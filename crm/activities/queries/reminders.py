"""What follow-up reminds of: next steps overdue and due, instructions that wait for an answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.accounts.queries.readers import heads_by_unit
from crm.activities.models import NextStep
from crm.activities.rules.steps import end_of_week
from crm.activities.rules.words import StepState
from crm.core.reminders import Group, People, Reminder, Row, among
from crm.core.words import N_

HEAD_DAYS = 14  # domain.md § Weekly reminders: a unit head gets what has been left two weeks overdue
# records whose overdue steps climb by a way of their own, told by their feature (filled by the factory)
CLIMBS_ITSELF: set[str] = set()


def _step(step_id: int) -> tuple[str, dict[str, int]]:
    return "activities.step", {"step_id": step_id}


def _steps(*where: sa.ColumnElement[bool]) -> Any:
    return sa.select(
        NextStep.id, NextStep.owner_id, NextStep.kind, NextStep.subject_id, NextStep.text, NextStep.due_on
    ).where(NextStep.state == StepState.OPEN, *where)


def overdue(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Steps whose day is gone, for who is to do them."""
    rows = session.execute(
        _steps(NextStep.is_instruction.is_(False), NextStep.due_on < day, among(NextStep.owner_id, people))
    )
    for step_id, owner_id, kind, subject_id, text, due_on in rows:
        params = {"step": text, "n": (day - due_on).days}
        yield Row(owner_id, kind, subject_id, params, "owner", due_on, link=_step(step_id))


def due(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Steps due from today to the end of the week, for who is to do them."""
    rows = session.execute(
        _steps(
            NextStep.is_instruction.is_(False), NextStep.due_on.between(day, end_of_week(day)),
            among(NextStep.owner_id, people),
        )
    )  # fmt: skip
    for step_id, owner_id, kind, subject_id, text, due_on in rows:
        yield Row(
            owner_id, kind, subject_id, {"step": text, "on": due_on}, "owner", due_on, link=_step(step_id)
        )


def waiting(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Instructions not answered, for who is to answer them."""
    giver = aliased(User)
    query = _steps(NextStep.is_instruction.is_(True), among(NextStep.owner_id, people))
    for step_id, owner_id, kind, subject_id, text, due_on, by in session.execute(
        query.add_columns(giver.name).outerjoin(giver, giver.id == NextStep.given_by_id)
    ):
        params = {"step": text, "by": by or "—", "on": due_on}
        why = "late" if due_on < day else "asked"
        yield Row(owner_id, kind, subject_id, params, why, due_on, link=_step(step_id))


def unanswered(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Instructions past their day without an answer, for who gave them."""
    owner = aliased(User)
    query = _steps(
        NextStep.is_instruction.is_(True), NextStep.due_on < day, NextStep.given_by_id != NextStep.owner_id,
        among(NextStep.given_by_id, people),
    )  # fmt: skip
    for step_id, _owner, kind, subject_id, text, due_on, giver_id, name in session.execute(
        query.add_columns(NextStep.given_by_id, owner.name).join(owner, owner.id == NextStep.owner_id)
    ):
        params = {"step": text, "by": name, "n": (day - due_on).days}
        yield Row(giver_id, kind, subject_id, params, "giver", due_on, link=_step(step_id))


def left(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Steps left overdue for two weeks, for the head of the unit of who should have done them."""
    heads = heads_by_unit(session, day)
    if not heads:
        return
    query = (
        _steps(
            NextStep.due_on <= day - dt.timedelta(HEAD_DAYS), NextStep.kind.not_in(sorted(CLIMBS_ITSELF)),
            among(User.unit_id, heads),
        )
        .add_columns(User.name, User.unit_id)
        .join(User, User.id == NextStep.owner_id)
    )  # fmt: skip
    for step_id, owner_id, kind, subject_id, text, due_on, name, unit_id in session.execute(query):
        head = heads.get(unit_id or 0)
        if head is not None and head != owner_id and head in people:
            params = {"step": text, "by": name, "n": (day - due_on).days}
            yield Row(head, kind, subject_id, params, "head", due_on, link=_step(step_id))


HEAD = N_("单位负责人")
REMINDERS = [
    Reminder(
        "instruction-waiting", N_("等您答复的批示"), Group.INSTRUCTIONS, N_("%(by)s 批示：%(step)s（%(on)s 前答复）"),
        {"asked": N_("批示指定由您答复"), "late": N_("批示指定由您答复，已过期限")}, waiting, HEAD,
    ),
    Reminder(
        "instruction-unanswered", N_("您的批示还没有答复"), Group.INSTRUCTIONS,
        N_("%(by)s 还没有答复，过期 %(n)s 天：%(step)s"), {"giver": N_("批示是您写的，期限已过")}, unanswered, HEAD,
    ),
    Reminder(
        "step-overdue", N_("逾期的下一步"), Group.OVERDUE, N_("%(step)s（逾期 %(n)s 天）"),
        {"owner": N_("这一步由您经办")}, overdue, N_("联络员、牵头领导、单位负责人"),
    ),
    Reminder(
        "step-due", N_("本周到期的下一步"), Group.DUE, N_("%(step)s（%(on)s）"),
        {"owner": N_("这一步由您经办，本周到期")}, due,
    ),
    Reminder(
        "step-left", N_("单位里逾期两周的事"), Group.CLIMBED, N_("%(by)s 逾期 %(n)s 天：%(step)s"),
        {"head": N_("逾期满两周，上报单位负责人")}, left,
    ),
]  # fmt: skip

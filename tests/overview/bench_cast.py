"""A morning for the workbench: firms that moved, certificates, applications, steps and instructions of many people."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities import actions as follow_up
from crm.activities.actions import Planned
from crm.activities.models import NextStep
from crm.activities.rules.words import ActivityKind, StepState
from crm.core import audit
from crm.core.clock import now, today
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms.actions import move, named
from crm.firms.models import Firm
from crm.firms.rules.words import FirmStatus
from crm.ladder import actions as ladder
from crm.ladder.rules.words import EndCause
from tests import people

ROBOT = system("tests")
HIGH = "high-tech"
ROLES = (
    people.LEADER, people.SUPERVISOR, people.SCIENCE, people.FINANCE, people.INVESTMENT, people.REPORTER,
    people.READ_ONLY,
)  # fmt: skip
WORKERS = tuple(person for person in ROLES if person is not people.READ_ONLY)


def back(days: int) -> dt.date:
    return today() - dt.timedelta(days)


def _years_ago(day: dt.date, years: int) -> dt.date:
    return day.replace(year=day.year - years, day=min(day.day, 28))


def firms(session: Session, count: int, start: int) -> list[Firm]:
    """So many firms: every second in the street, each with another officer of the cast."""
    audit.begin(session, actor=ROBOT, action="tests.firms")
    officers = [people.id_of(session, person) for person in ROLES]
    streets = [people.unit_id(session, name) for name in ("海城", "沙城")]
    ids = audit.insert_many(
        session,
        Firm,
        [
            {
                "registered_on": dt.date(2015, 3, 1), "officer_id": officers[n % len(officers)],
                "street_id": streets[n % 2], **named(f"浙江晨岚{n:04d}电气有限公司"),
            }
            for n in range(start, start + count)
        ],
    )  # fmt: skip
    commit(session)
    return [session.get_one(Firm, firm_id) for firm_id in ids]


def morning(session: Session, count: int = 14, start: int = 0) -> list[int]:
    """Enter `count` firms and what happened with them; numbers begin at `start`. Returns their ids, in turn: moved up,
    fell back, moved away, lapsing soon, lapsed, followed, founded this week."""
    made = firms(session, count, start)
    for place, firm in enumerate(made):
        number = f"GR202533{start + place:06d}"
        match place % 7:
            case 0:
                ladder.grant(
                    session, firm, kind=HIGH, granted_on=back(2), number=number, actor=ROBOT, today=today()
                )
            case 1:
                paper = ladder.grant(
                    session, firm, kind=HIGH, granted_on=back(200), number=number, actor=ROBOT, today=today()
                )
                session.flush()
                ladder.end(
                    session, paper, on=back(1), cause=EndCause.REVOKED, reason="造假被取消", actor=ROBOT,
                    today=today(),
                )  # fmt: skip
            case 2:
                move(
                    session, firm, actor=ROBOT, today=today(), status=FirmStatus.MOVED_OUT, on=back(2),
                    reason="整体迁出",
                )  # fmt: skip
            case 3 | 4:
                ladder.grant(
                    session, firm, kind=HIGH, granted_on=_years_ago(back(-60), 3), number=number, actor=ROBOT,
                    today=today(), expires_on=back(-60) if place % 7 == 3 else back(3),
                )  # fmt: skip
            case 5:
                ladder.open_application(session, firm, kind="srdi", on=back(1), actor=ROBOT, today=today())
            case _:
                audit.begin(session, actor=ROBOT, action="tests.founded")
                firm.registered_on = back(2)
        commit(session)
    ids = [firm.id for firm in made]
    for n, firm_id in enumerate(ids):
        _follow_up(session, firm_id, n + start)
    return ids


def _follow_up(session: Session, firm_id: int, n: int) -> None:
    """A visit with a step for its author, a step for somebody else, and an instruction; some late, some answered."""
    author, other = WORKERS[n % len(WORKERS)], WORKERS[(n + 1) % len(WORKERS)]
    giver = (people.LEADER, people.SUPERVISOR)[n % 2]
    answerer = (people.SCIENCE, people.FINANCE, people.REPORTER)[n % 3]
    common = {"at": now(), "today": today(), "on": back(n % 90), "subjects": [("firm", firm_id)]}
    for who, kind, owner in (
        (author, ActivityKind.VISIT, author),
        (author, ActivityKind.CALL, other),
        (giver, ActivityKind.INSTRUCTION, answerer),
    ):
        entry = follow_up.log(
            session, actor=people.actor(session, who), kind=kind, summary="说了一遍经过",
            step=Planned("把政策送到", today() + dt.timedelta(n % 9), people.id_of(session, owner)), **common,
        )  # fmt: skip
        step = session.scalars(sa.select(NextStep).where(NextStep.activity_id == entry.id)).one()
        if n % 3 == 0:
            step.due_on = back(1 + n % 5)
        if kind is ActivityKind.INSTRUCTION and n % 4 == 1:
            step.state, step.closed_on, step.outcome = StepState.DONE, back(1), "已经送到"
    commit(session)

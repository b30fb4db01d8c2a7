"""What the reserve reminds of: clocks that run out, tutoring that is done, planned days that have passed, obstacles due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core.reminders import Group, People, Reminder, Row, Sees, among
from crm.core.words import N_, Message
from crm.listing.models import Candidate, CandidatePlan, Obstacle
from crm.listing.queries.clocks import clocks_where
from crm.listing.queries.due import ONGOING
from crm.listing.rules.stages import PIPELINE, Clock
from crm.listing.rules.words import GOING, State

SOON = 7  # an obstacle is told a week before its day


# nobody looks after it: there is no officer, or one who is not here any more
_LEFT = sa.or_(
    Candidate.officer_id.is_(None),
    Candidate.officer_id.in_(sa.select(User.id).where(User.is_active.is_(False))),
)


def _mine(people: People) -> sa.ColumnElement[bool]:
    """Candidates of these people, and those nobody looks after."""
    return sa.or_(among(Candidate.officer_id, people), _LEFT)


def _office(people: People) -> list[int]:
    """Who keeps the reserve, and so hears of what nobody looks after."""
    return [key for key, actor in people.items() if actor.may("listing:edit") and not actor.is_system]


def _told(session: Session, people: People, ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """By candidate, who is to be told of it and why: its officer, or the office. One statement."""
    office = [(key, "office") for key in _office(people)]
    rows = session.execute(
        sa.select(Candidate.id, Candidate.officer_id, sa.case((_LEFT, 1), else_=0).label("is_left")).where(
            among(Candidate.id, ids)
        )
    )
    return {
        row.id: office if row.is_left else [(row.officer_id, "officer")] if row.officer_id in people else []
        for row in rows
    }


def _clocks(
    session: Session, day: dt.date, people: People, *lights: str
) -> Iterator[tuple[int, str, int, Clock]]:
    """(person, why, candidate, clock) of the clocks that stand at one of these lights."""
    clocks = clocks_where(session, _mine(people))
    shown = {key: clock for key, clock in clocks.items() if clock.standing(day) in lights}
    told = _told(session, people, shown)
    for candidate_id, clock in shown.items():
        for person_id, why in told[candidate_id]:
            yield person_id, why, candidate_id, clock


def out(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Terms that have run out: a letter, a decision, an approval."""
    for person_id, why, candidate_id, clock in _clocks(session, day, people, "r"):
        params = {"clock": Message(clock.kind.label), "on": clock.due_on, "n": -clock.left(day)}
        yield Row(person_id, "candidate", candidate_id, params, why, clock.due_on)


def soon(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Terms that run out soon."""
    for person_id, why, candidate_id, clock in _clocks(session, day, people, "y"):
        params = {"clock": Message(clock.kind.label), "on": clock.due_on, "n": clock.left(day)}
        yield Row(person_id, "candidate", candidate_id, params, why, clock.due_on)


def tutored(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Tutoring that has lasted long enough: its acceptance can be asked for. Told once."""
    for person_id, why, candidate_id, clock in _clocks(session, day, people, "g"):
        if clock.is_least:
            once = f"tutored:{candidate_id}:{clock.from_on.isoformat()}"
            yield Row(
                person_id, "candidate", candidate_id, {"on": clock.due_on}, why, clock.due_on, once=once
            )  # fmt: skip


def planned(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """The first planned day of each candidate that has passed without its stage being reached."""
    rows = session.execute(
        sa.select(Candidate.id, Candidate.stage, CandidatePlan.stage.label("to"), CandidatePlan.on)
        .join(CandidatePlan, CandidatePlan.candidate_id == Candidate.id)
        .where(
            CandidatePlan.on < day, Candidate.state == State.ACTIVE, Candidate.archived_on.is_(None),
            _mine(people),
        )
        .order_by(Candidate.id, CandidatePlan.on, CandidatePlan.id)
    )  # fmt: skip
    first: dict[int, Any] = {}
    for row in rows:
        if PIPELINE.order[row.to] > PIPELINE.order[row.stage]:
            first.setdefault(row.id, row)
    told = _told(session, people, first)
    for candidate_id, row in first.items():
        params = {"stage": Message(row.to.label), "on": row.on, "n": (day - row.on).days}
        for person_id, why in told[candidate_id]:
            yield Row(person_id, "candidate", candidate_id, params, why, row.on)


def unowned(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """How many candidates that go on have no officer, for who keeps the reserve."""
    office = _office(people)
    if not office:
        return
    count = session.scalar(
        sa.select(sa.func.count())
        .select_from(Candidate)
        .where(ONGOING, Candidate.officer_id.is_(None), Candidate.archived_on.is_(None))
    )
    for key in office if count else ():
        link = ("listing.index", {"officer": "none", "state": "open"})
        yield Row(key, "", 0, {"count": int(count or 0)}, "keeps", rank=-1, link=link)


def _obstacles(session: Session, people: People, *days: sa.ColumnElement[bool]) -> Iterator[Row]:
    rows = session.execute(
        sa.select(Obstacle.owner_id, Obstacle.candidate_id, Obstacle.text, Obstacle.due_on)
        .join(Candidate, Candidate.id == Obstacle.candidate_id)
        .where(
            Obstacle.closed_on.is_(None), *days, Candidate.state.in_(GOING), Candidate.archived_on.is_(None),
            among(Obstacle.owner_id, people),
        )
        .order_by(Obstacle.due_on, Obstacle.id)
    )  # fmt: skip
    for row in rows:
        if row.owner_id in people:
            params = {"text": row.text, "on": row.due_on}
            yield Row(row.owner_id, "candidate", row.candidate_id, params, "owner", row.due_on)


def late(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Obstacles whose day has passed, for their owner."""
    for row in _obstacles(session, people, Obstacle.due_on < day):
        due_on = row.due_on or day
        yield Row(
            row.person_id, row.kind, row.subject_id, {**row.params, "n": (day - due_on).days}, row.why, due_on
        )  # fmt: skip


def due(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Obstacles due within the week, for their owner."""
    yield from _obstacles(session, people, Obstacle.due_on.between(day, day + dt.timedelta(SOON - 1)))


def sight(session: Session, ids: Collection[int]) -> Sees:
    """Who may see these candidates: what `scope.visible_to` says for one viewer. One statement."""
    there = set(session.scalars(sa.select(Candidate.id).where(among(Candidate.id, ids))))
    return lambda viewer, candidate_id: candidate_id in there and viewer.may("listing:read")


OFFICER = {"officer": N_("您是这家后备企业的金融专员"), "office": N_("它没有在用的金融专员，后备库由您维护")}
OWNER = {"owner": N_("这件难题由您负责")}
REMINDERS = [
    Reminder(
        "obstacle-late", N_("一企一策难题逾期"), Group.OVERDUE, N_("难题逾期 %(n)s 天（%(on)s 到期）：%(text)s"), OWNER, late
    ),
    Reminder("obstacle-due", N_("一企一策难题到期"), Group.DUE, N_("难题 %(on)s 到期：%(text)s"), OWNER, due),
    Reminder(
        "listing-out", N_("上市期限已过"), Group.RESERVE, N_("%(clock)s，%(on)s 到期，已过 %(n)s 天"), OFFICER, out
    ),
    Reminder(
        "listing-soon", N_("上市期限快到"), Group.RESERVE, N_("%(clock)s，%(on)s 到期，还有 %(n)s 天"), OFFICER, soon
    ),
    Reminder(
        "listing-planned", N_("上市计划日期已过"), Group.RESERVE,
        N_("计划 %(on)s 进入「%(stage)s」，已过 %(n)s 天"), OFFICER, planned,
    ),
    Reminder(
        "listing-tutored", N_("辅导期已满"), Group.RESERVE, N_("辅导 %(on)s 满 3 个月，可以申请验收"), OFFICER, tutored
    ),
    Reminder(
        "listing-unowned", N_("没有金融专员的后备企业"), Group.RESERVE, N_("推进中和中止的后备企业有 %(count)s 家没有金融专员"),
        {"keeps": N_("后备库由您维护")}, unowned,
    ),
]  # fmt: skip

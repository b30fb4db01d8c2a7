"""What projects remind of: gone quiet, lights that turned, leads past their clock, what the next stage still needs,
and overdue steps that have climbed to liaison, leader or head of the unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.accounts.queries.readers import heads_by_unit
from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core.months import add_months
from crm.core.permissions import Scope
from crm.core.reminders import FEW, Group, People, Reminder, Row, among
from crm.core.words import N_, Message
from crm.projects.models import Project, ProjectCharge, ProjectPulse
from crm.projects.queries.clocks import clocks_where
from crm.projects.queries.escalation import climb_of
from crm.projects.queries.lacking import open_items
from crm.projects.queries.lights import latest_before
from crm.projects.queries.limits import limits_of
from crm.projects.queries.listing import TROUBLE
from crm.projects.rules.escalation import Rung
from crm.projects.rules.progress import light
from crm.projects.rules.words import GOING, Colour, Stage, State

TURNED_DAYS = 28  # a light that turned is told within four weeks, once: a fortnight of downtime loses none
IN_HAND = sa.func.coalesce(ProjectCharge.agent_id, Project.holder_id)  # who works on it day by day


def _with_charge(statement: Any) -> Any:
    return statement.select_from(Project).outerjoin(
        ProjectCharge, sa.and_(ProjectCharge.project_id == Project.id, ProjectCharge.is_current == 1)
    )


def _lit() -> list[sa.ColumnElement[bool]]:
    """Projects that have a light."""
    return [
        Project.state == State.ACTIVE, Project.stage != Stage.FULL_PRODUCTION, Project.archived_on.is_(None),
    ]  # fmt: skip


def quiet(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Projects without progress for so long that they are yellow or worse, for who works on them."""
    limits = limits_of(session)
    rows = session.execute(
        _with_charge(sa.select(Project.id, IN_HAND.label("person"), ProjectPulse.progress_on))
        .join(ProjectPulse, ProjectPulse.project_id == Project.id)
        .where(*_lit(), ProjectPulse.progress_on <= latest_before(day, limits.yellow), among(IN_HAND, people))
    )
    for project_id, person_id, progress_on in rows:
        found = light(
            stage=Stage.LEAD, state=State.ACTIVE, progress_on=progress_on, caught_up_on=None, today=day, limits=limits
        )  # fmt: skip
        if found is not None and person_id is not None:
            params = {
                "colour": Message(found.colour.label),
                "on": progress_on,
                "n": (day - progress_on).days,
            }
            yield Row(person_id, "project", project_id, params, "in-hand", progress_on)


def turned(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Projects whose light has turned yellow, red or out in the last four weeks, for who works on them, the liaison
    and the leader: each turn is told once."""
    limits = limits_of(session)
    since = day - dt.timedelta(TURNED_DAYS)
    windows = [
        ProjectPulse.progress_on.between(
            latest_before(since, months) + dt.timedelta(1), latest_before(day, months)
        )
        for months in (limits.yellow, limits.red, limits.out)
    ]
    rows = session.execute(
        _with_charge(
            sa.select(
                Project.id, IN_HAND.label("person"), ProjectCharge.liaison_id, ProjectCharge.leader_id,
                ProjectPulse.progress_on,
            )
        )
        .join(ProjectPulse, ProjectPulse.project_id == Project.id)
        .where(*_lit(), sa.or_(*windows))
    )  # fmt: skip
    steps = ((Colour.OUT, limits.out), (Colour.RED, limits.red), (Colour.YELLOW, limits.yellow))
    for project_id, person_id, liaison_id, leader_id, progress_on in rows:
        colour, months = next(
            (colour, months) for colour, months in steps if day >= add_months(progress_on, months)
        )
        on = add_months(progress_on, months)
        if on <= since:
            continue
        params = {"colour": Message(colour.label), "on": on, "n": (day - progress_on).days}
        once = f"light:{project_id}:{colour.value}:{progress_on.isoformat()}"
        told = set()
        for reader, why in ((leader_id, "leader"), (liaison_id, "liaison"), (person_id, "in-hand")):
            if reader is not None and reader in people and reader not in told:
                told.add(reader)
                yield Row(reader, "project", project_id, params, why, on, rank=-months, once=once)


def zone(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """How many projects of all are red or out, for those who see all of them."""
    all_seeing = [
        key
        for key, actor in people.items()
        if actor.scope("project:read") is Scope.ALL and not actor.is_system
    ]
    if not all_seeing:
        return
    limits = limits_of(session)
    red = ProjectPulse.progress_on <= latest_before(day, limits.red)
    since = ProjectPulse.progress_on > latest_before(day - dt.timedelta(7), limits.red)
    row = session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.case((since, 1))))
        .select_from(Project)
        .join(ProjectPulse, ProjectPulse.project_id == Project.id)
        .where(*_lit(), red)
    ).one()
    if row[0]:
        for key in all_seeing:
            yield Row(
                key, "", 0, {"red": int(row[0]), "fresh": int(row[1])}, "sees-all", rank=-100,
                link=("projects.index", {"light": TROUBLE}),
            )  # fmt: skip


def late(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Open leads whose clocks have run out, for who follows them."""
    where = (
        Project.state == State.ACTIVE, Project.archived_on.is_(None), among(Project.holder_id, people),
        Project.stage.in_([stage for stage in Stage if stage.place < Stage.SIGNED.place]),
    )  # fmt: skip
    for project_id, holder_id, clocks in clocks_where(session, where, day):
        out = [clock for clock in clocks if clock.is_late and clock.met_on is None]
        if out and holder_id is not None:
            first = min(clock.due_on for clock in out)
            params = {"clocks": [Message(clock.kind.label) for clock in out], "n": (day - first).days}
            yield Row(holder_id, "project", project_id, params, "holder", first)


def missing(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """What the next stage of projects still needs, for who works on them; those longest at their stage first."""
    for project_id, person_id, target, items, stage_on in open_items(
        session, IN_HAND, among(IN_HAND, people)
    ):
        params = {
            "stage": Message(target.label), "count": len(items), "items": [Message(item.label) for item in items[:4]],
        }  # fmt: skip
        yield Row(person_id, "project", project_id, params, "in-hand", stage_on)


def climbed(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Overdue steps that stand with liaison, leader or head of the unit today: each with the one it has climbed to."""
    climb = climb_of(session)
    heads = heads_by_unit(session, day)
    unit = sa.func.coalesce(ProjectCharge.lead_unit_id, Project.holder_unit_id)
    query = (
        _with_charge(
            sa.select(
                NextStep.id, Project.id, NextStep.text, NextStep.due_on, NextStep.owner_id, User.name,
                ProjectCharge.liaison_id, ProjectCharge.leader_id, unit,
            )
        )
        .join(NextStep, sa.and_(NextStep.kind == "project", NextStep.subject_id == Project.id))
        .join(User, User.id == NextStep.owner_id)
        .where(
            NextStep.state == StepState.OPEN, NextStep.due_on <= climb.latest_due(Rung.LIAISON, day),
            Project.state.in_(GOING), Project.archived_on.is_(None), _reached(people, heads, unit),
        )
    )  # fmt: skip
    for step_id, project_id, text, due_on, owner_id, name, liaison, leader, unit_id in session.execute(query):
        named = {Rung.LIAISON: liaison, Rung.LEADER: leader, Rung.HEAD: heads.get(unit_id or 0)}
        params = {"step": text, "by": name, "n": (day - due_on).days}
        # each rung it has passed still hears of it, as on the page; nobody twice
        told = {owner_id}
        for rung in (Rung.HEAD, Rung.LEADER, Rung.LIAISON):
            person = named[rung]
            if person in people and person not in told and (day - due_on).days >= climb.days(rung):
                told.add(person)
                yield Row(
                    person, "project", project_id, params, rung.value, due_on, link=("activities.step", {"step_id": step_id})
                )  # fmt: skip


def _reached(people: People, heads: dict[int, int], unit: Any) -> sa.ColumnElement[bool]:
    """Steps that can have climbed to any of these few people; of many, all."""
    if len(people) > FEW:
        return sa.true()
    units: Sequence[int] = sorted(unit_id for unit_id, head in heads.items() if head in people)
    return sa.or_(
        ProjectCharge.liaison_id.in_(sorted(people)),
        ProjectCharge.leader_id.in_(sorted(people)),
        unit.in_(units),
    )


LEADER = N_("牵头领导")
REMINDERS = [
    Reminder(
        "step-climbed", N_("逾期上报的事"), Group.CLIMBED, N_("%(by)s 逾期 %(n)s 天：%(step)s"),
        {
            Rung.LIAISON.value: N_("您是联络员，逾期的事已上报到您"),
            Rung.LEADER.value: N_("您是牵头领导，逾期的事已上报到您"),
            Rung.HEAD.value: N_("您是牵头单位负责人，逾期的事已上报到您"),
        },
        climbed,
    ),
    Reminder(
        "lead-late", N_("线索时限已过"), Group.CLOCKS, N_("%(clocks)s 已过时限，最久 %(n)s 天"),
        {"holder": N_("这条线索由您跟进")}, late, LEADER,
    ),
    Reminder(
        "lights-all", N_("全区红灯项目"), Group.LIGHTS, N_("全区红灯和出库项目 %(red)s 个，最近一周新增 %(fresh)s 个"),
        {"sees-all": N_("您可以查看全部项目")}, zone,
    ),
    Reminder(
        "light-turned", N_("亮灯变化"), Group.LIGHTS, N_("%(on)s 起亮%(colour)s，%(n)s 天没有进展"),
        {
            "in-hand": N_("项目由您经办"), "liaison": N_("您是项目联络员"), "leader": N_("您是牵头领导"),
        },
        turned, LEADER,
    ),
    Reminder(
        "project-quiet", N_("久无进展的项目"), Group.QUIET, N_("%(n)s 天没有进展，现在亮%(colour)s"),
        {"in-hand": N_("项目由您经办")}, quiet, LEADER,
        unless="light-turned",
    ),
    Reminder(
        "stage-missing", N_("进入下一阶段还缺的内容"), Group.MISSING, N_("进入「%(stage)s」还差 %(count)s 项：%(items)s"),
        {"in-hand": N_("项目由您经办")}, missing,
    ),
]  # fmt: skip

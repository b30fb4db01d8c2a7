"""What a person has in hand and how it goes, for the workbench."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.projects.models import Project, ProjectCharge, ProjectPulse
from crm.projects.queries.lights import colour_where, latest_before
from crm.projects.queries.limits import limits_of
from crm.projects.queries.scope import visible_to
from crm.projects.rules.progress import Light, Limits, light
from crm.projects.rules.words import GOING, Colour, Stage, State


@dataclass(frozen=True, slots=True)
class Lit:
    """How many open projects there are of each light, among mine and among all the viewer may see; how many turned
    red since a day, and the latest of those."""

    mine: dict[Colour, int]
    all: dict[Colour, int]
    mine_open: int
    all_open: int
    turned: int
    lines: Sequence[tuple[int, str, Light]]


def in_hand(viewer: Actor) -> sa.ColumnElement[bool]:
    """Projects this very person follows, leads, or is liaison or agent of."""
    me = viewer.user_id
    if me is None:
        return sa.false()
    charges = sa.select(ProjectCharge.project_id).where(
        ProjectCharge.is_current == 1,
        sa.or_(ProjectCharge.leader_id == me, ProjectCharge.liaison_id == me, ProjectCharge.agent_id == me),
    )
    return sa.or_(Project.holder_id == me, Project.id.in_(charges))


def turned_where(since: dt.date, today: dt.date, limits: Limits) -> sa.ColumnElement[bool]:
    """Projects that are red or out today and, with the progress known today, were not yet on the day before `since`."""
    before = latest_before(since - dt.timedelta(1), limits.red)
    turned = sa.select(ProjectPulse.project_id).where(
        ProjectPulse.progress_on <= latest_before(today, limits.red), ProjectPulse.progress_on > before
    )
    return sa.and_(
        Project.state == State.ACTIVE, Project.stage != Stage.FULL_PRODUCTION, Project.id.in_(turned)
    )


def lit(session: Session, viewer: Actor, today: dt.date, *, since: dt.date, whole: bool, size: int) -> Lit:
    """The lights of what the viewer has in hand and may see; `whole`: what turned red is told of all, not only of
    what is in hand. Two statements beside the settings."""
    limits = limits_of(session)
    own, turned = in_hand(viewer), turned_where(since, today, limits)
    asked = turned if whole else sa.and_(turned, own)

    def few(*where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*where), 1), else_=0)), 0)

    columns = [few(own).label("mine"), sa.func.count().label("every"), few(asked).label("turned")]
    for colour in Colour:
        is_lit = colour_where(colour, today, limits)
        columns += [few(is_lit, own).label(f"mine_{colour.value}"), few(is_lit).label(f"all_{colour.value}")]
    standing = (visible_to(viewer), Project.state.in_(GOING), Project.archived_on.is_(None))
    row = session.execute(sa.select(*columns).select_from(Project).where(*standing)).one()._mapping
    rows = session.execute(
        sa.select(
            Project.id, Project.name, Project.stage, Project.state, ProjectPulse.progress_on,
            ProjectPulse.caught_up_on,
        )
        .join(ProjectPulse, ProjectPulse.project_id == Project.id)
        .where(*standing, asked)
        .order_by(Project.total_yuan.desc().nulls_last(), Project.id)
        .limit(size)
    )  # fmt: skip
    lines = []
    for each in rows:
        made = light(
            stage=each.stage, state=each.state, progress_on=each.progress_on, caught_up_on=each.caught_up_on,
            today=today, limits=limits,
        )  # fmt: skip
        if made is not None:
            lines.append((each.id, each.name, made))
    return Lit(
        {colour: int(row[f"mine_{colour.value}"]) for colour in Colour},
        {colour: int(row[f"all_{colour.value}"]) for colour in Colour},
        int(row["mine"]), int(row["every"]), int(row["turned"]), lines,
    )  # fmt: skip

"""The demo's pipeline keeps every law of the real one, and tells a story worth looking at."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter, defaultdict

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import NextStep
from crm.core.clock import local
from crm.core.pipeline import MoveKind
from crm.core.transaction import commit
from crm.demo.actions import enter_firms, enter_people, enter_projects
from crm.demo.rules import SOURCE
from crm.projects.actions.deriving import rebuild
from crm.projects.models import (
    FrozenMonth,
    Project,
    ProjectCharge,
    ProjectClaim,
    ProjectCount,
    ProjectMove,
    ProjectPayment,
    ProjectPulse,
)
from crm.projects.queries.pulse import light_of
from crm.projects.queries.record import excuses, met_items
from crm.projects.rules.stages import IN_CHARGE, PIPELINE
from crm.projects.rules.words import Colour, Confidentiality, Stage, State
from tests.projects.cast import AT, ROBOT, TODAY


@pytest.fixture
def demo(session: Session) -> list[Project]:
    enter_people(session, actor=ROBOT, at=AT)
    commit(session)
    enter_firms(session, 300, seed=1, today=TODAY, at=AT, actor=ROBOT)
    assert enter_projects(session, seed=1, today=TODAY, at=AT, actor=ROBOT) == 300
    assert enter_projects(session, seed=1, today=TODAY, at=AT, actor=ROBOT) == 0  # once
    return list(session.scalars(sa.select(Project).order_by(Project.id)))


def test_every_project_keeps_the_laws(session: Session, demo: list[Project]) -> None:
    met, excused = met_items(session, demo), excuses(session, [project.id for project in demo])
    moves: dict[int, list[ProjectMove]] = defaultdict(list)
    for move in session.scalars(sa.select(ProjectMove).order_by(ProjectMove.on, ProjectMove.id)):
        moves[move.project_id].append(move)
    charges: dict[int, list[ProjectCharge]] = defaultdict(list)
    for charge in session.scalars(sa.select(ProjectCharge).order_by(ProjectCharge.from_on, ProjectCharge.id)):
        charges[charge.project_id].append(charge)
    claims = Counter(session.scalars(sa.select(ProjectClaim.project_id).where(ProjectClaim.is_current == 1)))
    for project in demo:
        path, team = moves[project.id], charges[project.id]
        assert project.source_note == SOURCE
        assert path[0].kind is MoveKind.REPORT and path[0].on == local(project.first_reported_at).date()
        stage, state, since, began = Stage.LEAD, State.ACTIVE, path[0].on, path[0].on
        for move in path[1:]:
            assert state is State.ACTIVE and move.from_stage is stage and since <= move.on <= TODAY
            assert move.days == (move.on - began).days
            stage, state, since = move.stage, move.state, move.on
            began = began if move.kind is MoveKind.ASIDE else move.on
            assert move.kind not in (MoveKind.ASIDE, MoveKind.BACK) or move.reason
        assert (project.stage, project.state, project.stage_on) == (stage, state, began)
        assert (project.state is State.ACTIVE) == (project.state_reason is None)
        furthest = max((move.stage for move in path), key=lambda each: each.place)
        assert PIPELINE.missing(Stage.LEAD, furthest, met[project.id], excused[project.id]) == [], (
            project.name
        )
        first_signed = [move.on for move in path if move.stage.place >= Stage.SIGNED.place]
        assert project.signed_on == (first_signed[0] if first_signed else None)
        first_in_charge = [move.on for move in path if move.stage in IN_CHARGE]
        assert sum(charge.is_current == 1 for charge in team) == bool(first_in_charge)
        if team:
            assert team[0].from_on == first_in_charge[0]
            assert all(one.to_on == two.from_on for one, two in itertools.pairwise(team))
        assert claims[project.id] == (project.holder_id is not None)


def test_money_and_counts_are_checked_by_somebody_else(session: Session, demo: list[Project]) -> None:
    by_id = {project.id: project for project in demo}
    payments = session.scalars(sa.select(ProjectPayment)).all()
    assert payments and any(payment.checked_on is None for payment in payments)
    for payment in payments:
        project = by_id[payment.project_id]
        assert payment.checked_by_id != payment.entered_by_id and payment.on <= TODAY
        assert project.first_reported_at.date() < payment.on
    counts = session.scalars(sa.select(ProjectCount)).all()
    for count in counts:
        project = by_id[count.project_id]
        assert count.counts_on == project.signed_on and count.yuan == project.agreed_yuan
        assert count.checked_by_id not in (project.reported_by_id, project.holder_id)
        assert count.checked_on <= TODAY
    frozen = session.scalars(sa.select(FrozenMonth)).all()
    assert len(frozen) == 3 and all(row.month < f"{TODAY:%Y-%m}" for row in frozen)
    # the plan's targets (10, 4, 2, 1 and 10 innovative ones) look about half met
    over = [sum(count.yuan >= n * 10**8 for count in counts) for n in (1, 10, 20, 50)]
    assert over[0] in (4, 5, 6) and over[1] in (1, 2) and over[2] in (0, 1) and over[3] == 0
    assert 3 <= sum(by_id[count.project_id].is_innovative for count in counts) <= 6


def test_the_pulse_is_what_a_recompute_gives(session: Session, demo: list[Project]) -> None:
    def pulses() -> list[tuple[object, ...]]:
        rows = session.execute(
            sa.select(
                ProjectPulse.project_id, ProjectPulse.progress_on, ProjectPulse.caught_up_on, ProjectPulse.replied_on,
                ProjectPulse.protected_until,
            ).order_by(ProjectPulse.project_id)
        )  # fmt: skip
        return [tuple(row) for row in rows]

    before = pulses()
    assert len(before) == len(demo)
    session.execute(sa.delete(ProjectPulse))
    session.expire_all()
    rebuild(session, [project.id for project in demo])
    assert pulses() == before


def test_the_story_has_something_of_everything(session: Session, demo: list[Project]) -> None:
    assert len({project.stage for project in demo}) >= len(Stage) - 1
    assert {project.state for project in demo} == set(State)
    assert {project.confidentiality for project in demo} == set(Confidentiality)
    lights = Counter(
        light.colour for project in demo if (light := light_of(session, project, TODAY)) is not None
    )
    assert set(lights) == set(Colour) and lights[Colour.GREEN] > lights[Colour.RED]
    assert any(project.holder_id is None for project in demo)
    assert (TODAY - local(demo[0].first_reported_at).date()).days > 4 * 365
    handed_over = (
        sa.select(sa.func.count()).select_from(ProjectCharge).where(ProjectCharge.to_on.is_not(None))
    )
    assert (session.scalar(handed_over) or 0) >= 3
    assert sum(project.firm_id is not None for project in demo) >= 15
    due = session.scalars(sa.select(NextStep.due_on).where(NextStep.kind == "project")).all()
    assert any(day < TODAY for day in due) and any(TODAY <= day <= TODAY + dt.timedelta(7) for day in due)
    still_protected = sum(
        pulse.protected_until is not None and pulse.protected_until >= TODAY
        for pulse in session.scalars(sa.select(ProjectPulse))
    )
    assert still_protected > 20

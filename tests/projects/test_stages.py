"""The stage table: gates, jumps, ways back, honest gaps."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy.orm import Session

from crm.activities.actions import plan
from crm.activities.models import InboxItem, NextStep
from crm.activities.rules.words import Notice
from crm.core.permissions import Forbidden
from crm.core.pipeline import MoveKind, Need, WaiverKind
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused
from crm.projects import actions, queries
from crm.projects.rules.stages import GATES, PIPELINE
from crm.projects.rules.words import Stage, State
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, a_team, bring, fill, give_team


def test_every_stage_has_a_gate_and_every_item_one_place() -> None:
    assert set(GATES) == set(Stage)
    assert len(PIPELINE.items) == sum(len(gate) for gate in GATES.values())
    assert [PIPELINE.next_of(stage) for stage in Stage] == [*list(Stage)[1:], None]


def test_a_field_says_how_it_stands_to_the_stage() -> None:
    assert PIPELINE.need_of("total_yuan", Stage.LEAD) is Need.OPTIONAL
    assert PIPELINE.need_of("total_yuan", Stage.QUALIFIED) is Need.NEXT
    assert PIPELINE.need_of("total_yuan", Stage.NEGOTIATION) is Need.REQUIRED
    assert PIPELINE.need_of("note", Stage.FULL_PRODUCTION) is Need.OPTIONAL


def test_a_jump_asks_for_every_gate_on_the_way() -> None:
    lacking = {
        item.code for item in PIPELINE.missing(Stage.QUALIFIED, Stage.SIGNED, {"total_yuan"}, {"origin": "…"})
    }
    assert {"charge", "contract", "fixed_yuan", "agreed_yuan"} <= lacking
    assert "total_yuan" not in lacking and "origin" not in lacking


def test_negotiation_is_refused_without_leader_and_team_and_says_so(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.QUALIFIED)
    with pytest.raises(Refused) as refused:
        actions.move(session, project, actor=ROBOT, today=TODAY, stage=Stage.NEGOTIATION, on=TODAY)
    assert "牵头领导和专班" in [item.text for item in refused.value.items]
    assert len(refused.value.items) == 3
    session.rollback()
    bring(session, project, Stage.NEGOTIATION)
    assert project.stage is Stage.NEGOTIATION


def test_a_move_is_a_dated_row_with_who_and_how_long(session: Session) -> None:
    early = TODAY - dt.timedelta(20)
    project = a_lead(session, today=early, at=AT - dt.timedelta(20))
    bring(session, project, Stage.QUALIFIED, TODAY - dt.timedelta(13))
    last = queries.moves_of(session, project.id)[-1]
    assert (last.kind, last.from_stage, last.stage, last.days) == (
        MoveKind.ADVANCE, Stage.LEAD, Stage.QUALIFIED, 7,
    )  # fmt: skip


def test_jumped_stages_get_no_date(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.SIGNED)
    moves = queries.moves_of(session, project.id)
    assert [move.kind for move in moves] == [MoveKind.REPORT, MoveKind.JUMP]
    assert moves[-1].skipped == ["qualified", "negotiation", "site-visit", "review"]
    assert project.signed_on == TODAY


def test_a_way_back_needs_a_reason(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    with pytest.raises(Refused, match="原因"):
        actions.move(session, project, actor=ROBOT, today=TODAY, stage=Stage.LEAD, on=TODAY)
    actions.move(session, project, actor=ROBOT, today=TODAY, stage=Stage.LEAD, on=TODAY, reason="投资方换人")
    commit(session)
    assert project.stage is Stage.LEAD


@pytest.mark.parametrize("days", [1, -400])
def test_a_day_to_come_or_before_the_last_move_is_refused(session: Session, days: int) -> None:
    project = a_lead(session)
    fill(session, project, Stage.QUALIFIED)
    with pytest.raises(Refused) as refused:
        actions.move(
            session, project, actor=ROBOT, today=TODAY, stage=Stage.QUALIFIED, on=TODAY + dt.timedelta(days)
        )
    assert refused.value.field == "on"


def test_what_cannot_be_known_yet_is_said_with_a_day(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(Refused, match="哪天前"):
        actions.excuse(
            session,
            project,
            actor=ROBOT,
            today=TODAY,
            item="product",
            kind=WaiverKind.UNKNOWN,
            reason="还在选型",
        )
    with pytest.raises(Refused, match="不能免去"):
        actions.excuse(
            session, project, actor=ROBOT, today=TODAY, item="contract", kind=WaiverKind.WAIVED, reason="没有"
        )
    actions.excuse(
        session, project, actor=ROBOT, today=TODAY, item="product", kind=WaiverKind.UNKNOWN, reason="还在选型",
        until_on=TODAY + dt.timedelta(9),
    )  # fmt: skip
    commit(session)
    _target, lines = queries.next_gate(session, project)
    assert [line.item.code for line in lines if line.excuse] == ["product"]


def test_what_a_stage_needed_cannot_be_emptied(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    with pytest.raises(Refused, match="不能清空"):
        actions.edit(session, project, actor=ROBOT, today=TODAY, total_yuan=None)


def test_an_old_incomplete_record_stays_editable(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    project.origin = None  # as an old list may have left it
    actions.edit(session, project, actor=ROBOT, today=TODAY, chain_node="减速器")
    commit(session)
    assert project.chain_node == "减速器"


def test_side_states_have_a_reason_and_a_way_back(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    with pytest.raises(Refused, match="原因"):
        actions.set_aside(session, project, actor=ROBOT, today=TODAY, state=State.LOST, on=TODAY, reason=" ")
    actions.set_aside(
        session, project, actor=ROBOT, today=TODAY, state=State.LOST, on=TODAY, reason="去了邻市"
    )
    commit(session)
    with pytest.raises(Refused, match="恢复推进"):
        actions.move(session, project, actor=ROBOT, today=TODAY, stage=Stage.SIGNED, on=TODAY)
    actions.resume(session, project, actor=ROBOT, today=TODAY, on=TODAY, reason="谈回来了")
    commit(session)
    assert (project.state, project.stage) == (State.ACTIVE, Stage.NEGOTIATION)


def test_a_stranger_to_the_project_cannot_move_it(session: Session) -> None:
    project = a_lead(session)
    fill(session, project, Stage.QUALIFIED)
    with pytest.raises(Forbidden):
        actions.move(
            session, project, actor=people.actor(session, people.INVESTMENT_2), today=TODAY,
            stage=Stage.QUALIFIED, on=TODAY,
        )  # fmt: skip


def test_an_older_version_is_a_conflict(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(Conflict):
        actions.edit(session, project, actor=ROBOT, today=TODAY, version=project.version - 1, product="轴承")


def test_a_team_is_settled_by_the_head_alone(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(Forbidden):
        actions.appoint(
            session, project, actor=people.actor(session, people.INVESTMENT), today=TODAY, on=TODAY,
            team=a_team(session),
        )  # fmt: skip
    actions.appoint(
        session, project, actor=people.actor(session, people.BUREAU_HEAD), today=TODAY, on=TODAY,
        team=a_team(session),
    )  # fmt: skip
    commit(session)
    assert queries.charge_of(session, project.id) is not None


def test_a_handover_needs_a_reason_and_keeps_the_interval(session: Session) -> None:
    project = a_lead(session)
    give_team(session, project, on=TODAY - dt.timedelta(5))
    again = a_team(session, liaison=people.INVESTMENT_2)
    with pytest.raises(Refused, match="原因"):
        actions.appoint(session, project, actor=ROBOT, today=TODAY, on=TODAY, team=again)
    session.rollback()
    actions.appoint(session, project, actor=ROBOT, today=TODAY, on=TODAY, team=again, reason="人员轮岗")
    commit(session)
    spans = [(row.from_on, row.to_on, row.is_current) for row in queries.charges_of(session, project.id)]
    assert spans == [(TODAY, None, 1), (TODAY - dt.timedelta(5), TODAY, None)]


def test_a_handover_takes_the_next_steps_along_and_tells_who_is_new(session: Session) -> None:
    project = a_lead(session)
    give_team(session, project, on=TODAY - dt.timedelta(5), liaison=people.SCIENCE)
    leaves, comes, stays = (
        people.id_of(session, each) for each in (people.SCIENCE, people.INVESTMENT_2, people.REPORTER)
    )
    for owner in (leaves, stays):
        plan(
            session, actor=ROBOT, at=AT, today=TODAY, subject=("project", project.id), text="核能耗", due_on=TODAY,
            owner_id=owner,
        )  # fmt: skip
    commit(session)
    again = a_team(session, liaison=people.INVESTMENT_2)
    actions.appoint(session, project, actor=ROBOT, today=TODAY, on=TODAY, team=again, reason="人员轮岗")
    commit(session)
    owners = session.scalars(
        sa.select(NextStep.owner_id).where(NextStep.text == "核能耗").order_by(NextStep.id)
    )
    assert list(owners) == [comes, stays]
    told = session.scalars(
        sa.select(InboxItem.user_id).where(InboxItem.code == Notice.IN_HAND).order_by(InboxItem.id)
    )
    new = [people.id_of(session, each) for each in (people.LEADER, people.SCIENCE, people.REPORTER)]
    assert list(told) == [*sorted(new), comes], "each once, on the day they came"


def test_a_refused_jump_shows_every_gate_on_the_way_with_where_to_fill_it_in(
    client: FlaskClient, session: Session
) -> None:
    project = a_lead(session)
    number, version = project.id, project.version
    people.sign_in(client, people.BUREAU_HEAD)
    answer = people.post(
        client,
        f"/projects/{number}/move",
        {"stage": "negotiation", "on": TODAY.isoformat(), "version": version},
    )
    assert answer.status_code == 422
    page = html.fromstring(answer.get_data(as_text=True))
    assert [
        each.get("id") for each in page.iterfind(".//h2") if (each.get("id") or "").startswith("gate")
    ] == [
        "gate-qualified",
        "gate-negotiation",
    ]
    ways = {each.get("href") for each in page.iterfind(".//ul[@class='td-gate']//a")}
    assert {f"/projects/{number}/charge", f"/projects/{number}/edit/money"} <= ways, ways

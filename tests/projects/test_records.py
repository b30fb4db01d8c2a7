"""Projects in the machinery of records: merged (charge, claim, count), parted again, undone, along with their firms."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import audit, merging, undo
from crm.core.records import kind_of
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms import actions as registry
from crm.projects import actions
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectCount,
)
from crm.projects.queries.counts import tallies
from crm.projects.rules.words import ChainRole, Confidentiality, Stage, State
from tests import people
from tests.projects.cast import ROBOT, TODAY, a_lead, a_team, bring, fill
from tests.projects.joining import current, joined, two, whole
from tests.projects.money_cast import counted, paid, signed
from tests.records.office import business

HEAD = people.BUREAU_HEAD


@pytest.mark.parametrize(
    "stages", [(Stage.LEAD, Stage.NEGOTIATION), (Stage.NEGOTIATION, Stage.LEAD)], ids=str
)
def test_of_two_one_in_charge_the_one_charge_stands(session: Session, stages: tuple[Stage, Stage]) -> None:
    kept, gone = two(session)
    for project, stage in zip((kept, gone), stages, strict=True):
        if stage is not Stage.LEAD:
            bring(session, project, stage)
    before = business(session)
    joined(session, kept, gone)
    assert len(current(session, ProjectCharge, kept.id)) == 1
    whole(session)
    merging.undo_merge(session, kind_of("project"), gone.id, actor=ROBOT)
    commit(session)
    assert business(session) == before
    whole(session)


def test_of_two_teams_the_one_that_is_chosen_goes_on_and_the_other_stays_with_the_record_put_away_whole(
    session: Session,
) -> None:
    for n, side, leader in ((0, None, people.LEADER), (2, "right", people.SUPERVISOR)):
        kept, gone = (a_lead(session, n + each, people.INVESTMENT_2) for each in (1, 2))
        bring(session, kept, Stage.NEGOTIATION)
        bring(session, gone, Stage.NEGOTIATION)
        team = a_team(session, people.SUPERVISOR)
        actions.appoint(session, gone, actor=ROBOT, today=TODAY, on=TODAY, reason="换领导", team=team)
        commit(session)
        before = business(session)
        preview = merging.preview(
            session, kind_of("project"), kept.id, gone.id, viewer=ROBOT, stays=merging.LEFT
        )
        clash = next(
            clash
            for moving in preview.parts
            if moving.part.model is ProjectCharge
            for clash in moving.clashes
        )
        picks = {} if side is None else dict.fromkeys([clash.name, *(c.name for c in clash.choices)], side)
        joined(session, kept, gone, picks)
        (charge,) = current(session, ProjectCharge, kept.id)
        assert charge.leader_id == people.id_of(session, leader), side
        assert current(session, ProjectCharge, gone.id) == [], side
        history = set(
            session.scalars(sa.select(ProjectCharge.leader_id).where(ProjectCharge.project_id == kept.id))
        )
        both = {people.id_of(session, each) for each in (people.LEADER, people.SUPERVISOR)}
        assert history == ({people.id_of(session, people.LEADER)} if side is None else both), (
            "never two histories mixed"
        )
        whole(session)
        merging.undo_merge(session, kind_of("project"), gone.id, actor=ROBOT)
        commit(session)
        assert business(session) == before
        whole(session)


def test_the_earliest_first_report_survives_and_stays_whose_it_is(session: Session) -> None:
    kept, gone = two(session)
    first, reporter = gone.first_reported_at, gone.reported_by_id
    joined(session, kept, gone)
    assert (kept.first_reported_at, kept.reported_by_id) == (first, reporter)
    assert kept.holder_id == people.id_of(session, people.INVESTMENT_2)
    whole(session)


def test_a_project_in_the_pool_is_followed_by_who_followed_the_other(session: Session) -> None:
    kept, gone = two(session)
    actions.release(session, kept, actor=ROBOT, today=TODAY, reason="没有时间")
    commit(session)
    before = business(session)
    joined(session, kept, gone)
    assert kept.holder_id == people.id_of(session, people.INVESTMENT)
    whole(session)
    merging.undo_merge(session, kind_of("project"), gone.id, actor=ROBOT)
    commit(session)
    assert business(session) == before


def test_of_two_counts_one_stands_and_money_comes_along(session: Session) -> None:
    kept, gone = counted(session, signed(session, 1)), counted(session, signed(session, 2))
    paid(session, gone)
    before = business(session)
    joined(session, kept, gone)
    assert len(current(session, ProjectCount, kept.id)) == 1 and current(session, ProjectCount, gone.id) == []
    whole(session)
    merging.undo_merge(session, kind_of("project"), gone.id, actor=ROBOT)
    commit(session)
    assert business(session) == before


def test_numbers_of_days_before_the_merge_stay_and_name_each_record_once(session: Session) -> None:
    kept, gone = counted(session, signed(session, 1)), counted(session, signed(session, 2))
    eve = TODAY - dt.timedelta(1)
    day = tallies(session, eve, viewer=ROBOT)
    joined(session, kept, gone)
    later = tallies(session, eve, viewer=ROBOT)
    assert {each: (found.count, sorted(found.ids)) for each, found in later.items()} == {
        each: (found.count, sorted(found.ids)) for each, found in day.items()
    }
    assert sorted(later["all"].ids) == sorted([kept.id, gone.id])
    assert tallies(session, TODAY, viewer=ROBOT)["all"].ids == [kept.id]


def test_what_is_counted_goes_on_in_a_record_that_was_signed(session: Session) -> None:
    kept, gone = a_lead(session, 1), counted(session, signed(session, 2))
    before = business(session)
    with pytest.raises(Refused, match="改为留下已签约的一条"):
        joined(session, kept, gone)
    session.rollback()
    assert business(session) == before
    joined(session, gone, kept)
    assert len(current(session, ProjectCount, gone.id)) == 1
    whole(session)


def test_firms_that_merge_take_their_projects_along_and_give_them_back(session: Session) -> None:
    firms = [
        registry.register(session, actor=ROBOT, today=TODAY, name=f"温州岚屿{name}泵阀有限公司")
        for name in ("东", "西")
    ]
    commit(session)
    project = a_lead(session)
    actions.link_firm(session, project, actor=ROBOT, firm_id=firms[1].id)
    commit(session)
    before = business(session)
    merging.merge(
        session, kind_of("firm"), firms[0].id, firms[1].id, actor=ROBOT, today=TODAY, stays=merging.LEFT,
        reason="同一家",
    )  # fmt: skip
    commit(session)
    session.expire_all()
    assert project.firm_id == firms[0].id
    merging.undo_merge(session, kind_of("firm"), firms[1].id, actor=ROBOT)
    commit(session)
    assert business(session) == before


def _report(session: Session, project: Project) -> None:
    a_lead(session, 77)


def _move(session: Session, project: Project) -> None:
    actions.move(session, project, actor=ROBOT, today=TODAY, stage=Stage.SITE_VISIT, on=TODAY)


def _back(session: Session, project: Project) -> None:
    actions.move(session, project, actor=ROBOT, today=TODAY, stage=Stage.LEAD, on=TODAY, reason="重来")


def _appoint(session: Session, project: Project) -> None:
    actions.appoint(
        session, project, actor=ROBOT, today=TODAY, on=TODAY, reason="换人", team=a_team(session, people.SUPERVISOR),
        members=[people.unit_id(session, "沙城")],
    )  # fmt: skip


def _aside(session: Session, project: Project) -> None:
    actions.set_aside(
        session, project, actor=ROBOT, today=TODAY, state=State.LOST, on=TODAY, reason="没有用地"
    )


def _archive(session: Session, project: Project) -> None:
    actions.archive(session, project, actor=ROBOT, today=TODAY, reason="重复登记")


def _release(session: Session, project: Project) -> None:
    actions.release(session, project, actor=ROBOT, today=TODAY, reason="没有时间")


@pytest.mark.parametrize(
    "step", [_report, _move, _back, _appoint, _aside, _archive], ids=lambda step: step.__name__
)
def test_every_step_is_undone_to_the_last_value(session: Session, step: Any) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    fill(session, project, Stage.SITE_VISIT)
    before = business(session)
    step(session, project)
    running = audit.running(session)
    if running is not None:
        operation = running.id
        commit(session)
    else:
        operation = (
            session.scalars(
                sa.select(audit.AuditEnvelope.operation).order_by(audit.AuditEnvelope.seq.desc())
            ).first()
            or ""
        )
    assert business(session) != before
    whole(session)
    undo.undo(session, operation, actor=ROBOT)
    commit(session)
    assert business(session) == before
    whole(session)


def test_an_appointment_a_stage_stands_on_is_not_undone(client: FlaskClient, session: Session) -> None:
    """Undoing it would leave a negotiation without a leader: said in words, nothing written."""
    bring(session, a_lead(session), Stage.NEGOTIATION)
    operation = session.scalars(
        sa.select(audit.AuditEnvelope.operation).where(audit.AuditEnvelope.action == "project.appoint")
    ).one()
    before = business(session)
    with pytest.raises(Refused, match="项目专班"):
        undo.undo(session, operation, actor=ROBOT)
        commit(session)
    session.rollback()
    assert business(session) == before
    people.sign_in(client, HEAD)
    answer = people.post(client, f"/operations/{operation}/undo")
    assert answer.status_code == 422 and "项目专班" in answer.text
    assert business(session) == before


def test_the_page_of_an_undo_that_would_be_refused_says_why_and_has_no_button(
    client: FlaskClient, session: Session
) -> None:
    bring(session, a_lead(session), Stage.NEGOTIATION)
    acts = ("project.appoint", "project.move")
    appoint, move = (
        session.scalars(
            sa.select(audit.AuditEnvelope.operation).where(audit.AuditEnvelope.action == act)
        ).one()
        for act in acts
    )
    session.rollback()
    people.sign_in(client, HEAD)
    page = client.get(f"/operations/{appoint}").text
    assert "就缺少必须有的「项目专班」" in page and "撤销整次操作" not in page
    page = client.get(f"/operations/{move}").text
    assert "撤销整次操作" in page and "就缺少" not in page


@pytest.mark.parametrize("stage", [Stage.NEGOTIATION, Stage.SIGNED], ids=str)
def test_what_is_told_of_an_undo_is_what_the_undo_does(session: Session, stage: Stage) -> None:
    """Of every operation so far: the page offers the undo exactly when it can be done."""
    project = bring(session, a_lead(session), stage)
    actions.set_aside(session, project, actor=ROBOT, today=TODAY, state=State.ENDED, on=TODAY, reason="撤资")
    commit(session)
    actions.resume(session, project, actor=ROBOT, today=TODAY, on=TODAY, reason="又来谈了")
    commit(session)
    other = bring(session, a_lead(session, 2), Stage.NEGOTIATION)
    joined(session, project, other)
    found = {}
    for operation, act in session.execute(
        sa.select(audit.AuditEnvelope.operation, audit.AuditEnvelope.action).order_by(audit.AuditEnvelope.seq)
    ).all():
        told = undo.can_undo(session, operation)
        session.rollback()
        try:
            undo.undo(session, operation, actor=ROBOT)
            session.flush()
            refused = None
        except Refused as refusal:
            refused = refusal
        session.rollback()
        found[operation] = (act, told and told.text, refused and refused.text)
    assert [row for row in found.values() if row[1] != row[2]] == []
    assert any(row[1] is None for row in found.values()) and any(row[1] for row in found.values())


def browser(app: Flask, person: people.Person) -> FlaskClient:
    made = app.test_client()
    people.sign_in(made, person)
    return made


def test_the_head_of_a_bureau_finds_the_other_previews_merges_and_parts_them(
    app: Flask, session: Session
) -> None:
    one = a_lead(session, 1, people.INVESTMENT, name="年产十万套减速器项目")
    other = a_lead(
        session,
        2,
        people.INVESTMENT,
        name="十万套减速器",
        investor="苏州澄观001精密科技有限公司",
        is_another=True,
    )
    secret = a_lead(
        session, 3, people.INVESTMENT_2, name="密语", investor="苏州澄观001精密科技有限公司", is_another=True,
        confidentiality=Confidentiality.TEAM,
    )  # fmt: skip
    ids, secret_id = (one.id, other.id), secret.id
    session.rollback()
    head = browser(app, HEAD)
    assert f"/records/project/{ids[0]}/merge" in head.get(f"/projects/{ids[0]}").text
    page = head.get(f"/records/project/{ids[0]}/merge")
    assert page.status_code == 200
    preview = f"/records/project/{ids[0]}/merge/{ids[1]}"
    assert preview in page.text and "密语" not in page.text
    assert preview in head.get(f"/records/project/{ids[0]}/merge?q=减速器").text
    assert head.get(f"/records/project/{ids[0]}/merge/{secret_id}").status_code == 404
    assert head.get(preview).status_code == 200
    assert people.post(head, preview, {"stays": "left", "reason": "同一个"}).status_code in (303, 409)
    mark = head.get(preview).text.partition('name="mark" value="')[2].partition('"')[0]
    assert mark and people.post(head, preview, {"stays": "left", "mark": mark}).status_code == 303
    gone = head.get(f"/projects/{ids[1]}")
    assert gone.status_code == 200 and "已经并入" in gone.text
    assert "已并入" in head.get(f"/records/project/{ids[1]}/merged").text
    assert people.post(head, f"/records/project/{ids[1]}/merged/undo").status_code == 303
    session.expire_all()
    assert session.get_one(Project, ids[1]).merged_into_id is None
    for person in (people.INVESTMENT, people.SCIENCE):  # who may not decide, or only merges firms
        assert browser(app, person).get(f"/records/project/{ids[0]}/merge").status_code == 403
        assert browser(app, person).get(preview).status_code in (403, 404)


@pytest.mark.parametrize(
    ("sent", "name", "value"),
    [
        ("confidentiality:team", "confidentiality", Confidentiality.TEAM),
        ("chain_role:fill", "chain_role", ChainRole.FILL),
    ],
)
def test_many_are_set_at_once_those_not_ones_own_are_told(
    app: Flask, session: Session, sent: str, name: str, value: Any
) -> None:
    mine = [a_lead(session, n, people.INVESTMENT) for n in (1, 2)]
    theirs = a_lead(session, 3, people.INVESTMENT_2)
    ids, other = [row.id for row in mine], theirs.id
    session.rollback()
    officer = browser(app, people.INVESTMENT)
    chosen = {"ids": [*ids, other], "verb": "set", "set": sent}
    started = people.post(officer, "/lists/projects/bulk", chosen)
    assert started.status_code == 303 and "/bulk/" in started.location
    asked = officer.get(started.location)
    assert asked.status_code == 200
    done = people.post(officer, started.location, {"reason": "统一口径"}, follow_redirects=True)
    assert done.status_code == 200
    session.expire_all()
    assert [getattr(session.get_one(Project, key), name) for key in ids] == [value, value]
    assert getattr(session.get_one(Project, other), name) != value

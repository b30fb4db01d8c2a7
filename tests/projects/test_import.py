"""A list of projects passes the rules of the page: what is taken, each refusal in words, what it may already be, undo."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import NextStep
from crm.core.permissions import Actor, Forbidden
from crm.core.pipeline import MoveKind
from crm.core.transaction import commit
from crm.core.words import Conflict
from crm.firms import actions as registry
from crm.firms import sheets
from crm.firms.actions import deciding, staging, writing
from crm.firms.models import ImportBatch, ImportRow
from crm.firms.rules.reasons import message
from crm.firms.rules.words import ImportMode, RowOutcome, SheetKind
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectClaim,
    ProjectEvidence,
    ProjectMove,
    ProjectPulse,
    ProjectUnit,
    ProjectWaiver,
)
from crm.projects.rules.words import Confidentiality, Evidence, Stage, State
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, bring

KIND = SheetKind.PROJECTS
BASE = {"投资方": "宁州翎图新能源有限公司", "项目名称": "储能电芯产线", "线索来源": "展会"}
TEAM = {"牵头领导": "程远山", "牵头单位": "商务局", "联络员": "林晓雯", "代办员": "项嘉树"}
QUALIFIED = {"投资方来自": "省外", "主导产业": "智能装备", "产品": "储能电芯"}
NEGOTIATED = {**QUALIFIED, **TEAM, "总投资(万元)": "126000", "投资方类别": "高新技术企业"}
SIGNED = {
    **NEGOTIATED, "产业链作用": "补链", "固定资产投资(万元)": "90000", "预计年产值(万元)": "180000", "预计年税收(万元)": "7200",
    "协议投资(万元)": "120000", "合同编号": "TZ-2026-019", "缺项原因": "以前的项目，材料在档案室",
}  # fmt: skip


def text_of(*rows: dict[str, str]) -> str:
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, headings, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read(text: str) -> tuple[list[Any], dict[str, str]]:
    table = sheets.open_table(text.encode(), "台账.csv", KIND)
    mapping = sheets.recognise(table.headings, KIND)
    return sheets.parse(table, mapping, KIND), mapping


def judge(
    session: Session, *rows: dict[str, str], actor: Actor = ROBOT, mode: ImportMode = ImportMode.BOTH
) -> list[staging.Staged]:
    return staging.judge(session, read(text_of(*rows))[0], actor=actor, sheet=KIND, mode=mode, today=TODAY)


def staged(session: Session, *rows: dict[str, str], actor: Actor = ROBOT) -> ImportBatch:
    content = text_of(*rows)
    parsed, mapping = read(content)
    verdicts = staging.judge(session, parsed, actor=actor, sheet=KIND, mode=ImportMode.BOTH, today=TODAY)
    batch = staging.upload(
        session, actor=actor, sheet=KIND, mode=ImportMode.BOTH, filename="台账.csv", content=content.encode()
    )
    staging.stage(session, batch, verdicts, actor=actor, mapping=mapping, headings=[])
    commit(session)
    return batch


def written(session: Session, *rows: dict[str, str], actor: Actor = ROBOT) -> ImportBatch:
    batch = staged(session, *rows, actor=actor)
    writing.write(session, batch, actor=actor, today=TODAY)
    commit(session)
    return batch


def only(session: Session) -> Project:
    return session.scalars(sa.select(Project)).one()


def why(item: staging.Staged) -> str:
    from crm.core.i18n import say

    return "；".join(say(message(reason)) for reason in item.joined.reasons)


def head(session: Session) -> Actor:
    return people.actor(session, people.BUREAU_HEAD)


def test_a_lead_is_taken_like_one_typed_in(session: Session) -> None:
    officer = people.actor(session, people.INVESTMENT)
    written(session, {**BASE, "下一步": "电话问清用地", "下一步日期": "2026-11-27"}, actor=officer)
    project = only(session)
    assert (project.stage, project.stage_on, project.state) == (Stage.LEAD, TODAY, State.ACTIVE)
    assert project.holder_id == project.reported_by_id == officer.user_id
    assert project.first_reported_at is not None and project.name_key and project.investor_key
    claim = session.scalars(sa.select(ProjectClaim)).one()
    assert (claim.holder_id, claim.from_on, claim.is_current) == (officer.user_id, TODAY, 1)
    move = session.scalars(sa.select(ProjectMove)).one()
    assert (move.kind, move.on, move.stage) == (MoveKind.REPORT, TODAY, Stage.LEAD)
    step = session.scalars(sa.select(NextStep)).one()
    assert (step.text, step.due_on, step.owner_id) == ("电话问清用地", dt.date(2026, 11, 27), officer.user_id)
    assert session.scalars(sa.select(ProjectPulse)).one().progress_on


def test_a_signed_project_comes_with_its_dated_moves_its_team_and_its_papers(session: Session) -> None:
    row = {
        **BASE, **SIGNED, "阶段": "开工", "阶段日期": "2026-06-01", "签约日期": "2025-12-08", "成员单位": "经发局、海城",
        "项目公司": "温州翎图新能源有限公司", "施工许可证号": "330399-26-7",
    }  # fmt: skip
    registry.register(session, actor=ROBOT, today=TODAY, name="温州翎图新能源有限公司")
    commit(session)
    written(session, row, actor=head(session))
    project = only(session)
    assert (project.stage, project.stage_on) == (Stage.CONSTRUCTION, dt.date(2026, 6, 1))
    assert project.signed_on == dt.date(2025, 12, 8) and project.firm_id is not None
    assert (project.total_yuan, project.agreed_yuan) == (1_260_000_000, 1_200_000_000)
    moves = session.scalars(sa.select(ProjectMove).order_by(ProjectMove.on, ProjectMove.id)).all()
    assert [(move.kind, move.stage, move.on.isoformat(), move.days) for move in moves] == [
        (MoveKind.REPORT, Stage.LEAD, "2025-12-08", None),
        (MoveKind.JUMP, Stage.SIGNED, "2025-12-08", 0),
        (MoveKind.JUMP, Stage.CONSTRUCTION, "2026-06-01", 175),
    ]
    charge = session.scalars(sa.select(ProjectCharge)).one()
    assert (charge.is_current, charge.from_on) == (1, dt.date(2025, 12, 8))
    assert charge.leader_id == people.id_of(session, people.LEADER)
    assert len(session.scalars(sa.select(ProjectUnit)).all()) == 2
    papers = {row.kind: row.reference for row in session.scalars(sa.select(ProjectEvidence))}
    assert papers == {Evidence.CONTRACT: "TZ-2026-019", Evidence.CONSTRUCTION_PERMIT: "330399-26-7"}
    excused = set(session.scalars(sa.select(ProjectWaiver.item)))
    assert {"feasibility", "review-minutes", "project-filing"} <= excused and "contract" not in excused


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"阶段": "洽谈"}, "牵头领导和专班"),
        ({"阶段": "洽谈", **QUALIFIED}, "进入「洽谈」还差 3 项：牵头领导和专班、总投资、投资方类别。"),
        ({"阶段": "洽谈", **QUALIFIED, "牵头领导": "程远山"}, "还差：牵头单位、联络员、代办员"),
        ({"阶段": "洽谈", **NEGOTIATED, "牵头领导": "无此人"}, "没有叫「无此人」的在用人员"),
        ({"阶段": "洽谈", **NEGOTIATED, "代办员": "胡不归"}, "角色不能查看项目"),
        ({"阶段": "洽谈", **NEGOTIATED, "牵头单位": "天宫院"}, "没有「天宫院」这个在用的单位"),
        ({"阶段": "签约", **SIGNED, "合同编号": ""}, "进入「签约」还差 1 项：投资协议。"),
        ({"阶段": "签约", **SIGNED, "协议投资(万元)": ""}, "进入「签约」还差 1 项：协议投资。"),
        ({"阶段": "注册", **SIGNED}, "进入「注册」还差 1 项：在本区注册的企业。"),
        ({"阶段": "注册", **SIGNED, "项目公司": "没登记的公司"}, "库里没有企业「没登记的公司」，请先登记"),
        ({"阶段": "签约", **SIGNED, "阶段日期": "2026-12-30"}, "日期不能晚于今天"),
        ({"签约日期": "2026-01-05"}, "还没有签约，不能有签约日期"),
        ({"阶段日期": "2026-01-05"}, "没有写项目阶段"),
        ({"状态": "流失"}, "请写明原因"),
        ({"状态": "流失", "状态原因": "选址外地", "状态日期": "2026-12-30"}, "日期不能晚于今天"),
        ({"币种": "美元"}, "请填写外币总投资"),
        ({"总投资(万元)": "-3"}, "不能是负数"),
        ({"下一步": "去看看", "下一步日期": "2026-01-01"}, "已经过了"),
        ({"下一步": "去看看"}, "哪天前"),
        ({"线索来源": "火星"}, "不在这些里面"),
        ({"投资方": ""}, "投资方没有填"),
        ({"成员单位": "经发局"}, "没有牵头领导和牵头单位"),
    ],
)  # fmt: skip
def test_a_row_is_refused_with_everything_that_is_missing(
    session: Session, more: dict[str, str], said: str
) -> None:
    item = judge(session, {**BASE, **more})[0]
    assert item.joined.outcome is RowOutcome.REFUSED
    assert said in why(item)


def test_only_who_may_assign_brings_in_leaders_and_teams(session: Session) -> None:
    row = {**BASE, **NEGOTIATED, "阶段": "洽谈"}
    item = judge(session, row, actor=people.actor(session, people.INVESTMENT))[0]
    assert item.joined.outcome is RowOutcome.REFUSED and "能指派的人" in why(item)
    assert judge(session, row, actor=head(session))[0].joined.outcome is RowOutcome.NEW


@pytest.mark.parametrize("person", [people.LEADER, people.SUPERVISOR, people.READ_ONLY, people.AUDITOR])
def test_who_does_not_edit_projects_does_not_import_them(session: Session, person: people.Person) -> None:
    with pytest.raises(Forbidden):
        staging.require(people.actor(session, person), KIND)


def test_the_same_project_is_the_same_and_an_empty_cell_changes_nothing(session: Session) -> None:
    row = {**BASE, **QUALIFIED, "来源编号": "P-17"}
    written(session, row)
    assert judge(session, row)[0].joined.outcome is RowOutcome.SAME
    assert judge(session, {**BASE, "产品": ""})[0].joined.outcome is RowOutcome.SAME
    by_number = judge(session, {**row, "项目名称": "储能电芯二期产线"})[0]
    assert by_number.joined.outcome is RowOutcome.CHANGED and set(by_number.changes) == {"name"}


def test_a_changed_row_moves_the_project_through_its_gates(session: Session) -> None:
    written(session, {**BASE, **QUALIFIED})
    refused = judge(session, {**BASE, "阶段": "洽谈"})[0]
    assert "还差 3 项" in why(refused)
    item = judge(session, {**BASE, **NEGOTIATED, "阶段": "洽谈"})[0]
    assert item.joined.outcome is RowOutcome.CHANGED
    assert {"stage", "leader", "total_yuan", "investor_kind"} <= set(item.changes)
    written(session, {**BASE, **NEGOTIATED, "阶段": "洽谈"})
    session.expire_all()
    project = only(session)
    assert project.stage is Stage.NEGOTIATION
    assert [move.kind for move in session.scalars(sa.select(ProjectMove).order_by(ProjectMove.id))] == [
        MoveKind.REPORT, MoveKind.JUMP,
    ]  # fmt: skip
    back = judge(session, {**BASE, "阶段": "研判"})[0]
    assert "退回请在项目页写明原因" in why(back)
    other = judge(session, {**BASE, **TEAM, "牵头领导": "戴清越"})[0]
    assert "交接" in why(other)


def test_another_project_of_the_same_investor_is_left_to_a_person(session: Session) -> None:
    a_lead(session, investor=BASE["投资方"], name="电池包产线")
    batch = staged(session, BASE)
    row = session.scalars(sa.select(ImportRow)).one()
    assert row.outcome is RowOutcome.DOUBTFUL and [each["name"] for each in row.candidates] == ["电池包产线"]
    deciding.decide(session, batch, row, actor=ROBOT, decision="new", today=TODAY)
    commit(session)
    writing.write(session, batch, actor=ROBOT, today=TODAY)
    commit(session)
    assert set(session.scalars(sa.select(Project.name))) == {"电池包产线", "储能电芯产线"}


def test_a_doubtful_row_may_be_the_project_that_is_there(session: Session) -> None:
    there = a_lead(session, investor=BASE["投资方"], name="电池包产线")
    batch = staged(session, BASE)
    row = session.scalars(sa.select(ImportRow)).one()
    deciding.decide(session, batch, row, actor=ROBOT, decision=f"firm:{there.id}", today=TODAY)
    commit(session)
    writing.write(session, batch, actor=ROBOT, today=TODAY)
    commit(session)
    session.expire_all()
    assert only(session).name == "储能电芯产线"


def test_what_one_may_not_see_is_told_by_its_day_alone(session: Session) -> None:
    hidden = a_lead(session, investor=BASE["投资方"], name="绝密产线", confidentiality=Confidentiality.TEAM)
    for name in (BASE["项目名称"], hidden.name):  # the very name does not give it away either
        item = judge(session, {**BASE, "项目名称": name}, actor=people.actor(session, people.SCIENCE))[0]
        assert item.joined.outcome is RowOutcome.DOUBTFUL and item.joined.candidates == []
        assert AT.date().isoformat() in why(item) and "绝密" not in why(item)


def test_two_rows_of_one_investor_and_a_row_twice(session: Session) -> None:
    twice = judge(session, BASE, {**BASE, "项目名称": "电池包产线"}, BASE)
    assert [item.joined.outcome for item in twice] == [
        RowOutcome.NEW, RowOutcome.DOUBTFUL, RowOutcome.REFUSED,
    ]  # fmt: skip
    assert "第 2 行" in why(twice[1]) and "第 2 行重复" in why(twice[2])


def test_somebody_who_reports_the_investor_meanwhile_is_first(session: Session) -> None:
    batch = staged(session, BASE)
    a_lead(session, investor=BASE["投资方"], name="电池包产线")
    with pytest.raises(Conflict, match="第 2 行"):
        writing.write(session, batch, actor=ROBOT, today=TODAY)
    session.rollback()
    assert session.scalars(sa.select(Project.name)).all() == ["电池包产线"]


def test_a_project_of_others_is_not_changed(session: Session) -> None:
    bring(session, a_lead(session, investor=BASE["投资方"], name=BASE["项目名称"]), Stage.NEGOTIATION)
    item = judge(session, {**BASE, "备注": "改一改"}, actor=people.actor(session, people.SCIENCE))[0]
    assert item.joined.outcome is RowOutcome.REFUSED and "不能改它" in why(item)


def test_a_first_report_of_the_list_stays_in_the_note(session: Session) -> None:
    written(session, {**BASE, "首报日期": "2023-03-01", "备注": "老项目"})
    project = only(session)
    assert project.note == "老项目；来源的首报日期 2023-03-01"
    assert project.first_reported_at.year >= 2026
    assert judge(session, {**BASE, "首报日期": "2023-03-01"})[0].joined.outcome is RowOutcome.SAME


def test_a_lost_project_keeps_its_reason_and_asks_for_nothing_more(session: Session) -> None:
    officer = people.actor(session, people.INVESTMENT)
    written(
        session, {**BASE, "状态": "流失", "状态原因": "落户外地", "状态日期": "2026-05-01"}, actor=officer
    )
    project = only(session)
    assert (project.state, project.state_on, project.state_reason) == (
        State.LOST, dt.date(2026, 5, 1), "落户外地",
    )  # fmt: skip
    assert session.scalars(sa.select(NextStep)).all() == []


def test_a_list_without_next_steps_gives_each_follower_one(session: Session) -> None:
    officer = people.actor(session, people.INVESTMENT)
    assert "没有写下一步" in why(judge(session, BASE, actor=officer)[0])
    written(session, {**BASE, "跟进人": "周启航"}, actor=officer)
    step = session.scalars(sa.select(NextStep)).one()
    assert step.owner_id == only(session).holder_id == people.id_of(session, people.INVESTMENT_2)
    assert step.due_on == TODAY + dt.timedelta(7)


def test_the_whole_import_can_be_taken_back(session: Session) -> None:
    there = a_lead(session, investor="苏州砚石精密有限公司", name="轴承产线")
    rows = (
        {**BASE, **NEGOTIATED, "阶段": "洽谈", "成员单位": "经发局"},
        {**BASE, "投资方": "苏州砚石精密有限公司", "项目名称": "轴承产线", "产品": "轴承"},
    )
    batch = written(session, *rows)
    assert session.scalar(sa.select(sa.func.count()).select_from(Project)) == 2
    writing.undo_import(session, batch, actor=ROBOT)
    commit(session)
    session.expire_all()
    project = only(session)
    assert (project.id, project.product) == (there.id, None)
    for model in (ProjectCharge, ProjectUnit, ProjectEvidence, ProjectWaiver):
        assert session.scalar(sa.select(sa.func.count()).select_from(model)) == 0, model
    assert session.scalar(sa.select(sa.func.count()).select_from(ProjectMove)) == 1


@pytest.mark.parametrize(
    "cell", ["=HYPERLINK(\"http://x\")", "<script>alert(1)</script>", "'; DROP TABLE projects; --", "\u202e倒", "𠮷" * 150]
)  # fmt: skip
def test_hostile_cells_are_text_or_refused(session: Session, cell: str) -> None:
    item = judge(session, {**BASE, "项目名称": cell, "备注": cell})[0]
    if item.joined.outcome is RowOutcome.NEW:
        written(session, {**BASE, "项目名称": cell, "备注": cell})
        assert only(session).name
    assert item.joined.outcome in (RowOutcome.NEW, RowOutcome.REFUSED)

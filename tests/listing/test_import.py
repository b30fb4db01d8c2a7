"""A list of the reserve passes the rules of the page: dated histories, what was listed before, refusals in words, undo."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.i18n import say
from crm.core.pipeline import MoveKind
from crm.core.transaction import commit
from crm.core.words import Conflict
from crm.firms import sheets
from crm.firms.actions import staging, writing
from crm.firms.models import ImportBatch
from crm.firms.rules.reasons import message
from crm.firms.rules.words import ImportMode, RowOutcome, SheetKind
from crm.ladder.models import Certification
from crm.listing import actions, queries
from crm.listing.models import (
    Candidate,
    CandidateEvidence,
    CandidateMove,
    CandidatePlan,
    CandidateWaiver,
    Intermediary,
)
from crm.listing.rules.words import Board, Stage, State
from tests import people
from tests.listing.cast import ROBOT, TODAY, a_candidate, a_firm

KIND = SheetKind.LISTING
PATH = {
    "板块": "科创板", "入库日期": "2022-01-10", "尽调日期": "2022-03-01", "保荐机构": "浙海证券", "保荐代表人": "许知行",
    "中介协议": "ZH-2022-03", "律师事务所": "瓯江律师事务所", "会计师事务所": "东屿会计师事务所", "股改日期": "2022-09-20",
    "股份公司执照": "3303-0001", "辅导备案日期": "2023-02-01", "辅导备案文号": "浙证监辅〔2023〕11号",
}  # fmt: skip


def text_of(*rows: dict[str, str]) -> str:
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, headings, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def judge(session: Session, *rows: dict[str, str]) -> list[staging.Staged]:
    table = sheets.open_table(text_of(*rows).encode(), "后备.csv", KIND)
    reads = sheets.parse(table, sheets.recognise(table.headings, KIND), KIND)
    return staging.judge(session, reads, actor=ROBOT, sheet=KIND, mode=ImportMode.BOTH, today=TODAY)


def staged(session: Session, *rows: dict[str, str]) -> ImportBatch:
    verdicts = judge(session, *rows)
    batch = staging.upload(
        session, actor=ROBOT, sheet=KIND, mode=ImportMode.BOTH, filename="后备.csv", content=b"x"
    )
    staging.stage(session, batch, verdicts, actor=ROBOT, mapping={}, headings=[])
    commit(session)
    return batch


def written(session: Session, *rows: dict[str, str]) -> ImportBatch:
    batch = staged(session, *rows)
    writing.write(session, batch, actor=ROBOT, today=TODAY)
    commit(session)
    session.expire_all()
    return batch


def only(session: Session) -> Candidate:
    return session.scalars(sa.select(Candidate)).one()


def why(item: staging.Staged) -> str:
    return "；".join(say(message(reason)) for reason in item.joined.reasons)


def test_a_candidate_comes_with_its_dated_moves_papers_people_and_plans(session: Session) -> None:
    firm = a_firm(session)
    written(
        session,
        {"企业名称": firm.name, **PATH, "计划报会": "2027-06-30", "金融专员": people.FINANCE.name},
    )
    one = only(session)
    assert (one.stage, one.stage_on, one.board, one.state) == (
        Stage.TUTORING, dt.date(2023, 2, 1), Board.STAR, State.ACTIVE,
    )  # fmt: skip
    assert (one.reformed_on, one.accepted_on, one.listed_on) == (dt.date(2022, 9, 20), None, None)
    assert one.officer_id == people.id_of(session, people.FINANCE)
    moves = queries.moves_of(session, one.id)
    assert [(move.kind, move.stage) for move in moves] == [
        (MoveKind.REPORT, Stage.RESERVE), (MoveKind.ADVANCE, Stage.DUE_DILIGENCE), (MoveKind.ADVANCE, Stage.REFORM),
        (MoveKind.ADVANCE, Stage.TUTORING),
    ]  # fmt: skip
    assert session.scalar(sa.select(sa.func.count()).select_from(CandidateEvidence)) == 3
    helpers = session.scalars(sa.select(Intermediary)).all()
    assert {helper.name for helper in helpers} == {"浙海证券", "瓯江律师事务所", "东屿会计师事务所"}
    assert all(helper.from_on == dt.date(2022, 3, 1) for helper in helpers)
    plan = session.scalars(sa.select(CandidatePlan)).one()
    assert (plan.stage, plan.on) == (Stage.ACCEPTED, dt.date(2027, 6, 30))
    title = session.scalars(sa.select(Certification)).one()
    assert (title.kind, title.granted_on) == ("joint-stock", dt.date(2022, 9, 20))


def test_a_firm_listed_before_needs_its_day_and_code_only_and_what_is_not_known_is_not_counted(
    session: Session,
) -> None:
    firm = a_firm(session)
    row = {"全称": firm.name, "板块": "主板", "list_date": "2021-01-06", "证券代码": "605277"}
    written(session, row)
    one = only(session)
    assert (one.stage, one.board, one.stock_code, one.listed_on) == (
        Stage.LISTED, Board.MAIN, "605277", dt.date(2021, 1, 6),
    )  # fmt: skip
    assert (one.reformed_on, one.accepted_on) == (None, None)  # jumped over: no day is made up
    assert [each.count for each in queries.counts(session, TODAY, viewer=ROBOT)] == [0, 0]
    reasons = {waiver.reason for waiver in session.scalars(sa.select(CandidateWaiver))}
    assert len(reasons) == 1 and "导入的历史" in reasons.pop()
    assert session.scalars(sa.select(Certification.kind)).all() == ["listed"]
    actions.edit(session, one, actor=ROBOT, today=TODAY, values={"note": "已核对"})
    assert judge(session, row)[0].joined.outcome is RowOutcome.SAME


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"股份公司执照": ""}, "股份公司营业执照"),
        ({"辅导验收日期": "2023-03-01", "验收工作完成函": "函1"}, "辅导期不少于 3 个月"),
        ({"股改日期": "2021-01-01"}, "早于"),
        ({"辅导备案日期": "2099-01-01"}, "不能晚于今天"),
        ({"板块": "火星板"}, "不在这些里面"),
        ({"阶段": "股改"}, "请写在计划列"),
        ({"阶段": "已上市"}, "也要写上市日期"),
        ({"保荐机构": ""}, "保荐机构"),
        ({"状态": "撤回"}, "原因"),
        ({"计划股改": "2027-06-01", "计划辅导备案": "2027-01-01"}, "前后颠倒"),
        ({"金融专员": "没有这人"}, "没有叫"),
        ({"辅导备案日期": ""}, "没有写它的日期"),
    ],
)
def test_what_the_page_refuses_a_list_is_refused_too_in_words(
    session: Session, change: dict[str, str], told: str
) -> None:
    firm = a_firm(session)
    item = judge(session, {"企业名称": firm.name, **PATH, **change})[0]
    assert item.joined.outcome is RowOutcome.REFUSED and told in why(item), why(item)


def test_a_code_without_a_listing_day_is_asked_about(session: Session) -> None:
    firm = a_firm(session)
    item = judge(session, {"企业名称": firm.name, "板块": "主板", "证券代码": "830799"})[0]
    assert item.joined.outcome is RowOutcome.REFUSED and "没有上市日期" in why(item)


def test_what_may_be_waived_is_excused_by_the_reason_of_the_list(session: Session) -> None:
    firm = a_firm(session)
    bare = {**PATH, "保荐机构": "", "保荐代表人": "", "中介协议": "", "缺项原因": "原件在券商处"}
    written(session, {"企业名称": firm.name, **bare})
    assert {(row.item, row.reason) for row in session.scalars(sa.select(CandidateWaiver))} == {
        ("sponsor", "原件在券商处"), ("agreements", "原件在券商处"),
    }  # fmt: skip


def test_an_unknown_firm_and_a_row_twice_are_refused(session: Session) -> None:
    firm = a_firm(session)
    found = judge(
        session, {"企业名称": firm.name}, {"企业名称": firm.name}, {"企业名称": "宁州无此企业有限公司"}
    )
    assert [item.joined.outcome for item in found] == [
        RowOutcome.NEW, RowOutcome.REFUSED, RowOutcome.REFUSED,
    ]  # fmt: skip
    assert "重复" in why(found[1]) and "请先登记" in why(found[2])


def test_one_that_is_there_goes_ahead_by_the_actions_of_the_page_and_only_what_is_new_changes(
    session: Session,
) -> None:
    one = a_candidate(session, on=dt.date(2022, 1, 10))
    name = one.firm_name
    batch = staged(session, {"企业名称": name, **PATH})
    writing.write(session, batch, actor=ROBOT, today=TODAY)
    commit(session)
    session.expire_all()
    assert (only(session).stage, only(session).board) == (Stage.TUTORING, Board.STAR)
    assert only(session).reformed_on == dt.date(2022, 9, 20)
    assert judge(session, {"企业名称": name, **PATH})[0].joined.outcome is RowOutcome.SAME
    for change, told in (
        ({"股改日期": "2022-09-21"}, "不能改写历史"), ({"板块": "主板"}, "更换请在后备企业页"), ({"阶段": "尽调",
        "股改日期": "", "股份公司执照": "", "辅导备案日期": "", "辅导备案文号": ""}, "退回请在后备企业页"),
    ):  # fmt: skip
        item = judge(session, {"企业名称": name, **PATH, **change})[0]
        assert item.joined.outcome is RowOutcome.REFUSED and told in why(item), why(item)
    item = judge(session, {"企业名称": name, **PATH, "状态": "撤回", "状态原因": "业绩下滑"})[0]
    assert item.joined.outcome is RowOutcome.CHANGED and list(item.changes) == ["state"]


def test_a_firm_that_enters_meanwhile_is_not_entered_twice(session: Session) -> None:
    firm = a_firm(session)
    batch = staged(session, {"企业名称": firm.name, **PATH})
    actions.enter(session, firm, actor=ROBOT, today=TODAY, on=TODAY)
    commit(session)
    with pytest.raises(Conflict, match="第 2 行"):
        writing.write(session, batch, actor=ROBOT, today=TODAY)


def test_the_whole_import_can_be_taken_back(session: Session) -> None:
    firms = [a_firm(session, n) for n in (1, 2)]
    listed = {"企业名称": firms[1].name, "板块": "主板", "上市日期": "2020-10-16", "证券代码": "300898"}
    batch = written(session, {"企业名称": firms[0].name, **PATH}, listed)
    writing.undo_import(session, batch, actor=ROBOT)
    commit(session)
    models: tuple[Any, ...] = (
        Candidate, CandidateMove, CandidateEvidence, CandidateWaiver, CandidatePlan, Intermediary, Certification,
    )  # fmt: skip
    for model in models:
        assert session.scalar(sa.select(sa.func.count()).select_from(model)) == 0, model


def test_a_masked_person_of_an_export_is_not_taken_for_a_name(session: Session) -> None:
    written(session, {"企业名称": a_firm(session).name, **PATH, "保荐代表人": "许**"})
    helpers = {row.name: row.person for row in session.scalars(sa.select(Intermediary))}
    assert helpers["浙海证券"] is None

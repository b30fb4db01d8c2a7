"""A published list from file to certificates and back."""

from __future__ import annotations

import functools
import io

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.sheets import write_xlsx
from crm.core.sheets.writing import Column, SheetSpec
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms.models import Firm, FirmName
from crm.firms.rules.words import BatchState, NameKind
from crm.ladder import actions
from crm.ladder.actions import tagging
from crm.ladder.models import Application, Certification, TagBatch, TagRow
from crm.ladder.queries import load_registry
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.words import RowResult, Stage, TagDecision, TagOutcome
from crm.ladder.sheets import read_list
from tests import people
from tests.ladder.builders import TODAY, D, firm, stage_on

HIGH = KINDS["high-tech"]
ROWS = [
    ("浙江松岳电气有限公司", "GR202533000001", "2025年12月8日"),
    ("浙江松岳 电气有限公司", "GR202533000001", "2025年12月8日"),
    ("温州翎途视觉科技有限公司", "GR202533000002", "2025-12-08"),
    ("绍兴云天外文化传媒有限公司", "GR202533000003", "2025-12-08"),
    ("浙江远川机械有限公司", "GR20253300", "2025-12-08"),
    ("浙江远川机械有限公司", "GR202533000005", "2027-12-08"),
]


def book(rows: list[tuple[str, str, str]] = ROWS) -> bytes:
    """A list as authorities publish it: titles above, a note below."""
    return _book(tuple(rows))


@functools.cache  # the same rows are the same file: a workbook carries the second it was made in
def _book(rows: tuple[tuple[str, str, str], ...]) -> bytes:
    cells = [
        ["附件1"],
        ["2025年度高新技术企业名单"],
        [],
        ["序号", "企业名称\n（全称）", "证书编号", "发证日期"],
    ]
    cells += [[str(place), *row] for place, row in enumerate(rows, 1)]
    cells += [[], ["（以上企业排名不分先后）"]]
    target = io.BytesIO()
    wide = [["" if place >= len(row) else row[place] for place in range(4)] for row in cells]
    write_xlsx(target, [SheetSpec("附件", [Column(name) for name in wide[0]], wide[1:])])
    return target.getvalue()


def staged(session: Session, content: bytes | None = None) -> TagBatch:
    actor = people.actor(session, people.SCIENCE)
    content = content or book()
    listed = read_list(content, "名单.xlsx", kind=HIGH, today=TODAY)
    rows = tagging.match_rows(load_registry(session, actor), listed.rows)
    rows = tagging.judge_rows(session, rows, kind=HIGH.code, granted_on=None, today=TODAY)
    batch = tagging.stage(
        session,
        kind=HIGH.code,
        title=listed.title or "名单",
        filename="名单.xlsx",
        content=content,
        actor=actor,
    )
    tagging.fill(session, batch, rows, actor=actor)
    commit(session)
    return batch


def rows_of(session: Session, batch: TagBatch) -> list[TagRow]:
    session.expire_all()
    return list(session.scalars(sa.select(TagRow).where(TagRow.batch_id == batch.id).order_by(TagRow.row_no)))


@pytest.fixture
def registry(session: Session) -> dict[str, Firm]:
    return {
        name: firm(session, name)
        for name in ("浙江松岳电气有限公司", "温州翎图视觉科技有限公司", "浙江远川机械有限公司")
    }


def test_a_list_is_read_between_titles_and_notes(session: Session, registry: dict[str, Firm]) -> None:
    batch = staged(session)
    found = rows_of(session, batch)
    assert batch.title == "2025年度高新技术企业名单"
    assert [row.row_no for row in found] == [5, 6, 7, 8, 9, 10]
    assert [row.outcome.value for row in found] == [
        "matched", "refused", "doubtful", "unmatched", "refused", "refused",
    ]  # fmt: skip
    assert (found[0].how, found[0].firm_id) == ("exact", registry["浙江松岳电气有限公司"].id)
    assert found[2].candidates[0]["id"] == registry["温州翎图视觉科技有限公司"].id
    assert batch.counts["write"] == 1


def test_deciding_writing_and_undoing(session: Session, registry: dict[str, Firm]) -> None:
    actor = people.actor(session, people.SCIENCE)
    near = registry["温州翎图视觉科技有限公司"]
    followed = actions.open_application(
        session, near, kind=HIGH.code, on=D(2025, 3, 1), actor=actor, today=TODAY
    )
    commit(session)
    batch = staged(session)
    rows = rows_of(session, batch)
    tagging.decide(session, batch, rows[2], decision=TagDecision.ACCEPTED, firm_id=near.id, actor=actor)
    tagging.decide(session, batch, rows[3], decision=TagDecision.NEW_FIRM, actor=actor)
    with pytest.raises(Refused):
        tagging.decide(session, batch, rows[4], decision=TagDecision.ACCEPTED, firm_id=near.id, actor=actor)
    expected = tagging.preview(session, batch, today=TODAY)
    commit(session)
    plan = tagging.write(session, batch, actor=actor, today=TODAY)
    commit(session)
    assert (plan.granted, plan.new_firms, plan.aliases, plan.applications) == (3, 1, 1, 1)
    assert (expected.granted, expected.new_firms, expected.aliases) == (2, 1, 1)
    assert batch.state is BatchState.DONE
    assert stage_on(session, near.id, TODAY) is Stage.HIGH_TECH_SCALE_UP
    session.expire_all()
    assert session.get_one(Application, followed.id).certification_id is not None
    alias = session.scalars(sa.select(FirmName).where(FirmName.kind == NameKind.ALIAS)).one()
    assert (alias.firm_id, alias.name) == (near.id, "温州翎途视觉科技有限公司")
    assert [row.result for row in rows_of(session, batch)][:4] == [
        RowResult.GRANTED, None, RowResult.GRANTED, RowResult.GRANTED,
    ]  # fmt: skip
    with pytest.raises(Refused):
        tagging.write(session, batch, actor=actor, today=TODAY)

    again = staged(session)
    assert tagging.seen_before(session, book(), HIGH.code) is not None
    repeated = rows_of(session, again)
    assert [row.outcome for row in repeated][:4] == [
        TagOutcome.MATCHED, TagOutcome.REFUSED, TagOutcome.MATCHED, TagOutcome.MATCHED,
    ]  # fmt: skip
    assert (repeated[2].how, repeated[2].result) == ("alias", RowResult.SAME)
    plan = tagging.write(session, again, actor=actor, today=TODAY)
    commit(session)
    assert (plan.granted, plan.same) == (0, 3)

    tagging.undo_batch(session, batch, actor=actor)
    commit(session)
    session.expire_all()
    assert session.scalar(sa.select(sa.func.count()).select_from(Certification)) == 0
    assert session.scalar(sa.select(Firm.id).where(Firm.name == "绍兴云天外文化传媒有限公司")) is None
    assert session.get_one(Application, followed.id).is_open is True
    assert session.get_one(TagBatch, batch.id).state is BatchState.UNDONE
    assert stage_on(session, near.id, TODAY) is Stage.MICRO_GROWTH


def test_the_last_decision_can_be_taken_back(session: Session, registry: dict[str, Firm]) -> None:
    actor = people.actor(session, people.SCIENCE)
    batch = staged(session)
    rows = rows_of(session, batch)
    for place in (2, 3):
        tagging.decide(session, batch, rows[place], decision=TagDecision.RETURNED, actor=actor)
        commit(session)
    back = tagging.take_back(session, batch, actor=actor)
    commit(session)
    assert back is not None and back.row_no == rows[3].row_no
    assert rows_of(session, batch)[2].decision is TagDecision.RETURNED
    assert (
        tagging.decide_all(
            session, batch, outcome=TagOutcome.UNMATCHED, decision=TagDecision.NEW_FIRM, actor=actor
        )
        == 1
    )


def test_pasted_names_need_a_day_of_grant(session: Session, registry: dict[str, Firm]) -> None:
    actor = people.actor(session, people.SCIENCE)
    listed = read_list("浙江松岳电气有限公司\n浙江远川机械有限公司\n", "粘贴", kind=HIGH, today=TODAY)
    rows = tagging.match_rows(load_registry(session, actor), listed.rows)
    batch = tagging.stage(session, kind=HIGH.code, title="粘贴", filename="粘贴", content=b"x", actor=actor)
    tagging.fill(
        session,
        batch,
        tagging.judge_rows(session, rows, kind=HIGH.code, granted_on=None, today=TODAY),
        actor=actor,
    )
    with pytest.raises(Refused) as refusal:
        tagging.write(session, batch, actor=actor, today=TODAY)
    assert refusal.value.field == "granted_on"
    tagging.set_dates(session, batch, granted_on=D(2025, 12, 8), actor=actor, today=TODAY)
    assert tagging.write(session, batch, actor=actor, today=TODAY).granted == 2
    commit(session)


def test_columns_without_known_headings_are_told_by_their_content(session: Session) -> None:
    text = "浙江松岳电气有限公司\tGR202533000001\t2025-12-08\n浙江远川机械厂\tGR202533000002\t2025-12-08\n"
    listed = read_list(text, "粘贴", kind=HIGH, today=TODAY)
    assert [(row.name, row.number, row.granted_on) for row in listed.rows][1] == (
        "浙江远川机械厂", "GR202533000002", D(2025, 12, 8),
    )  # fmt: skip


def test_a_wrong_credit_code_makes_a_row_doubtful(session: Session, registry: dict[str, Firm]) -> None:
    text = "企业名称\t统一社会信用代码\n浙江松岳电气有限公司\t91330300MA00000000\n"
    listed = read_list(text, "粘贴", kind=HIGH, today=TODAY)
    actor = people.actor(session, people.SCIENCE)
    (row,) = tagging.match_rows(load_registry(session, actor), listed.rows)
    assert row["outcome"] is TagOutcome.DOUBTFUL
    assert row["candidates"][0]["id"] == registry["浙江松岳电气有限公司"].id

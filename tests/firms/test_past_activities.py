"""Past visits, calls and meetings from a spreadsheet: original days and authors, the importer nowhere but in the stamps."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities import actions as following
from crm.activities.models import Activity, ActivityPerson, ActivitySubject, InboxItem, NextStep
from crm.activities.queries.entries import ACTIVITIES
from crm.activities.queries.inbox import list_inbox
from crm.activities.queries.timeline import stream
from crm.activities.rules.words import ActivityKind
from crm.core import audit
from crm.core.db import db
from crm.core.permissions import Actor, Forbidden, Scope, system
from crm.core.transaction import commit
from crm.firms import actions, sheets
from crm.firms.actions import staging, writing
from crm.firms.models import Firm
from crm.firms.queries.own import last_contact
from crm.firms.rules.words import ImportMode
from tests import people
from tests.core.sheets import nasty
from tests.firms.past_sheets import (
    HEAD,
    KIND,
    OLD,
    TODAY,
    TUOYU,
    big,
    count,
    firms,
    judged,
    outcomes,
    sheet,
    taken,
    why,
)
from tests.firms.test_pages import code_of

# --- what is written ----------------------------------------------------------------------------------------------


def test_entries_keep_their_day_and_author_and_the_importer_is_only_in_the_stamps(session: Session) -> None:
    tuoyu, xuchuan = firms(session)
    batch = taken(session, OLD)
    assert {key: n for key, n in batch.counts.items() if n} == {"new": 3}
    visit, call, note = session.scalars(sa.select(Activity).order_by(Activity.on)).all()
    science, investment = people.id_of(session, people.SCIENCE), people.id_of(session, people.INVESTMENT)
    importer = people.id_of(session, people.FINANCE)
    assert (visit.kind, visit.on, visit.author_id) == (ActivityKind.VISIT, dt.date(2025, 3, 8), science)
    assert visit.summary == "看了新车间，\n想扩产\n下一步：送用地政策（2025-03-20，林晓雯）"
    assert (visit.their_people, visit.place, visit.source) == ("王总", "滨海路 1 号", "科技局台账")
    assert (call.kind, call.author_id, call.author_name) == (ActivityKind.CALL, None, "赵早离")
    assert note.kind is ActivityKind.NOTE
    assert {entry.created_by_id for entry in (visit, call, note)} == {importer}
    assert importer not in {visit.author_id, call.author_id, note.author_id}
    there = session.execute(sa.select(ActivityPerson.activity_id, ActivityPerson.user_id)).all()
    assert [tuple(row) for row in there] == [(visit.id, investment)]
    subjects = session.execute(
        sa.select(ActivitySubject.kind, ActivitySubject.subject_id, ActivitySubject.on).order_by(
            ActivitySubject.on
        )
    )
    assert [tuple(row) for row in subjects] == [
        ("firm", tuoyu, visit.on), ("firm", xuchuan, call.on), ("firm", tuoyu, note.on),
    ]  # fmt: skip


def test_only_a_step_to_come_is_open_and_its_giver_is_the_author(session: Session) -> None:
    firms(session)
    taken(session, OLD)
    (step,) = session.scalars(sa.select(NextStep)).all()
    assert (step.text, step.due_on) == ("核对数据", dt.date(2026, 12, 5))
    assert step.owner_id == people.id_of(session, people.INVESTMENT)
    assert step.given_by_id == people.id_of(session, people.SCIENCE)
    told = session.scalars(sa.select(InboxItem)).one()  # of what is to come, and of nothing gone by
    assert (told.user_id, told.code, told.step_id) == (step.owner_id, "steps-imported", step.id)


def test_who_is_given_several_steps_is_told_once_an_import_and_never_of_what_is_undone(
    session: Session,
) -> None:
    firms(session)
    more = "".join(f"2026-11-2{n},林晓雯,{TUOYU},电话,第 {n} 次,事 {n},2026-12-0{n}\n" for n in (1, 2, 3))
    batch = taken(session, "日期,走访人,企业名称,方式,内容,下一步,下一步日期\n" + more)
    viewer = people.actor(session, people.INVESTMENT)
    [line] = list_inbox(session, viewer, today=TODAY)[0]
    assert (line.item.code, line.item.params["to"], line.title, line.text) == (
        "steps-imported", "activities.steps", "", "",
    )  # fmt: skip
    writing.undo_import(session, batch, actor=people.actor(session, people.FINANCE))
    commit(session)
    assert list_inbox(session, viewer, today=TODAY)[0] == []


def test_the_preview_says_what_becomes_of_a_step_and_of_who_is_gone(session: Session) -> None:
    firms(session)
    _, staged = judged(session, OLD)
    assert [why(item) for item in staged] == [
        "下一步的日期 2025-03-20 已过，写进经过，不列入待办。",
        "在用的同事里没有「赵早离」，只记名字。",
        "下一步列入待办：2026-12-05。",
    ]


def test_the_timeline_and_the_idle_time_go_by_the_original_day(session: Session) -> None:
    tuoyu, xuchuan = firms(session)
    science = people.actor(session, people.SCIENCE)
    audit.begin(session, actor=system("tests"), action="firm.edit")
    audit.update_many(session, Firm, [(xuchuan, {}, {"officer_id": science.user_id})])
    commit(session)
    taken(session, OLD)
    shown = stream(session, ("firm", tuoyu), science, today=TODAY)
    found = [(entry.on, entry.who) for entry in shown.entries if entry.source == ACTIVITIES.code]
    assert found == [(dt.date(2026, 11, 20), "叶知秋"), (dt.date(2025, 3, 8), "叶知秋、林晓雯")]
    last = session.scalar(sa.select(last_contact(science)).where(Firm.id == xuchuan))
    assert last == dt.date(2025, 3, 9)  # idle time counts from when it happened


def test_undo_takes_the_entries_away_and_nothing_else(session: Session) -> None:
    tuoyu, _ = firms(session)
    mine = following.log(
        session, actor=people.actor(session, people.SCIENCE), at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC), today=TODAY,
        kind=ActivityKind.VISIT, on=TODAY, summary="自己记的", subjects=[("firm", tuoyu)],
    )  # fmt: skip
    commit(session)
    batch = taken(session, OLD)
    writing.undo_import(session, batch, actor=people.actor(session, people.FINANCE))
    commit(session)
    assert session.scalars(sa.select(Activity.id)).all() == [mine.id]
    assert (count(session, ActivitySubject), count(session, ActivityPerson), count(session, NextStep)) == (
        1, 0, 0,
    )  # fmt: skip


# --- once only ----------------------------------------------------------------------------------------------------


def test_the_same_file_again_is_recognised_also_when_its_step_has_gone_by_meanwhile(session: Session) -> None:
    firms(session)
    taken(session, OLD)
    table = sheets.open_table(OLD.encode(), "台账.csv", KIND)
    rows = sheets.parse(table, sheets.recognise(table.headings, KIND), KIND)
    later = TODAY + dt.timedelta(30)
    who = people.actor(session, people.SCIENCE)
    staged = staging.judge(session, rows, actor=who, sheet=KIND, mode=ImportMode.BOTH, today=later)
    assert outcomes(staged) == ["same"] * 3
    assert taken(session, OLD).counts["same"] == 3
    assert count(session, Activity) == 3


def test_a_row_twice_in_the_file_is_refused_with_the_row_it_repeats(session: Session) -> None:
    firms(session)
    row = ["2025-03-08", TUOYU, "走访", "看了车间", "叶知秋"]
    _, staged = judged(session, sheet(row, row, [*row[:2], "电话", *row[3:]], head=HEAD[:5]))
    assert outcomes(staged) == ["new", "refused", "new"]
    assert "与第 2 行重复" in why(staged[1])


def test_an_entry_that_was_withdrawn_does_not_come_back_by_itself(session: Session) -> None:
    firms(session)
    taken(session, OLD)
    entry = session.scalars(sa.select(Activity).where(Activity.kind == ActivityKind.CALL)).one()
    following.withdraw(
        session,
        entry,
        actor=people.actor(session, people.FINANCE),
        today=TODAY,
        version=None,
        reason="记错了",
    )
    commit(session)
    _, staged = judged(session, OLD)
    assert outcomes(staged) == ["same"] * 3
    assert "已经收回" in why(staged[1])


# --- firms and rights ---------------------------------------------------------------------------------------------


def test_a_firm_is_found_by_code_former_name_and_doubted_when_only_alike(session: Session) -> None:
    made = actions.register(
        session, actor=system("tests"), today=TODAY, name=TUOYU, code=code_of("MA2L9E2U5"), former_names=["温州拓屿机械厂"]
    )  # fmt: skip
    commit(session)
    head = ["日期", "企业名称", "统一社会信用代码", "内容"]
    _, staged = judged(
        session,
        sheet(
            ["2025-03-08", "", code_of("MA2L9E2U5"), "一"], ["2025-03-08", "温州拓屿机械厂", "", "二"],
            ["2025-03-08", "浙江拓屿精密机械股份有限公司", "", "三"], ["2025-03-08", "上海无此家有限公司", "", "四"],
            head=head,
        ),
    )  # fmt: skip
    assert outcomes(staged) == ["new", "new", "doubtful", "refused"]
    assert [item.joined.firm_id for item in staged[:2]] == [made.id, made.id]
    assert [each["id"] for each in staged[2].joined.candidates] == [made.id]
    assert "库里没有这家企业" in why(staged[3])


def test_a_firm_one_may_not_see_is_unknown(session: Session) -> None:
    firms(session)
    blind = Actor(None, "x", {"firm:import": Scope.ALL, "activity:add": Scope.ALL})
    _, staged = judged(session, OLD, blind)
    assert outcomes(staged) == ["refused"] * 3
    assert not any(item.joined.candidates for item in staged)
    assert "库里没有这家企业" in why(staged[0])


@pytest.mark.parametrize("grants", [{"activity:add"}, {"firm:import"}, {"firm:import", "firm:edit"}, set()])
def test_it_takes_the_right_to_import_and_the_right_to_log(session: Session, grants: set[str]) -> None:
    with pytest.raises(Forbidden):
        staging.require(Actor(1, "x", dict.fromkeys(grants, Scope.ALL)), KIND)
    staging.require(Actor(1, "x", {"firm:import": Scope.ALL, "activity:add": Scope.ALL}), KIND)


# --- cells that must never become data ----------------------------------------------------------------------------


def test_every_bad_row_has_its_sentence_and_a_dry_run_writes_nothing(
    session: Session,
) -> None:
    firms(session)
    rows = {
        "2025-02-30": ("走访", "x", "不存在"),
        "25/3/8": ("走访", "x", "两位"),
        "昨天": ("走访", "x", "不是日期"),
        "2026-11-24": ("走访", "x", "不能晚于今天"),
        "1985-01-01": ("走访", "x", "太早了"),
        "2025-03-01": ("批示", "x", "批示不能导入"),
        "2025-03-02": ("喝茶", "x", "不在这些里面"),
        "2025-03-03": ("走访", "长" * 5000, "最多 4000 个字"),
        "2025-03-04": ("走访", "", "内容没有填"),
        "": ("走访", "x", "日期没有填"),
        "2025-03-05": ("走访", "乱码\ufffd", "乱码"),
    }
    text = sheet(*[[day, TUOYU, *cells[:2], "叶知秋"] for day, cells in rows.items()], head=HEAD[:5])
    _, staged = judged(session, text)
    assert outcomes(staged) == ["refused"] * len(rows)
    for item, cells in zip(staged, rows.values(), strict=True):
        assert cells[2] in why(item), (item.read.row_no, why(item))
    assert count(session, Activity) == 0


def test_text_that_looks_like_a_formula_or_markup_stays_text(session: Session) -> None:
    firms(session)
    bad = ["=cmd|' /C calc'!A0", "@SUM(1)", "<script>alert(1)</script>", "𠮷\u202e反"]
    taken(session, sheet(*[["2025-03-08", TUOYU, "走访", text, "=叶知秋"] for text in bad], head=HEAD[:5]))
    found = session.execute(sa.select(Activity.summary, Activity.author_name).order_by(Activity.id)).all()
    assert [row.summary for row in found] == [*bad[:3], "𠮷反"]
    assert {row.author_name for row in found} == {"=叶知秋"}


def test_days_of_excel_are_read_and_formulas_without_a_value_refused(session: Session) -> None:
    firms(session)
    rows = [
        ["日期", "企业名称", "内容"],
        [45724, TUOYU, "一"],
        [45725, TUOYU, '<c r="C3"><f>1+1</f></c>'],
        [-1, TUOYU, "三"],
    ]
    table = sheets.open_table(nasty.xlsx(nasty.rows_xml(rows)), "a.xlsx", KIND)
    parsed = sheets.parse(table, sheets.recognise(table.headings, KIND), KIND)
    assert parsed[0].values["on"] == "2025-03-08" and not parsed[0].reasons
    assert [bool(row.reasons) for row in parsed] == [False, True, True]


def test_judging_and_writing_take_the_same_statements_for_twice_as_many_rows(session: Session) -> None:
    firms(session, *[f"温州第{n}家制造有限公司" for n in range(50)])
    seen: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    def asked(rows: int, mark: str) -> int:
        text = big(rows).replace("次走访", mark)
        seen.clear()
        taken(session, text)
        return len(seen)

    asked(100, "先")  # there are entries to compare with from here on
    assert asked(400, "甲") == asked(800, "乙")

"""The mechanism of pipelines, on an invented one: a book on its way to the shop."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from crm.core import audit
from crm.core.db import Worded
from crm.core.permissions import Actor
from crm.core.pipeline import (
    Books,
    Item,
    Moved,
    MoveKind,
    Need,
    Pipeline,
    Proven,
    Waived,
    WaiverKind,
    Wants,
    advance,
    guarding,
    papers,
    put_aside,
    something,
    take_up,
)
from crm.core.words import Conflict, Refused, Word

TODAY = dt.date(2026, 3, 31)


class Stage(Word):
    IDEA = "idea", "想法"
    DRAFT = "draft", "初稿"
    PRINT = "print", "付印"
    SHOP = "shop", "上架"


class State(Word):
    ON = "on", "写作中"
    RESTING = "resting", "搁置"
    DROPPED = "dropped", "放弃"


class Paper(Word):
    LICENCE = "licence", "准印证"


class Act(Word):
    MOVE = "book.move", "移书"
    ASIDE = "book.aside", "搁书"
    RESUME = "book.resume", "续书"
    PROVE = "book.prove", "证书"
    DROP = "book.drop", "收证"
    EXCUSE = "book.excuse", "说明"
    UNEXCUSE = "book.unexcuse", "取消"


TITLE = Item("title", "书名", Wants.FACT, fact="title")
PAGES = Item("pages", "页数", Wants.FACT, fact="pages", can_be_unknown=True)
LICENCE = Item("licence", "准印证", Wants.EVIDENCE, evidence=Paper.LICENCE, can_be_waived=True)
PIPELINE: Pipeline[Stage, State] = Pipeline(
    what="这本书",
    stages=Stage,
    gates={Stage.IDEA: (), Stage.DRAFT: (TITLE,), Stage.PRINT: (PAGES, LICENCE), Stage.SHOP: ()},
    active=State.ON,
    going=frozenset({State.ON, State.RESTING}),
)


class Shelf(DeclarativeBase):
    """Tables of their own: nothing of the product's is touched."""

    __audited__ = False


class Person(Shelf):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)


class File(Shelf):
    __tablename__ = "attachments"
    id: Mapped[int] = mapped_column(primary_key=True)


class Book(Shelf):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    title: Mapped[str | None]
    pages: Mapped[int | None]
    stage: Mapped[Stage] = mapped_column(Worded(Stage), default=Stage.IDEA)
    stage_on: Mapped[dt.date]
    state: Mapped[State] = mapped_column(Worded(State), default=State.ON)
    state_on: Mapped[dt.date | None]
    state_reason: Mapped[str | None]
    archived_on: Mapped[dt.date | None]


class BookMove(Moved, Shelf):
    __tablename__ = "book_moves"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"))
    from_stage: Mapped[Stage | None] = mapped_column(Worded(Stage))
    stage: Mapped[Stage] = mapped_column(Worded(Stage))
    state: Mapped[State] = mapped_column(Worded(State))
    skipped: Mapped[list[Any]] = mapped_column(sa.JSON, default=list)


class BookWaiver(Waived, Shelf):
    __tablename__ = "book_waivers"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"))


class BookPaper(Proven, Shelf):
    __tablename__ = "book_papers"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"))
    kind: Mapped[Paper] = mapped_column(Worded(Paper))
    __table_args__ = (something(),)


BOOKS = Books(PIPELINE, "book", "book_id", Book, BookMove, BookWaiver, BookPaper)
WHO = Actor(None, "书")


def day(number: int) -> dt.date:
    """A day of March 2026."""
    return dt.date(2026, 3, number)


@pytest.fixture
def shelf() -> Iterator[Session]:
    engine = sa.create_engine("sqlite://")
    Shelf.metadata.create_all(engine)
    with Session(engine, autoflush=False) as session:
        yield session
        session.rollback()
    engine.dispose()


def book(session: Session, **facts: Any) -> Book:
    """A book reported on the first of March."""
    made = Book(stage_on=day(1), stage=Stage.IDEA, state=State.ON, **facts)
    session.add(made)
    session.flush()
    session.add(BookMove(book_id=made.id, kind=MoveKind.REPORT, stage=Stage.IDEA, state=State.ON, on=day(1)))
    session.flush()
    return made


def move(session: Session, made: Book, stage: Stage, on: dt.date, reason: str | None = None) -> MoveKind:
    met = BOOKS.met(session, [made])[made.id]
    judged = advance(
        session, BOOKS, made, Act.MOVE, actor=WHO, today=TODAY, stage=stage, on=on, met=met, reason=reason
    )
    session.flush()
    return judged.kind


def test_a_field_is_required_by_now_or_next_or_not_at_all() -> None:
    assert [PIPELINE.need_of("pages", stage) for stage in Stage] == [
        Need.OPTIONAL, Need.NEXT, Need.REQUIRED, Need.REQUIRED,
    ]  # fmt: skip
    assert PIPELINE.need_of("cover", Stage.SHOP) is Need.OPTIONAL
    assert [PIPELINE.next_of(stage) for stage in Stage] == [Stage.DRAFT, Stage.PRINT, Stage.SHOP, None]


def test_facts_are_there_when_they_say_something_and_zero_says_something() -> None:
    assert PIPELINE.facts_met({"title": "", "pages": 0}) == {"pages"}


def test_a_jump_names_everything_that_the_gates_on_the_way_lack_and_writes_nothing(shelf: Session) -> None:
    made = book(shelf)
    with pytest.raises(Refused) as refused:
        move(shelf, made, Stage.SHOP, day(5))
    assert [item.text for item in refused.value.items] == ["书名", "页数", "准印证"]
    assert (made.stage, len(BOOKS.moves_of(shelf, made.id))) == (Stage.IDEA, 1)


def test_a_move_is_a_dated_row_and_tells_how_long_the_stage_had_lasted(shelf: Session) -> None:
    made = book(shelf, title="梯队", pages=99)
    papers.prove(
        shelf, BOOKS, made, Act.PROVE, actor=WHO, today=TODAY, kind=Paper.LICENCE, on=day(2), reference=" 一 号 ",
        attachment_id=None, is_here=True,
    )  # fmt: skip
    assert move(shelf, made, Stage.DRAFT, day(4)) is MoveKind.ADVANCE
    assert move(shelf, made, Stage.SHOP, day(9)) is MoveKind.JUMP
    assert move(shelf, made, Stage.DRAFT, day(9), "错字") is MoveKind.BACK
    assert [(row.kind, row.stage, row.days, row.skipped or []) for row in BOOKS.moves_of(shelf, made.id)] == [
        (MoveKind.REPORT, Stage.IDEA, None, []),
        (MoveKind.ADVANCE, Stage.DRAFT, 3, []),
        (MoveKind.JUMP, Stage.SHOP, 5, ["print"]),
        (MoveKind.BACK, Stage.DRAFT, 0, []),
    ]
    assert (made.stage, made.stage_on) == (Stage.DRAFT, day(9))
    assert BOOKS.evidence_of(shelf, made.id)[0].reference == "一 号"


@pytest.mark.parametrize(
    ("stage", "on", "reason", "field", "words"),
    [
        (Stage.DRAFT, day(7), None, "stage", "这本书已经在「draft」"),
        (Stage.IDEA, day(7), " ", "reason", "退回要写明原因"),
        (Stage.IDEA, day(3), "错字", "on", "上一次变动在 2026-03-04"),
        (Stage.IDEA, TODAY + dt.timedelta(1), "错字", "on", "日期不能晚于今天"),
    ],
)
def test_a_move_is_refused_with_its_reason(
    shelf: Session, stage: Stage, on: dt.date, reason: str | None, field: str, words: str
) -> None:
    made = book(shelf, title="梯队")
    move(shelf, made, Stage.DRAFT, day(4))
    with pytest.raises(Refused, match=words) as refused:
        move(shelf, made, stage, on, reason)
    assert refused.value.field == field


def test_what_the_table_cannot_say_is_judged_before_anything_is_written(shelf: Session) -> None:
    made = book(shelf, title="梯队")

    def also(_judged: object) -> None:
        raise Refused("纸张不够。")

    with pytest.raises(Refused, match="纸张"):
        advance(
            shelf, BOOKS, made, Act.MOVE, actor=WHO, today=TODAY, stage=Stage.DRAFT, on=day(4), met={"title"},
            reason=None, also=also,
        )  # fmt: skip
    assert not shelf.new
    assert audit.running(shelf) is None


def test_what_was_put_aside_does_not_move_until_it_is_taken_up_at_its_stage(shelf: Session) -> None:
    made = book(shelf, title="梯队")
    with pytest.raises(Refused, match="正在推进中"):
        take_up(shelf, BOOKS, made, Act.RESUME, actor=WHO, today=TODAY, on=day(3), reason="灵感")
    with pytest.raises(Refused, match="请写明原因"):
        put_aside(
            shelf, BOOKS, made, Act.ASIDE, actor=WHO, today=TODAY, state=State.DROPPED, on=day(3), reason=""
        )
    put_aside(
        shelf, BOOKS, made, Act.ASIDE, actor=WHO, today=TODAY, state=State.DROPPED, on=day(3), reason="没空"
    )
    shelf.flush()
    assert (made.state, made.state_on, made.state_reason) == (State.DROPPED, day(3), "没空")
    with pytest.raises(Refused, match="这本书现在是「dropped」"):
        move(shelf, made, Stage.DRAFT, day(4))
    with pytest.raises(Refused, match="这本书已经「dropped」"):
        PIPELINE.check_aside(made.state, State.RESTING, "再想")
    with pytest.raises(Refused, match="上一次变动"):
        take_up(shelf, BOOKS, made, Act.RESUME, actor=WHO, today=TODAY, on=day(2), reason="有空")
    take_up(shelf, BOOKS, made, Act.RESUME, actor=WHO, today=TODAY, on=day(6), reason="有空")
    shelf.flush()
    assert (made.stage, made.state) == (Stage.IDEA, State.ON)
    assert BOOKS.moves_of(shelf, made.id)[-1].kind is MoveKind.RESUME


def test_a_reason_stands_in_place_of_an_item_only_where_the_table_allows_it(shelf: Session) -> None:
    made = book(shelf, title="梯队")

    def say(item: str, kind: WaiverKind, reason: str, until_on: dt.date | None = None) -> None:
        papers.excuse(
            shelf, BOOKS, made, Act.EXCUSE, actor=WHO, today=TODAY, item=item, kind=kind, reason=reason,
            until_on=until_on,
        )  # fmt: skip

    for item, kind, until_on, words in (
        ("cover", WaiverKind.WAIVED, None, "没有这一项"),
        ("title", WaiverKind.UNKNOWN, TODAY, "「书名」必须填写"),
        ("pages", WaiverKind.WAIVED, None, "「页数」不能免去"),
        ("pages", WaiverKind.UNKNOWN, None, "预计哪天"),
        ("pages", WaiverKind.UNKNOWN, day(1), "不能早于今天"),
    ):
        with pytest.raises(Refused, match=words):
            say(item, kind, "还在写", until_on)
    assert BOOKS.excuses(shelf, [made.id]) == {made.id: {}}
    say("pages", WaiverKind.UNKNOWN, "还在写", TODAY)
    say("licence", WaiverKind.WAIVED, "内部资料")
    assert BOOKS.excuses(shelf, [made.id]) == {made.id: {"pages": "还在写", "licence": "内部资料"}}
    assert move(shelf, made, Stage.PRINT, day(8)) is MoveKind.JUMP
    papers.take_back(shelf, BOOKS, made, Act.UNEXCUSE, BOOKS.waivers_of(shelf, made.id)["licence"], actor=WHO)
    assert set(BOOKS.waivers_of(shelf, made.id)) == {"pages"}


def test_a_document_is_a_file_that_is_here_or_a_number_and_counts_until_it_is_put_away(
    shelf: Session,
) -> None:
    made = book(shelf, title="梯队", pages=9)

    def prove(
        number: str | None, file: int | None, on: dt.date = TODAY, *, is_here: bool = True
    ) -> BookPaper:
        return papers.prove(
            shelf, BOOKS, made, Act.PROVE, actor=WHO, today=TODAY, kind=Paper.LICENCE, on=on, reference=number,
            attachment_id=file, is_here=is_here,
        )  # fmt: skip

    for number, file, on, is_here, words in (
        (" ", None, TODAY, True, "请上传文件"),
        (None, 3, TODAY, False, "没有这个文件"),
        ("一号", None, TODAY + dt.timedelta(1), True, "日期不能晚于今天"),
    ):
        with pytest.raises(Refused, match=words):
            prove(number, file, on, is_here=is_here)
    row = prove("一号", None)
    assert BOOKS.met(shelf, [made])[made.id] == {"title", "pages", "licence"}
    papers.put_away(shelf, BOOKS, made, Act.DROP, row, actor=WHO, today=TODAY, reason="错的")
    assert BOOKS.met(shelf, [made])[made.id] == {"title", "pages"}
    assert BOOKS.get_evidence(shelf, made.id, row.id) is row
    assert BOOKS.get_evidence(shelf, made.id + 1, row.id) is None
    with pytest.raises(Refused, match="已经收起"):
        papers.put_away(shelf, BOOKS, made, Act.DROP, row, actor=WHO, today=TODAY, reason="错的")


def test_the_line_tells_planned_and_actual_days_and_how_long_each_stage_lasted(shelf: Session) -> None:
    made = book(shelf, title="梯队", pages=9)
    move(shelf, made, Stage.DRAFT, day(4))
    put_aside(
        shelf, BOOKS, made, Act.ASIDE, actor=WHO, today=TODAY, state=State.RESTING, on=day(8), reason="没空"
    )
    shelf.flush()
    moves, plans = BOOKS.moves_of(shelf, made.id), {Stage.DRAFT: day(3), Stage.SHOP: TODAY}
    line = [
        (each.planned_on, each.actual_on, each.days, each.is_done, each.is_now)
        for each in PIPELINE.line(made.stage, moves, TODAY, plans)
    ]
    assert line == [
        (None, day(1), 3, True, False),
        (day(3), day(4), 27, False, True),  # put aside at a stage is not entering it again
        (None, None, None, False, False),
        (TODAY, None, None, False, False),
    ]


def test_the_next_gate_and_the_counts_of_open_items_agree(shelf: Session) -> None:
    early, late = book(shelf), book(shelf, title="梯队")
    move(shelf, late, Stage.DRAFT, day(2))
    for made in (early, late):
        _target, lines = BOOKS.next_gate(shelf, made, BOOKS.met)
        counted = BOOKS.open_counts(shelf, [early.id, late.id], BOOKS.met)
        assert counted[made.id] == sum(line.is_open for line in lines)
    assert counted == {early.id: 1, late.id: 2}


def test_the_one_who_is_late_is_told_and_what_was_put_away_is_not_written_to(shelf: Session) -> None:
    made = book(shelf)
    guarding.lock(PIPELINE, made, None)
    guarding.lock(PIPELINE, made, 1)
    guarding.held(PIPELINE, shelf, made)
    with pytest.raises(Conflict, match="这本书刚刚被别人改过"):
        guarding.lock(PIPELINE, made, 2)
    shelf.execute(sa.text("UPDATE books SET version = 2"))
    with pytest.raises(Conflict, match="这本书刚刚被别人改过"):
        guarding.held(PIPELINE, shelf, made)
    guarding.there(PIPELINE, made)
    made.archived_on = TODAY
    with pytest.raises(Refused, match="这本书已经归档"):
        guarding.there(PIPELINE, made)


@pytest.mark.parametrize("seed", range(4))
def test_where_a_record_stood_on_any_day_equals_a_slow_recount(shelf: Session, seed: int) -> None:
    dice = random.Random(seed)
    books = [book(shelf, title="书", pages=1) for _ in range(6)]
    for _ in range(60):
        made, on = dice.choice(books), day(dice.randint(1, 30))
        try:
            if dice.random() < 0.7:
                advance(
                    shelf, BOOKS, made, Act.MOVE, actor=WHO, today=TODAY, stage=dice.choice(list(Stage)), on=on,
                    met={"title", "pages", "licence"}, reason="掷骰",
                )  # fmt: skip
            elif made.state is State.ON:
                put_aside(
                    shelf, BOOKS, made, Act.ASIDE, actor=WHO, today=TODAY, state=State.RESTING, on=on, reason="掷骰"
                )  # fmt: skip
            else:
                take_up(shelf, BOOKS, made, Act.RESUME, actor=WHO, today=TODAY, on=on, reason="掷骰")
        except Refused:
            assert not shelf.new
        shelf.flush()
    rows = {made.id: BOOKS.moves_of(shelf, made.id) for made in books}
    assert sum(map(len, rows.values())) > 12
    for number in (1, 7, 15, 22, 30):
        there = BOOKS.standing_on(day(number))
        quick = {row.record_id: (row.stage, row.state) for row in shelf.execute(sa.select(there))}
        slow = {
            each: [(move.stage, move.state) for move in moves if move.on <= day(number)][-1]
            for each, moves in rows.items()
        }
        assert quick == slow
    for place in PIPELINE.order.values():
        reached = {
            each for each, moves in rows.items() if any(PIPELINE.order[move.stage] >= place for move in moves)
        }
        far = BOOKS.farthest()
        assert set(shelf.scalars(sa.select(far.c.record_id).where(far.c.place >= place))) == reached
    for made in books:  # the record is a copy of its last move
        assert (made.stage, made.state) == (rows[made.id][-1].stage, rows[made.id][-1].state)
        assert [move.on for move in rows[made.id]] == sorted(move.on for move in rows[made.id])

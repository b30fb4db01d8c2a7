"""The stage table of a pipeline: what each stage needs before it is entered, and the judgement of a move. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, partial
from typing import Any, Generic, Protocol, TypeVar

from crm.core.folding import legible
from crm.core.words import N_, Message, Refused, Word

S = TypeVar("S", bound=Word)  # the stages, in their order
T = TypeVar("T", bound=Word)  # the states: going on, paused, over

EARLIEST, LATEST = dt.date(1950, 1, 1), dt.date(2100, 12, 31)  # days nobody can mean lie outside


class Wants(StrEnum):
    """What kind of thing an item is, which says where it is filled in."""

    FACT = "fact"
    CHARGE = "charge"
    EVIDENCE = "evidence"
    FIRM = "firm"
    MONEY = "money"
    PEOPLE = "people"


class Need(StrEnum):
    """How a field stands to the stage of a record: said in words beside its label."""

    REQUIRED = "required"
    NEXT = "next"
    OPTIONAL = "optional"


class MoveKind(Word):
    REPORT = "report", N_("首报")
    ADVANCE = "advance", N_("推进")
    JUMP = "jump", N_("跳级推进")
    BACK = "back", N_("退回")
    ASIDE = "aside", N_("暂缓或退出")
    RESUME = "resume", N_("重新推进")
    BOARD = "board", N_("更换板块")


class WaiverKind(Word):
    UNKNOWN = "unknown", N_("暂无法确定")
    WAIVED = "waived", N_("免去")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a gate. `fact` is a column of the record, `evidence` the code of a document; `can_be_unknown`:
    "cannot be known yet" is an honest answer; `can_be_waived`: a reason may stand in its place."""

    code: str
    label: str
    wants: Wants
    fact: str = ""
    evidence: Word | None = None
    can_be_unknown: bool = False
    can_be_waived: bool = False

    @property
    def waivers(self) -> list[WaiverKind]:
        """What may stand in its place."""
        unknown = [WaiverKind.UNKNOWN] if self.can_be_unknown else []
        return [*unknown, *([WaiverKind.WAIVED] if self.can_be_waived else [])]


@dataclass(frozen=True, slots=True)
class Line:
    """An item of a gate and how it stands: there, excused (unknown yet, or waived), or missing."""

    item: Item
    is_met: bool
    excuse: str = ""

    @property
    def is_open(self) -> bool:
        return not self.is_met and not self.excuse


@dataclass(frozen=True, slots=True)
class Milestone(Generic[S]):
    """A stage as the line of a record draws it: the day planned, the day it was last entered, the days it lasted (at
    the stage of now: so far)."""

    stage: S
    planned_on: dt.date | None
    actual_on: dt.date | None
    days: int | None
    is_done: bool
    is_now: bool

    def lag(self, today: dt.date) -> int:
        """How many days behind its plan it was reached, or is; 0 when it is not, or was jumped over."""
        if self.planned_on is None or (self.actual_on is None and (self.is_done or self.is_now)):
            return 0
        return max(((self.actual_on or today) - self.planned_on).days, 0)


class Entered(Protocol):
    """The row of a move, as far as the line needs it."""

    from_stage: Any
    stage: Any
    on: Any


@dataclass(frozen=True, slots=True)
class Move(Generic[S]):
    """A move judged: what kind it is, the reason as it will be kept, the stages jumped over."""

    kind: MoveKind
    reason: str | None = None
    skipped: Sequence[S] = field(default=())


@dataclass(frozen=True)
class Pipeline(Generic[S, T]):
    """A feature's stages with their gates. `active` is the state in which a record moves, `going` the states in
    which it is not over. `what` is what people call a record of it, as the sentences say it."""

    what: str
    stages: type[S]
    gates: Mapping[S, tuple[Item, ...]]
    active: T
    going: frozenset[T]

    @cached_property
    def order(self) -> dict[S, int]:
        return {stage: place for place, stage in enumerate(self.stages)}

    @cached_property
    def items(self) -> dict[str, Item]:
        return {item.code: item for gate in self.gates.values() for item in gate}

    @cached_property
    def stage_of(self) -> dict[str, S]:
        return {item.code: stage for stage, gate in self.gates.items() for item in gate}

    def facts_met(self, record: object) -> set[str]:
        """The codes of the facts that a record (or a mapping, by column) has."""
        given = record.get if isinstance(record, Mapping) else partial(getattr, record)
        facts = [item for item in self.items.values() if item.wants is Wants.FACT]
        return {item.code for item in facts if given(item.fact) not in (None, "")}

    def next_of(self, stage: S) -> S | None:
        """The stage after this one; None at the end."""
        stages = list(self.stages)
        place = self.order[stage] + 1
        return stages[place] if place < len(stages) else None

    def reached(self, moves: Iterable[Entered]) -> dict[S, dt.date]:
        """The day each stage was last entered, of moves in their order."""
        return {move.stage: move.on for move in moves if self.is_entry(move)}

    def is_entry(self, move: Entered) -> bool:
        """Whether a move came to its stage on its day. A record taken in at a later stage than the first only tells
        where it stood."""
        return move.from_stage is not move.stage and (
            move.from_stage is not None or self.order[move.stage] == 0
        )

    def line(
        self, stage: S, moves: Iterable[Entered], today: dt.date, plans: Mapping[S, dt.date] | None = None
    ) -> list[Milestone[S]]:
        """The stages as a page draws them: of those ahead of where the record stands only the plan counts."""
        days, here, found = self.reached(moves), self.order[stage], []
        for each, place in self.order.items():
            on = days.get(each) if place <= here else None
            later = [days[other] for other in self.stages if self.order[other] > place and other in days]
            end = today if each is stage else min((day for day in later if on and day >= on), default=None)
            lasted = (end - on).days if on is not None and end is not None else None
            found.append(Milestone(each, (plans or {}).get(each), on, lasted, place < here, each is stage))
        return found

    def need_of(self, code: str, stage: S) -> Need:
        """Whether an item is required by now, asked for by the next stage, or neither."""
        wanted = self.stage_of.get(code)
        if wanted is None:
            return Need.OPTIONAL
        ahead = self.order[wanted] - self.order[stage]
        return Need.REQUIRED if ahead <= 0 else Need.NEXT if ahead == 1 else Need.OPTIONAL

    def gate(self, stage: S, met: Collection[str], excused: Mapping[str, str]) -> list[Line]:
        """The lines of a stage's gate. `met` are codes of items that are there, `excused` maps codes to reasons."""
        return [Line(item, item.code in met, excused.get(item.code, "")) for item in self.gates[stage]]

    def between(self, stage: S, target: S) -> list[S]:
        """The stages whose gates a move ahead passes: those after `stage`, up to `target`."""
        return [each for each in self.stages if self.order[stage] < self.order[each] <= self.order[target]]

    def missing(self, stage: S, target: S, met: Collection[str], excused: Mapping[str, str]) -> list[Item]:
        """What still lacks for a move ahead: the open items of every gate on the way."""
        return [
            line.item
            for each in self.between(stage, target)
            for line in self.gate(each, met, excused)
            if line.is_open
        ]

    def check_move(
        self,
        stage: S,
        state: T,
        target: S,
        *,
        since: dt.date,
        on: dt.date,
        today: dt.date,
        met: Collection[str],
        excused: Mapping[str, str],
        reason: str | None,
    ) -> Move[S]:
        """Judge a move to another stage. `since` is the day of the last move.

        Raises `Refused`: a stage it stands at already, a day before the last move or in the future, a side state, a
        way back without a reason, and everything the gates on the way still lack (as `items`).
        """
        why = _line(reason)
        self.check_active(state)
        if target is stage:
            raise Refused(
                N_("%(what)s已经在「%(stage)s」。"), what=Message(self.what), stage=target, field="stage"
            )
        check_day(on, since, today)
        if self.order[target] < self.order[stage]:
            if why is None or len(why) < 2:
                raise Refused(N_("退回要写明原因。"), field="reason")
            return Move(MoveKind.BACK, why)
        lacking = self.missing(stage, target, met, excused)
        if lacking:
            raise self.lacks(target, lacking)
        skipped = self.between(stage, target)[:-1]
        return Move(MoveKind.JUMP if skipped else MoveKind.ADVANCE, why, skipped)

    def check_active(self, state: T) -> None:
        """Raises `Refused` for a record that was put aside: it does not move."""
        if state is not self.active:
            raise Refused(
                N_("%(what)s现在是「%(state)s」，请先恢复推进。"),
                what=Message(self.what),
                state=state,
                field="stage",
            )

    def check_aside(self, state: T, target: T, reason: str | None) -> str:
        """The reason of a side state. Raises `Refused` for none, or when the record is there, or over, already."""
        if target is self.active:
            raise Refused(N_("请选择要转入的状态。"), field="state")
        if state is target:
            raise Refused(
                N_("%(what)s已经是「%(state)s」。"), what=Message(self.what), state=state, field="state"
            )
        if state not in self.going:
            raise Refused(
                N_("%(what)s已经「%(state)s」，请先恢复推进。"),
                what=Message(self.what),
                state=state,
                field="state",
            )
        return check_reason(reason)

    def check_resume(self, state: T, reason: str | None) -> str:
        """The reason for going on with what was put aside. Raises `Refused`."""
        if state is self.active:
            raise Refused(N_("%(what)s正在推进中。"), what=Message(self.what))
        return check_reason(reason)

    def check_waiver(
        self, code: str, kind: WaiverKind, *, reason: str | None, until_on: dt.date | None, today: dt.date
    ) -> str:
        """The reason why an item is not there, as it is kept. Raises `Refused` for no such item, where the stage
        table does not allow it, without a reason, or, for what cannot be known yet, without the day it should be
        known by."""
        item = self.items.get(code)
        if item is None:
            raise Refused(N_("没有这一项。"), field="item")
        if kind is WaiverKind.UNKNOWN and not item.can_be_unknown:
            raise Refused(
                N_("「%(label)s」必须填写，不能记为暂无法确定。"), label=Message(item.label), field="kind"
            )
        if kind is WaiverKind.WAIVED and not item.can_be_waived:
            raise Refused(N_("「%(label)s」不能免去。"), label=Message(item.label), field="kind")
        why = check_reason(reason, 200)
        if until_on is not None and until_on < today:
            raise Refused(N_("日期不能早于今天。"), field="until_on")
        if kind is WaiverKind.UNKNOWN and until_on is None:
            raise Refused(N_("请写明预计哪天前能确定。"), field="until_on")
        return why

    def lacks(self, target: S, items: Iterable[Item]) -> Refused:
        """What a stage still needs, as a refusal that names every item."""
        named = [Message(item.label) for item in items]
        return Refused(
            N_("进入「%(stage)s」还差 %(count)s 项：%(named)s。"), stage=target, count=len(named), named=named,
            field="stage", items=named,
        )  # fmt: skip


def _line(text: str | None, longest: int = 300) -> str | None:
    return legible(text)[:longest] or None


def check_reason(reason: str | None, longest: int = 300) -> str:
    """A reason in words, cut to what is kept. Raises `Refused`."""
    why = _line(reason, longest)
    if why is None or len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    return why


def check_past(on: dt.date, today: dt.date, field: str = "on") -> None:
    """Raises `Refused` for a day to come, or one that is a slip of the year."""
    if on > today:
        raise Refused(N_("日期不能晚于今天 %(today)s。"), today=today, field=field)
    if on < EARLIEST:
        raise Refused(N_("%(day)s 太早了，请核对年份。"), day=on, field=field)


def check_planned(on: dt.date, field: str = "on") -> None:
    """Raises `Refused` for a day nobody plans with: a slip of the year."""
    if on < EARLIEST:
        raise Refused(N_("%(day)s 太早了，请核对年份。"), day=on, field=field)
    if on > LATEST:
        raise Refused(N_("%(day)s 太远了，请核对年份。"), day=on, field=field)


def check_day(on: dt.date, since: dt.date, today: dt.date) -> None:
    """Raises `Refused` for a day to come, or one before the last move."""
    check_past(on, today)
    if on < since:
        raise Refused(N_("上一次变动在 %(day)s，这一次不能更早。"), day=since, field="on")

"""The stage table: what each stage needs before it is entered. One declaration drives labels, lists of what is
missing, the refusal, and the import. Pure.

Sources: domain.md § Investment projects; policy.md § 7.1 (stages and nodes), § 7.5; 公平竞争审查条例 (国务院令第783号).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from crm.core.words import N_, Message, Refused
from crm.projects.rules.words import GOING, Evidence, MoveKind, Stage, State


class Wants(StrEnum):
    """What kind of thing an item is, which says where it is filled in."""

    FACT = "fact"
    CHARGE = "charge"
    EVIDENCE = "evidence"
    FIRM = "firm"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a gate. `fact` is the column of a project; `can_be_unknown`: "cannot be known yet" is an honest
    answer; `can_be_waived`: a reason may stand in its place."""

    code: str
    label: str
    wants: Wants
    fact: str = ""
    evidence: Evidence | None = None
    can_be_unknown: bool = False
    can_be_waived: bool = False


def _fact(name: str, label: str, *, unknown: bool = False, waived: bool = True) -> Item:
    return Item(name, label, Wants.FACT, fact=name, can_be_unknown=unknown, can_be_waived=waived)


def _paper(kind: Evidence, *, waived: bool = True, unknown: bool = False) -> Item:
    return Item(
        kind.value, kind.label, Wants.EVIDENCE, evidence=kind, can_be_waived=waived, can_be_unknown=unknown
    )


CHARGE = Item("charge", N_("牵头领导和专班"), Wants.CHARGE)
FIRM = Item("firm", N_("在本区注册的企业"), Wants.FIRM)
MONEY = Item("money", N_("已核定的到位资金"), Wants.MONEY, can_be_waived=True)

GATES: Mapping[Stage, tuple[Item, ...]] = {
    Stage.LEAD: (
        _fact("investor", N_("投资方"), waived=False),
        _fact("name", N_("项目名称"), waived=False),
        _fact("source", N_("线索来源"), waived=False),
    ),
    Stage.QUALIFIED: (
        _fact("origin", N_("投资方来自")),
        _fact("leading_industry", N_("主导产业"), waived=False),
        _fact("product", N_("产品或业务"), unknown=True),
    ),
    Stage.NEGOTIATION: (
        CHARGE,
        _fact("total_yuan", N_("总投资"), unknown=True),
        _fact("investor_kind", N_("投资方类别")),
    ),
    Stage.SITE_VISIT: (_fact("chain_role", N_("产业链作用"), unknown=True),),
    Stage.REVIEW: (
        _fact("fixed_yuan", N_("固定资产投资"), unknown=True),
        _fact("output_yuan", N_("预计年产值"), unknown=True),
        _fact("tax_yuan", N_("预计年税收"), unknown=True),
        _paper(Evidence.FEASIBILITY),
    ),
    Stage.SIGNED: (
        _fact("agreed_yuan", N_("协议投资"), waived=False),
        _paper(Evidence.MINUTES),
        _paper(Evidence.FAIR_COMPETITION, unknown=True),
        _paper(Evidence.CONTRACT, waived=False),
    ),
    Stage.REGISTERED: (FIRM,),
    Stage.PERMITS: (_paper(Evidence.FILING), _paper(Evidence.LAND)),
    Stage.CONSTRUCTION: (_paper(Evidence.CONSTRUCTION_PERMIT),),
    Stage.COMPLETED: (MONEY, _paper(Evidence.ACCEPTANCE)),
    Stage.PRODUCTION: (_paper(Evidence.PRODUCTION),),
    Stage.FULL_PRODUCTION: (_paper(Evidence.FULL_PRODUCTION),),
}

ITEMS: Mapping[str, Item] = {item.code: item for gate in GATES.values() for item in gate}
IN_CHARGE = tuple(stage for stage in Stage if stage.place >= Stage.NEGOTIATION.place)
STAGE_OF: Mapping[str, Stage] = {item.code: stage for stage, gate in GATES.items() for item in gate}


class Need(StrEnum):
    """How a field stands to the stage of a project: said in words beside its label."""

    REQUIRED = "required"
    NEXT = "next"
    OPTIONAL = "optional"


def need_of(code: str, stage: Stage) -> Need:
    """Whether an item is required by now, asked for by the next stage, or neither."""
    wanted = STAGE_OF.get(code)
    if wanted is None:
        return Need.OPTIONAL
    if wanted.place <= stage.place:
        return Need.REQUIRED
    return Need.NEXT if wanted.place == stage.place + 1 else Need.OPTIONAL


def next_of(stage: Stage) -> Stage | None:
    """The stage after this one."""
    stages = list(Stage)
    return stages[stage.place + 1] if stage.place + 1 < len(stages) else None


@dataclass(frozen=True, slots=True)
class Line:
    """An item of a gate and how it stands: there, excused (unknown yet, or waived), or missing."""

    item: Item
    is_met: bool
    excuse: str = ""

    @property
    def is_open(self) -> bool:
        return not self.is_met and not self.excuse


def gate(stage: Stage, met: Collection[str], excused: Mapping[str, str]) -> list[Line]:
    """The lines of a stage's gate. `met` are codes of items that are there, `excused` maps codes to reasons."""
    return [Line(item, item.code in met, excused.get(item.code, "")) for item in GATES[stage]]


def between(stage: Stage, target: Stage) -> list[Stage]:
    """The stages whose gates a move from one to the other passes: those after `stage`, up to `target`."""
    return [each for each in Stage if stage.place < each.place <= target.place]


def missing(stage: Stage, target: Stage, met: Collection[str], excused: Mapping[str, str]) -> list[Item]:
    """What still lacks for a move ahead: the open items of every gate on the way."""
    return [line.item for each in between(stage, target) for line in gate(each, met, excused) if line.is_open]


@dataclass(frozen=True, slots=True)
class Move:
    """A move judged: what kind it is, and the reason as it will be kept."""

    kind: MoveKind
    reason: str | None = None
    skipped: Sequence[Stage] = field(default=())


def check_move(
    stage: Stage,
    state: State,
    target: Stage,
    *,
    since: dt.date,
    on: dt.date,
    today: dt.date,
    met: Collection[str],
    excused: Mapping[str, str],
    reason: str | None,
) -> Move:
    """Judge a move to another stage. `since` is the day the present stage began.

    Raises `Refused`: a stage it stands at already, a day before the last move or in the future, a side state, a way
    back or a jump without a reason, and everything the gates on the way still lack (as `items`).
    """
    why = " ".join((reason or "").split())[:300] or None
    if state is not State.ACTIVE:
        raise Refused(N_("项目现在是「%(state)s」，请先恢复推进。"), state=state, field="stage")
    if target is stage:
        raise Refused(N_("项目已经在「%(stage)s」。"), stage=target, field="stage")
    check_day(on, since, today)
    if target.place < stage.place:
        if why is None or len(why) < 2:
            raise Refused(N_("退回要写明原因。"), field="reason")
        return Move(MoveKind.BACK, why)
    lacking = missing(stage, target, met, excused)
    if lacking:
        raise lacks(target, lacking)
    skipped = between(stage, target)[:-1]
    return Move(MoveKind.JUMP if skipped else MoveKind.ADVANCE, why, skipped)


def check_day(on: dt.date, since: dt.date, today: dt.date) -> None:
    """Raises `Refused` for a day to come, or one before the last move."""
    if on > today:
        raise Refused(N_("日期不能晚于今天 %(today)s。"), today=today, field="on")
    if on < since:
        raise Refused(N_("上一次变动在 %(day)s，这一次不能更早。"), day=since, field="on")


def check_aside(state: State, target: State, reason: str | None) -> str:
    """The reason of a side state. Raises `Refused` for none, or when the project is there, or over, already."""
    if target is State.ACTIVE:
        raise Refused(N_("请选择要转入的状态。"), field="state")
    if state is target:
        raise Refused(N_("项目已经是「%(state)s」。"), state=target, field="state")
    if state not in GOING:
        raise Refused(N_("项目已经「%(state)s」，请先恢复推进。"), state=state, field="state")
    why = " ".join((reason or "").split())[:300]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    return why


def lacks(target: Stage, items: Iterable[Item]) -> Refused:
    """What a stage still needs, as a refusal that names every item."""
    named = [Message(item.label) for item in items]
    return Refused(
        N_("进入「%(stage)s」还差 %(count)s 项：%(named)s。"), stage=target, count=len(named), named=named,
        field="stage", items=named,
    )  # fmt: skip

"""A row of a list of the reserve judged by the stage table: the moves it tells, or what it lacks. Pure.

A firm that is listed shows by its listing day and its code, which are public, that it has passed every gate before:
documents that did not come with the list are noted as waived, with that reason. Without its day such a firm is taken in
where it stands: it has no dated steps, its listing day stays unknown until somebody registers it, and it counts nowhere
before. Everything else passes the gates and terms of the page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from crm.core.pipeline.declaring import Item, MoveKind, check_past
from crm.core.words import N_, Refused
from crm.listing.rules.sheet import BY_STAGE
from crm.listing.rules.stages import PIPELINE, PROOFS, check_terms
from crm.listing.rules.words import Stage, State

LISTED_BEFORE = "导入的历史：已上市，以前各步的凭证没有随名单来"
LISTED_ON = "名单所列上市日期"  # what the day of a listing is known from, when a later list gives it
UNDATED = "导入的历史：已上市，名单没有上市日期，待查证后登记上市公告"


@dataclass(frozen=True, slots=True)
class Step:
    """One dated move of a candidate, as it will be written."""

    kind: MoveKind
    from_stage: Stage | None
    stage: Stage
    state: State
    on: dt.date
    days: int | None
    reason: str | None = None
    skipped: tuple[str, ...] = ()


@dataclass(slots=True)
class Told:
    """Where a row says that its candidate stands: `days` by stage, those it gives."""

    stage: Stage | None = None
    days: dict[Stage, dt.date] = field(default_factory=dict)
    state: State = State.ACTIVE
    state_on: dt.date | None = None
    state_reason: str | None = None
    lacking: str | None = None  # the reason that stands in the place of what is missing


@dataclass(slots=True)
class Way:
    """The moves that bring a candidate to where a row says it stands, and the items excused on the way."""

    steps: list[Step] = field(default_factory=list)
    excused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Here:
    """Where a candidate stands already."""

    stage: Stage
    state: State
    stage_on: dt.date
    since: dt.date
    terms: Mapping[Stage, dt.date]
    excused: Mapping[str, str]


def target_of(told: Told) -> Stage:
    """The stage a row tells: the one it names, else the furthest with a day."""
    if told.stage is not None:
        return told.stage
    return max(told.days, key=PIPELINE.order.__getitem__, default=Stage.RESERVE)


def check_days(told: Told, today: dt.date) -> None:
    """Raises `Refused` for days to come, out of order, or of stages beyond the one the row names."""
    target, last = target_of(told), None
    for stage in Stage:
        on = told.days.get(stage)
        if on is None:
            continue
        column = BY_STAGE[stage].on
        check_past(on, today, column)
        if PIPELINE.order[stage] > PIPELINE.order[target]:
            raise Refused(
                N_("名单写的阶段是「%(stage)s」，不能已有「%(beyond)s」的日期；打算的日期请写在计划列。"),
                stage=target, beyond=stage, field=column,
            )  # fmt: skip
        if last is not None and on < last[1]:
            raise Refused(
                N_("「%(stage)s」的日期早于「%(before)s」的 %(day)s。"), stage=stage, before=last[0], day=last[1],
                field=column,
            )  # fmt: skip
        last = (stage, on)
    if target is Stage.LISTED and Stage.LISTED not in told.days and told.days:
        raise Refused(N_("写了以前各步日期的，也要写上市日期。"), field=BY_STAGE[Stage.LISTED].on)
    if told.state is State.ACTIVE and told.state_on is not None:
        raise Refused(N_("推进中的没有状态日期。"), field="state_on")
    if told.state is not State.ACTIVE and target is Stage.LISTED:
        raise Refused(N_("已经上市，不能再暂缓或退出。"), field="state")
    if told.state_on is not None:
        check_past(told.state_on, today, "state_on")


def excuses_for(
    stage: Stage,
    target: Stage,
    met: Collection[str],
    lacking: str | None,
    papers: Collection[str],
    *,
    is_undated: bool = False,
) -> dict[str, str]:
    """The items of the gates on the way that are not there and that a reason may stand for."""

    def reason(item: Item) -> str | None:
        is_past = target is Stage.LISTED and (item.evidence is not None or item.can_be_waived)
        if is_undated and item.evidence is PROOFS[Stage.LISTED]:
            return UNDATED
        return (
            lacking
            if lacking and (item.can_be_waived or item.can_be_unknown)
            else LISTED_BEFORE
            if is_past
            else None
        )

    return {
        item.code: why
        for each in PIPELINE.between(stage, target)
        for item in PIPELINE.gates[each]
        if item.code not in met and item.code not in papers and (why := reason(item)) is not None
    }  # fmt: skip


def way_of_new(told: Told, met: Collection[str], today: dt.date) -> Way:
    """The moves of a firm that is not in the reserve yet: from its entry on. Raises `Refused`."""
    check_days(told, today)
    if is_undated(told):
        return _listed_already(told, met, today)
    start = min([today, *told.days.values(), *([told.state_on] if told.state_on else [])])
    way = Way([Step(MoveKind.REPORT, None, Stage.RESERVE, State.ACTIVE, start, None)])
    here = Here(Stage.RESERVE, State.ACTIVE, start, start, {Stage.RESERVE: start}, {})
    _ahead(way, told, here, met, today)
    _aside(way, told, here, today)
    return way


def is_undated(told: Told) -> bool:
    """Whether a row says that a firm is listed and gives no day of it."""
    return target_of(told) is Stage.LISTED and Stage.LISTED not in told.days


def _listed_already(told: Told, met: Collection[str], today: dt.date) -> Way:
    """Taken in today at the end of the way: no step before it has a day, nor has the listing."""
    excused = excuses_for(Stage.RESERVE, Stage.LISTED, met, told.lacking, (), is_undated=True)
    if open_items := PIPELINE.missing(Stage.RESERVE, Stage.LISTED, met, excused):
        raise PIPELINE.lacks(Stage.LISTED, open_items)
    return Way([Step(MoveKind.REPORT, None, Stage.LISTED, State.ACTIVE, today, None)], excused)


def way_ahead(told: Told, here: Here, met: Collection[str], today: dt.date) -> Way:
    """The moves of a candidate that is there: ahead or aside; the way back is for its page. Raises `Refused`."""
    way, target = Way(), target_of(told)
    check_days(told, today)
    if told.stage is not None and PIPELINE.order[target] < PIPELINE.order[here.stage]:
        raise Refused(
            N_("库里已经是「%(stage)s」，退回请在后备企业页写明原因。"), stage=here.stage, field="stage"
        )
    if PIPELINE.order[target] > PIPELINE.order[here.stage]:
        if is_undated(told):
            raise Refused(
                N_("库里是「%(stage)s」，已上市的要写上市日期。"),
                stage=here.stage,
                field=BY_STAGE[Stage.LISTED].on,
            )
        if here.state is not State.ACTIVE:
            raise Refused(N_("库里现在是「%(state)s」，请先恢复推进。"), state=here.state, field="stage")
        _ahead(way, told, here, met, today)
    if told.state is not State.ACTIVE and told.state is not here.state:
        if here.state is not State.ACTIVE:
            PIPELINE.check_aside(here.state, told.state, told.state_reason)
        _aside(way, told, here, today)
    return way


def _ahead(way: Way, told: Told, here: Here, met: Collection[str], today: dt.date) -> None:
    target = target_of(told)
    if PIPELINE.order[target] <= PIPELINE.order[here.stage]:
        return
    way.excused = excuses_for(here.stage, target, met, told.lacking, here.excused)
    excused, days = {**here.excused, **way.excused}, dict(here.terms)
    stage, since, stage_on = here.stage, here.since, here.stage_on
    open_items = PIPELINE.missing(stage, target, met, excused)
    if open_items:
        raise PIPELINE.lacks(target, open_items)
    for stop in (each for each in PIPELINE.between(stage, target) if each in told.days or each is target):
        on = told.days.get(stop, today)
        try:
            judged = PIPELINE.check_move(
                stage,
                State.ACTIVE,
                stop,
                since=since,
                on=on,
                today=today,
                met=met,
                excused=excused,
                reason=None,
            )
            check_terms(stage, stop, on, {**days, stop: on})
        except Refused as refusal:
            if refusal.field == "on":
                raise Refused(refusal.text, field=BY_STAGE[stop].on, **refusal.params) from None
            raise
        way.steps.append(
            Step(judged.kind, stage, stop, State.ACTIVE, on, (on - stage_on).days, None,
                 tuple(each.value for each in judged.skipped))
        )  # fmt: skip
        days[stop] = on
        stage, since, stage_on = stop, on, on


def _aside(way: Way, told: Told, here: Here, today: dt.date) -> None:
    if told.state is State.ACTIVE:
        return
    last = way.steps[-1] if way.steps else None
    stage = last.stage if last else here.stage
    stage_on = last.on if last else here.stage_on
    since = last.on if last else here.since
    try:
        why = PIPELINE.check_aside(State.ACTIVE, told.state, told.state_reason)
    except Refused as refusal:
        column = "state_reason" if refusal.field == "reason" else "state"
        raise Refused(refusal.text, field=column, **refusal.params) from None
    on = told.state_on or today
    if on < since:
        raise Refused(N_("上一次变动在 %(day)s，这一次不能更早。"), day=since, field="state_on")
    way.steps.append(Step(MoveKind.ASIDE, stage, stage, told.state, on, (on - stage_on).days, why))

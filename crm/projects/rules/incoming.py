"""A row of a list of projects judged by the stage table: the moves it tells, or everything it lacks. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from crm.core.pipeline.declaring import MoveKind, check_day, check_past
from crm.core.words import N_, Refused
from crm.projects.rules.stages import GATES, PIPELINE
from crm.projects.rules.words import Stage, State


@dataclass(frozen=True, slots=True)
class Step:
    """One dated move of a project, as it will be written."""

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
    """Where a row says that its project stands."""

    stage: Stage = Stage.LEAD
    stage_on: dt.date | None = None
    signed_on: dt.date | None = None
    state: State = State.ACTIVE
    state_on: dt.date | None = None
    state_reason: str | None = None
    lacking: str | None = None  # the reason that stands in the place of what is missing


@dataclass(slots=True)
class Way:
    """The moves that bring a project to where a row says it stands, and the items excused on the way."""

    steps: list[Step] = field(default_factory=list)
    excused: dict[str, str] = field(default_factory=dict)
    signed_on: dt.date | None = None


def excuses_for(stage: Stage, target: Stage, met: Collection[str], reason: str | None) -> dict[str, str]:
    """The items of the gates on the way that are not there and that a reason may stand for."""
    if reason is None:
        return {}
    return {
        item.code: reason
        for each in PIPELINE.between(stage, target)
        for item in GATES[each]
        if item.code not in met and (item.can_be_waived or item.can_be_unknown)
    }


def check_told(told: Told) -> None:
    """Raises `Refused` for days that contradict the stage."""
    if told.signed_on is not None and told.stage.place < Stage.SIGNED.place:
        raise Refused(N_("「%(stage)s」还没有签约，不能有签约日期。"), stage=told.stage, field="signed_on")
    if told.stage is Stage.SIGNED and told.signed_on and told.stage_on and told.signed_on != told.stage_on:
        raise Refused(N_("签约阶段的日期与签约日期不一致。"), field="signed_on")
    if told.state is State.ACTIVE and told.state_on is not None:
        raise Refused(N_("推进中的项目没有状态日期。"), field="state_on")


def way_of_new(told: Told, met: Collection[str], today: dt.date) -> Way:
    """The moves of a project nobody has reported: from the report on. Raises `Refused`."""
    check_told(told)
    stage_on = told.stage_on or (told.signed_on if told.stage is Stage.SIGNED else None)
    days = [day for day in (stage_on, told.signed_on, told.state_on) if day is not None]
    start = min([today, *days])
    for day, column in ((stage_on, "stage_on"), (told.signed_on, "signed_on"), (told.state_on, "state_on")):
        if day is not None:
            check_past(day, today, column)
    way = Way([Step(MoveKind.REPORT, None, Stage.LEAD, State.ACTIVE, start, None)])
    _ahead(way, told, Stage.LEAD, start, start, met, {}, today, stage_on or today)
    _aside(way, told, today)
    return way


def way_ahead(
    told: Told,
    stage: Stage,
    state: State,
    *,
    stage_on: dt.date,
    since: dt.date,
    met: Collection[str],
    excused: Mapping[str, str],
    today: dt.date,
) -> Way:
    """The moves of a project that is there: ahead or aside; the way back is for its page. Raises `Refused`."""
    way = Way()
    if told.stage.place < stage.place:
        raise Refused(N_("库里已经是「%(stage)s」，退回请在项目页写明原因。"), stage=stage, field="stage")
    if told.stage is not stage:
        PIPELINE.check_active(state)
        check_told(told)
        _ahead(way, told, stage, since, stage_on, met, excused, today, told.stage_on or today)
    if told.state is not State.ACTIVE and told.state is not state:
        if state is not State.ACTIVE:
            PIPELINE.check_aside(state, told.state, told.state_reason)
        _aside(way, told, today, at=(stage, stage_on, since))
    return way


def _ahead(
    way: Way,
    told: Told,
    stage: Stage,
    since: dt.date,
    stage_on: dt.date,
    met: Collection[str],
    excused: Mapping[str, str],
    today: dt.date,
    on: dt.date,
) -> None:
    if told.stage is stage:
        return
    way.excused = excuses_for(stage, told.stage, met, told.lacking)
    has_signing = told.signed_on is not None and stage.place < Stage.SIGNED.place < told.stage.place
    stops = [(Stage.SIGNED, told.signed_on or on)] if has_signing else []
    for target, day in [*stops, (told.stage, on)]:
        try:
            judged = PIPELINE.check_move(
                stage, State.ACTIVE, target, since=since, on=day, today=today, met=met,
                excused={**excused, **way.excused}, reason=None,
            )  # fmt: skip
        except Refused as refusal:
            if refusal.field == "on":
                raise Refused(
                    refusal.text,
                    field="signed_on" if target is not told.stage else "stage_on",
                    **refusal.params,
                ) from None
            raise
        way.steps.append(
            Step(judged.kind, stage, target, State.ACTIVE, day, (day - stage_on).days, None,
                 tuple(each.value for each in judged.skipped))
        )  # fmt: skip
        if target.place >= Stage.SIGNED.place and way.signed_on is None:
            way.signed_on = day
        stage, since, stage_on = target, day, day


def _aside(way: Way, told: Told, today: dt.date, at: tuple[Stage, dt.date, dt.date] | None = None) -> None:
    if told.state is State.ACTIVE:
        return
    try:
        why = PIPELINE.check_aside(State.ACTIVE, told.state, told.state_reason)
    except Refused as refusal:
        raise Refused(refusal.text, field="state_reason", **refusal.params) from None
    last = way.steps[-1] if way.steps else None
    if last is not None:
        stage, since, stage_on = last.stage, last.on, last.on
    elif at is not None:
        stage, stage_on, since = at
    else:
        raise ValueError("nowhere to go aside from")
    on = told.state_on or today
    try:
        check_day(on, since, today)
    except Refused as refusal:
        raise Refused(refusal.text, field="state_on", **refusal.params) from None
    way.steps.append(Step(MoveKind.ASIDE, stage, stage, told.state, on, (on - stage_on).days, why))


def facts_met(facts: Mapping[str, Any]) -> set[str]:
    """The codes of facts that are there."""
    return PIPELINE.facts_met(facts)

"""A list of the reserve on its way in: rows judged by the rules of the page, new candidates written set-based with
their dated moves, those that are there changed through the actions of the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor, system
from crm.core.pipeline import MoveKind, WaiverKind
from crm.core.pipeline.declaring import check_planned
from crm.core.words import N_, Conflict, Message, Refused, Word
from crm.firms.actions.targets import Incoming
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import RowOutcome
from crm.ladder.actions import Grant, grant_many
from crm.ladder.models import Certification
from crm.listing.actions.entering import edit
from crm.listing.actions.helping import engage
from crm.listing.actions.moving import change_board, move, set_aside
from crm.listing.actions.papers import plan, prove
from crm.listing.actions.reaching import FIRST, TITLES
from crm.listing.models import (
    Candidate,
    CandidateEvidence,
    CandidateMove,
    CandidatePlan,
    CandidateWaiver,
    Intermediary,
)
from crm.listing.queries.importing import There, people_named, person, present
from crm.listing.rules.codes import is_of_exchange
from crm.listing.rules.incoming import (
    LISTED_ON,
    UNDATED,
    Told,
    Way,
    check_days,
    is_undated,
    target_of,
    way_ahead,
    way_of_new,
)
from crm.listing.rules.sheet import BY_STAGE, HELP, LABELS, PLAN_LABELS, STEPS, is_masked, paper_name, typed
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Act, Board, Evidence, IntermediaryKind, Stage, State

NO_DAY = N_("名单没有上市日期，先按已上市（%(code)s）入库，上市日期待补。")
UNKNOWN_DAYS = 90  # within so many days somebody has to know what a list leaves open


@dataclass(slots=True)
class Row:
    """A row with everything looked up. `there` is the candidate its firm is already."""

    incoming: Incoming
    told: Told = field(default_factory=Told)
    board: Board | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    papers: dict[Evidence, tuple[dt.date, str]] = field(default_factory=dict)
    plans: dict[Stage, dt.date] = field(default_factory=dict)
    help: dict[IntermediaryKind, tuple[str, str | None]] = field(default_factory=dict)
    way: Way = field(default_factory=Way)
    there: There | None = None
    changes: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[Message] = field(default_factory=list)
    refusal: Refused | None = None

    @property
    def start(self) -> dt.date:
        """The day its people began: of the due diligence, or else the first day it tells."""
        return self.told.days.get(Stage.DUE_DILIGENCE, self.way.steps[0].on)


class ListingTarget:
    """How the import of firms takes a list of the reserve: one row a firm."""

    def key(self, firm_id: int, values: Mapping[str, Any]) -> Any:
        return firm_id

    def compare(self, session: Session, rows: Sequence[Incoming], *, today: dt.date) -> None:
        """New, changed, the same, or refused with the sentence the page would show."""
        for row in judged(session, rows, today=today):
            incoming = row.incoming
            incoming.reasons += [kept(note) for note in row.notes]
            if row.refusal is not None:
                incoming.outcome = RowOutcome.REFUSED
                column = LABELS.get(row.refusal.field or "")
                shown = column.rpartition("\x04")[2] if column else None
                incoming.reasons.append({**kept(row.refusal), "column": shown})
            elif row.there is None:
                incoming.outcome = RowOutcome.NEW
            else:
                incoming.outcome = RowOutcome.CHANGED if row.changes else RowOutcome.SAME
                incoming.changes = row.changes

    def write(
        self, session: Session, rows: Sequence[Incoming], *, actor: Actor, today: dt.date, source: str
    ) -> None:
        """Raises `Conflict` when a firm has entered the reserve meanwhile, `Refused` when a row can no longer be
        taken."""
        actor.require("listing:edit")
        made = judged(session, rows, today=today)
        for row in made:
            if row.incoming.outcome is RowOutcome.NEW and row.there is not None:
                text = N_("第 %(row)s 行的企业刚刚由别人放进了上市后备库，请重新读取后核对。")
                raise Conflict(text, row=row.incoming.row_no)
            if row.refusal is not None:
                text = N_("第 %(row)s 行：%(why)s")
                raise Refused(text, row=row.incoming.row_no, why=row.refusal)
        audit.begin(session, actor=actor, action=Act.IMPORT, count=len(made))
        _write_new(session, [row for row in made if row.there is None], actor=actor, today=today)
        for row in made:
            if row.there is not None and row.changes:
                _apply(session, row, row.there, actor=actor, today=today)


def judged(session: Session, rows: Sequence[Incoming], *, today: dt.date) -> list[Row]:
    """Rows of known firms with their verdicts. Writes nothing."""
    known = present(session, [row.firm_id for row in rows])
    book = people_named(session, [row.values["officer"] for row in rows if row.values.get("officer")])
    found = []
    for incoming in rows:
        row = Row(incoming, there=known.get(incoming.firm_id))
        try:
            _look_up(row, book)
            if row.there is None:
                row.way = way_of_new(row.told, _met(row), today)
                if is_undated(row.told):
                    row.notes.append(Message(NO_DAY, {"code": row.facts["stock_code"]}))
                _check_plans(row.plans)
            else:
                _judge_there(row, row.there, today)
        except Refused as refusal:
            row.refusal = refusal
        found.append(row)
    return found


def _look_up(row: Row, book: Mapping[str, list[int]]) -> None:
    values: Mapping[str, Any] = typed(row.incoming.values)
    told = row.told = Told(
        values.get("stage"), {step.stage: values[step.on] for step in STEPS if values.get(step.on)},
        values.get("state", State.ACTIVE), values.get("state_on"), values.get("state_reason"), values.get("lacking"),
    )  # fmt: skip
    if (stage_on := values.get("stage_on")) is not None:
        if told.stage is None and not told.days:
            raise Refused(N_("写了阶段的日期，没有写上市阶段。"), field="stage")
        if told.days.setdefault(target_of(told), stage_on) != stage_on:
            raise Refused(N_("阶段起的日期与该阶段的日期不一致。"), field="stage_on")
    if values.get("stock_code") and told.stage is None and not told.days and row.there is None:
        if not is_of_exchange(values["stock_code"]):
            raise Refused(
                N_("有证券代码，没有上市日期：已上市的请写上市日期，没有上市的请写上市阶段。"),
                field=BY_STAGE[Stage.LISTED].on,
            )
        told.stage = Stage.LISTED
    row.board = values.get("board")
    row.facts = {name: values[name] for name in ("stock_code", "note") if values.get(name)}
    if values.get("officer"):
        row.facts["officer_id"] = person(book, values["officer"])
    for step in STEPS:
        number = values.get(paper_name(step))
        on = told.days.get(step.stage)
        if number and on is None:
            raise Refused(N_("写了「%(paper)s」，没有写它的日期。"), paper=step.paper, field=step.on)
        if number and on is not None:
            row.papers[step.paper] = (on, number)
    row.plans = {stage: on for stage in PLAN_LABELS if (on := values.get(BY_STAGE[stage].plan))}
    row.help = {
        kind: (values[name], None if is_masked(who := values.get(f"{name}_person")) else who)
        for kind, (name, *_rest) in HELP.items()
        if values.get(name)
    }


_HELPS = {IntermediaryKind.SPONSOR: "sponsor", IntermediaryKind.LAWYER: "law-firm", IntermediaryKind.AUDITOR: "audit-firm"}  # fmt: skip


def _met(row: Row) -> set[str]:
    """The codes of the items a row brings."""
    found = {paper.value for paper in row.papers} | {_HELPS[kind] for kind in row.help if kind in _HELPS}
    found |= {"board", "target"} if row.board is not None else set()
    return found | ({"stock_code"} if row.facts.get("stock_code") else set())


def _check_plans(plans: Mapping[Stage, dt.date]) -> None:
    """Raises `Refused` for plans out of order."""
    last: tuple[Stage, dt.date] | None = None
    for stage in Stage:
        on = plans.get(stage)
        if on is None:
            continue
        check_planned(on, BY_STAGE[stage].plan)
        if last is not None and on < last[1]:
            raise Refused(
                N_("「%(stage)s」计划在 %(day)s，前后颠倒了。"), stage=last[0], day=last[1],
                field=BY_STAGE[stage].plan,
            )  # fmt: skip
        last = (stage, on)


def _judge_there(row: Row, there: There, today: dt.date) -> None:
    candidate = there.candidate
    check_days(row.told, today)
    for name, value in list(row.facts.items()):
        old = getattr(candidate, name)
        if old == value:
            del row.facts[name]
        else:
            label = "officer" if name == "officer_id" else name
            row.changes[label] = (
                [None, row.incoming.values["officer"]] if label == "officer" else [old, value]
            )
    if row.board is candidate.board:
        row.board = None
    elif row.board is not None:
        if candidate.board is not None:
            raise Refused(
                N_("库里的目标板块是「%(board)s」，更换请在后备企业页写明原因。"), board=candidate.board,
                field="board",
            )  # fmt: skip
        row.changes["board"] = [None, _shown(row.board)]
    row.papers = {kind: told for kind, told in row.papers.items() if kind not in there.papers}
    listed_on = row.told.days.get(Stage.LISTED)
    if candidate.is_undated and listed_on is not None:
        row.papers.setdefault(Evidence.LISTING, (listed_on, LISTED_ON))
        row.changes[BY_STAGE[Stage.LISTED].on] = [None, _shown(listed_on)]
    for step in STEPS:
        if step.paper in row.papers:
            row.changes[paper_name(step)] = [None, row.papers[step.paper][1]]
    row.help = {kind: told for kind, told in row.help.items() if not _is_same(there.help.get(kind), told)}
    for kind, told in row.help.items():
        row.changes[HELP[kind][0]] = [there.help.get(kind, (None, None))[0], told[0]]
    row.plans = {stage: on for stage, on in row.plans.items() if there.plans.get(stage) != on}
    for stage, on in row.plans.items():
        row.changes[BY_STAGE[stage].plan] = [_shown(there.plans.get(stage)), _shown(on)]
    _check_plans({**there.plans, **row.plans})
    _check_passed(row, there)
    row.way = way_ahead(row.told, there.here(), there.met | _met(row), today)
    for made in row.way.steps:
        name = "state" if made.kind is MoveKind.ASIDE else "stage"
        old = candidate.state if name == "state" else candidate.stage
        row.changes[name] = [_shown(old), _shown(made.state if name == "state" else made.stage)]


def _is_same(there: tuple[str, str | None] | None, told: tuple[str, str | None]) -> bool:
    return there is not None and there[0] == told[0]


def _check_passed(row: Row, there: There) -> None:
    """The history that is there is not rewritten by a list: a day that differs is refused, one that is not known of a
    stage jumped over is told."""
    for stage, on in row.told.days.items():
        is_news = stage is Stage.LISTED and there.candidate.is_undated
        if is_news or PIPELINE.order[stage] > PIPELINE.order[there.candidate.stage]:
            continue
        known = {day for day in (there.days.get(stage), there.day_of(stage)) if day is not None}
        if known and on not in known:
            raise Refused(
                N_("库里「%(stage)s」的日期是 %(day)s，名单不能改写历史。"), stage=stage, day=there.day_of(stage),
                field=BY_STAGE[stage].on,
            )  # fmt: skip
        if not known:
            row.notes.append(
                Message(N_("「%(stage)s」已经跳过，它的日期请随凭证在后备企业页登记。"), {"stage": stage})
            )


def _shown(value: Any) -> Any:
    """A value for the preview: words as a message, days as text."""
    if isinstance(value, Word):
        return {"text": value.label, "params": {}}
    return value.isoformat() if isinstance(value, dt.date) else value


def _write_new(session: Session, rows: Sequence[Row], *, actor: Actor, today: dt.date) -> None:
    if not rows:
        return
    records = [_candidate(row, actor) for row in rows]
    ids = audit.insert_many(session, Candidate, records)
    made: dict[type[Any], list[dict[str, Any]]] = {
        model: []
        for model in (CandidateMove, CandidateEvidence, CandidateWaiver, CandidatePlan, Intermediary)
    }
    for candidate_id, row in zip(ids, rows, strict=True):
        own = {"candidate_id": candidate_id}
        made[CandidateMove] += [
            {
                **own, "kind": step.kind, "from_stage": step.from_stage, "stage": step.stage, "state": step.state,
                "on": step.on, "days": step.days, "by_id": actor.user_id, "reason": step.reason,
                "skipped": list(step.skipped), "board": row.board,
            }
            for step in row.way.steps
        ]  # fmt: skip
        made[CandidateEvidence] += [
            {**own, "kind": kind, "on": on, "reference": number} for kind, (on, number) in row.papers.items()
        ]
        made[CandidateWaiver] += [
            {**own, **_waiver(code, why, today)} for code, why in row.way.excused.items()
        ]
        made[CandidatePlan] += [{**own, "stage": stage, "on": on} for stage, on in row.plans.items()]
        made[Intermediary] += [
            {**own, "kind": kind, "name": name, "person": who, "from_on": row.start}
            for kind, (name, who) in row.help.items()
        ]
    for model, values in made.items():
        audit.insert_many(session, model, values)
    _title(session, records, today)


def _candidate(row: Row, actor: Actor) -> dict[str, Any]:
    """A candidate as its row tells it. Of a stage that was jumped over no day is known."""
    last = row.way.steps[-1]
    entered = {step.stage: step.on for step in row.way.steps if step.kind is not MoveKind.ASIDE}
    is_aside = last.kind is MoveKind.ASIDE
    return {
        "firm_id": row.incoming.firm_id, "is_current": 1, "board": row.board, "stage": last.stage,
        "stage_on": entered[last.stage], "state": last.state, "state_on": last.on if is_aside else None,
        "state_reason": last.reason if is_aside else None, "officer_id": actor.user_id, **row.facts,
        **{column: None if is_undated(row.told) else entered.get(stage) for column, stage in FIRST.items()},
    }  # fmt: skip


def _waiver(code: str, reason: str, today: dt.date) -> dict[str, Any]:
    item = PIPELINE.items[code]
    is_unknown = item.can_be_unknown and (reason == UNDATED or not item.can_be_waived)
    return {
        "item": code, "reason": reason[:200], "kind": WaiverKind.UNKNOWN if is_unknown else WaiverKind.WAIVED,
        "until_on": today + dt.timedelta(UNKNOWN_DAYS) if is_unknown else None,
    }  # fmt: skip


def _title(session: Session, records: Sequence[Mapping[str, Any]], today: dt.date) -> None:
    """The titles of the ladder that follow from what was reached, entered as the system; those held stay as they are."""
    kinds = [kind for kind, _column in TITLES.values()]
    held = {
        (row.firm_id, row.kind)
        for row in session.execute(
            sa.select(Certification.firm_id, Certification.kind).where(
                Certification.firm_id.in_([record["firm_id"] for record in records]),
                Certification.kind.in_(kinds), Certification.ended_on.is_(None),
            )
        )
    }  # fmt: skip
    grants = [
        Grant(record["firm_id"], kind, record[column])
        for record in records
        for kind, column in TITLES.values()
        if record[column] is not None and (record["firm_id"], kind) not in held
    ]
    if grants:
        grant_many(session, grants, actor=system("listing"), today=today)


def _apply(session: Session, row: Row, there: There, *, actor: Actor, today: dt.date) -> None:
    candidate = there.candidate
    if row.facts:
        edit(session, candidate, actor=actor, today=today, values=row.facts)
    if row.board is not None:
        since = max(there.since, min([today, *row.told.days.values()]))
        change_board(
            session, candidate, actor=actor, today=today, board=row.board,
            on=min(since, *(step.on for step in row.way.steps), today), reason=None,
        )  # fmt: skip
    for kind, (on, number) in row.papers.items():
        prove(session, candidate, actor=actor, today=today, kind=kind, on=on, reference=number)
    for helper, (name, who) in row.help.items():
        is_first = helper not in there.help
        on = row.told.days.get(Stage.DUE_DILIGENCE, today) if is_first else today
        engage(session, candidate, actor=actor, today=today, kind=helper, name=name, from_on=on, person=who)
    for stage in row.plans:
        plan(session, candidate, actor=actor, stage=stage, on=None)
    for stage, on in row.plans.items():
        plan(session, candidate, actor=actor, stage=stage, on=on)
    if row.way.excused:
        known = {
            waiver.item: waiver
            for waiver in session.scalars(
                sa.select(CandidateWaiver).where(CandidateWaiver.candidate_id == candidate.id)
            )
        }
        for code, why in row.way.excused.items():
            if code not in known:
                session.add(CandidateWaiver(candidate_id=candidate.id, **_waiver(code, why, today)))
        session.flush()
    for step in row.way.steps:
        if step.kind is MoveKind.ASIDE:
            set_aside(
                session, candidate, actor=actor, today=today, state=step.state, on=step.on, reason=step.reason
            )
        else:
            move(session, candidate, actor=actor, today=today, stage=step.stage, on=step.on)

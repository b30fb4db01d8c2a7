"""Rows of a list of projects judged by the rules of the page: new, changed, the same, doubtful or refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.core.words import N_, Message, Refused, Word
from crm.firms.rules.joining import Joined
from crm.firms.rules.names import normalise
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import ImportMode, LeadingIndustry, RowOutcome
from crm.projects.actions.charge import Team
from crm.projects.actions.editing import check_values
from crm.projects.queries.importing import Directory, Present, There, directory, present
from crm.projects.queries.record import charge_of, evidence_of, excuses, met_items, moves_of
from crm.projects.rules.columns import EDITABLE
from crm.projects.rules.incoming import Told, Way, facts_met, way_ahead, way_of_new
from crm.projects.rules.money import check_foreign, reckoned
from crm.projects.rules.sheet import LABELS, PAPERS, TEAM
from crm.projects.rules.words import (
    ChainRole,
    Confidentiality,
    Currency,
    Evidence,
    Headquarters,
    InvestorKind,
    Origin,
    Source,
    Stage,
    State,
)

_WORDS: Mapping[str, type[Word]] = {
    "source": Source, "origin": Origin, "investor_kind": InvestorKind, "leading_industry": LeadingIndustry,
    "chain_role": ChainRole, "headquarters": Headquarters, "confidentiality": Confidentiality, "currency": Currency,
    "stage": Stage, "state": State,
}  # fmt: skip
_DAYS = frozenset({"rate_on", "stage_on", "signed_on", "state_on", "due_on"})
STEP_DAYS = 7  # a project without a next step gets one within so many days


@dataclass(slots=True)
class Row:
    """A row with everything looked up. `project` is the record it means, None a new one."""

    row_no: int
    values: Mapping[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    told: Told = field(default_factory=Told)
    team: Team | None = None
    members: list[int] = field(default_factory=list)
    holder_id: int | None = None
    firm_id: int | None = None
    papers: dict[Evidence, str] = field(default_factory=dict)
    step: str | None = None
    due_on: dt.date | None = None
    way: Way = field(default_factory=Way)
    there: There | None = None
    joined: Joined = field(default_factory=lambda: Joined(RowOutcome.NEW))
    changes: dict[str, list[Any]] = field(default_factory=dict)
    directory: Directory | None = None


def row_key(values: Mapping[str, Any]) -> tuple[str, str]:
    """What may stand only once in a list: one project of one investor."""
    return normalise(values.get("investor") or "")[:200], normalise(values.get("name") or "")[:200]


def typed_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a staged row, plain JSON, as the rules take them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in _WORDS:
            value = _WORDS[name](value)
        elif name in _DAYS:
            value = dt.date.fromisoformat(value)
        found[name] = value
    return found


def judged(
    session: Session,
    rows: Sequence[tuple[int, Mapping[str, Any], list[dict[str, Any]]]],
    *,
    actor: Actor,
    mode: ImportMode,
    today: dt.date,
    settled: Mapping[int, int] | None = None,
) -> list[Row]:
    """Judge rows `(row number, values, reasons so far)`. `settled` maps rows a person has decided to the project they
    mean, 0 for a new one; with it rows are not held against each other. Writes nothing."""
    made = [
        Row(row_no, values, joined=Joined(RowOutcome.REFUSED, reasons=reasons) if reasons else Joined(RowOutcome.NEW))
        for row_no, values, reasons in rows
    ]  # fmt: skip
    good = [row for row in made if not row.joined.reasons]
    names = {
        row.values[name]
        for row in good
        for name in ("leader", "liaison", "agent", "holder")
        if row.values.get(name)
    }
    book = directory(
        session,
        names=names,
        firms={row.values["firm"] for row in good if row.values.get("firm")},
        viewer=actor,
    )
    known = present(
        session, keys=[row_key(row.values)[0] for row in good],
        codes=[code for row in good if (code := row.values.get("investor_code"))],
        numbers=[number for row in good if (number := row.values.get("source_number"))],
        ids=[record for record in (settled or {}).values() if record], viewer=actor,
    )  # fmt: skip
    seen: dict[tuple[str, str], int] = {}
    investors: dict[str, int] = {}
    for row in good:
        try:
            _look_up(row, book, actor)
            _join(row, known, settled, actor)
            if settled is None:
                _beside(row, seen, investors)
            if row.joined.outcome is RowOutcome.NEW and row.there is None:
                _judge_new(row, today, actor)
        except Refused as refusal:
            _refuse(row, refusal)
    _judge_those_there(session, [row for row in good if row.there is not None], actor, today)
    for row in good:
        _by_mode(row, mode)
        if row.joined.outcome in (RowOutcome.NEW, RowOutcome.CHANGED):
            row.joined.firm_id = row.there.project.id if row.there is not None else None
    return made


def _refuse(row: Row, refusal: Refused) -> None:
    row.changes = {}
    row.joined = Joined(RowOutcome.REFUSED, reasons=[_reason(refusal)])


def _reason(refusal: Refused) -> dict[str, Any]:
    column = LABELS.get(refusal.field or "")
    return {**kept(refusal), "column": column.rpartition("\x04")[2] if column else None}


def _look_up(row: Row, book: Directory, actor: Actor) -> None:
    values = typed_values(row.values)
    row.directory = book
    row.facts = {name: value for name, value in values.items() if name in EDITABLE}
    if reported := values.get("reported_on"):
        note = row.facts.get("note") or ""
        told = f"{LABELS['reported_on']} {reported}"
        if told not in note:
            row.facts["note"] = f"{note}；{told}"[:500] if note else told
    row.told = Told(
        values.get("stage", Stage.LEAD), values.get("stage_on"), values.get("signed_on"),
        values.get("state", State.ACTIVE), values.get("state_on"), values.get("state_reason"), values.get("lacking"),
    )  # fmt: skip
    if row.told.stage_on is not None and "stage" not in values:
        raise Refused(N_("写了阶段日期，没有写项目阶段。"), field="stage")
    given = [name for name in TEAM if values.get(name)]
    if given:
        if len(given) < len(TEAM):
            lacking = [Message(LABELS[name]) for name in TEAM if name not in given]
            raise Refused(
                N_("领导和专班要写全，还差：%(named)s。"), named=lacking, field=_first_lacking(given)
            )
        row.team = Team(
            book.person(values["leader"], "leader"), book.unit(values["lead_unit"], "lead_unit"),
            book.person(values["liaison"], "liaison"), book.person(values["agent"], "agent"),
        )  # fmt: skip
    row.members = [book.unit(name, "members") for name in values.get("members") or ()]
    if row.members and row.team is None:
        raise Refused(N_("有成员单位，没有牵头领导和牵头单位。"), field="lead_unit")
    row.holder_id = book.person(values["holder"], "holder") if values.get("holder") else None
    row.firm_id = book.firm(values["firm"]) if values.get("firm") else None
    row.papers = {paper: values[paper.value] for paper in PAPERS if values.get(paper.value)}
    row.step, row.due_on = values.get("step"), values.get("due_on")


def _first_lacking(given: Iterable[str]) -> str:
    return next(name for name in TEAM if name not in set(given))


def _join(row: Row, known: Present, settled: Mapping[int, int] | None, actor: Actor) -> None:
    """Which project the row means; a doubtful one gets its candidates."""
    if settled is not None and row.row_no in settled:
        record = settled[row.row_no]
        row.there = known.by_id.get(record) if record else None
        if record and row.there is None:
            raise Refused(N_("没有这个项目，或者您不能查看它。"))
        return
    investor, name = row_key(row.values)
    number, code = row.values.get("source_number"), row.values.get("investor_code")
    same = [each for each in known.by_number.get(number, ()) if each.is_seen] if number else []
    of_investor = {
        id(each): each for key in (investor, code) if key for each in known.by_investor.get(key, ())
    }
    if not same:
        same = [each for each in of_investor.values() if each.is_seen and each.project.name_key == name]
    if len(same) == 1:
        row.there = same[0]
        return
    others = same or [each for each in of_investor.values() if each.is_open]
    if not others:
        return
    row.joined = Joined(
        RowOutcome.DOUBTFUL,
        candidates=[
            {
                "id": each.project.id, "name": each.project.name, "code": each.project.investor, "score": None,
                "reasons": [],
            }
            for each in others if each.is_seen
        ][:5],
    )  # fmt: skip
    first = others[0].project
    if row.joined.candidates:
        text = N_("这个投资方已经首报了别的项目，请确认是同一个还是另一个")
        row.joined.reasons = [kept(Message(text))]
    else:  # exists, held since D: no more than the phone form says
        text = N_("这个投资方已有首报（%(at)s），您不能查看。确是另一个项目请选“新建”")
        row.joined.reasons = [kept(Message(text, {"at": first.first_reported_at.date()}))]


def _beside(row: Row, seen: dict[tuple[str, str], int], investors: dict[str, int]) -> None:
    """The row among the earlier ones of its list."""
    key = row_key(row.values)
    if key in seen:
        raise Refused(N_("与第 %(row)s 行重复"), row=seen[key])
    seen[key] = row.row_no
    keys = {key[0], row.values.get("investor_code")} - {None, ""}
    earlier = next((investors[each] for each in keys if each in investors), None)
    if row.there is None and row.joined.outcome is RowOutcome.NEW and earlier is not None:
        text = N_("与第 %(row)s 行是同一个投资方，确是另一个项目请选“新建”")
        row.joined = Joined(RowOutcome.DOUBTFUL, reasons=[kept(Message(text, {"row": earlier}))])
    for each in keys:
        investors.setdefault(str(each), row.row_no)


def _check_facts(facts: Mapping[str, Any], today: dt.date) -> None:
    check_values(facts, today)
    check_foreign(
        facts.get("currency") or Currency.CNY, facts.get("foreign_total"), facts.get("rate_micros"),
        facts.get("rate_on"),
    )  # fmt: skip


def _judge_new(row: Row, today: dt.date, actor: Actor) -> None:
    """Raises `Refused` with everything that the page would say."""
    _check_facts(row.facts, today)
    if (row.facts.get("currency") or Currency.CNY) is not Currency.CNY:
        row.facts["total_yuan"] = reckoned(row.facts["foreign_total"], row.facts["rate_micros"])
    _check_team(row, actor)
    _check_step(row, today)
    met = facts_met(row.facts) | {paper.value for paper in row.papers}
    met |= {"charge"} if row.team is not None else set()
    met |= {"firm"} if row.firm_id is not None else set()
    row.way = way_of_new(row.told, met, today)
    is_open = row.told.state in (State.ACTIVE, State.PAUSED)
    if is_open and row.step is None and (row.holder_id is not None or actor.user_id is not None):
        text = N_("没有写下一步，写入后会请跟进人在 %(days)s 天内补上")
        row.joined.reasons = [kept(Message(text, {"days": STEP_DAYS}))]


def _check_team(row: Row, actor: Actor) -> None:
    if row.team is not None and not actor.may("project:assign"):
        raise Refused(N_("领导和专班只能由能指派的人导入，请去掉这几列，或请局负责人导入。"), field="leader")


def _check_step(row: Row, today: dt.date) -> None:
    if row.step is not None and row.due_on is None:
        raise Refused(N_("请写下一步做什么、哪天前。"), field="due_on")
    if row.due_on is not None and row.step is None:
        raise Refused(N_("请写下一步做什么、哪天前。"), field="step")
    if row.due_on is not None and row.due_on < today:
        raise Refused(N_("下一步的日期 %(day)s 已经过了。"), day=row.due_on, field="due_on")


def _judge_those_there(session: Session, rows: Sequence[Row], actor: Actor, today: dt.date) -> None:
    """What rows would change of projects that are there: a few statements, and three a row that moves one."""
    projects = [row.there.project for row in rows if row.there is not None]
    met, excused = met_items(session, projects), excuses(session, [project.id for project in projects])
    for row in rows:
        if row.joined.outcome is RowOutcome.REFUSED or row.there is None:
            continue
        project = row.there.project
        try:
            _judge_there(session, row, met[project.id], excused[project.id], actor, today)
        except Refused as refusal:
            _refuse(row, refusal)


def _judge_there(
    session: Session, row: Row, met: set[str], excused: Mapping[str, str], actor: Actor, today: dt.date
) -> None:
    if row.there is None:
        raise ValueError("no project")
    project = row.there.project
    facts = {name: value for name, value in row.facts.items() if getattr(project, name) != value}
    if "note" in facts and "reported_on" in row.values and facts["note"] in (project.note or ""):
        del facts["note"]
    if (facts.get("currency") or project.currency) is not Currency.CNY:
        facts.pop("total_yuan", None)  # reckoned, never typed
    for name in facts:
        row.changes[name] = [_shown(getattr(project, name)), _shown(facts[name])]
    there = {paper.kind for paper in evidence_of(session, project.id)} if row.papers else set()
    row.papers = {paper: number for paper, number in row.papers.items() if paper not in there}
    for paper, number in row.papers.items():
        row.changes[paper.value] = [None, number]
    if row.firm_id is not None and row.firm_id != project.firm_id:
        row.changes["firm"] = [project.firm_id, row.values["firm"]]
    else:
        row.firm_id = None
    if row.team is not None:
        _judge_charge(session, row, actor)
    has_stage = "stage" in row.values
    if has_stage or row.told.state is not State.ACTIVE:
        told = row.told if has_stage else replace(row.told, stage=project.stage)
        met = met | facts_met(facts) | {paper.value for paper in row.papers}
        met |= {"charge"} if row.team is not None else set()
        met |= {"firm"} if row.firm_id is not None else set()
        since = max((move.on for move in moves_of(session, project.id)), default=project.stage_on) if (
            told.stage is not project.stage or told.state is not project.state) else project.stage_on  # fmt: skip
        row.way = way_ahead(
            told, project.stage, project.state, stage_on=project.stage_on, since=since, met=met, excused=excused,
            today=today,
        )  # fmt: skip
        for step in row.way.steps:
            name = "state" if step.stage is project.stage else "stage"
            old = project.state if name == "state" else project.stage
            row.changes[name] = [_shown(old), _shown(step.state if name == "state" else step.stage)]
    if row.changes and not row.there.is_editable:
        raise Refused(N_("您不在这个项目的专班里，也不是它的跟进人，不能改它。"))
    _check_facts({name: row.facts.get(name, getattr(project, name)) for name in EDITABLE}, today)
    if row.step is not None and row.changes:
        row.joined.reasons = [kept(Message(N_("项目已在库里，下一步请在项目页安排")))]
    row.joined.outcome = RowOutcome.CHANGED if row.changes else RowOutcome.SAME
    row.joined.firm_id = project.id


def _judge_charge(session: Session, row: Row, actor: Actor) -> None:
    if row.there is None or row.team is None:
        return
    current = charge_of(session, row.there.project.id)
    if current is None:
        _check_team(row, actor)
        row.changes["leader"] = [None, row.values["leader"]]
        return
    now = Team(current.leader_id, current.lead_unit_id, current.liaison_id, current.agent_id)
    if now != row.team:
        raise Refused(N_("领导或专班与库里不同，更换请在项目页交接，写明原因。"), field="leader")
    row.team, row.members = None, []


def _shown(value: Any) -> Any:
    """A value for the preview: words as a message, days as text."""
    if isinstance(value, Word):
        return {"text": value.label, "params": {}}
    return value.isoformat() if isinstance(value, dt.date) else value


def _by_mode(row: Row, mode: ImportMode) -> None:
    outcome = row.joined.outcome
    if mode is ImportMode.UPDATE and outcome is RowOutcome.NEW:
        row.joined = Joined(
            RowOutcome.REFUSED, reasons=[kept(Message(N_("库里还没有这一条，「只更新」不新建")))]
        )
    elif mode is ImportMode.CREATE and outcome is RowOutcome.CHANGED:
        row.joined.outcome, row.changes = RowOutcome.SAME, {}
        row.joined.reasons = [kept(Message(N_("已在库里，「只新增」不修改")))]


__all__ = ["STEP_DAYS", "Row", "judged", "row_key", "typed_values"]

"""A list of projects is written: new ones set-based, with their dated moves, claims, charges and evidence; those that
are there through the same actions as on the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import NextStep
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind, WaiverKind
from crm.core.words import N_, Conflict, Refused
from crm.firms.actions.targets import Incoming
from crm.firms.rules.joining import Joined
from crm.firms.rules.words import ImportMode, RowOutcome
from crm.projects.actions.charge import appoint
from crm.projects.actions.editing import edit
from crm.projects.actions.incoming import STEP_DAYS, Row, judged, row_key
from crm.projects.actions.keys import keyed
from crm.projects.actions.moving import move, set_aside
from crm.projects.actions.papers import excuse, prove
from crm.projects.actions.standing import link_firm
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectClaim,
    ProjectEvidence,
    ProjectMove,
    ProjectUnit,
    ProjectWaiver,
)
from crm.projects.queries.importing import names_of
from crm.projects.rules.stages import IN_CHARGE, PIPELINE
from crm.projects.rules.words import (
    GOING,
    Act,
    ClaimCause,
    Confidentiality,
    Currency,
)

ADD_STEP = N_("核对导入的内容，写下一步")  # what whoever follows an imported project does first


class ProjectSheet:
    """How the import takes a list of projects."""

    def key(self, record_id: int, values: Mapping[str, Any]) -> Any:
        return row_key(values)

    def judge(
        self, session: Session, rows: Sequence[Any], *, actor: Actor, mode: ImportMode, today: dt.date
    ) -> list[tuple[Joined, dict[str, list[Any]]]]:
        """The verdict on each row read, and what it would change."""
        made = judged(
            session, [(row.row_no, row.values, row.reasons) for row in rows], actor=actor, mode=mode, today=today
        )  # fmt: skip
        return [(row.joined, row.changes) for row in made]

    def names(self, session: Session, ids: Sequence[int], viewer: Actor) -> dict[int, str]:
        return names_of(session, ids, viewer)

    def write(
        self, session: Session, rows: Sequence[Incoming], *, actor: Actor, today: dt.date, source: str
    ) -> None:
        """Raises `Conflict` when somebody has reported one of the investors meanwhile, `Refused` when a row can no
        longer be taken."""
        actor.require("lead:log")
        actor.require("project:edit")
        _serialise(session, {row_key(row.values)[0] for row in rows})
        # new rows are asked again, so that one of two reports of one investor is the first
        settled = {
            row.row_no: row.firm_id for row in rows if row.outcome is not RowOutcome.NEW or row.firm_id
        }
        made = judged(
            session, [(row.row_no, row.values, []) for row in rows], actor=actor, mode=ImportMode.BOTH, today=today,
            settled=settled,
        )  # fmt: skip
        for row in made:
            if row.joined.outcome is RowOutcome.REFUSED:
                reason = row.joined.reasons[0]
                text = N_("第 %(row)s 行：%(why)s")
                raise Refused(text, row=row.row_no, why=Refused(reason["text"], **reason["params"]))
            is_late = row.joined.outcome is RowOutcome.DOUBTFUL or row.there is not None
            if row.row_no not in settled and is_late:
                raise Conflict(
                    N_("第 %(row)s 行的投资方刚刚由别人首报了，请重新读取后核对。"), row=row.row_no
                )
        _write_new(session, [row for row in made if row.there is None], actor=actor, today=today)
        for row in made:
            if row.there is not None and row.changes:
                _apply(session, row, row.there.project, actor=actor, today=today)


def _serialise(session: Session, keys: set[str]) -> None:
    """Reports of the same investors come one after the other; in one order, so that two lists do not block each other
    (a marked dialect branch: SQLite has one writer)."""
    if keys and session.get_bind().dialect.name == "postgresql":
        for key in sorted(keys):
            session.execute(
                sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"lead:{key}", 0)))
            )


def _write_new(session: Session, rows: Sequence[Row], *, actor: Actor, today: dt.date) -> None:
    if not rows:
        return
    operation = audit.begin(session, actor=actor, action=Act.IMPORT, count=len(rows))
    ids = audit.insert_many(session, Project, [_project(row, operation.at, actor) for row in rows])
    moves: list[dict[str, Any]] = []
    charges: list[dict[str, Any]] = []
    units: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    papers: list[dict[str, Any]] = []
    waivers: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for project_id, row in zip(ids, rows, strict=True):
        moves += [
            {
                "project_id": project_id, "kind": step.kind, "from_stage": step.from_stage, "stage": step.stage,
                "state": step.state, "on": step.on, "days": step.days, "by_id": actor.user_id, "reason": step.reason,
                "skipped": list(step.skipped),
            }
            for step in row.way.steps
        ]  # fmt: skip
        papers += [
            {"project_id": project_id, "kind": paper, "on": _paper_on(row, today), "reference": number}
            for paper, number in row.papers.items()
        ]
        waivers += [
            {"project_id": project_id, "item": code, **_waiver(code, today), "reason": reason}
            for code, reason in row.way.excused.items()
        ]
        is_going = row.told.state in GOING
        holder_id, unit_id = _holder(row, actor)
        if row.team is not None:
            charges.append(_charge(row, project_id, today=today))
            since = charges[-1]["from_on"]
            units += [
                {"project_id": project_id, "unit_id": unit, "is_current": 1, "from_on": since}
                for unit in dict.fromkeys(row.members)
            ]
        if holder_id is not None:
            claims.append(
                {
                    "project_id": project_id, "is_current": 1, "holder_id": holder_id, "unit_id": unit_id,
                    "cause": ClaimCause.REPORTED, "from_on": today,
                }
            )  # fmt: skip
            if is_going:
                steps.append(
                    {
                        "kind": "project", "subject_id": project_id, "text": row.step or ADD_STEP,
                        "due_on": row.due_on or today + dt.timedelta(STEP_DAYS), "owner_id": holder_id,
                        "given_by_id": None if holder_id == actor.user_id else actor.user_id,
                    }
                )  # fmt: skip
    for model, made in (
        (ProjectMove, moves), (ProjectCharge, charges), (ProjectUnit, units), (ProjectClaim, claims),
        (ProjectEvidence, papers), (ProjectWaiver, waivers), (NextStep, steps),
    ):  # fmt: skip
        audit.insert_many(session, model, made)


def _holder(row: Row, actor: Actor) -> tuple[int | None, int | None]:
    """Who follows a new project: the person of the list, else whoever brings it in, as when typed in."""
    if row.holder_id is not None and row.directory is not None:
        return row.holder_id, row.directory.unit_of.get(row.holder_id)
    return actor.user_id, actor.unit_id


def _project(row: Row, at: dt.datetime, actor: Actor) -> dict[str, Any]:
    last = row.way.steps[-1]
    stage_on = next(step.on for step in row.way.steps if step.stage is last.stage)
    holder_id, unit_id = _holder(row, actor)
    is_aside = last.kind is MoveKind.ASIDE
    return {
        "currency": Currency.CNY, "confidentiality": Confidentiality.ZONE, "is_innovative": False, **row.facts,
        **keyed(row.facts), "firm_id": row.firm_id, "source_number": row.values.get("source_number"),
        "stage": last.stage, "stage_on": stage_on, "state": last.state, "state_on": last.on if is_aside else None,
        "state_reason": last.reason if is_aside else None, "signed_on": row.way.signed_on, "first_reported_at": at,
        "reported_by_id": actor.user_id, "reported_unit_id": actor.unit_id, "holder_id": holder_id,
        "holder_unit_id": unit_id,
    }  # fmt: skip


def _charge(row: Row, project_id: int, *, today: dt.date) -> dict[str, Any]:
    """In charge since the first stage that asks for it; the charge of a project that is over stands as it was."""
    if row.team is None:
        raise ValueError("no team")
    since = next((step.on for step in row.way.steps if step.stage in IN_CHARGE), today)
    return {
        "project_id": project_id, "is_current": 1, "leader_id": row.team.leader_id,
        "lead_unit_id": row.team.lead_unit_id, "liaison_id": row.team.liaison_id, "agent_id": row.team.agent_id,
        "from_on": since,
    }  # fmt: skip


def _paper_on(row: Row, today: dt.date) -> dt.date:
    return row.told.signed_on or row.told.stage_on or today


def _waiver(code: str, today: dt.date) -> dict[str, Any]:
    if PIPELINE.items[code].can_be_waived:
        return {"kind": WaiverKind.WAIVED, "until_on": None}
    return {"kind": WaiverKind.UNKNOWN, "until_on": today + dt.timedelta(90)}


def _apply(session: Session, row: Row, project: Project, *, actor: Actor, today: dt.date) -> None:
    facts = {name: row.facts[name] for name in row.changes if name in row.facts}
    if facts:
        edit(session, project, actor=actor, today=today, **facts)
    for paper, number in row.papers.items():
        prove(
            session, project, actor=actor, today=today, kind=paper, on=_paper_on(row, today), reference=number
        )
    if row.firm_id is not None:
        link_firm(session, project, actor=actor, firm_id=row.firm_id)
    for code, reason in row.way.excused.items():
        waiver = _waiver(code, today)
        excuse(
            session, project, actor=actor, today=today, item=code, kind=waiver["kind"], reason=reason,
            until_on=waiver["until_on"],
        )  # fmt: skip
    if row.team is not None:
        on = next((step.on for step in row.way.steps if step.stage in IN_CHARGE), today)
        appoint(session, project, actor=actor, today=today, team=row.team, on=on, members=row.members or None)
    for step in row.way.steps:
        if step.kind is MoveKind.ASIDE:
            set_aside(
                session, project, actor=actor, today=today, state=step.state, on=step.on, reason=step.reason
            )
        else:
            move(session, project, actor=actor, today=today, stage=step.stage, on=step.on)

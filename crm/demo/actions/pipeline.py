"""Writing the demo's investment projects: leads to full production over five years, by the officers of several bureaus.

Bulk rows, quick enough for the first start; a test walks every law of the pipeline over them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.activities.models import Activity, ActivitySubject, NextStep
from crm.activities.rules.words import ActivityKind, StepState
from crm.core import audit
from crm.core.clock import ZONE
from crm.core.db import Base
from crm.core.permissions import Actor, system
from crm.core.pipeline import MoveKind, WaiverKind
from crm.core.transaction import commit
from crm.demo.rules import SOURCE
from crm.demo.rules.projects import COUNT, Story, invent_projects, pick
from crm.firms.models import Firm
from crm.firms.rules.words import FirmStatus
from crm.projects.actions.keys import keyed
from crm.projects.models import (
    FrozenMonth,
    Project,
    ProjectCharge,
    ProjectClaim,
    ProjectCount,
    ProjectDispute,
    ProjectEvidence,
    ProjectMove,
    ProjectPayment,
    ProjectUnit,
    ProjectWaiver,
)
from crm.projects.queries.counts import tallies
from crm.projects.rules.stages import PIPELINE
from crm.projects.rules.words import (
    ClaimCause,
    Confidentiality,
    Currency,
    Decision,
    Stage,
    State,
)

FROZEN = 3  # months that are reported and closed, the last one two months ago


@dataclass(frozen=True, slots=True)
class Cast:
    """Who appears: ids of the demo's people and units."""

    leaders: Sequence[int]
    officers: Sequence[int]
    streets: Sequence[int]  # those who help on the spot
    supervisor: int
    units: Mapping[str, int]
    unit_of: Mapping[int, int | None]


def enter_projects(
    session: Session, *, seed: int, today: dt.date, at: dt.datetime, actor: Actor, count: int = COUNT
) -> int:
    """Invent and write the pipeline once; commits. Returns how many projects, 0 where the demo's people are missing or
    its projects are there."""
    cast = _cast(session)
    if cast is None or session.scalar(sa.select(Project.id).where(Project.source_note == SOURCE).limit(1)):
        return 0
    rng = random.Random(seed + 2)  # noqa: S311 invented data, repeatable from its seed
    audit.begin(session, actor=actor, action="demo.projects", count=count, seed=seed)
    stories = invent_projects(rng, count, today=today)
    _write(session, rng, stories, cast, today=today)
    commit(session)
    audit.begin(session, actor=actor, action="demo.projects-frozen")
    _freeze(session, stories, today)
    commit(session)
    return len(stories)


def _cast(session: Session) -> Cast | None:
    rows = session.execute(sa.select(User.username, User.id, User.unit_id).where(User.is_demo)).all()
    people = {row.username: row.id for row in rows}
    units = {row.short_name: row.id for row in session.execute(sa.select(Unit.short_name, Unit.id))}
    if not {"leader", "investment", "reporter", "supervisor"} <= people.keys():
        return None

    def those(*names: str) -> list[int]:
        return [people[name] for name in names if name in people]

    return Cast(
        those("leader", "leader2", "leader3"),
        those("investment", "investment", "investment2", "investment3", "investment4", "finance", "science"),
        those("reporter", "reporter2", "investment3"), people["supervisor"], units,
        {row.id: row.unit_id for row in rows},
    )  # fmt: skip


def _moment(rng: random.Random, day: dt.date) -> dt.datetime:
    """A moment of a working day's hours in Shanghai."""
    return dt.datetime.combine(day, dt.time(rng.randint(8, 17), rng.randint(0, 59)), ZONE).astimezone(dt.UTC)


def _firms(session: Session, stories: Sequence[Story]) -> dict[int, int]:
    """A demo firm for every project that has come as far as a company of its own: place in the list → firm."""
    need = [n for n, story in enumerate(stories) if story.furthest.place >= Stage.REGISTERED.place]
    rows = session.execute(
        sa.select(Firm.id, Firm.leading_industry)
        .where(Firm.source == SOURCE, Firm.status == FirmStatus.ACTIVE, Firm.archived_on.is_(None))
        .order_by(Firm.registered_on.desc(), Firm.id)
        .limit(2000)
    ).all()
    left = list(rows)
    found: dict[int, int] = {}
    for n in need:
        wanted = stories[n].facts["leading_industry"]
        best = next((row for row in left if row.leading_industry is wanted), left[0] if left else None)
        if best is not None:
            found[n] = best.id
            left.remove(best)
    return found


def _write(session: Session, rng: random.Random, stories: list[Story], cast: Cast, *, today: dt.date) -> None:
    firms = _firms(session, stories)
    for n, story in enumerate(stories):  # without a firm of its own nothing is registered
        if story.furthest.place >= Stage.REGISTERED.place and n not in firms:
            _cut(story)
    made = [_project(rng, story, cast, firms.get(n), today) for n, story in enumerate(stories)]
    ids = audit.insert_many(session, Project, made)
    rows: dict[type[Base], list[dict[str, Any]]] = {
        model: []
        for model in (
            ProjectMove, ProjectCharge, ProjectUnit, ProjectClaim, ProjectEvidence, ProjectWaiver, ProjectPayment,
            ProjectCount, NextStep,
        )
    }  # fmt: skip
    entries: list[dict[str, Any]] = []
    for project_id, project, story in zip(ids, made, stories, strict=True):
        officer = project["reported_by_id"]
        for move in story.moves:
            rows[ProjectMove].append(
                {
                    "project_id": project_id, "kind": move.kind, "from_stage": move.from_stage, "stage": move.stage,
                    "state": move.state, "on": move.on, "days": move.days, "by_id": officer, "reason": move.reason,
                    "skipped": list(move.skipped),
                }
            )  # fmt: skip
        _claims(rows[ProjectClaim], project_id, project, story, today)
        _charges(rng, rows, project_id, story, cast, officer, today)
        rows[ProjectEvidence] += [
            {"project_id": project_id, "kind": kind, "on": on, "reference": number}
            for kind, on, number in story.papers
        ]
        rows[ProjectWaiver] += [
            {
                "project_id": project_id, "item": item, "reason": why,
                "kind": WaiverKind.UNKNOWN if is_unknown else WaiverKind.WAIVED,
                "until_on": today + dt.timedelta(rng.randint(10, 90)) if is_unknown else None,
            }
            for item, is_unknown, why in story.excused
        ]  # fmt: skip
        _money(rng, rows, project_id, project, story, cast, today)
        entries += [
            {
                "kind": ActivityKind(kind), "on": on, "summary": text, "author_id": officer, "source": SOURCE,
                "subject": project_id, "place": None,
            }
            for kind, on, text in story.contacts
        ]  # fmt: skip
        if story.step is not None:
            text, due_on = story.step
            rows[NextStep].append(
                {
                    "kind": "project", "subject_id": project_id, "text": text, "due_on": due_on, "owner_id": officer,
                    "state": StepState.OPEN, "moves": 0,
                }
            )  # fmt: skip
    for model, part in rows.items():
        audit.insert_many(session, model, part)
    subjects = [entry.pop("subject") for entry in entries]
    keys = audit.insert_many(session, Activity, entries)
    audit.insert_many(
        session,
        ActivitySubject,
        [
            {"activity_id": key, "kind": "project", "subject_id": subject, "on": entry["on"]}
            for key, subject, entry in zip(keys, subjects, entries, strict=True)
        ],
    )
    _disputes(session, ids, made, cast, today)


def _cut(story: Story) -> None:
    """A project that stays signed, as it was before it went further."""
    place = Stage.SIGNED.place
    story.moves = [move for move in story.moves if move.stage.place <= place]
    story.papers = [paper for paper in story.papers if PIPELINE.stage_of[paper[0].value].place <= place]
    story.excused = [each for each in story.excused if PIPELINE.stage_of[each[0]].place <= place]
    story.payments = []


def _project(
    rng: random.Random, story: Story, cast: Cast, firm_id: int | None, today: dt.date
) -> dict[str, Any]:
    officer = pick(rng, cast.officers)
    last = story.moves[-1]
    is_aside = last.kind is MoveKind.ASIDE
    reported = _moment(rng, story.reported_on)
    seen = max([last.on, *(on for _kind, on, _text in story.contacts)])
    facts = {"headquarters": None, "is_innovative": False, **story.facts}
    return {
        **facts, **keyed(facts), "currency": Currency.CNY, "firm_id": firm_id, "stage": story.stage,
        "stage_on": story.stage_on, "state": story.state, "state_on": last.on if is_aside else None,
        "state_reason": last.reason if is_aside else None, "signed_on": story.signed_on,
        "first_reported_at": reported, "reported_by_id": officer, "reported_unit_id": cast.unit_of.get(officer),
        "holder_id": None if story.is_pooled else officer,
        "holder_unit_id": None if story.is_pooled else cast.unit_of.get(officer),
        "feedback_on": min(story.reported_on + dt.timedelta(rng.randint(2, 9)), today) if rng.random() < 0.7 else None,
        "created_at": reported, "updated_at": max(reported, _moment(rng, min(seen, today - dt.timedelta(1)))),
    }  # fmt: skip


def _claims(
    rows: list[dict[str, Any]], project_id: int, project: dict[str, Any], story: Story, today: dt.date
) -> None:
    """Held since the report; a lead nobody went on with was let go when its protection had run out."""
    claim = {
        "project_id": project_id, "is_current": 1, "holder_id": project["reported_by_id"],
        "unit_id": project["reported_unit_id"], "cause": ClaimCause.REPORTED, "from_on": story.reported_on,
        "to_on": None, "reason": None,
    }  # fmt: skip
    if story.is_pooled:
        until = min(
            today, max(on for on in (story.moves[-1].on, *(c[1] for c in story.contacts))) + dt.timedelta(90)
        )
        claim |= {"is_current": None, "to_on": until, "reason": "保护期满没有进展，放回线索池"}
    rows.append(claim)


def _charges(
    rng: random.Random,
    rows: dict[type[Base], list[dict[str, Any]]],
    project_id: int,
    story: Story,
    cast: Cast,
    officer: int,
    today: dt.date,
) -> None:
    since = story.in_charge_on
    if since is None:
        return
    home = cast.unit_of.get(officer) or cast.units["商务局"]
    first = {
        "project_id": project_id, "is_current": 1, "leader_id": pick(rng, cast.leaders), "lead_unit_id": home,
        "liaison_id": officer, "agent_id": pick(rng, cast.streets), "from_on": since, "to_on": None,
        "reason": "专班组建",
    }  # fmt: skip
    if (day := story.handed_over_on) is not None:
        others = [key for key in cast.leaders if key != first["leader_id"]] or list(cast.leaders)
        rows[ProjectCharge].append({**first, "is_current": None, "to_on": day})
        first |= {"leader_id": pick(rng, others), "from_on": day, "reason": "分工调整，交接给新的牵头领导"}
    rows[ProjectCharge].append(first)
    around = [cast.units[short] for short in ("经发局", "住建局", "国土局", "科技局") if short in cast.units]
    members = rng.sample([key for key in around if key != home], min(len(around) - 1, rng.randint(1, 2)))
    rows[ProjectUnit] += [
        {"project_id": project_id, "unit_id": unit, "is_current": 1, "from_on": since} for unit in members
    ]


def _money(
    rng: random.Random,
    rows: dict[type[Base], list[dict[str, Any]]],
    project_id: int,
    project: dict[str, Any],
    story: Story,
    cast: Cast,
    today: dt.date,
) -> None:
    """Payments entered by the officer and checked by the supervisor within a week, the latest ones not yet; the project
    counted once, by somebody else than who follows it."""
    must = story.furthest.place >= Stage.COMPLETED.place
    for n, (on, yuan, kind) in enumerate(story.payments):
        checked = on + dt.timedelta(rng.randint(1, 7))
        is_checked = checked <= today and ((must and n == 0) or (today - on).days > 20)
        rows[ProjectPayment].append(
            {
                "project_id": project_id, "on": on, "yuan": yuan, "currency": Currency.CNY, "origin": project["origin"],
                "kind": kind, "reference": f"示范凭证 {on:%Y%m%d}-{n + 1}", "entered_by_id": project["reported_by_id"],
                "checked_by_id": cast.supervisor if is_checked else None, "checked_on": checked if is_checked else None,
                "counts_on": on if is_checked else None,
            }
        )  # fmt: skip
    if story.is_counted and story.signed_on is not None and story.signed_on < today - dt.timedelta(20):
        known = audit.columns_of(ProjectCount)
        count = {
            "project_id": project_id, "is_standing": 1, "counts_on": story.signed_on, "yuan": project["agreed_yuan"],
            "checked_by_id": cast.supervisor, "checked_on": story.signed_on + dt.timedelta(rng.randint(3, 12)),
        }  # fmt: skip
        copied = (
            "fixed_yuan",
            "headquarters",
            "is_innovative",
        )  # what a count keeps of its project, where it does
        rows[ProjectCount].append(count | {name: project[name] for name in copied if name in known})


def _disputes(
    session: Session, ids: Sequence[int], made: Sequence[dict[str, Any]], cast: Cast, today: dt.date
) -> None:
    """One that was decided, and one that waits for the bureau."""
    open_ones = [
        (key, row)
        for key, row in zip(ids, made, strict=True)
        if row["state"] is State.ACTIVE
        and row["confidentiality"] is Confidentiality.ZONE
        and row["holder_id"]
    ]
    rows = []
    for n, (key, row) in enumerate(open_ones[-2:]):
        on = max(row["first_reported_at"].date(), today - dt.timedelta(20 - 8 * n))
        other = next(person for person in cast.officers if person != row["reported_by_id"])
        dispute = {
            "project_id": key, "raised_by_id": other, "raised_unit_id": cast.unit_of.get(other), "raised_on": on,
            "text": "我们上月在展会上先谈过这家企业，有名片和纪要。",
        }  # fmt: skip
        if n == 0:
            dispute |= {
                "decision": Decision.STANDS, "decided_by_id": cast.supervisor, "decided_on": min(today, on + dt.timedelta(5)),
                "decided_text": "纪要没有写到本项目，维持首报。",
            }  # fmt: skip
        rows.append(dispute)
    audit.insert_many(session, ProjectDispute, rows)


def _freeze(session: Session, stories: Sequence[Story], today: dt.date) -> None:
    """The reported months that are closed, with their figures as they were."""
    first = today.replace(day=1)
    months: list[dt.date] = []
    for _ in range(FROZEN + 1):
        first = (first - dt.timedelta(1)).replace(day=1)
        months.append(first)
    rows = []
    for month in sorted(months[1:]):
        end = (month + dt.timedelta(32)).replace(day=1) - dt.timedelta(1)
        figures = {key: tally.reported for key, tally in tallies(session, end, viewer=system("demo")).items()}
        rows.append({"month": f"{month:%Y-%m}", "frozen_on": end + dt.timedelta(12), "figures": figures})
    audit.insert_many(session, FrozenMonth, rows)

"""`python3 -m tests.digest.bench [PEOPLE ITEMS]`: how long a digest of many people takes, and how much memory.

Without numbers 10,000 people and 100,000 open items, on SQLite in a folder of its own. Each person has a unit of a
hundred, firms, projects and candidates to serve, and steps of which a third is overdue. Said besides: what each kind costs.
"""

from __future__ import annotations

import datetime as dt
import resource
import sys
import tempfile
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm import config as settings
from crm.accounts.models import Unit, User, UserRole
from crm.accounts.queries.readers import readers
from crm.accounts.rules import Role, UnitKind
from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.app import create_app
from crm.core.clock import now
from crm.core.db import Base, db, reading, writing
from crm.core.migrating import migrate
from crm.core.reminders import REMINDERS
from crm.core.transaction import commit
from crm.digest.queries import compose
from crm.digest.rendering import mute_links, render
from crm.firms.actions.guards import named
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.models import Certification, StageInterval
from crm.ladder.rules.words import Stage as Rung
from crm.listing.models import Candidate, CandidatePlan, Obstacle
from crm.listing.rules.words import Board
from crm.listing.rules.words import Stage as Reserve
from crm.listing.rules.words import State as Standing
from crm.projects.models import Project, ProjectPulse
from crm.projects.rules.words import Confidentiality, Currency, Source, Stage, State
from tests.projects.counting import statements

DAY = dt.date(2026, 11, 23)
ROLES = (Role.INVESTMENT, Role.SCIENCE, Role.REPORTER, Role.FINANCE)


def fill(session: Session, *, people: int, items: int, day: dt.date, start: int = 0) -> None:
    """People of many units, and open items for them in equal parts: steps on firms and projects (13 of 20),
    certificates that lapse (2 of 20), leads (4 of 20: clocks, lights, what is missing), the listing reserve (1 of 20:
    terms, planned days, obstacles). Without a trail: a bench."""
    at = now()
    stamps = {"created_at": at, "updated_at": at}
    first = (session.scalar(sa.select(sa.func.max(User.id))) or 0) + 1
    unit = (session.scalar(sa.select(sa.func.max(Unit.id))) or 0) + 1
    units = max(2, people // 100)
    _put(
        session,
        Unit,
        [
            {"id": unit + n, "name": f"基准{start + n}局", "short_name": f"基{start + n}", "kind": UnitKind.BUREAU, **stamps}
            for n in range(units)
        ],
    )  # fmt: skip
    _put(
        session,
        User,
        [
            {
                "id": first + n, "username": f"bench-{start + n}", "username_key": f"bench-{start + n}",
                "name": f"基准{start + n}", "unit_id": unit + n % units, "password_hash": "!", **stamps,
            }
            for n in range(people)
        ],
    )  # fmt: skip
    _put(
        session,
        UserRole,
        [{"user_id": first + n, "role": ROLES[n % len(ROLES)], **stamps} for n in range(people)],
    )
    certificates, leads = (
        items // 10,
        items // 10,
    )  # each lead makes a line of clocks and one of what is missing
    firm = (session.scalar(sa.select(sa.func.max(Firm.id))) or 0) + 1
    _put(
        session,
        Firm,
        [
            {"id": firm + n, "officer_id": first + n % people, **named(f"温州基准{start}之{n}阀门有限公司"), **stamps}
            for n in range(certificates)
        ],
    )  # fmt: skip
    _put(
        session,
        Certification,
        [
            {
                "firm_id": firm + n, "kind": "high-tech", "granted_on": day - dt.timedelta(900),
                "expires_on": day + dt.timedelta(30 + n % 300), **stamps,
            }
            for n in range(certificates)
        ],
    )  # fmt: skip
    _put(
        session,
        StageInterval,
        [
            {
                "firm_id": firm + n, "stage": Rung.HIGH_TECH_SCALE_UP, "from_on": day - dt.timedelta(900), "cause": "x",
                "params": {}, "industry": LeadingIndustry.OTHER,
            }
            for n in range(certificates)
        ],
    )  # fmt: skip
    candidates = min(
        certificates, max(4, items // 60)
    )  # each makes a line of its term, its plan, its obstacle
    _reserve(session, day, first=first, people=people, unit=unit, firm=firm, candidates=candidates)
    project = (session.scalar(sa.select(sa.func.max(Project.id))) or 0) + 1
    _put(
        session,
        Project,
        [
            {
                "id": project + n, "name": f"基准{start}之{n}产线", "name_key": f"{start}之{n}", "name_sort": f"{start}",
                "investor": f"苏州基准{n}公司", "investor_key": f"苏州{n}", "source": Source.FAIR, "currency": Currency.CNY,
                "confidentiality": list(Confidentiality)[n % 3], "stage": Stage.LEAD, "state": State.ACTIVE,
                "stage_on": day - dt.timedelta(n % 200), "first_reported_at": at - dt.timedelta(n % 200),
                "holder_id": first + n % people, "holder_unit_id": unit + n % people % units, **stamps,
            }
            for n in range(leads)
        ],
    )  # fmt: skip
    _put(
        session,
        ProjectPulse,
        [{"project_id": project + n, "progress_on": day - dt.timedelta(n % 200)} for n in range(leads)],
    )
    _put(
        session,
        NextStep,
        [
            {
                "kind": "firm" if n % 3 else "project",
                "subject_id": firm + n % certificates if n % 3 else project + n % leads,
                "text": "回访并更新进展，核对用地和用能指标", "due_on": day + dt.timedelta(n % 21 - 14),
                "owner_id": first + n % people, "state": StepState.OPEN, "is_instruction": n % 20 == 0, **stamps,
            }
            for n in range(items - certificates - 2 * leads - 3 * candidates)
        ],
    )  # fmt: skip
    commit(session)


TERMS = (
    (Reserve.TUTORED, 400), (Reserve.TUTORED, 330), (Reserve.TUTORING, 120), (Reserve.EFFECTIVE, 340),
)  # fmt: skip


def _reserve(
    session: Session, day: dt.date, *, first: int, people: int, unit: int, firm: int, candidates: int
) -> None:
    """Candidates of these firms, for those of the people who read the reserve (every second): letters that have run
    out, that soon do, tutoring that is done; each with a planned day gone by, and an obstacle that is late or due."""
    at = now()
    stamps = {"created_at": at, "updated_at": at}
    start = (session.scalar(sa.select(sa.func.max(Candidate.id))) or 0) + 1
    readers = [first + n for n in range(1, people, 2)]
    of = [readers[n % len(readers)] for n in range(candidates)]
    _put(
        session,
        Candidate,
        [
            {
                "id": start + n, "firm_id": firm + n, "is_current": 1, "board": Board.STAR, "stage": TERMS[n % 4][0],
                "stage_on": day - dt.timedelta(TERMS[n % 4][1]), "state": Standing.ACTIVE, "officer_id": of[n], **stamps,
            }
            for n in range(candidates)
        ],
    )  # fmt: skip
    _put(
        session,
        CandidatePlan,
        [
            {
                "candidate_id": start + n,
                "stage": Reserve.LISTED,
                "planned_on": day - dt.timedelta(1 + n % 50),
                **stamps,
            }
            for n in range(candidates)
        ],
    )
    _put(
        session,
        Obstacle,
        [
            {
                "candidate_id": start + n, "text": "土地证未办", "owner_id": of[-1 - n], "unit_id": unit,
                "raised_on": day - dt.timedelta(90), "due_on": day + dt.timedelta(n % 2 * 9 - 5), **stamps,
            }
            for n in range(candidates)
        ],
    )  # fmt: skip


def _put(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Past the journal: a bench asks what reading costs."""
    session.connection().execute(sa.insert(model.__table__), rows)


def costs(session: Session, day: dt.date) -> dict[str, tuple[int, int, float]]:
    """What each kind costs for everybody: its lines, statements and seconds."""
    actors = {key: reader.actor for key, reader in readers(session, None).items()}
    found = {}
    for reminder in REMINDERS:
        started = time.perf_counter()
        with statements() as sent:
            lines = sum(1 for _row in reminder.query(session, day, actors))
        found[reminder.code] = (lines, len(sent), time.perf_counter() - started)
    return found


def main(people: int = 10_000, items: int = 100_000) -> None:
    with tempfile.TemporaryDirectory() as data:
        app = create_app(settings.load({"CRM_DATA": data, "CRM_DEMO": "0"}))
        with app.app_context():
            writing()
            migrate()
            fill(db.session(), people=people, items=items, day=DAY)
            db.session.remove()
            reading()
            base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            started = time.perf_counter()
            letters = compose(db.session(), DAY)
            composed = time.perf_counter() - started
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            started = time.perf_counter()
            sizes = []
            for letter in letters.values():
                mail = render(
                    letter, "https://tidui.example", mute_links(letter.person_id, "https://tidui.example")
                )
                sizes.append(len(mail.html.encode()))
            rendered = time.perf_counter() - started
            kinds = costs(db.session(), DAY)
        told = sum(letter.count for letter in letters.values())
        print(
            f"{people:,} people, {items:,} items: {len(letters):,} letters, {told:,} lines; composed in {composed:.1f} s "
            f"(peak {peak:.0f} MB, {base:.0f} MB before), rendered in {rendered:.1f} s; largest {max(sizes):,} bytes"
        )  # fmt: skip
        for code, (lines, sent, seconds) in kinds.items():
            print(f"  {code:<20} {lines:>7,} lines {sent:>3} statements {seconds:6.2f} s")


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:3]))

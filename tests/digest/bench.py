"""`python3 -m tests.digest.bench [PEOPLE ITEMS]`: how long a digest of many people takes, and how much memory.

Without numbers 10,000 people and 100,000 open items, on SQLite in a folder of its own. Each person has a unit of a
hundred, firms and projects to serve, and steps of which a third is overdue.
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
from crm.accounts.rules import Role, UnitKind
from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.app import create_app
from crm.core.clock import now
from crm.core.db import Base, db, reading, writing
from crm.core.migrating import migrate
from crm.core.transaction import commit
from crm.digest.queries import compose
from crm.digest.rendering import mute_links, render
from crm.firms.actions.guards import named
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.models import Certification, StageInterval
from crm.ladder.rules.words import Stage as Rung
from crm.projects.models import Project, ProjectPulse
from crm.projects.rules.words import Confidentiality, Currency, Source, Stage, State

DAY = dt.date(2026, 11, 23)
ROLES = (Role.INVESTMENT, Role.SCIENCE, Role.REPORTER, Role.FINANCE)


def fill(session: Session, *, people: int, items: int, day: dt.date, start: int = 0) -> None:
    """People of many units, and open items for them in equal parts: steps on firms and projects (7 of 10),
    certificates that lapse (1 of 10), leads (2 of 10: clocks, lights, what is missing). Without a trail: a bench."""
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
            for n in range(items - certificates - 2 * leads)
        ],
    )  # fmt: skip
    commit(session)


def _put(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    """Past the journal: a bench asks what reading costs."""
    session.connection().execute(sa.insert(model.__table__), rows)


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
        told = sum(letter.count for letter in letters.values())
        print(
            f"{people:,} people, {items:,} items: {len(letters):,} letters, {told:,} lines; composed in {composed:.1f} s "
            f"(peak {peak:.0f} MB, {base:.0f} MB before), rendered in {rendered:.1f} s; largest {max(sizes):,} bytes"
        )  # fmt: skip


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:3]))

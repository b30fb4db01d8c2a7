"""How the tests make one of each kind of record, and two values it may be changed to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.core import audit
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions as registry
from crm.firms.models import Firm
from crm.ladder import actions as ladder
from crm.listing import actions as listing
from crm.listing.models import Candidate
from crm.projects import actions as projects
from crm.projects.models import Project
from crm.projects.rules.words import Source
from tests import people
from tests.records.sample import Sample, SampleNote

TODAY = dt.date(2026, 11, 23)
MORNING = dt.datetime(2026, 11, 23, 1, 30, tzinfo=dt.UTC)
ROBOT = system("tests")


@dataclass(frozen=True)
class Builder:
    """`make(session, n)` commits one and returns it. `one` and `other` are values its `change` takes; `editor` may
    change it, `stranger` may not see it, `reader` (if any) sees it and may not change it."""

    make: Callable[[Session, int], Any]
    one: Mapping[str, Any]
    other: Mapping[str, Any]
    editor: people.Person
    stranger: people.Person
    reader: people.Person | None = None
    blind: tuple[people.Person, ...] = (people.STRANGER, people.SYSTEM_ADMIN)


def a_firm(session: Session, n: int) -> Firm:
    firm = registry.register(
        session,
        actor=ROBOT,
        today=TODAY,
        name=f"温州岚屿{n:04d}泵阀有限公司",
        registered_on=dt.date(2015, 3, 1),
    )
    commit(session)
    return firm


def a_certification(session: Session, n: int) -> Any:
    firm = a_firm(session, n)
    made = ladder.grant(
        session, firm, kind="high-tech", granted_on=dt.date(2025, 12, 1), number=f"GR2025330{n:05d}",
        actor=ROBOT, today=TODAY,
    )  # fmt: skip
    commit(session)
    return made


def an_application(session: Session, n: int) -> Any:
    firm = a_firm(session, n)
    made = ladder.open_application(session, firm, kind="high-tech", actor=ROBOT, on=TODAY, today=TODAY)
    commit(session)
    return made


def a_project(session: Session, n: int) -> Project:
    """A lead in the pool, seen by the whole zone."""
    made = projects.report(
        session, actor=ROBOT, at=MORNING, today=TODAY, investor=f"苏州澄观{n:04d}精密科技有限公司",
        name=f"第{n}条精密减速器产线", source=Source.FAIR,
    )  # fmt: skip
    commit(session)
    return made


def a_candidate(session: Session, n: int) -> Candidate:
    """A firm in the reserve."""
    made = listing.enter(session, a_firm(session, n), actor=ROBOT, today=TODAY, on=TODAY)
    commit(session)
    return made


def a_sample(session: Session, n: int) -> Sample:
    audit.begin(session, actor=ROBOT, action="sample.create")
    made = Sample(name=f"样品{n}", unit_id=people.unit_id(session, "科技局"), worth_yuan=n)
    session.add(made)
    session.flush()
    session.add(SampleNote(sample_id=made.id, on=TODAY, text=f"第{n}次"))
    commit(session)
    return made


def a_unit(session: Session, n: int) -> Unit:
    audit.begin(session, actor=ROBOT, action="unit.add")
    made = Unit(name=f"第{n}办公室", short_name=f"{n}办", kind=UnitKind.OFFICE, starts_on=TODAY)
    session.add(made)
    session.flush()
    commit(session)
    return made


def a_user(session: Session, n: int) -> User:
    audit.begin(session, actor=ROBOT, action="user.add")
    made = User(username=f"u{n}", username_key=f"u{n}", name=f"某{n}", password_hash="!")
    session.add(made)
    session.flush()
    commit(session)
    return made


SEE_NO_PEOPLE = (people.STRANGER, people.AUDITOR, people.SCIENCE)

BUILDERS: dict[str, Builder] = {
    "unit": Builder(a_unit, {}, {}, people.SYSTEM_ADMIN, people.LEADER, people.SECURITY_ADMIN, SEE_NO_PEOPLE),
    "user": Builder(a_user, {}, {}, people.SYSTEM_ADMIN, people.LEADER, None, SEE_NO_PEOPLE),
    "firm": Builder(
        a_firm, {"address": "滨海一道 1 号"}, {"address": "滨海二道 2 号"}, people.SCIENCE, people.AUDITOR,
        people.LEADER,
    ),
    "certification": Builder(
        a_certification, {"document": "浙科发〔2025〕1 号"}, {"document": "浙科发〔2025〕2 号"}, people.SCIENCE,
        people.AUDITOR, people.FINANCE,
    ),
    "application": Builder(an_application, {}, {}, people.SCIENCE, people.AUDITOR, people.FINANCE),
    "project": Builder(
        a_project, {"product": "谐波减速器"}, {"product": "行星减速器"}, people.BUREAU_HEAD, people.AUDITOR,
        people.LEADER,
    ),
    "candidate": Builder(
        a_candidate, {"note": "意向明确"}, {"note": "暂缓一年"}, people.FINANCE, people.INVESTMENT, people.LEADER,
    ),
    "sample": Builder(a_sample, {"worth_yuan": 50_000}, {"worth_yuan": 70_000}, people.SCIENCE, people.FINANCE),
}  # fmt: skip

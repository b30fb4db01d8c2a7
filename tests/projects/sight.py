"""A world for looking who sees which project: one of each confidentiality, with everything that can hang on one.

`SEES` is the written table. Everybody was mentioned, given a step and told of each project, as if they could see it then.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User, UserRole
from crm.accounts.rules import Role
from crm.activities.models import (
    Activity,
    ActivityPerson,
    ActivitySubject,
    Attachment,
    InboxItem,
    NextStep,
    StoredFile,
)
from crm.activities.rules.words import ActivityKind, Notice, Scan, StepState
from crm.core import audit
from crm.core.clock import now, today
from crm.core.files import store
from crm.core.transaction import commit
from crm.firms import actions as registry
from crm.projects import actions
from crm.projects.models import Project, ProjectCount, ProjectPayment
from crm.projects.rules.words import Confidentiality, Origin, PaymentKind, Stage
from tests import people
from tests.activities.contents import PDF
from tests.people import Person
from tests.projects.cast import FACTS, ROBOT, TODAY, a_lead, a_team, fill

CHIEF = Person("sight-chief", "乔若川", Role.SCIENCE, "自创办")
MEMBER = Person("sight-member", "邵清和", Role.REPORTER, "沙城")
ABOVE = Person("sight-above", "温如许", Role.INVESTMENT, "管委会")
NOWHERE = Person("sight-nowhere", "白无咎", Role.INVESTMENT, "")
HIRED = (CHIEF, MEMBER, ABOVE, NOWHERE)
ZONE, UNIT, TEAM = "zone", "unit", "team"
# who: what they are to every project → the confidentialities they see
SEES: dict[Person, set[str]] = {
    people.INVESTMENT: {ZONE, UNIT, TEAM},  # reported it and follows it
    CHIEF: {ZONE, UNIT, TEAM},  # leads it, an officer of a unit outside the team
    people.SCIENCE: {ZONE, UNIT, TEAM},  # its liaison
    people.REPORTER: {ZONE, UNIT, TEAM},  # its agent
    people.INVESTMENT_2: {ZONE, UNIT},  # of the lead unit
    MEMBER: {ZONE, UNIT},  # of a member unit
    people.BUREAU_HEAD: {ZONE, UNIT},  # heads the bureau of who follows it
    ABOVE: {ZONE, UNIT},  # of the unit above them all
    people.FINANCE: {ZONE},  # of an office under the lead unit
    people.SCIENCE_2: {ZONE},  # of the liaison's bureau, which is not in the team
    NOWHERE: {ZONE},  # an officer without a unit
    people.LEADER: {ZONE, UNIT, TEAM},
    people.SUPERVISOR: {ZONE, UNIT, TEAM},
    people.READ_ONLY: {ZONE},
    people.SYSTEM_ADMIN: set(),
    people.SECURITY_ADMIN: set(),
    people.AUDITOR: set(),
    people.STRANGER: set(),
}
HARMLESS = {
    "overview.audit_log",
    "overview.audit_export",
    "overview.contacts_looked",
}  # the auditor's (三员分立)


def mark_of(level: str) -> str:
    """What every text about the project of this confidentiality holds."""
    return f"密语{level}甲"


@dataclass
class Hung:
    """A project with what hangs on it: ids."""

    id: int
    activity: int
    file: int
    step: int
    payment: int
    operation: str = ""


@dataclass
class World:
    projects: dict[str, Hung]
    firm_id: int

    def shown(self, text: str) -> set[str]:
        """The confidentialities whose project a text shows something of."""
        return {level for level in self.projects if mark_of(level) in text}


def hire(session: Session) -> None:
    audit.begin(session, actor=ROBOT, action="tests.hire")
    for who in HIRED:
        unit = session.scalar(sa.select(Unit.id).where(Unit.short_name == who.unit))
        user = User(
            username=who.username, username_key=who.username, name=who.name, unit_id=unit, password_hash="!",
            password_changed_at=now(),
        )  # fmt: skip
        session.add(user)
        session.flush()
        session.add(UserRole(user_id=user.id, role=who.role))
    commit(session)


def build(session: Session) -> World:
    """Three signed projects, counted and paid, of one firm; everybody told of each."""
    hire(session)
    firm = registry.register(session, actor=ROBOT, today=today(), name="温州岚屿泵阀有限公司")
    commit(session)
    audit.begin(session, actor=ROBOT, action="tests.hang")
    kept = store().store(io.BytesIO(PDF))
    stored = StoredFile(sha256=kept.sha256, size=kept.size, media_type="application/pdf", scan=Scan.CLEAN)
    session.add(stored)
    session.flush()
    commit(session)
    watchers = [people.id_of(session, who) for who in SEES]
    found = {level.value: _project(session, level, firm.id, stored.id, watchers) for level in Confidentiality}
    session.rollback()
    return World(found, firm.id)


def _project(
    session: Session, level: Confidentiality, firm_id: int, file_id: int, watchers: list[int]
) -> Hung:
    mark, day = mark_of(level.value), today()
    project = a_lead(
        session, len(level.value) * 10 + ord(level.value[0]), people.INVESTMENT,
        name=f"{mark}产线", investor=f"{mark}投资有限公司", product=f"{mark}产品", confidentiality=level,
    )  # fmt: skip
    actions.link_firm(session, project, actor=ROBOT, firm_id=firm_id)
    commit(session)
    team = a_team(session, CHIEF, "经发局", people.SCIENCE, people.REPORTER)
    actions.appoint(
        session, project, actor=ROBOT, today=TODAY, team=team, on=TODAY, reason=f"{mark}组建",
        members=[people.unit_id(session, "沙城")],
    )  # fmt: skip
    commit(session)
    _bring(session, project)
    actions.edit(
        session, project, actor=people.actor(session, people.INVESTMENT), today=day, note=f"{mark}备注"
    )
    running = audit.running(session)
    assert running is not None
    done = running.id
    commit(session)
    audit.begin(session, actor=ROBOT, action="tests.hang")
    holder = people.id_of(session, people.INVESTMENT)
    about = {"kind": "project", "subject_id": project.id}
    entry = Activity(kind=ActivityKind.VISIT, on=day, summary=f"{mark}经过", author_id=holder)
    session.add(entry)
    session.flush()
    session.add(ActivitySubject(activity_id=entry.id, on=day, **about))
    session.add(ActivitySubject(activity_id=entry.id, on=day, kind="firm", subject_id=firm_id))
    file = Attachment(**about, file_id=file_id, name=f"{mark}文件.pdf", on=day, created_by_id=holder)
    paid = ProjectPayment(
        project_id=project.id, on=day, yuan=10**7, origin=Origin.PROVINCE, kind=PaymentKind.FIXED,
        reference=f"{mark}凭证", entered_by_id=holder,
    )  # fmt: skip
    session.add_all([file, paid])
    session.add(ProjectCount(project_id=project.id, is_standing=1, counts_on=day, yuan=10**9, checked_on=day))
    session.flush()
    steps = [
        NextStep(
            **about, text=f"{mark}待办", due_on=day, owner_id=user_id, given_by_id=holder, state=StepState.OPEN,
            is_instruction=True,
        )
        for user_id in watchers
    ]  # fmt: skip
    session.add_all(steps)
    session.flush()
    for n, user_id in enumerate(watchers):
        session.add(ActivityPerson(activity_id=entry.id, user_id=user_id, is_mention=True))
        session.add(
            InboxItem(
                user_id=user_id, key=f"{level.value}:a", code=Notice.MENTION.value, activity_id=entry.id, at=now(),
                params={"by": f"{mark}人"}, **about,
            )
        )  # fmt: skip
        session.add(
            InboxItem(
                user_id=user_id, key=f"{level.value}:s", code=Notice.INSTRUCTION.value, step_id=steps[n].id, at=now(),
                params={"by": f"{mark}人"}, **about,
            )
        )  # fmt: skip
    session.flush()
    made = Hung(project.id, entry.id, file.id, steps[0].id, paid.id, done)
    commit(session)
    return made


def _bring(session: Session, project: Project) -> None:
    """To signing, without the team that `fill` would appoint."""
    for stage in (Stage.QUALIFIED, Stage.NEGOTIATION):
        actions.edit(
            session,
            project,
            actor=ROBOT,
            today=TODAY,
            **{name: value for name, value in FACTS.items() if value and name != "product"},
        )
        commit(session)
        actions.move(session, project, actor=ROBOT, today=TODAY, stage=stage, on=TODAY)
        commit(session)
    fill(session, project, Stage.SIGNED)
    actions.move(session, project, actor=ROBOT, today=TODAY, stage=Stage.SIGNED, on=TODAY)
    commit(session)


def alone(app: Flask) -> list[str]:
    """Every page that stands without a record."""
    return [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint not in HARMLESS
    ]


def of(app: Flask, hung: Hung, method: str) -> Iterator[tuple[str, str]]:
    """(endpoint, address) of every route about this project and what hangs on it."""
    places = {
        "project_id": hung.id, "kind": "project", "kind_code": "project", "row_id": hung.id, "record_id": hung.id,
        "other_id": hung.id + 1, "activity_id": hung.activity, "step_id": hung.step, "attachment_id": hung.file,
        "section": "all", "code": "product", "operation": hung.operation,
    }  # fmt: skip
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if method not in (rule.methods or ()) or not rule.arguments or not rule.arguments <= places.keys():
            continue
        if rule.arguments == {"section"}:
            continue
        values = {name: places[name] for name in rule.arguments}
        if {"project_id", "row_id"} <= rule.arguments:
            values["row_id"] = hung.payment
        yield rule.endpoint, adapter.build(rule.endpoint, values, method=method)

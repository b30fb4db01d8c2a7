"""What the tests of projects make: a lead, a team, a project as far along as asked for."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from crm.activities.actions import Planned
from crm.core.permissions import system
from crm.core.pipeline import WaiverKind, Wants
from crm.core.transaction import commit
from crm.firms import actions as registry
from crm.firms.rules.words import LeadingIndustry
from crm.projects import actions
from crm.projects.actions import Team
from crm.projects.models import Project
from crm.projects.rules.stages import GATES, PIPELINE
from crm.projects.rules.words import InvestorKind, Origin, Source, Stage
from tests import people

TODAY = dt.date(2026, 11, 23)
AT = dt.datetime(2026, 11, 23, 1, 30, tzinfo=dt.UTC)
ROBOT = system("tests")
FACTS: dict[str, Any] = {
    "origin": Origin.PROVINCE,
    "leading_industry": LeadingIndustry.SMART_EQUIPMENT,
    "product": "谐波减速器",
    "total_yuan": 1_260_000_000,
    "investor_kind": InvestorKind.HIGH_TECH,
    "chain_role": None,
    "fixed_yuan": 900_000_000,
    "output_yuan": 1_800_000_000,
    "tax_yuan": 72_000_000,
    "agreed_yuan": 1_200_000_000,
}


def a_lead(session: Session, n: int = 1, person: people.Person = people.INVESTMENT, **values: Any) -> Project:
    """A lead, committed."""
    day = values.pop("today", TODAY)
    made = actions.report(
        session,
        actor=people.actor(session, person),
        at=values.pop("at", AT),
        today=day,
        investor=values.pop("investor", f"苏州澄观{n:03d}精密科技有限公司"),
        name=values.pop("name", f"第{n}条精密减速器产线"),
        source=values.pop("source", Source.FAIR),
        step=Planned("电话问清用地", max(day, TODAY) + dt.timedelta(3)),
        **values,
    )
    commit(session)
    return made


def a_team(
    session: Session,
    leader: people.Person = people.LEADER,
    unit: str = "商务局",
    liaison: people.Person = people.INVESTMENT,
    agent: people.Person = people.REPORTER,
) -> Team:
    return Team(
        people.id_of(session, leader), people.unit_id(session, unit), people.id_of(session, liaison),
        people.id_of(session, agent),
    )  # fmt: skip


def give_team(session: Session, project: Project, on: dt.date = TODAY, **team: Any) -> None:
    actions.appoint(
        session, project, actor=ROBOT, today=TODAY, team=a_team(session, **team), on=on, reason="专班组建"
    )
    commit(session)


def fill(session: Session, project: Project, target: Stage, on: dt.date = TODAY) -> None:
    """Everything the gates up to a stage ask for."""
    items = [item for stage in PIPELINE.between(project.stage, target) for item in GATES[stage]]
    values = {
        item.fact: FACTS[item.fact] for item in items if item.wants is Wants.FACT and FACTS.get(item.fact)
    }
    if values:
        actions.edit(session, project, actor=ROBOT, today=TODAY, **values)
        commit(session)
    for item in items:
        if item.evidence is not None:
            actions.prove(
                session,
                project,
                actor=ROBOT,
                today=TODAY,
                kind=item.evidence,
                on=on,
                reference="浙产管〔2026〕7号",
            )
            commit(session)
        elif item.wants is Wants.CHARGE:
            give_team(session, project, on)
        elif item.wants is Wants.FIRM and project.firm_id is None:
            firm = registry.register(session, actor=ROBOT, today=TODAY, name=f"温州澄观{project.id}有限公司")
            commit(session)
            actions.link_firm(session, project, actor=ROBOT, firm_id=firm.id)
            commit(session)
        elif (item.can_be_unknown or item.can_be_waived) and not FACTS.get(item.fact):
            actions.excuse(
                session, project, actor=ROBOT, today=TODAY, item=item.code,
                kind=WaiverKind.UNKNOWN if item.can_be_unknown else WaiverKind.WAIVED,
                reason="还在商量", until_on=TODAY + dt.timedelta(30),
            )  # fmt: skip
            commit(session)


def bring(session: Session, project: Project, target: Stage, on: dt.date = TODAY) -> Project:
    """A project moved to a stage, with all its gates met."""
    fill(session, project, target, on)
    actions.move(session, project, actor=ROBOT, today=TODAY, stage=target, on=on)
    commit(session)
    return project

"""Signed projects and money for the tests of counting."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from crm.core.transaction import commit
from crm.projects import actions
from crm.projects.models import Project, ProjectPayment
from crm.projects.rules.words import Confidentiality, Origin, PaymentKind, Stage
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, bring

SIGNED = dt.date(2026, 9, 10)


def signed(
    session: Session,
    n: int = 1,
    on: dt.date = SIGNED,
    person: people.Person = people.INVESTMENT,
    confidentiality: Confidentiality = Confidentiality.ZONE,
    **facts: Any,
) -> Project:
    """A signed project with everything a count needs, reported by an officer and signed on a day."""
    project = a_lead(session, n, person, today=on, at=AT - (TODAY - on), confidentiality=confidentiality)
    bring(session, project, Stage.SIGNED, on)
    if facts:
        actions.edit(session, project, actor=ROBOT, today=TODAY, **facts)
        commit(session)
    return project


def counted(session: Session, project: Project, person: people.Person = people.SUPERVISOR) -> Project:
    actions.count(session, project, actor=people.actor(session, person), today=TODAY)
    commit(session)
    return project


def paid(
    session: Session,
    project: Project,
    on: dt.date = SIGNED,
    yuan: int = 30_000_000,
    check: bool = True,
    origin: Origin = Origin.PROVINCE,
    kind: PaymentKind = PaymentKind.FIXED,
    reference: str = "进账单 0917",
) -> ProjectPayment:
    row = actions.pay(
        session, project, actor=people.actor(session, people.INVESTMENT), today=TODAY, on=on, yuan=yuan,
        origin=origin, kind=kind, reference=reference,
    )  # fmt: skip
    commit(session)
    if check:
        actions.check_payment(
            session, project, row, actor=people.actor(session, people.SUPERVISOR), today=TODAY
        )
        commit(session)
    return row


def frozen(session: Session, month: str) -> None:
    actions.freeze(session, actor=people.actor(session, people.SUPERVISOR), today=TODAY, month=month)
    commit(session)

"""A lead is logged: the first report has its moment from the server, and nobody can change it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.actions import Planned, plan
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.core.words import N_, Refused
from crm.firms.models import Firm
from crm.firms.rules.names import normalise
from crm.projects.actions.editing import check_values
from crm.projects.actions.keys import keyed
from crm.projects.models import Project, ProjectClaim, ProjectMove
from crm.projects.queries.scope import visible_to
from crm.projects.rules.words import (
    OVER,
    Act,
    ClaimCause,
    Confidentiality,
    Source,
    Stage,
    State,
)


class Known(Refused):
    """The same investor was reported before. `project_id` is set where the actor may see that record."""

    def __init__(self, text: str, /, *, project_id: int | None, **params: Any) -> None:
        super().__init__(text, field="investor", **params)
        self.project_id = project_id


def serialise(session: Session, key: str) -> None:
    """Two reports of one investor come one after the other: on SQLite there is one writer anyway (a marked dialect
    branch)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"lead:{key}", 0))))


def known_report(session: Session, *, investor: str, code: str | None) -> Any:
    """The first open report of this investor, by name after normalising or by code: (id, holder's unit, moment)."""
    clauses = [Project.investor_key == normalise(investor)[:200]]
    if code:
        clauses.append(Project.investor_code == code)
    return session.execute(
        sa.select(Project.id, Project.first_reported_at, Project.holder_unit_id)
        .where(sa.or_(*clauses), Project.archived_on.is_(None), Project.state.not_in(OVER))
        .order_by(Project.first_reported_at, Project.id)
        .limit(1)
    ).one_or_none()


def report(
    session: Session,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    investor: str,
    name: str,
    source: Source,
    step: Planned | None = None,
    is_another: bool = False,
    firm_id: int | None = None,
    **values: Any,
) -> Project:
    """Log a lead. `at` is the moment of the first report, from the server's clock; `values` are columns of
    `EDITABLE`, already judged. `is_another`: the person has seen that the investor is known and means another project.

    Raises `Known` when the investor was reported before, `Refused` without a next step.
    """
    actor.require("lead:log")
    given = {"investor": investor, "name": name, "source": source, **values}
    check_values(given, today)
    if step is None and not actor.is_system:
        raise Refused(N_("请写下一步做什么、哪天前。"), field="step")
    keys = keyed(given)
    serialise(session, keys["investor_key"])
    before = known_report(session, investor=investor, code=values.get("investor_code"))
    if before is not None and not is_another:
        raise _known(session, before, actor)
    if firm_id is not None and session.get(Firm, firm_id) is None:
        raise Refused(N_("没有这家企业。"), field="firm")
    audit.begin(session, actor=actor, action=Act.REPORT)
    given.setdefault("confidentiality", Confidentiality.ZONE)
    project = Project(
        **{key: value for key, value in given.items() if value is not None}, **keys, firm_id=firm_id,
        stage=Stage.LEAD, stage_on=today, state=State.ACTIVE, first_reported_at=at, reported_by_id=actor.user_id,
        reported_unit_id=actor.unit_id, holder_id=actor.user_id, holder_unit_id=actor.unit_id,
    )  # fmt: skip
    session.add(project)
    session.flush()
    operation = audit.running(session)
    if operation is not None and operation.subject is None:
        operation.subject = ("project", project.id)
    session.add(
        ProjectMove(
            project_id=project.id, kind=MoveKind.REPORT, stage=Stage.LEAD, state=State.ACTIVE, on=today,
            by_id=actor.user_id,
        )
    )  # fmt: skip
    if actor.user_id is not None:
        session.add(
            ProjectClaim(
                project_id=project.id, is_current=1, holder_id=actor.user_id, unit_id=actor.unit_id,
                cause=ClaimCause.REPORTED, from_on=today,
            )
        )  # fmt: skip
    session.flush()
    if step is not None:
        plan(
            session, actor=actor, at=at, today=today, subject=("project", project.id), text=step.text,
            due_on=step.due_on, owner_id=step.owner_id if step.owner_id is not None else actor.user_id,
        )  # fmt: skip
    return project


def _known(session: Session, before: Any, actor: Actor) -> Known:
    seen = session.execute(
        sa.select(Project.name).where(Project.id == before.id, visible_to(actor))
    ).scalar_one_or_none()
    if seen is not None:
        text = N_("这个投资方已经首报：「%(name)s」，%(at)s。是另一个项目请勾选后再保存。")
        return Known(text, project_id=before.id, name=seen, at=before.first_reported_at)
    text = N_("这个投资方已有首报（%(at)s），您不能查看。是另一个项目请勾选后再保存。")
    return Known(text, project_id=None, at=before.first_reported_at)

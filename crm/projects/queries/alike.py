"""Leads and projects that look like one being typed. Of what the viewer may not see only the holder's unit and the
day of the first report are told, and never more than so many an hour."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.audit import AuditEnvelope
from crm.core.clock import local
from crm.core.folding import fold
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.firms.rules.codes import clean_code
from crm.firms.rules.names import normalise, parts
from crm.projects.models import Project
from crm.projects.queries.scope import visible_to
from crm.projects.rules.alike import LEAST, is_near
from crm.projects.rules.words import OVER, Act, Stage

MOST = 5


@dataclass(frozen=True, slots=True)
class Alike:
    """A project that may be the one being typed, as the viewer may see it."""

    id: int
    name: str
    investor: str
    stage: Stage
    holder: str | None
    reported_on: dt.date
    why: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Hidden:
    """One the viewer may not see: held by a unit since a day. The id never leaves the server unsigned."""

    id: int
    unit: str
    since: dt.date


@dataclass(frozen=True, slots=True)
class Typed:
    """What has been typed of a lead so far."""

    investor: str = ""
    code: str = ""
    controller: str = ""
    product: str = ""
    yuan: int | None = None


def near(
    session: Session, typed: Typed, *, viewer: Actor, but: int | None = None
) -> tuple[list[Alike], list[Hidden]]:
    """Look-alikes, the surest first, and those hidden from this viewer. One statement, whatever there is."""
    clauses = []
    key, core = normalise(typed.investor)[:200], parts(typed.investor).core if typed.investor else ""
    if len(fold(typed.investor)) >= LEAST and key:
        clauses.append(Project.investor_key == key)
        if len(core) >= LEAST:
            clauses.append(Project.investor_key.contains(core, autoescape=True))
    code = clean_code(typed.code)
    if len(code) == 18:
        clauses.append(Project.investor_code == code)
    controller = normalise(typed.controller)[:120] if typed.controller else ""
    product = normalise(typed.product)[:120] if typed.product else ""
    if len(controller) >= LEAST:
        clauses.append(Project.controller_key == controller)
    if len(product) >= LEAST:
        clauses.append(Project.product_key == product)
    if not clauses:
        return [], []
    wanted = sa.select(
        Project.id, Project.name, Project.investor, Project.investor_key, Project.investor_code, Project.controller_key,
        Project.product_key, Project.total_yuan, Project.stage, Project.first_reported_at, User.name.label("holder"),
        Unit.short_name.label("unit"), sa.case((visible_to(viewer), 1), else_=0).label("is_seen"),
    )  # fmt: skip
    rows = session.execute(
        wanted.outerjoin(User, User.id == Project.holder_id)
        .outerjoin(Unit, Unit.id == sa.func.coalesce(Project.holder_unit_id, Project.reported_unit_id))
        .where(sa.or_(*clauses), Project.archived_on.is_(None), Project.state.not_in(OVER))
        .where(Project.id != but if but is not None else sa.true())
        .order_by(
            sa.case((Project.investor_code == code, 0), (Project.investor_key == key, 1), else_=2),
            Project.first_reported_at, Project.id,
        )
        .limit(20)
    )  # fmt: skip
    seen: list[Alike] = []
    hidden: list[Hidden] = []
    for row in rows:
        since = local(row.first_reported_at).date()
        if not row.is_seen:
            hidden.append(Hidden(row.id, row.unit or "", since))
            continue
        why = []
        if code and row.investor_code == code:
            why.append(Message(N_("信用代码相同")))
        if row.investor_key == key:
            why.append(Message(N_("投资方相同")))
        elif len(core) >= LEAST and core in row.investor_key:
            why.append(Message(N_("投资方名称相近")))
        if controller and row.controller_key == controller:
            why.append(Message(N_("实际控制人相同")))
        if product and row.product_key == product:
            why.append(Message(N_("产品相同")))
        if is_near(typed.yuan, row.total_yuan):
            why.append(Message(N_("投资额相近")))
        seen.append(Alike(row.id, row.name, row.investor, row.stage, row.holder, since, tuple(why)))
    return seen[:MOST], hidden[:MOST]


def looked_lately(session: Session, user_id: int | None, since: dt.datetime) -> set[int]:
    """The hidden projects a person has come upon since a moment."""
    rows = session.scalars(
        sa.select(AuditEnvelope.subject_id).where(
            AuditEnvelope.action == Act.NEAR.value,
            AuditEnvelope.actor_id == user_id,
            AuditEnvelope.at >= since,
        )
    )
    return {row for row in rows if row is not None}


def within_limit(
    hidden: Sequence[Hidden], known: set[int], most: int
) -> tuple[list[Hidden], list[Hidden], bool]:
    """Of hidden look-alikes: those that may be told, those of them that are new, and whether some are held back."""
    told: list[Hidden] = []
    fresh: list[Hidden] = []
    for item in hidden:
        if item.id in known:
            told.append(item)
        elif len(known) + len(fresh) < most:
            told.append(item)
            fresh.append(item)
    return told, fresh, len(told) < len(hidden)

"""Contacts across firms: how many a person has looked at, which wait for review, which may be taken out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core import lists
from crm.core.audit import AuditEnvelope
from crm.core.permissions import Actor
from crm.core.words import N_, Missing
from crm.firms.models import Contact, Firm
from crm.firms.queries.scope import editable_by, exportable_by, reach
from crm.firms.rules.contacts import GONE, reviewed_since, stale_before
from crm.firms.rules.words import Act

DAY, MONTH = dt.timedelta(hours=24), dt.timedelta(days=30)
TAKING = (Act.CONTACT_EXPORT, Act.PERSON_EXPORT)


@dataclass(slots=True)
class Looked:
    """How many contacts somebody has looked at or taken out: in the last 24 hours, in the last 30 days."""

    name: str = ""
    unit: str | None = None
    day: int = 0
    month: int = 0
    day_taken: int = 0
    month_taken: int = 0
    searched: int = 0
    last: dt.datetime | None = None


def looked(session: Session, user_id: int | None, at: dt.datetime) -> Looked:
    """What one person has looked at. One statement."""
    found = _looked(session, at, user_id)
    return found.get(user_id or 0, Looked())


def looked_by_all(session: Session, at: dt.datetime, *, viewer: Actor) -> list[Looked]:
    """Who has looked at how many, the most of the last 24 hours first; for the auditor. Two statements."""
    viewer.require("audit:read")
    found = _looked(session, at, None)
    names = session.execute(
        sa.select(User.id, User.name, Unit.short_name)
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(User.id.in_(sorted(found)))
    )
    for user_id, name, unit in names:
        found[user_id].name, found[user_id].unit = name, unit
    return sorted(found.values(), key=lambda each: (-each.day, -each.month, each.name))


def _looked(session: Session, at: dt.datetime, user_id: int | None) -> dict[int, Looked]:
    statement = sa.select(
        AuditEnvelope.actor_id, AuditEnvelope.actor_name, AuditEnvelope.at, AuditEnvelope.action,
        AuditEnvelope.params,
    ).where(
        AuditEnvelope.action.in_([Act.CONTACT_REVEAL, Act.PERSON_FIND, *TAKING]),
        AuditEnvelope.at > at - MONTH,
        AuditEnvelope.actor_id.is_not(None) if user_id is None else AuditEnvelope.actor_id == user_id,
    )  # fmt: skip
    found: dict[int, Looked] = {}
    for actor_id, name, when, action, params in session.execute(statement):
        one = found.setdefault(actor_id, Looked(name=name))
        is_today = when > at - DAY
        one.last = max(one.last or when, when)
        if action == Act.CONTACT_REVEAL:
            one.month += 1
            one.day += is_today
        elif action == Act.PERSON_FIND:
            one.searched += is_today
        else:
            one.month_taken += int(params.get("contacts", 0))
            one.day_taken += int(params.get("contacts", 0)) if is_today else 0
    return found


def unused(viewer: Actor, today: dt.date) -> sa.ColumnElement[bool]:
    """Contacts that wait for review: of firms put away, moved out or closed, or neither changed nor looked at for
    years; those confirmed lately are left alone."""
    since = dt.datetime.combine(stale_before(today), dt.time(), dt.UTC)
    is_looked = sa.exists().where(
        AuditEnvelope.subject_kind == "firm",
        AuditEnvelope.subject_id == Contact.firm_id,
        AuditEnvelope.action == Act.CONTACT_REVEAL,
        AuditEnvelope.at >= since,
    )
    return sa.and_(
        sa.or_(
            Firm.archived_on.is_not(None),
            Firm.status.in_(list(GONE)),
            sa.and_(Contact.updated_at < since, sa.not_(is_looked)),
        ),
        sa.or_(Contact.reviewed_on.is_(None), Contact.reviewed_on < reviewed_since(today)),
        editable_by(viewer),
    )


SORT = lists.Sort("updated_at", N_("更新时间"), Contact.updated_at)


def list_unused(
    session: Session, position: lists.Position | None, *, viewer: Actor, today: dt.date
) -> tuple[lists.Page, int, bool]:
    """A page of contacts to review, the oldest first; the count, and whether it is capped. Two statements."""
    columns: list[Any] = [
        Contact.id, Contact.firm_id, Contact.name, Contact.position, Contact.phone, Contact.email,
        Contact.version, Contact.updated_at, Firm.name.label("firm"), Firm.status, Firm.archived_on,
    ]  # fmt: skip
    statement = sa.select(*columns).join(Firm, Firm.id == Contact.firm_id).where(unused(viewer, today))
    total, capped = lists.count(session, statement.with_only_columns(Contact.id))
    return lists.page(session, statement, lists.Asked(SORT, False, position), Contact.id, 30), total, capped


def get_contact(session: Session, contact_id: int) -> Contact:
    """A contact by id. Raises `Missing`."""
    found = session.get(Contact, contact_id) if 0 < contact_id < 2**63 else None
    if found is None:
        raise Missing(N_("没有这位联系人。"))
    return found


def takeable(session: Session, *, viewer: Actor, mine: bool, limit: int) -> Sequence[Any]:
    """Contacts the viewer may look at in full and export: of all such firms, or those served by oneself."""
    statement = (
        sa.select(
            Firm.name.label("firm"), Firm.code, Contact.name, Contact.position, Contact.phone, Contact.email,
            Contact.is_primary, Contact.purpose,
        )
        .join(Firm, Firm.id == Contact.firm_id)
        .where(reach(viewer, "contact:reveal"), exportable_by(viewer), Firm.archived_on.is_(None))
        .order_by(Firm.name_sort, Contact.is_primary.desc(), Contact.id)
        .limit(limit)
    )  # fmt: skip
    if mine:
        statement = statement.where(Firm.officer_id == viewer.user_id)
    return session.execute(statement).all()

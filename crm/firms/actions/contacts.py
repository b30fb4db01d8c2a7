"""Looking at contacts and taking them out: with a reason, counted, up to a number a day; confirming old ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.firms.actions import guards
from crm.firms.models import Contact, Firm
from crm.firms.queries.contacts import looked, takeable
from crm.firms.rules.contacts import MOST_EXPORTED_A_DAY, check_export, check_looked
from crm.firms.rules.standing import check_reason
from crm.firms.rules.words import Act


def reveal_contact(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    contact_id: int,
    reason: str | None,
    at: dt.datetime,
) -> Contact:
    """Show a contact in full, with a reason; the audit keeps who looked and why. Raises `Refused` when the actor
    has looked at as many as a day allows."""
    guards.require(session, actor, "contact:reveal", firm.id)
    reason = check_reason(reason)
    contact = session.get(Contact, contact_id)
    if contact is None or contact.firm_id != firm.id:
        raise Refused(N_("这位联系人已经不在了。"))
    wait_for_own(session, actor)
    check_looked(looked(session, actor.user_id, at).day)
    audit.begin(
        session, actor=actor, action=Act.CONTACT_REVEAL, subject=("firm", firm.id), contact=contact.id,
        reason=reason,
    )  # fmt: skip
    return contact


def wait_for_own(session: Session, actor: Actor) -> None:
    """What one person asks for at the same time is counted one after the other."""
    if actor.user_id is not None:
        session.execute(sa.select(User.id).where(User.id == actor.user_id).with_for_update())


def export_contacts(
    session: Session, *, actor: Actor, mine: bool, reason: str | None, at: dt.datetime
) -> Sequence[Any]:
    """Contacts the actor may look at in full, to be taken out as a file; many need a reason. Raises `Refused`."""
    actor.require("export:run")
    actor.require("contact:reveal")
    wait_for_own(session, actor)
    rows = takeable(session, viewer=actor, mine=mine, limit=MOST_EXPORTED_A_DAY + 1)
    if not rows:
        raise Refused(N_("没有您可以导出的联系人。"))
    taken = looked(session, actor.user_id, at).day_taken
    text = check_export(len(rows), taken, reason)
    audit.begin(session, actor=actor, action=Act.CONTACT_EXPORT, contacts=len(rows), reason=text)
    return rows


def keep_contact(
    session: Session, contact: Contact, *, actor: Actor, today: dt.date, version: int | None = None
) -> Contact:
    """Confirm that a contact is still needed, for a year."""
    guards.require(session, actor, "firm:edit", contact.firm_id)
    guards.lock(contact, version)
    audit.begin(session, actor=actor, action=Act.CONTACT_KEEP, subject=("firm", contact.firm_id))
    contact.reviewed_on = today
    session.flush()
    return contact

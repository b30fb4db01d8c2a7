"""Whether firms may be given facts: the one place the form, restoring an old value and bulk changes all ask."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Refused
from crm.firms.actions import appointing, guards
from crm.firms.models import Firm
from crm.firms.queries.scope import editable_by
from crm.firms.rules.appointing import SELF
from crm.firms.rules.standing import check_past

EDITABLE = frozenset(
    {
        "code", "registered_on", "capital_yuan", "capital_text", "industry_code", "leading_industry", "street_id",
        "address", "size_class", "officer_id", "business", "source", "source_number",
    }
)  # fmt: skip


def judge(
    session: Session, firms: Sequence[Firm], /, *, actor: Actor, today: dt.date, values: Mapping[str, Any]
) -> dict[int, Refused]:
    """Which of these firms the actor may not give these facts, and why. Raises `Refused` for values nobody may set.
    A few statements, however many firms; a rule that looks at a firm itself belongs into the loop here."""
    actor.require("firm:edit")
    check_values(session, values, today)
    if "street_id" in values:
        guards.require_street(actor, values["street_id"])
    ids = [firm.id for firm in firms]
    reached: set[int] = set()
    for start in range(0, len(ids), 5000):
        part = ids[start : start + 5000]
        reached.update(session.scalars(sa.select(Firm.id).where(Firm.id.in_(part), editable_by(actor))))
    refused: dict[int, Refused] = {}
    for firm in firms:
        if firm.id not in reached:
            refused[firm.id] = Forbidden(N_("您的角色只能改本街道或本人负责的企业。"))
    for firm_id, reason in appointing.objections_among(session, ids, actor=actor, values=values).items():
        refused.setdefault(
            firm_id, Refused(reason.text, field="officer" if reason.text == SELF else "street")
        )
    return refused


def check_values(session: Session, values: Mapping[str, Any], today: dt.date) -> None:
    """Ids from outside are looked up again; days lie in the past. Raises `Refused`."""
    unknown = set(values) - EDITABLE
    if unknown:
        raise TypeError(f"not facts of a firm: {sorted(unknown)}")
    check_past(values.get("registered_on"), today, "registered_on")
    street = values.get("street_id")
    if street is not None:
        kind = session.execute(sa.select(Unit.kind).where(Unit.id == street)).scalar_one_or_none()
        if kind is not UnitKind.STREET:
            raise Refused(N_("没有这个街道。"), field="street")
    officer = values.get("officer_id")
    if officer is not None:
        active = session.execute(sa.select(User.is_active).where(User.id == officer)).scalar_one_or_none()
        if not active:
            raise Refused(N_("没有这位在用的人员。"), field="officer")

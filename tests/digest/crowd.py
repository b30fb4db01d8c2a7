"""Many people who each have something to be reminded of."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User, UserRole
from crm.accounts.rules import Role
from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core import audit
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms.models import Firm
from tests import people
from tests.ladder.builders import firm


def enter(session: Session, many: int, due_on: dt.date = dt.date(2026, 11, 20)) -> set[str]:
    """So many science officers, each with an address and an overdue step. Returns the addresses."""
    made: Firm = firm(session)
    commit(session)
    audit.begin(session, actor=system("tests"), action="tests.crowd")
    unit = people.unit_id(session, "科技局")
    names = [f"crowd{n}" for n in range(many)]
    audit.insert_many(
        session,
        User,
        [
            {
                "username": name, "username_key": name, "name": f"人{name[5:]}", "unit_id": unit, "password_hash": "x",
                "email": f"{name}@zone.example", "must_change_password": False, "is_active": True, "is_demo": False,
            }
            for name in names
        ],
    )  # fmt: skip
    ids = list(session.scalars(sa.select(User.id).where(User.username_key.in_(names))))
    audit.insert_many(session, UserRole, [{"user_id": user_id, "role": Role.SCIENCE} for user_id in ids])
    audit.insert_many(
        session,
        NextStep,
        [
            {
                "kind": "firm", "subject_id": made.id, "text": "补材料", "due_on": due_on, "owner_id": user_id,
                "state": StepState.OPEN,
            }
            for user_id in ids
        ],
    )  # fmt: skip
    commit(session)
    return {f"{name}@zone.example" for name in names}

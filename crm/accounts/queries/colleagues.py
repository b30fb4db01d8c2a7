"""Finding a colleague by name or its pinyin: name and unit, nothing else of the account."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.folding import fold
from crm.core.palette import heard
from crm.core.permissions import Actor
from crm.core.pinyin import is_term

MOST = 5000  # people looked through by pinyin


def find_colleagues(session: Session, text: str, *, viewer: Actor, limit: int) -> list[Any]:
    """People in use whose name answers: (id, name, unit). For business users and those who keep accounts. One
    statement."""
    term = fold(text)
    if not term or not any(viewer.may(each) for each in ("firm:read", "account:manage", "role:grant")):
        return []
    statement = (
        sa.select(User.id, User.name, Unit.short_name.label("unit"))
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(User.is_active)
        .order_by(User.name_sort, User.id)
    )
    if not is_term(term):
        statement = statement.where(User.name.contains(term[:60], autoescape=True)).limit(limit)
        return list(session.execute(statement))
    rows = session.execute(statement.limit(MOST))
    scored = [(max(heard(term, row.name), 2 * (term in fold(row.name))), row) for row in rows]
    return [row for score, row in sorted(scored, key=lambda pair: -pair[0]) if score][:limit]

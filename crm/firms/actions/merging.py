"""What becomes of the names when two firms turn out to be one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.firms.actions.guards import named
from crm.firms.models import Firm, FirmName
from crm.firms.rules.names import normalise
from crm.firms.rules.words import NameKind


def absorb(
    session: Session, kept: Firm, gone: Firm, /, *, values: Mapping[str, Any], today: dt.date
) -> Mapping[str, Any]:
    """The name that is not chosen stays as a former name of the firm, so that lists and searches still find it.
    Returns the keys of the name chosen."""
    name = values.get("name", kept.name)
    known = set(session.scalars(sa.select(FirmName.name).where(FirmName.firm_id == kept.id)))
    rows = [
        {"firm_id": kept.id, "kind": NameKind.FORMER, "name": other, "name_key": normalise(other)[:200]}
        for other in dict.fromkeys((kept.name, gone.name))
        if other != name and other not in known
    ]
    audit.insert_many(session, FirmName, rows)
    return named(name) if name != kept.name else {}

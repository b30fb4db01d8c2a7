"""Whom the @-names of a text mean."""

from __future__ import annotations

from crm.activities import queries
from crm.activities.rules.entries import mentioned
from crm.core.db import db
from crm.core.words import N_, Refused


def mentions(text: str, *, before: str = "", field: str = "summary") -> list[int]:
    """The ids of the colleagues a text mentions and `before` (what it said until now) did not. Raises `Refused` for a
    name that is nobody's or several people's."""
    known = mentioned(before)
    names = [name for name in mentioned(text) if name not in known]
    if not names:
        return []
    ids, unknown = queries.mentioned_ids(queries.colleagues(db.session()), names)
    if unknown:
        raise Refused(N_("没有叫「%(name)s」的同事可以提到。"), name=unknown[0][:20], field=field)
    return ids

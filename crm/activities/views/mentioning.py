"""Whom the @-names of a text mean, and which records the names in a field."""

from __future__ import annotations

import re

from crm.activities import queries
from crm.activities.queries.naming import meant
from crm.activities.rules.entries import mentioned
from crm.core.db import db
from crm.core.web import actor
from crm.core.words import N_, Refused

_BETWEEN = re.compile(r"[、,，;；\n]+")


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


def also_about(text: str) -> list[tuple[str, int]]:
    """The records named in a field, one after the other. Raises `Refused` for a name that is none's or several ones'."""
    found = []
    for name in filter(None, (part.strip() for part in _BETWEEN.split(text))):
        records = meant(db.session(), name, actor())
        if not records:
            raise Refused(
                N_("没有找到「%(name)s」。名称里的几个字、信用代码的一段都可以。"),
                name=name[:40],
                field="also",
            )
        if len(records) > 1:
            choices = [called for _about, called in records]
            raise Refused(
                N_("「%(name)s」可能是 %(choices)s，请写全。"), name=name[:40], choices=choices, field="also"
            )
        found.append(records[0][0])
    return found

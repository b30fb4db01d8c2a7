"""An export, said in the audit: which list, under which filter, how many rows, how many were withheld."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.core import audit, lists
from crm.core.lists.exporting import Taken
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.overview.rules.exports import MOST


def note(
    session: Session,
    declared: lists.List,
    found: Taken,
    *,
    actor: Actor,
    query: str,
    columns: list[str],
    is_selected: bool,
) -> audit.Operation:
    """Leave a row in the log about what is taken away. Raises `Refused` for nothing and for too much."""
    if found.count == 0 and found.withheld:
        raise Refused(N_("这 %(n)s 行都不在您可以导出的范围内，没有导出。"), n=found.withheld)
    if found.count == 0:
        raise Refused(N_("没有可以导出的行。"))
    if found.count > MOST:
        raise Refused(N_("一次最多导出 %(most)s 行，请再加些条件。"), most=MOST)
    return audit.begin(
        session,
        actor=actor,
        action=declared.export_act,
        list=declared.key,
        count=found.count,
        withheld=found.withheld,
        filter=query[:500],
        columns=columns,
        selected=is_selected,
    )

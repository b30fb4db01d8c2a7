"""Who may see what of follow-up: the one place that turns a viewer into SQL conditions.

An entry about several records is seen by those who may see all of them: its text may tell of each.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from crm.activities.models import ActivitySubject
from crm.core.permissions import Actor
from crm.core.records import SUBJECTS, RecordKind, may_open


def subject_visible(kind: Any, subject_id: Any, viewer: Actor) -> sa.ColumnElement[bool]:
    """Whether the record behind two columns (kind's code, id) may be seen by the viewer."""
    clauses = []
    for code, record in SUBJECTS.items():
        if may_open(record, viewer):
            reach = record.visible_to(viewer)
            clauses.append(sa.and_(kind == code, _there(record, subject_id, reach)))
    return sa.or_(*clauses) if clauses else sa.false()


def _there(record: RecordKind, subject_id: Any, reach: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """One row looked up by its key. As an EXISTS, PostgreSQL would make a list of all one may see, for every page."""
    if isinstance(reach, sa.True_):
        return sa.true()
    row = sa.select(sa.func.count()).where(record.column("id") == subject_id, reach)
    return row.correlate_except(record.model.__table__).scalar_subquery() == 1


def entry_visible(activity_id: Any, viewer: Actor) -> sa.ColumnElement[bool]:
    """Whether an activity (its id column) is there, and about nothing the viewer may not see."""
    about = aliased(ActivitySubject)  # `activity_id` may be a column of the same table
    seen = sa.case((subject_visible(about.kind, about.subject_id, viewer), 1), else_=0)
    least = sa.select(sa.func.min(seen)).where(about.activity_id == activity_id)
    return least.correlate_except(about).scalar_subquery() == 1

"""Who may see what of follow-up: the one place that turns a viewer into SQL conditions.

An entry about several records is seen by those who may see all of them: its text may tell of each.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from crm.activities.models import ActivitySubject
from crm.core.permissions import Actor
from crm.core.records import SUBJECTS, may_open


def subject_visible(kind: Any, subject_id: Any, viewer: Actor) -> sa.ColumnElement[bool]:
    """Whether the record behind two columns (kind's code, id) may be seen by the viewer."""
    clauses = []
    for code, record in SUBJECTS.items():
        if may_open(record, viewer):
            reach = record.visible_to(viewer)
            inside = (
                sa.true()
                if isinstance(reach, sa.True_)
                else subject_id.in_(sa.select(record.column("id")).where(reach))
            )
            clauses.append(sa.and_(kind == code, inside))
    return sa.or_(*clauses) if clauses else sa.false()


def entry_visible(activity_id: Any, viewer: Actor) -> sa.ColumnElement[bool]:
    """Whether an activity (its id column) is about nothing the viewer may not see."""
    hidden = (
        sa.select(ActivitySubject.id)
        .where(
            ActivitySubject.activity_id == activity_id,
            sa.not_(subject_visible(ActivitySubject.kind, ActivitySubject.subject_id, viewer)),
        )
        .exists()
    )
    return sa.not_(hidden)

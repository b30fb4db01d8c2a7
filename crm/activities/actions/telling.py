"""Putting something into a person's inbox: once a key, as a code and parameters."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import InboxItem
from crm.activities.rules.words import Notice
from crm.core import audit


def tell(
    session: Session,
    user_id: int | None,
    notice: Notice,
    *,
    key: str,
    at: dt.datetime,
    subject: tuple[str, int] | None = None,
    activity: int | None = None,
    step: int | None = None,
    draft: int | None = None,
    **params: Any,
) -> None:
    """Tell a person something, unless the same `key` was told before. `params` are plain values, no personal ones
    of outsiders; names of records are looked up when it is read, by those who may see them. An `activity`, `step` or
    `draft` (their ids) is what it leads to; without it, or without the right to see it, it is not shown any more."""
    if user_id is None:
        return
    known = session.scalar(
        sa.select(InboxItem.id).where(InboxItem.user_id == user_id, InboxItem.key == key[:120])
    )
    if known is not None:
        return
    session.add(
        InboxItem(
            user_id=user_id,
            key=key[:120],
            code=notice.value,
            params=audit.jsonable(params),
            kind=subject[0] if subject else None,
            subject_id=subject[1] if subject else None,
            activity_id=activity,
            step_id=step,
            draft_id=draft,
            at=at,
        )
    )
    session.flush()

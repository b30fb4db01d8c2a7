"""What an entry may hang on: every record is loaded for the one who writes; what may not be seen is not there."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.accounts.queries import actor_of
from crm.core.permissions import Actor
from crm.core.records import kind_of, load
from crm.core.words import N_, Missing, Refused

Subject = tuple[str, int]
MOST = 20
CANNOT_SEE = N_("这位人员不能查看这条记录，请换一位。")


def check_subjects(session: Session, subjects: Sequence[Subject], *, actor: Actor) -> list[Subject]:
    """The records, each once. Raises `Missing` for one that is not there for this person, `Refused` for none."""
    chosen = list(dict.fromkeys(subjects))
    if not chosen:
        raise Refused(N_("请选择这条动态是关于哪家企业的。"), field="subjects")
    if len(chosen) > MOST:
        raise Refused(N_("一条动态最多关联 %(most)s 个对象。"), most=MOST, field="subjects")
    for code, row_id in chosen:
        load(session, kind_of(code), row_id, viewer=actor)
    return chosen


def check_can_see(session: Session, user_id: int, subject: Subject, *, field: str) -> None:
    """Who is given something about a record must be able to open it. Raises `Refused`."""
    person = actor_of(session, user_id)
    code, row_id = subject
    try:
        if person is None:
            raise Missing("nobody")
        load(session, kind_of(code), row_id, viewer=person)
    except Missing:
        raise Refused(CANNOT_SEE, field=field) from None


def check_person(session: Session, user_id: int | None, *, field: str) -> int:
    """An account that is in use. Raises `Refused`."""
    active = (
        session.scalar(sa.select(User.is_active).where(User.id == user_id)) if user_id is not None else None
    )
    if user_id is None or not active:
        raise Refused(N_("没有这位在用的人员。"), field=field)
    return user_id

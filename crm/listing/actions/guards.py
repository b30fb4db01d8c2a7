"""Checks every write of the listing reserve passes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.permissions import Actor
from crm.core.words import N_, Conflict, Refused
from crm.listing.models import Candidate, CandidateMove

CHANGED = N_("这家后备企业刚刚被别人改过，请核对后再保存。")


def ready(session: Session, candidate: Candidate, actor: Actor, version: int | None = None) -> None:
    """Raises `Forbidden` for who may not change the reserve, `Conflict` for another version, `Refused` for a candidate
    that was put away."""
    actor.require("listing:edit")
    if version is not None and candidate.version != version:
        raise Conflict(CHANGED)
    if candidate.archived_on is not None:
        raise Refused(N_("这家后备企业已经归档，请先恢复。"))


def held(session: Session, candidate: Candidate) -> None:
    """Take the candidate's row for this transaction. Raises `Conflict` when somebody was quicker."""
    found = session.execute(
        sa.select(Candidate.version).where(Candidate.id == candidate.id).with_for_update()
    ).scalar_one()
    if found != candidate.version:
        raise Conflict(CHANGED)


def last_moved(session: Session, candidate: Candidate) -> dt.date:
    """The day of the last move: the next one may not be earlier."""
    latest = session.scalar(
        sa.select(sa.func.max(CandidateMove.on)).where(CandidateMove.candidate_id == candidate.id)
    )
    return latest or candidate.stage_on


def person(session: Session, user_id: int | None, field: str) -> int:
    """An account in use. Raises `Refused`."""
    active = session.scalar(sa.select(User.is_active).where(User.id == user_id)) if user_id else None
    if user_id is None or not active:
        raise Refused(N_("请选择一位在用的人员。"), field=field)
    return user_id


def unit(session: Session, unit_id: int | None, field: str) -> int:
    """A unit in use. Raises `Refused`."""
    found = session.execute(sa.select(Unit.id, Unit.ends_on).where(Unit.id == unit_id)).one_or_none()
    if found is None or found.ends_on is not None:
        raise Refused(N_("请选择一个在用的单位。"), field=field)
    return int(found.id)


def past(on: dt.date | None, today: dt.date, field: str = "on") -> dt.date:
    """A day that has come. Raises `Refused`."""
    if on is None:
        raise Refused(N_("请填写日期。"), field=field)
    if on > today:
        raise Refused(N_("日期不能晚于今天 %(today)s。"), today=today, field=field)
    return on


def line(text: Any, longest: int, field: str) -> str:
    """A line of text that has to be there. Raises `Refused`."""
    cleaned = " ".join(str(text or "").split())
    if not cleaned:
        raise Refused(N_("请填写这一项。"), field=field)
    if len(cleaned) > longest:
        raise Refused(N_("最多 %(longest)d 个字符。"), longest=longest, field=field)
    return cleaned

"""Checks every write of the listing reserve passes."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.queries.in_use import check_person, check_unit
from crm.accounts.queries.readers import readers
from crm.core.permissions import Actor
from crm.core.pipeline import guarding
from crm.core.pipeline.declaring import check_past
from crm.core.words import N_, Refused
from crm.listing.models import Candidate
from crm.listing.rules.stages import PIPELINE

lock = partial(guarding.lock, PIPELINE)
held = partial(guarding.held, PIPELINE)
touch = guarding.touch


def ready(session: Session, candidate: Candidate, actor: Actor, version: int | None = None) -> None:
    """Raises `Forbidden` for who may not change the reserve, `Conflict` for another version, `Refused` for a candidate
    that was put away."""
    actor.require("listing:edit")
    lock(candidate, version)
    guarding.there(PIPELINE, candidate)


def reader(session: Session, user_id: int | None, field: str) -> int:
    """Somebody in use who may read the reserve, and so hears of what is to be done. Raises `Refused`."""
    found = check_person(session, user_id, field)
    if not readers(session, [found])[found].actor.may("listing:read"):
        raise Refused(N_("请选择一位能查看上市后备的同事。"), field=field)
    return found


def past(on: dt.date | None, today: dt.date, field: str = "on") -> dt.date:
    """A day that has come. Raises `Refused`."""
    if on is None:
        raise Refused(N_("请填写日期。"), field=field)
    check_past(on, today, field)
    return on


def line(text: Any, longest: int, field: str) -> str:
    """A line of text that has to be there. Raises `Refused`."""
    cleaned = " ".join(str(text or "").split())
    if not cleaned:
        raise Refused(N_("请填写这一项。"), field=field)
    if len(cleaned) > longest:
        raise Refused(N_("最多 %(longest)d 个字符。"), longest=longest, field=field)
    return cleaned


__all__ = ["check_person", "check_unit", "held", "line", "lock", "past", "reader", "ready", "touch"]

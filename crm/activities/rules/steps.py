"""Next steps: how near they are, and when a move needs a reason."""

from __future__ import annotations

import datetime as dt

from crm.activities.rules.words import When
from crm.core.folding import legible
from crm.core.words import N_, Refused

MOVES_WITHOUT_REASON = 2  # from the third move on a reason is asked for


def when(due_on: dt.date, today: dt.date) -> When:
    """How near a day is: the week ends on Sunday."""
    if due_on < today:
        return When.OVERDUE
    if due_on == today:
        return When.TODAY
    return When.WEEK if due_on <= end_of_week(today) else When.LATER


def end_of_week(day: dt.date) -> dt.date:
    """The Sunday of the week."""
    return day + dt.timedelta(6 - day.weekday())


def check_move(moves: int, reason: str | None, new: dt.date, old: dt.date, today: dt.date) -> str | None:
    """The cleaned reason of a move to another day. Raises `Refused` for no move, a day gone by, or a third move
    without a reason."""
    if new == old:
        raise Refused(N_("新的日期和原来一样。"), field="due_on")
    if new < today:
        raise Refused(N_("下一步的日期不能早于今天。"), field="due_on")
    cleaned = legible(reason)
    if moves >= MOVES_WITHOUT_REASON and not cleaned:
        raise Refused(N_("这一步已经改期 %(count)s 次，再改请写明原因。"), count=moves, field="reason")
    return cleaned[:200] or None


def check_reason(reason: str | None) -> str:
    """The cleaned reason, which has to be there. Raises `Refused`."""
    cleaned = legible(reason)
    if len(cleaned) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    return cleaned[:200]


def check_text(text: str | None) -> str:
    """What is to be done. Raises `Refused` when it is not said."""
    cleaned = legible(text)
    if not cleaned:
        raise Refused(N_("请写下要做什么。"), field="step")
    if len(cleaned) > 200:
        raise Refused(N_("下一步最多 200 个字，详情请写在经过里。"), field="step")
    return cleaned


def check_due(due_on: dt.date | None, today: dt.date) -> dt.date:
    """The day of a next step. Raises `Refused` for none, or one gone by."""
    if due_on is None:
        raise Refused(N_("请写下一步的日期，如 明天、下周三、11-30。"), field="due_on")
    if due_on < today:
        raise Refused(N_("下一步的日期不能早于今天。"), field="due_on")
    return due_on


def asked_of(instruction: str) -> str:
    """What an instruction asks for, as its step says it: its first line, cut to what a step holds."""
    line = next((line for line in instruction.splitlines() if line.strip()), "")
    text = " ".join(line.split())
    return text if len(text) <= 200 else f"{text[:199]}…"

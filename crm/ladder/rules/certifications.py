"""When a certificate may be entered: dates, numbers, duplicates, renewals; and how applications move. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from crm.core.folding import legible
from crm.core.words import N_, Refused
from crm.ladder.rules.kinds import Kind
from crm.ladder.rules.stages import after
from crm.ladder.rules.words import OPEN_STEPS, ApplicationStep, EndCause, RowResult

EARLIEST = dt.date(1990, 1, 1)
STEPS = tuple(ApplicationStep)
CLOSING = (ApplicationStep.GRANTED, ApplicationStep.FAILED, ApplicationStep.DROPPED)


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate the firm already has of the same kind."""

    id: int
    granted_on: dt.date
    expires_on: dt.date | None
    ended_on: dt.date | None = None
    end_cause: EndCause | None = None
    number: str | None = None

    @property
    def is_void(self) -> bool:
        """Entered wrongly: it counts for nothing."""
        return self.end_cause is EndCause.ENTERED_WRONGLY

    @property
    def last_day(self) -> dt.date | None:
        """The last day it held or holds; None without end."""
        if self.ended_on is not None and (self.expires_on is None or self.ended_on <= self.expires_on):
            return self.ended_on - dt.timedelta(days=1)
        return self.expires_on


def check_day(on: dt.date, today: dt.date, *, field: str = "on") -> None:
    """A day that something happened on is neither in the future nor before certificates existed."""
    if on > today:
        raise Refused(N_("日期 %(on)s 在今天之后，不能登记还没有发生的事。"), on=on, field=field)
    if on < EARLIEST:
        raise Refused(N_("日期 %(on)s 太早，请检查年份。"), on=on, field=field)


def check_span(kind: Kind, granted_on: dt.date, expires_on: dt.date | None) -> None:
    """The last valid day lies after the day of grant."""
    if expires_on is not None and expires_on < granted_on:
        raise Refused(
            N_("有效期至 %(expires)s，早于发证日期 %(granted)s。"),
            expires=expires_on,
            granted=granted_on,
            field="expires_on",
        )


def judge(
    kind: Kind,
    granted_on: dt.date,
    expires_on: dt.date | None,
    number: str | None,
    held: Sequence[Held],
) -> tuple[RowResult, int | None]:
    """What entering this certificate would mean: granted, renewed (and the id it renews) or same (and its id).

    Raises `Refused` when it would repeat or overlap one the firm holds without being its renewal.
    """
    renews: Held | None = None
    for old in sorted(held, key=lambda item: item.granted_on):
        if old.is_void:
            continue
        if old.granted_on == granted_on:
            if number is None or old.number is None or old.number == number:
                return RowResult.SAME, old.id
            raise Refused(
                N_("%(kind)s已有同一天（%(on)s）的证书，编号是 %(number)s。"),
                kind=kind.name,
                on=granted_on,
                number=old.number,
                field="number",
            )
        if number is not None and old.number == number and kind.number is not None:
            raise Refused(
                N_("编号 %(number)s 已经登记过，发证日期是 %(on)s。"),
                number=number,
                on=old.granted_on,
                field="number",
            )
        first, second = (
            ((old.granted_on, old.last_day), (granted_on, expires_on))
            if old.granted_on < granted_on
            else ((granted_on, expires_on), (old.granted_on, old.last_day))
        )
        if first[1] is not None and first[1] < second[0]:
            if old.granted_on < granted_on:
                renews = old
            continue
        longer = first[1] is not None and (second[1] is None or second[1] > first[1])
        left = (first[1] - second[0]).days if first[1] is not None else None
        if not longer or left is None or left > kind.renewal_days:
            raise Refused(
                N_("已有%(kind)s证书，自 %(granted)s %(until)s，有效期重叠。"),
                kind=kind.name,
                granted=old.granted_on,
                until=old.last_day.isoformat() if old.last_day else "…",
                field="granted_on",
            )
        if old.granted_on < granted_on:
            renews = old
    if renews is None:
        return RowResult.GRANTED, None
    return RowResult.RENEWED, renews.id


def check_end(
    granted_on: dt.date, expires_on: dt.date | None, ended_on: dt.date | None, on: dt.date, today: dt.date
) -> None:
    """Whether a certificate may end on this day: once, after it was granted, not after it lapsed anyway."""
    check_day(on, today)
    if ended_on is not None:
        raise Refused(N_("这张证书已于 %(on)s 终止。"), on=ended_on, field="on")
    if on < granted_on:
        raise Refused(N_("终止日期早于发证日期 %(granted)s。"), granted=granted_on, field="on")
    end = after(expires_on)
    if end is not None and on > end:
        raise Refused(N_("这张证书已于 %(on)s 到期，不用再终止。"), on=expires_on, field="on")


def need_reason(reason: str | None, *, longest: int = 200) -> str:
    """A reason in words. Raises `Refused`."""
    cleaned = legible(reason)
    if not cleaned:
        raise Refused(N_("请写明原因。"), field="reason")
    if len(cleaned) > longest:
        raise Refused(N_("原因最多 %(n)s 个字。"), n=longest, field="reason")
    return cleaned


def check_step(
    now: ApplicationStep,
    to: ApplicationStep,
    last_on: dt.date,
    on: dt.date,
    today: dt.date,
    reason: str | None,
) -> str | None:
    """Whether an application may move to a step: jumping ahead is fine, back and out need a reason.
    Returns the cleaned reason. Raises `Refused`."""
    if now not in OPEN_STEPS:
        raise Refused(N_("这项申报已经结束（%(step)s）。"), step=now, field="step")
    if to is now:
        raise Refused(N_("已经是「%(step)s」。"), step=to, field="step")
    check_day(on, today)
    if on < last_on:
        raise Refused(N_("日期早于上一步（%(on)s）。"), on=last_on, field="on")
    if to in (ApplicationStep.FAILED, ApplicationStep.DROPPED) or (
        to in OPEN_STEPS and STEPS.index(to) < STEPS.index(now)
    ):
        return need_reason(reason, longest=300)
    return legible(reason)[:300] or None


def next_step(now: ApplicationStep) -> ApplicationStep | None:
    """The usual next step, None at the end."""
    if now not in OPEN_STEPS:
        return None
    return STEPS[STEPS.index(now) + 1]

"""What counts as progress, how long a lead is protected by it, and the light it makes. Pure.

Defaults: yellow after 2 months without progress, red after 3, out after 6 (policy.md § 7.5, 邯郸经开区 2024);
protection 90 days, renewed by real progress (policy.md § 7.2).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from crm.activities.rules.words import ActivityKind
from crm.core.months import add_months
from crm.core.pipeline.declaring import MoveKind
from crm.core.settings.declaring import Section, number
from crm.core.words import N_, Message
from crm.projects.rules.words import Colour, Stage, State

SECTION = Section("projects", N_("招商项目"), "setting:manage")
YELLOW = number(SECTION, "projects.yellow-months", N_("几个月没有进展亮黄灯"), 2, least=1, most=12)
RED = number(SECTION, "projects.red-months", N_("几个月没有进展亮红灯"), 3, least=1, most=24)
OUT = number(SECTION, "projects.out-months", N_("几个月没有进展移出库"), 6, least=2, most=36)
PROTECTION = number(SECTION, "projects.protection-days", N_("首报保护几天"), 90, least=7, most=730)

CONTACTS = frozenset({ActivityKind.VISIT, ActivityKind.CALL, ActivityKind.MEETING, ActivityKind.INSPECTION})
RENEWING = frozenset({ActivityKind.VISIT, ActivityKind.MEETING, ActivityKind.INSPECTION})  # 纪要、考察
FORWARD = frozenset({MoveKind.REPORT, MoveKind.ADVANCE, MoveKind.JUMP, MoveKind.RESUME})


@dataclass(frozen=True, slots=True)
class Limits:
    """Months without progress before each light, as set."""

    yellow: int = 2
    red: int = 3
    out: int = 6


@dataclass(frozen=True, slots=True)
class Light:
    colour: Colour
    reason: Message


def caught_up(progress: Iterable[dt.date], limits: Limits) -> dt.date | None:
    """The last day of progress that came later than yellow after the one before it; None when none did."""
    found, before = None, None
    for day in sorted(set(progress)):
        if before is not None and day >= add_months(before, limits.yellow):
            found = day
        before = day
    return found


def protected_until(claimed_on: dt.date, renewals: Iterable[dt.date], days: int) -> dt.date:
    """The last protected day of a lead claimed on a day: progress within the protection renews it, progress after it
    has run out does not."""
    until = claimed_on + dt.timedelta(days)
    for day in sorted(set(renewals)):
        if claimed_on <= day <= until:
            until = max(until, day + dt.timedelta(days))
    return until


def light(
    *,
    stage: Stage,
    state: State,
    progress_on: dt.date,
    caught_up_on: dt.date | None,
    today: dt.date,
    limits: Limits,
) -> Light | None:
    """The light of a project and why; None for one that is over or has reached full production."""
    if state is not State.ACTIVE or stage is Stage.FULL_PRODUCTION:
        return None
    idle = (today - progress_on).days
    for colour, months, text in (
        (Colour.OUT, limits.out, N_("超过 %(months)s 个月没有进展（%(days)s 天），移出库")),
        (Colour.RED, limits.red, N_("超过 %(months)s 个月没有进展（%(days)s 天）")),
        (Colour.YELLOW, limits.yellow, N_("超过 %(months)s 个月没有进展（%(days)s 天）")),
    ):
        if today >= add_months(progress_on, months):
            return Light(colour, Message(text, {"months": months, "days": idle}))
    if caught_up_on is not None and today < add_months(caught_up_on, 1):
        return Light(Colour.YELLOW, Message(N_("%(day)s 才赶上进度，之前停滞过"), {"day": caught_up_on}))
    return Light(Colour.GREEN, Message(N_("%(day)s 有进展"), {"day": progress_on}))

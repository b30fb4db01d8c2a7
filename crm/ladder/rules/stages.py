"""The stage of a firm on every day, derived from its dated facts (domain.md § The ladder). Pure.

Precedence: a valid high-tech certificate counts without an SME title; a scale-up title without one is a badge.
A national SME registration that has lapsed is kept as 待复评 until 31 December (setting). A firm that is outside the
zone (not yet moved in, moved out, closed, archived) has no stage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crm.core.words import N_
from crm.ladder.rules.kinds import KINDS, SETTINGS
from crm.ladder.rules.words import CountsFor, EndCause, Stage

ONE = dt.timedelta(days=1)
REVENUE_LINE_YUAN: int = SETTINGS["revenue_line_yuan"]
ABOVE_SCALE_CARRY: int = SETTINGS["above_scale_carry_years"]
REVENUE_CARRY: int = SETTINGS["revenue_carry_years"]

# why an interval began: a code is stored with its parameters, so that both languages read it
MESSAGES: dict[str, str] = {
    "registered": N_("登记成立"),
    "first-seen": N_("首次进入名录"),
    "moved-in": N_("迁入"),
    "reopened": N_("恢复在营"),
    "granted": N_("获得%(kind)s（%(number)s）"),
    "granted-unnumbered": N_("获得%(kind)s"),
    "expired": N_("%(kind)s于 %(on)s 到期"),
    "ended": N_("%(kind)s于 %(on)s 终止：%(why)s"),
    "pending": N_("%(kind)s于 %(on)s 到期，待复评"),
    "pending-over": N_("%(kind)s待复评期满，未重新入库"),
    "above-scale": N_("%(year)s 年度列入规上企业"),
    "above-scale-lost": N_("%(year)s 年度不再是规上企业"),
    "revenue-reached": N_("%(year)s 年度营业收入达到 %(amount)s"),
    "revenue-lost": N_("%(year)s 年度营业收入未达 %(amount)s"),
    "moved-out": N_("迁出"),
    "closed": N_("注销"),
    "archived": N_("已归档"),
}


@dataclass(frozen=True, slots=True)
class Title:
    """A certification as the ladder sees it: valid from `granted_on` to `expires_on` inclusive, cut at `ended_on`
    (the first day it no longer holds)."""

    kind: str
    granted_on: dt.date
    expires_on: dt.date | None = None
    ended_on: dt.date | None = None
    end_cause: EndCause | None = None
    number: str | None = None

    def span(self) -> tuple[dt.date, dt.date | None]:
        """First valid day and the day after the last one (None = without end)."""
        end = after(self.expires_on)
        if self.ended_on is not None and (end is None or self.ended_on < end):
            end = self.ended_on
        return self.granted_on, end

    def pending_span(self) -> tuple[dt.date, dt.date] | None:
        """The days it is kept as 待复评 after lapsing by itself."""
        kind = KINDS.get(self.kind)
        last = kind.pending_end(self.expires_on) if kind else None
        if last is None or self.expires_on is None:
            return None
        start, end = self.expires_on + ONE, last + ONE
        if self.ended_on is not None:
            end = min(end, self.ended_on)
        return (start, end) if start < end and self.granted_on <= self.expires_on else None

    def is_valid(self, day: dt.date) -> bool:
        start, end = self.span()
        return start <= day and (end is None or day < end)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a firm's stages follow from. `presence` is sorted by day: (day, is in the zone, cause code)."""

    presence: Sequence[tuple[dt.date, bool, str]]
    titles: Sequence[Title] = ()
    above_scale: dict[int, bool] = field(default_factory=dict)  # year → 规上
    revenue: dict[int, int] = field(default_factory=dict)  # year → yuan; a missing year is missing, not zero


class Interval(NamedTuple):
    """At `stage` from `from_on` to `to_on` (exclusive; None = open). `params` are plain JSON values."""

    from_on: dt.date
    to_on: dt.date | None
    stage: Stage
    is_pending: bool
    cause: str
    params: dict[str, Any]


class _Event(NamedTuple):
    on: dt.date
    what: int  # one of PRESENT … PENDING
    step: int  # +1 begins, -1 ends
    cause: str
    params: dict[str, Any]


PRESENT, HIGH, SCALE, SME, PENDING = range(5)
_OF = {CountsFor.HIGH_TECH: HIGH, CountsFor.SCALE_UP: SCALE, CountsFor.SME: SME}
_RANK = {stage: rank for rank, stage in enumerate(Stage)}


def after(day: dt.date | None) -> dt.date | None:
    """The next day; None stays without end."""
    return None if day is None or day == dt.date.max else day + ONE


def carried_spans(flags: dict[int, bool], carry: int, lag: int = 0) -> list[tuple[int, int]]:
    """Years (first, last exclusive) in which a yearly flag holds. A year without an entry carries the one before
    on, for `carry` years at most; `lag` moves everything later (a year's revenue is known the year after)."""
    spans: list[tuple[int, int]] = []
    years = sorted(flags)
    for place, year in enumerate(years):
        if not flags[year]:
            continue
        end = year + 1 + carry
        if place + 1 < len(years):
            end = min(end, years[place + 1])
        if spans and spans[-1][1] == year + lag:
            spans[-1] = (spans[-1][0], end + lag)
        else:
            spans.append((year + lag, end + lag))
    return spans


def derive(facts: Facts) -> list[Interval]:
    """The stage intervals of a firm, future lapses included: sorted, contiguous while it is in the zone."""
    events = sorted(_events(facts), key=lambda event: event.on)
    held = [0, 0, 0, 0, 0]
    found: list[Interval] = []
    now: tuple[Stage, bool] | None = None
    place = 0
    while place < len(events):
        day = events[place].on
        first = place
        before = [count > 0 for count in held]
        while place < len(events) and events[place].on == day:
            held[events[place].what] += events[place].step
            place += 1
        state = _state(held)
        if state == now:
            continue
        cause, params = _cause(events[first:place], before, [count > 0 for count in held], now, state)
        if now is not None:
            found[-1] = found[-1]._replace(to_on=day)
        if state is not None:
            found.append(Interval(day, None, state[0], state[1], cause, params))
        now = state
    return found


def _state(held: Sequence[int]) -> tuple[Stage, bool] | None:
    if held[PRESENT] <= 0:
        return None
    if held[HIGH] > 0:
        return (Stage.SCALED_UP if held[SCALE] > 0 else Stage.HIGH_TECH_SCALE_UP), False
    if held[SME] > 0:
        return Stage.SMALL_TO_HIGH_TECH, False
    if held[PENDING] > 0:
        return Stage.SMALL_TO_HIGH_TECH, True
    return Stage.MICRO_GROWTH, False


def _events(facts: Facts) -> Iterable[_Event]:
    inside = False
    for day, is_in, cause in facts.presence:
        if is_in != inside:
            yield _Event(day, PRESENT, 1 if is_in else -1, cause, {})
            inside = is_in
    for title in facts.titles:
        kind = KINDS.get(title.kind)
        what = _OF.get(kind.counts_for) if kind else None
        if what is None:
            continue
        start, end = title.span()
        if end is not None and end <= start:
            continue
        granted = {"kind": title.kind, "on": start.isoformat()}
        if title.number:
            yield _Event(start, what, 1, "granted", {**granted, "number": title.number})
        else:
            yield _Event(start, what, 1, "granted-unnumbered", granted)
        pending = title.pending_span()
        if end is not None:
            if title.ended_on == end and end != after(title.expires_on):
                why = title.end_cause.value if title.end_cause else EndCause.REVOKED.value
                gone = {"kind": title.kind, "on": end.isoformat(), "why": why}
                yield _Event(end, what, -1, "ended", gone)
            else:
                gone = {"kind": title.kind, "on": (end - ONE).isoformat()}
                yield _Event(end, what, -1, "pending" if pending else "expired", gone)
        if pending:
            kept = {"kind": title.kind, "on": (pending[0] - ONE).isoformat()}
            yield _Event(pending[0], PENDING, 1, "pending", kept)
            if title.ended_on == pending[1]:
                why = title.end_cause.value if title.end_cause else EndCause.REVOKED.value
                gone = {"kind": title.kind, "on": pending[1].isoformat(), "why": why}
                yield _Event(pending[1], PENDING, -1, "ended", gone)
            else:
                yield _Event(pending[1], PENDING, -1, "pending-over", {"kind": title.kind})
    if facts.above_scale:
        yield from _yearly(facts.above_scale, ABOVE_SCALE_CARRY, 0, "above-scale", "above-scale-lost")
    if not facts.revenue:
        return
    reached = {year: amount >= REVENUE_LINE_YUAN for year, amount in facts.revenue.items()}
    for event in _yearly(reached, REVENUE_CARRY, 1, "revenue-reached", "revenue-lost"):
        params = {"year": event.params["year"] - 1, "amount_yuan": REVENUE_LINE_YUAN}
        yield event._replace(params=params)


def _yearly(flags: dict[int, bool], carry: int, lag: int, gained: str, lost: str) -> Iterable[_Event]:
    for first, end in carried_spans(flags, carry, lag):
        yield _Event(dt.date(first, 1, 1), SCALE, 1, gained, {"year": first})
        yield _Event(dt.date(end, 1, 1), SCALE, -1, lost, {"year": end})


def _cause(
    events: Sequence[_Event],
    before: Sequence[bool],
    held: Sequence[bool],
    old: tuple[Stage, bool] | None,
    new: tuple[Stage, bool] | None,
) -> tuple[str, dict[str, Any]]:
    """The event of the day that made the difference: presence first, then the highest rung that changed."""
    order: tuple[int, ...] = (PRESENT,)
    if old is None or new is None:
        step = 1 if old is None else -1
    else:
        rises = _height(new) > _height(old)
        order, step = (HIGH, SCALE, SME, PENDING), 1 if rises else -1
    for what in order:
        if before[what] != held[what]:
            for event in events:
                if event.what == what and event.step == step:
                    return event.cause, event.params
    return events[0].cause, events[0].params


def _height(state: tuple[Stage, bool]) -> tuple[int, bool]:
    return _RANK[state[0]], not state[1]

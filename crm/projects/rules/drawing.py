"""How money in place grew, as steps: where each point stands in a picture of fixed size. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 256, 128
LEFT, RIGHT, TOP, BOTTOM = 30, 252, 20, 110


@dataclass(frozen=True, slots=True)
class Mark:
    """A day money came in."""

    day: dt.date
    total: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Picture:
    """The line of what is in place, the area under it, its marks; the height of what was agreed; (y, yuan) of the grid."""

    line: str
    area: str
    marks: Sequence[Mark]
    agreed_y: float | None
    grid: Sequence[tuple[float, int]]
    first: dt.date
    last: dt.date


def growth(steps: Sequence[tuple[dt.date, int]], agreed: int | None, today: dt.date) -> Picture | None:
    """Draw (day, all in place by then), the earliest first, until today; None when there is nothing to draw."""
    if not steps:
        return None
    first, last = steps[0][0], max(today, steps[-1][0])
    days = max((last - first).days, 1)
    most = max(steps[-1][1], agreed or 0)

    def across(day: dt.date) -> float:
        return round(LEFT + (RIGHT - LEFT) * (day - first).days / days, 1)

    def up(yuan: int) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * yuan / most, 1)

    marks = [Mark(day, total, across(day), up(total)) for day, total in steps]
    line = f"M{LEFT} {BOTTOM}" + "".join(f"H{mark.x}V{mark.y}" for mark in marks) + f"H{RIGHT}"
    return Picture(
        line,
        f"{line}V{BOTTOM}Z",
        marks,
        up(agreed) if agreed else None,
        [(up(most * part // 2), most * part // 2) for part in range(3)],
        first,
        last,
    )

"""Since when a change is news."""

from __future__ import annotations

import datetime as dt

LONGEST = 366  # days a page of changes goes back


def last_monday(day: dt.date) -> dt.date:
    """The Monday of the week before: what changed since then is news."""
    return day - dt.timedelta(day.weekday() + 7)


def since_of(text: str, day: dt.date) -> dt.date:
    """The day an address asks for, not before a year ago; last Monday for anything else."""
    try:
        asked = dt.date.fromisoformat(text)
    except ValueError:
        return last_monday(day)
    return max(asked, day - dt.timedelta(LONGEST)) if asked <= day else last_monday(day)

"""The only place that reads the clock. Called at the edges (views, commands, jobs); rules get dates passed in."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")


def now() -> dt.datetime:
    """The moment, in UTC and aware."""
    return dt.datetime.now(dt.UTC)


def today() -> dt.date:
    """The day it is in Shanghai, whatever zone the host is set to."""
    return dt.datetime.now(ZONE).date()


def local(moment: dt.datetime) -> dt.datetime:
    """A stored UTC moment as Shanghai time."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(ZONE)

"""Days as moments."""

from __future__ import annotations

import datetime as dt

from crm.core.clock import ZONE


def start_of(day: dt.date) -> dt.datetime:
    """The moment a day begins in Shanghai."""
    return dt.datetime.combine(day, dt.time(), ZONE)

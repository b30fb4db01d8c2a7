"""When a kind of job is asked for by itself: a run has a name, its period, and each name is run once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm.core.clock import local
from crm.core.words import N_

NIGHT = 2  # o'clock, from which on the nightly jobs are due


@dataclass(frozen=True, slots=True)
class Timing:
    """`period` names the run that is due by a moment (None: none is), `upcoming` is when the next one will be. A run
    that was missed is made up as long as its period lasts; periods that are over are not."""

    label: str
    period: Callable[[Session, dt.datetime], str | None]
    upcoming: Callable[[Session, dt.datetime], dt.datetime | None]


def _night(moment: dt.datetime) -> dt.datetime:
    """When the night a moment belongs to began."""
    here = local(moment)
    night = here.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return night - dt.timedelta(days=1) if here < night else night


NIGHTLY = Timing(
    N_("每晚"),
    lambda _session, moment: _night(moment).date().isoformat(),
    lambda _session, moment: _night(moment) + dt.timedelta(days=1),
)
HOURLY = Timing(
    N_("每小时"),
    lambda _session, moment: f"{local(moment):%Y-%m-%dT%H}",
    lambda _session, moment: local(moment).replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1),
)

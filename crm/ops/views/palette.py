"""Pages of those who run it, in the palette."""

from __future__ import annotations

from crm.core.palette import Entry
from crm.core.words import N_

ENTRIES = [
    Entry("ops.timed", N_("定时任务"), "clock", ("setting:manage",), words=("调度", "后台", "jobs", "scheduler")),
]  # fmt: skip

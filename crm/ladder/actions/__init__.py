"""Every write of the ladder. Each takes the session and a keyword-only `actor`, flushes, and never commits."""

from crm.ladder.actions.applications import advance, drop, fail, open_application, open_many
from crm.ladder.actions.certifications import (
    Entered,
    Grant,
    correct,
    end,
    grant,
    grant_many,
    renew,
    reopen,
    revoke,
)
from crm.ladder.actions.deriving import STAGES, recompute
from crm.ladder.actions.merging import close_for_other, give_way
from crm.ladder.actions.reports import file_report, unfile_report

__all__ = [
    "STAGES",
    "Entered",
    "Grant",
    "advance",
    "close_for_other",
    "correct",
    "drop",
    "end",
    "fail",
    "file_report",
    "give_way",
    "grant",
    "grant_many",
    "open_application",
    "open_many",
    "recompute",
    "renew",
    "reopen",
    "revoke",
    "unfile_report",
]

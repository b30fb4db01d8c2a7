"""Every write of follow-up, one verb of the trade each."""

from crm.activities.actions.going_on import Planned, is_last
from crm.activities.actions.handing import after_handing, judge_handing
from crm.activities.actions.logging import check_author, edit, log, withdraw
from crm.activities.actions.steps import (
    check_step,
    drop,
    finish,
    giver_after,
    hand_over,
    plan,
    put_off,
    reopen,
)
from crm.activities.actions.telling import tell

__all__ = [
    "Planned",
    "after_handing",
    "check_author",
    "check_step",
    "drop",
    "edit",
    "finish",
    "giver_after",
    "hand_over",
    "is_last",
    "judge_handing",
    "log",
    "plan",
    "put_off",
    "reopen",
    "tell",
    "withdraw",
]

"""What the scheduler does for the weekly mail: writes a week into the outbox, and empties it."""

from crm.digest.jobs.delivering import deliver_now, send_some
from crm.digest.jobs.weekly import KIND, Plan, check_day, parts, plan_of, run_week, unwritten

__all__ = [
    "KIND",
    "Plan",
    "check_day",
    "deliver_now",
    "parts",
    "plan_of",
    "run_week",
    "send_some",
    "unwritten",
]

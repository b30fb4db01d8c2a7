"""Every read of the weekly mail."""

from crm.digest.queries.calendar import due_now, next_at, times_of, workday_test
from crm.digest.queries.composing import compose

__all__ = ["compose", "due_now", "next_at", "times_of", "workday_test"]

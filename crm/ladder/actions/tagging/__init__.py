"""A published list on its way in: staged, matched, decided on screen, written in one transaction, undone as a whole."""

from crm.ladder.actions.tagging.deciding import decide, decide_all, take_back
from crm.ladder.actions.tagging.staging import fill, judge_rows, match_rows, seen_before, set_dates, stage
from crm.ladder.actions.tagging.writing import Plan, drop_batch, preview, undo_batch, write

__all__ = [
    "Plan", "decide", "decide_all", "drop_batch", "fill", "judge_rows", "match_rows", "preview", "seen_before",
    "set_dates", "stage", "take_back", "undo_batch", "write",
]  # fmt: skip

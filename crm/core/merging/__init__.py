"""Two records become one: declared by features, shown first, written in one transaction, undone whole.

The record that stays takes what is chosen; the other is put away with `merged_into_id` and keeps what was not. Nothing
is deleted. A kind that merges has the columns `archived_on`, `archive_reason` and `merged_into_id`.
"""

from __future__ import annotations

from crm.core.merging.declaring import MERGE, Derived, Merging, Stays, rules_of, uncovered
from crm.core.merging.finding import left_behind, merge_of, merged_into, survivor_of, undo_merge
from crm.core.merging.preview import (
    BOTH,
    EACH,
    LEFT,
    RIGHT,
    SIDES,
    Choice,
    Clash,
    Moving,
    Preview,
    changed_since,
    default_side,
    preview,
)
from crm.core.merging.writing import merge

__all__ = [
    "BOTH",
    "EACH",
    "LEFT",
    "MERGE",
    "RIGHT",
    "SIDES",
    "Choice",
    "Clash",
    "Derived",
    "Merging",
    "Moving",
    "Preview",
    "Stays",
    "changed_since",
    "default_side",
    "left_behind",
    "merge",
    "merge_of",
    "merged_into",
    "preview",
    "rules_of",
    "survivor_of",
    "uncovered",
    "undo_merge",
]

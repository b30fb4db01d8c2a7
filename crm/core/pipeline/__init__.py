"""Pipelines: records that go through stages. A feature declares its stage table; gates, moves, side states, and what is
missing for the next stage all come from it. Knows no firm and no project."""

from crm.core.pipeline.books import Books
from crm.core.pipeline.declaring import (
    Item,
    Line,
    Milestone,
    Move,
    MoveKind,
    Need,
    Pipeline,
    WaiverKind,
    Wants,
)
from crm.core.pipeline.histories import Moved, Proven, Waived, something
from crm.core.pipeline.moving import Standing, advance, note, put_aside, take_up

__all__ = [
    "Books", "Item", "Line", "Milestone", "Move", "MoveKind", "Moved", "Need", "Pipeline", "Proven", "Standing", "Waived",
    "WaiverKind", "Wants", "advance", "note", "put_aside", "something", "take_up",
]  # fmt: skip

"""Pipelines: records that go through stages. A feature declares its stage table; gates, moves, side states, and what is
missing for the next stage all come from it. Knows no firm and no project."""

from crm.core.pipeline.declaring import Item, Line, Move, MoveKind, Need, Pipeline, Wants
from crm.core.pipeline.histories import Moved, Waived, WaiverKind
from crm.core.pipeline.moving import Standing, advance, put_aside, take_up

__all__ = [
    "Item", "Line", "Move", "MoveKind", "Moved", "Need", "Pipeline", "Standing", "Waived", "WaiverKind", "Wants",
    "advance", "put_aside", "take_up",
]  # fmt: skip

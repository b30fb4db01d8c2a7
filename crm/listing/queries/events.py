"""What a candidate's moves tell in its timeline."""

from __future__ import annotations

from crm.activities.queries.moves import moves
from crm.core.pipeline import MoveKind
from crm.core.words import N_, Message
from crm.listing.queries.books import BOOKS

MOVES = moves(
    "listing-move",
    BOOKS,
    {MoveKind.REPORT: N_("入上市后备库"), MoveKind.BOARD: N_("目标板块改为「%(board)s」")},
    lambda move: {"board": move.board or Message(N_("未定"))},
)

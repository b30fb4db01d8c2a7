"""Every read of the ladder. Each takes the viewer."""

from crm.ladder.queries.batches import (
    Shown,
    counts_of_batch,
    decided,
    get_batch,
    get_row,
    left_over,
    list_batches,
    queue,
    rows_of,
    shown,
    without_day,
)
from crm.ladder.queries.board import Column, board, holders, more_cards
from crm.ladder.queries.cards import CARDS, Card, held_by, under_way_of
from crm.ladder.queries.counts import Group, at_stage, count_firms, present_on, stage_counts, valid_on
from crm.ladder.queries.due import (
    Expiry,
    Rename,
    Zero,
    count_holders,
    expiries,
    expiry_days,
    last_national_lapse,
    pending,
    renames,
    reports_of,
    three_zeroing,
    years_known,
)
from crm.ladder.queries.firm import (
    Followed,
    applications_of,
    certifications_of,
    get_application,
    get_certification,
    stages_of,
    stages_on,
)
from crm.ladder.queries.flow import Flow, flows
from crm.ladder.queries.listing import (
    LIST,
    OUTSIDE,
    Wanted,
    all_ids,
    cause_of,
    names_of,
    own_operation,
    wanted_of,
)
from crm.ladder.queries.registry import Registry, load_registry
from crm.ladder.queries.within import Within

__all__ = [
    "CARDS", "LIST", "OUTSIDE", "Card", "Column", "Expiry", "Flow", "Followed", "Group", "Registry",
    "Rename", "Shown", "Wanted", "Within", "Zero", "all_ids", "applications_of", "at_stage",
    "board", "cause_of", "certifications_of", "count_firms", "count_holders", "counts_of_batch", "decided",
    "expiries", "expiry_days", "flows", "get_application", "get_batch", "get_certification", "get_row", "held_by",
    "holders", "last_national_lapse", "left_over", "list_batches", "load_registry",
    "more_cards", "names_of", "own_operation", "pending", "present_on", "queue", "renames", "reports_of", "rows_of",
    "shown", "stage_counts", "stages_of", "stages_on", "three_zeroing", "under_way_of", "valid_on", "wanted_of", "without_day",
    "years_known",
]  # fmt: skip

"""The pages of projects."""

from crm.projects.views import (
    board,
    charge,
    counting,
    counts,
    holding,
    leads,
    moving,
    papers,
    payments,
    portfolio,
    record,
    standing,
)
from crm.projects.views.blueprint import bp

__all__ = [
    "board",
    "bp",
    "charge",
    "counting",
    "counts",
    "holding",
    "leads",
    "moving",
    "papers",
    "payments",
    "portfolio",
    "record",
    "standing",
]

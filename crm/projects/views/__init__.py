"""The pages of projects."""

from crm.projects.views import (
    charge,
    counting,
    counts,
    leads,
    listing,
    moving,
    papers,
    payments,
    record,
    standing,
)
from crm.projects.views.blueprint import bp

__all__ = [
    "bp",
    "charge",
    "counting",
    "counts",
    "leads",
    "listing",
    "moving",
    "papers",
    "payments",
    "record",
    "standing",
]

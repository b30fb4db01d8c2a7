"""Every read of the roof. `audit` is the auditor's, `bulk` and `operations` are for those who work with records."""

from crm.overview.queries.audit import (
    CHANGES,
    FILTERS,
    LIST,
    SORTS,
    Changed,
    changes,
    envelope_of,
    export_rows,
    get_envelope,
    list_envelopes,
    masked,
    subject_of,
    visible_to,
)

__all__ = [
    "CHANGES",
    "FILTERS",
    "LIST",
    "SORTS",
    "Changed",
    "changes",
    "envelope_of",
    "export_rows",
    "get_envelope",
    "list_envelopes",
    "masked",
    "subject_of",
    "visible_to",
]

"""Spreadsheets of the registry, in and out."""

from crm.firms.sheets.contacts import contacts_xlsx, person_xlsx
from crm.firms.sheets.narrowing import narrow, nothing_in
from crm.firms.sheets.reading import (
    UNITS,
    Parsed,
    check_mapping,
    headings_of,
    known_headings,
    open_pasted,
    open_table,
    parse,
    recognise,
    refit,
)
from crm.firms.sheets.writing import (
    left_rows,
    template,
)

__all__ = [
    "UNITS",
    "Parsed",
    "check_mapping",
    "contacts_xlsx",
    "headings_of",
    "known_headings",
    "left_rows",
    "narrow",
    "nothing_in",
    "open_pasted",
    "open_table",
    "parse",
    "person_xlsx",
    "recognise",
    "refit",
    "template",
]

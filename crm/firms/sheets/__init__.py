"""Spreadsheets of the registry, in and out."""

from crm.firms.sheets.reading import (
    UNITS,
    Parsed,
    check_mapping,
    known_headings,
    open_pasted,
    open_table,
    parse,
    recognise,
)
from crm.firms.sheets.writing import (
    left_rows,
    template,
)

__all__ = [
    "UNITS",
    "Parsed",
    "check_mapping",
    "known_headings",
    "left_rows",
    "open_pasted",
    "open_table",
    "parse",
    "recognise",
    "template",
]

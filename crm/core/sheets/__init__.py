"""Tables in and out: everything that reads or writes a spreadsheet goes through here."""

from crm.core.sheets.cells import (
    BLANKS,
    DASHES,
    Flag,
    Verdict,
    code,
    day,
    integer,
    shown,
    text,
    year,
    yes_no,
    yuan,
)
from crm.core.sheets.headings import fold, heading_key, match_columns, unit_of
from crm.core.sheets.limits import DEFAULT, Limits
from crm.core.sheets.reading import read, read_pasted
from crm.core.sheets.table import BadCell, Cell, Fault, Float1904, Kind, Record, Row, Skip, Skipped, Table
from crm.core.sheets.writing import Column, ColumnKind, SheetSpec, csv_chunks, write_csv, write_xlsx

__all__ = [
    "BLANKS",
    "DASHES",
    "DEFAULT",
    "BadCell",
    "Cell",
    "Column",
    "ColumnKind",
    "Fault",
    "Flag",
    "Float1904",
    "Kind",
    "Limits",
    "Record",
    "Row",
    "SheetSpec",
    "Skip",
    "Skipped",
    "Table",
    "Verdict",
    "code",
    "csv_chunks",
    "day",
    "fold",
    "heading_key",
    "integer",
    "match_columns",
    "read",
    "read_pasted",
    "shown",
    "text",
    "unit_of",
    "write_csv",
    "write_xlsx",
    "year",
    "yes_no",
    "yuan",
]

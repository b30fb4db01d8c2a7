"""Lists: whitelisted sorting and filtering, keyset paging, a capped count. The URL says everything a list shows.

`asking` what may be asked and what an address asks · `paging` one page and the count · `declared` the list as one
declaration, slot `LISTS` · `saved` views people keep and share · `exporting` a list as a file · `showing` its page.
"""

from crm.core.lists.asking import (
    Asked,
    Bulk,
    Choices,
    Column,
    Filter,
    Kind,
    Position,
    Shown,
    Sort,
    asked,
    clean,
    conditions,
    position,
)
from crm.core.lists.declared import LISTS, Found, List, declare, every, list_of, read
from crm.core.lists.paging import CAP, PAGE, Page, count, page

__all__ = [
    "CAP",
    "LISTS",
    "PAGE",
    "Asked",
    "Bulk",
    "Choices",
    "Column",
    "Filter",
    "Found",
    "Kind",
    "List",
    "Page",
    "Position",
    "Shown",
    "Sort",
    "asked",
    "clean",
    "conditions",
    "count",
    "declare",
    "every",
    "list_of",
    "page",
    "position",
    "read",
]

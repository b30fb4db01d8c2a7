"""Settings people change on a page: declared in code in one line, stored when changed, audited, typed.

``IDLE = number(SESSIONS, "session.idle-minutes", N_("…"), 30, least=5, most=480)`` declares one (a feature's `rules`);
``value(session, IDLE)`` reads it. What a machine needs before it has a database is in `crm.config` instead.
"""

from crm.core.settings.declaring import (
    DECLARED,
    Section,
    Setting,
    choice,
    choices,
    number,
    sections,
    switch,
    text,
)
from crm.core.settings.stored import Change, StoredSetting, change, history, rows_of, value, version_of

__all__ = [
    "DECLARED",
    "Change",
    "Section",
    "Setting",
    "StoredSetting",
    "change",
    "choice",
    "choices",
    "history",
    "number",
    "rows_of",
    "sections",
    "switch",
    "text",
    "value",
    "version_of",
]

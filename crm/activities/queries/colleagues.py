"""Who may be given something about a record: active people who may log follow-up."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from crm.accounts.queries import officers
from crm.accounts.rules import TABLE, Permission


def colleagues(session: Session) -> Sequence[tuple[int, str, str]]:
    """(id, name, unit) of active people whose role may add follow-up. One statement."""
    return officers(session, list(TABLE[Permission.ACTIVITY_ADD]))


def mentioned_ids(
    people: Sequence[tuple[int, str, str]], names: Sequence[str]
) -> tuple[list[int], list[str]]:
    """The ids behind the names of an @-mention, and the names that are nobody's or several people's. A name may run
    on into the text (「@吴思远请看」): the longest colleague's name it begins with counts."""
    by_name: dict[str, list[int]] = {}
    for key, name, _unit in people:
        by_name.setdefault(name, []).append(key)
    found: list[int] = []
    unknown: list[str] = []
    for typed in names:
        known = max((name for name in by_name if typed.startswith(name)), key=len, default=None)
        if known is None or len(by_name[known]) != 1:
            unknown.append(typed)
        else:
            found.append(by_name[known][0])
    return list(dict.fromkeys(found)), unknown

"""The records a person opened last, kept in the signed session cookie: ids only, read again with the person's rights.

A GET changes nothing in the database (R13), and nothing stays on the machine after signing out.
"""

from __future__ import annotations

from flask import session

KEY, MOST = "recent", 8


def note(kind: str, subject_id: int, *, user_id: int | None) -> None:
    """Put a record first among those this person opened."""
    mark = f"{kind}:{subject_id}"
    session[KEY] = [user_id, [mark, *(other for other in _marks(user_id) if other != mark)][:MOST]]


def opened(*, user_id: int | None) -> list[tuple[str, int]]:
    """(kind, id) of the records this person opened, the latest first."""
    found = [mark.partition(":") for mark in _marks(user_id)]
    return [(name, int(number)) for name, _, number in found if number.isascii() and number.isdigit()]


def ids(kind: str, *, user_id: int | None) -> list[int]:
    """The records of a kind this person opened, the latest first."""
    return [number for name, number in opened(user_id=user_id) if name == kind]


def _marks(user_id: int | None) -> list[str]:
    kept = session.get(KEY)
    if not (isinstance(kept, list) and len(kept) == 2 and kept[0] == user_id and isinstance(kept[1], list)):
        return []
    return [mark for mark in kept[1] if isinstance(mark, str)]

"""What has been told once, kept with the mail that tells it: in the same transaction, or it is not told."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.digest.models import DigestTold
from crm.digest.rules.letters import Letter


def remember(session: Session, letters: Iterable[Letter]) -> int:
    """Keep what these letters tell once, so that no later week tells it again. What stands already stays as it is.
    Returns how many keys were new."""
    wanted = {(letter.person_id, key): letter for letter in letters for key in letter.onces}
    people = sorted({person_id for person_id, _key in wanted})
    known: set[tuple[int, str]] = set()
    for start in range(0, len(people), 500):
        rows = session.execute(
            sa.select(DigestTold.user_id, DigestTold.key).where(
                DigestTold.user_id.in_(people[start : start + 500])
            )
        )
        known.update((row.user_id, row.key) for row in rows)
    fresh = [
        {"user_id": person_id, "key": key, "week": str(letter.week), "on": letter.day}
        for (person_id, key), letter in wanted.items()
        if (person_id, key) not in known
    ]
    if fresh:
        session.execute(sa.insert(DigestTold), fresh)
    return len(fresh)

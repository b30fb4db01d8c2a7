"""Two people editing one record: what was there before, theirs and mine, and the choice between them.

The form carries the version it was filled from. When the record has moved on, the page `fields.conflict` shows the
fields that differ; it posts ``pick-<name>`` (mine or theirs) and ``mine-<name>`` to the same address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from crm.core.audit import AuditChange

Show = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Side:
    """One line of the conflict page: texts ready to show, and the form's text of mine."""

    name: str
    label: str
    before: str | None
    theirs: str | None
    mine: str | None
    value: str


def originals(session: Session, kind: str, row_id: int, *, steps: int) -> dict[str, Any]:
    """The values a row's columns had `steps` changes ago, as the audit keeps them (only columns that changed)."""
    if steps < 1:
        return {}
    changes = session.scalars(
        sa.select(AuditChange)
        .where(AuditChange.kind == kind, AuditChange.row_id == row_id, AuditChange.verb == "update")
        .order_by(AuditChange.id.desc())
        .limit(min(steps, 200))
    ).all()
    found: dict[str, Any] = {}
    for change in changes:
        found.update(change.before)
    return found


def sides(
    fields: Sequence[tuple[str, str]],
    *,
    before: Mapping[str, Any],
    theirs: Mapping[str, str],
    mine: Mapping[str, str],
    show: Callable[[str, str], str] = lambda name, value: value,
) -> list[Side]:
    """The lines in which the three differ. `fields` are (name, label); `theirs` and `mine` hold form texts.

    `show` makes a form's text readable (the name behind an id).
    """
    found = []
    for name, label in fields:
        was = (
            theirs.get(name, "") if name not in before else "" if before[name] is None else str(before[name])
        )
        now, own = theirs.get(name, ""), mine.get(name, "")
        if now != own:
            before_text, theirs_text, mine_text = (
                show(name, value) if value else None for value in (was, now, own)
            )
            found.append(Side(name, label, before_text, theirs_text, mine_text, own))
    return found


def merged(posted: MultiDict[str, str], current: Mapping[str, str]) -> MultiDict[str, str]:
    """What a form should be filled from: as posted, or, when the conflict page was answered, as chosen there."""
    picks = {name.removeprefix("pick-"): value for name, value in posted.items() if name.startswith("pick-")}
    if not picks:
        return posted
    result: MultiDict[str, str] = MultiDict(current)
    for name, pick in picks.items():
        if name in current and pick == "mine":
            result[name] = posted.get(f"mine-{name}", "")
    result["version"] = posted.get("version", "")
    return result

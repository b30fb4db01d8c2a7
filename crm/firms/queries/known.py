"""The registry as a whole, for matching lists against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.core.folding import fold
from crm.core.permissions import Actor
from crm.firms.models import Firm, FirmName
from crm.firms.queries.merged import merged_codes
from crm.firms.queries.scope import visible_to
from crm.firms.rules.joining import Known
from crm.firms.rules.matching import Matcher


def known_firms(session: Session, ids: Sequence[int] | None = None, *, viewer: Actor | None = None) -> Known:
    """Every firm that has not been merged away, by code and names; only those of `ids` if given, and those the
    `viewer` may see; and the codes merged into them. Three statements (two more for every further 5,000 ids)."""
    seen = sa.true() if viewer is None else visible_to(viewer)
    known = Known()
    for part in [None] if ids is None else [ids[at : at + 5000] for at in range(0, len(ids), 5000)]:
        mine = sa.true() if part is None else Firm.id.in_(part)
        for row in session.execute(
            sa.select(Firm.id, Firm.name, Firm.name_key, Firm.code).where(
                Firm.merged_into_id.is_(None), mine, seen
            )
        ):
            known.add(row.id, row.name, row.name_key, row.code)
        theirs = sa.true() if part is None else FirmName.firm_id.in_(part)
        for firm_id, name, name_key in session.execute(
            sa.select(FirmName.firm_id, FirmName.name, FirmName.name_key).where(theirs)
        ):
            known.add_former(firm_id, name, name_key)
    for code, firm_id in merged_codes(session).items():
        if firm_id in known.names:
            known.add_code(firm_id, code)
    return known


def matcher(session: Session) -> Matcher:
    """The registry ready for matching published names."""
    known = known_firms(session)
    return Matcher((i, name, known.formers.get(i, []), known.codes[i]) for i, name in known.names.items())


class Places:
    """Streets and officers by the names people write."""

    def __init__(self, streets: Mapping[str, int], officers: Mapping[str, int | None]) -> None:
        self._streets = streets
        self._officers = officers

    def street(self, name: str) -> int | None:
        key = fold(name)
        for text in (key, key.removesuffix("街道"), key.rpartition("区")[2].removesuffix("街道")):
            if text in self._streets:
                return self._streets[text]
        return None

    def officer(self, name: str) -> int | None:
        return self._officers.get(fold(name).partition("·")[0])


def places(session: Session) -> Places:
    """Streets by full and short name, with and without 街道; people by name where it is theirs alone."""
    streets: dict[str, int] = {}
    for row in session.execute(
        sa.select(Unit.id, Unit.name, Unit.short_name).where(Unit.kind == UnitKind.STREET).order_by(Unit.id)
    ):
        for name in (row.name, row.short_name):
            streets.setdefault(fold(name), row.id)
            streets.setdefault(fold(name).removesuffix("街道"), row.id)
    officers: dict[str, int | None] = {}
    for user_id, user_name in session.execute(sa.select(User.id, User.name).where(User.is_active)):
        key = fold(user_name)
        officers[key] = None if key in officers else user_id
    return Places(streets, officers)


def firm_values(session: Session, ids: Sequence[int], columns: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Columns of many firms by id."""
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), 5000):
        rows = session.execute(
            sa.select(Firm.id, *(getattr(Firm, column).label(column) for column in columns)).where(
                Firm.id.in_(ids[start : start + 5000])
            )
        )
        for row in rows:
            found[row[0]] = dict(zip(columns, row[1:], strict=True))
    return found

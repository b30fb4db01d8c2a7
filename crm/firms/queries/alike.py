"""Firms that look like one being typed: the same code, the same name, or the same 字号 and trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.folding import fold
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.firms.models import Firm, FirmName
from crm.firms.queries.finding import text_condition
from crm.firms.queries.scope import visible_to
from crm.firms.rules.codes import clean_code
from crm.firms.rules.matching import Matcher
from crm.firms.rules.names import normalise, parts

LOOKED_AT = 200
SHOWN_FROM = 70.0


@dataclass(frozen=True, slots=True)
class Alike:
    """A firm that may be the same; `is_same` when it certainly is."""

    id: int
    name: str
    code: str | None
    is_archived: bool
    is_same: bool
    why: tuple[Message, ...]


def near(
    session: Session, *, name: str, code: str | None, viewer: Actor, but: int | None = None, limit: int = 5
) -> list[Alike]:
    """Look-alikes, the surest first. At most four statements, whatever the registry's size."""
    columns = (Firm.id, Firm.name, Firm.code, Firm.archived_on)
    base = sa.select(*columns).where(visible_to(viewer), Firm.merged_into_id.is_(None))
    if but is not None:
        base = base.where(Firm.id != but)
    found: dict[int, Alike] = {}

    def take(rows: Sequence[Any], is_same: bool, why: str) -> None:
        for row in rows:
            found.setdefault(
                row[0], Alike(row[0], row[1], row[2], row[3] is not None, is_same, (Message(why),))
            )

    cleaned = clean_code(code or "")
    if len(cleaned) == 18:
        take(list(session.execute(base.where(Firm.code == cleaned).limit(limit))), True, N_("信用代码相同"))
    folded = fold(name)
    if len(folded) >= 2:
        key = normalise(name)[:200]
        take(list(session.execute(base.where(Firm.name_key == key).limit(limit))), True, N_("名称相同"))
        formers = sa.select(FirmName.firm_id).where(FirmName.name_key == key)
        take(list(session.execute(base.where(Firm.id.in_(formers)).limit(limit))), True, N_("曾用过这个名称"))
        core = parts(name).core
        clause = text_condition(session, core, viewer) if len(core) >= 2 else None
        if clause is not None and len(found) < limit:
            rows = list(session.execute(base.where(clause, Firm.id.not_in(list(found))).limit(LOOKED_AT)))
            by_id = {row[0]: row for row in rows}
            matcher = Matcher((row[0], row[1], (), row[2]) for row in rows)
            for candidate in matcher.match(name).candidates:
                if candidate.score >= SHOWN_FROM:
                    row = by_id[candidate.firm_id]
                    found[row[0]] = Alike(
                        row[0], row[1], row[2], row[3] is not None, False, candidate.reasons[:2]
                    )
    return list(found.values())[:limit]

"""Firms that look like one being typed: the same code, the same name, or the same 字号 and trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.folding import fold
from crm.core.permissions import Actor
from crm.core.pinyin import readings
from crm.core.words import N_, Message
from crm.firms.models import Firm, FirmName
from crm.firms.queries.finding import text_condition
from crm.firms.queries.scope import visible_to
from crm.firms.rules.codes import clean_code
from crm.firms.rules.matching import Matcher
from crm.firms.rules.names import normalise, parts, same_region

LOOKED_AT = 200
SHOWN_FROM = 70.0
FRAGMENT = 8  # characters of a code that are looked for while it is typed


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
    """Look-alikes, the surest first: by code, name, former name, sound, and 字号 with trade. At most eight statements,
    whatever the registry's size."""
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
    if len(cleaned) == 18 and cleaned.isascii() and cleaned.isalnum():
        take(list(session.execute(base.where(Firm.code == cleaned).limit(limit))), True, N_("信用代码相同"))
        inside = base.where(Firm.code.like(f"________{cleaned[8:17]}_"), Firm.code != cleaned)
        narrowed = text_condition(session, cleaned[8:17], viewer)
        if narrowed is not None:
            rows = list(session.execute(inside.where(narrowed).limit(limit)))
            take(rows, False, N_("信用代码里的组织机构代码相同"))
    elif len(cleaned) >= FRAGMENT and cleaned.isascii() and cleaned.isalnum():
        part = text_condition(session, cleaned, viewer)
        if part is not None:
            take(list(session.execute(base.where(part).limit(limit))), False, N_("信用代码里有这一段"))
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
        if len(core) >= 2 and len(found) < limit:
            _same_sound(session, name, base, viewer, found)
    return sorted(found.values(), key=lambda item: not item.is_same)[:limit]


def _same_sound(session: Session, name: str, base: Any, viewer: Actor, found: dict[int, Alike]) -> None:
    """Firms whose 字号 is written otherwise and sounds the same, in the same trade and perhaps the same place."""
    asked = parts(name)
    heard = [readings(char) for char in asked.core]
    if not all(heard) or asked.core.isascii():
        return
    clause = text_condition(session, "".join(read[0] for read in heard), viewer)
    if clause is None:
        return
    for row in session.execute(base.where(clause, Firm.id.not_in(list(found))).limit(LOOKED_AT)):
        other = parts(row[1])
        same = len(other.core) == len(heard) and all(
            set(read) & set(readings(char)) for read, char in zip(heard, other.core, strict=True)
        )
        if same and other.trade == asked.trade and same_region(asked.place, other.place):
            why = Message(N_("字号同音：%(one)s / %(other)s"), {"one": asked.core, "other": other.core})
            found[row[0]] = Alike(row[0], row[1], row[2], row[3] is not None, False, (why,))

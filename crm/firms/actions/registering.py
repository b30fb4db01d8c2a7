"""Many firms at once: compare rows of the registry sheet with what is there, and write them set-based."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Conflict
from crm.firms.actions.guards import named
from crm.firms.actions.targets import plain_columns, typed
from crm.firms.models import Firm, FirmMove, FirmName
from crm.firms.queries.known import firm_values
from crm.firms.rules.joining import Known
from crm.firms.rules.names import normalise
from crm.firms.rules.words import FirmStatus, LeadingIndustry, NameKind

PLAIN = (
    "code", "registered_on", "capital_yuan", "capital_text", "industry_code", "leading_industry", "street_id",
    "address", "size_class", "officer_id", "business", "source_number",
)  # fmt: skip
COMPARED = (*PLAIN, "name", "status")
_COLUMNS = audit.columns_of(Firm)
_AS_THEY_ARE = plain_columns(_COLUMNS, PLAIN)
_TO_TYPE = [name for name in PLAIN if name not in _AS_THEY_ARE and name != "leading_industry"]


@dataclass(slots=True)
class Entry:
    """A firm to be entered or changed: values in plain JSON as they were staged."""

    row_no: int
    values: dict[str, Any]
    firm_id: int | None = None
    changes: dict[str, list[Any]] = field(default_factory=dict)


def changes_of(
    values: Mapping[str, Any], there: Mapping[str, Any], firm_id: int, known: Known
) -> dict[str, list[Any]]:
    """What a row changes of a firm, field → [old, new] in plain JSON. An empty cell changes nothing; another
    spelling of a name the firm has or had changes nothing; a foreign capital takes the place of one in yuan."""
    found: dict[str, list[Any]] = {}
    for name in (*PLAIN, "status"):
        value = values.get(name)
        if value is None and not (name.startswith("capital_") and "capital_yuan" in values):
            continue
        old = audit.jsonable(there[name])
        if old != value:
            found[name] = [old, value]
    given = values.get("name")
    if given and not known.had_name(firm_id, given):
        found["name"] = [there["name"], given]
    formers = [former for former in values.get("former_names") or () if not known.had_name(firm_id, former)]
    if formers:
        found["former_names"] = [[], formers]
    return found


def compare(
    session: Session, rows: Sequence[tuple[int, Mapping[str, Any]]], known: Known
) -> list[dict[str, list[Any]]]:
    """The changes of many rows `(firm id, values)`."""
    there = firm_values(session, sorted({firm_id for firm_id, _ in rows}), COMPARED)
    return [changes_of(values, there[firm_id], firm_id, known) for firm_id, values in rows]


def write(
    session: Session, entries: Sequence[Entry], *, actor: Actor, today: dt.date, source: str
) -> dict[int, int]:
    """Enter new firms and change known ones. Returns row number → firm id. The importer does not become the
    creator of a firm. Raises `Conflict` when the registry has moved on since the rows were compared."""
    fresh = [entry for entry in entries if entry.firm_id is None]
    changed = [entry for entry in entries if entry.firm_id is not None and entry.changes]
    refuse_newer(session, fresh)
    ids = audit.insert_many(session, Firm, [_new(entry.values, source) for entry in fresh])
    for entry, firm_id in zip(fresh, ids, strict=True):
        entry.firm_id = firm_id
    _change(session, changed, today)
    names: list[dict[str, Any]] = []
    for entry in fresh:
        names += [_name(entry.firm_id, former, None) for former in entry.values.get("former_names") or ()]
    for entry in changed:
        names += [
            _name(entry.firm_id, former, None) for former in entry.changes.get("former_names", [[], []])[1]
        ]
        if "name" in entry.changes:
            names.append(_name(entry.firm_id, entry.changes["name"][0], today))
    audit.insert_many(session, FirmName, names)
    return {entry.row_no: entry.firm_id for entry in entries if entry.firm_id is not None}


def _new(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        **named(values["name"]),
        "created_by_id": None,
        "source": source[:80] or None,
        "status": FirmStatus(values.get("status") or FirmStatus.ACTIVE),
        "leading_industry": LeadingIndustry(values.get("leading_industry") or LeadingIndustry.OTHER),
    }
    for name in _AS_THEY_ARE:
        row[name] = values.get(name)
    for name in _TO_TYPE:
        row[name] = typed(_COLUMNS[name], values.get(name))
    return row


def _change(session: Session, entries: Sequence[Entry], today: dt.date) -> None:
    updates: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
    moves: list[dict[str, Any]] = []
    for entry in entries:
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for name, (old, new) in entry.changes.items():
            if name == "former_names":
                continue
            before[name] = typed(_COLUMNS[name], old)
            after[name] = typed(_COLUMNS[name], new)
        if "name" in after:
            after.update(named(after["name"]))
        if "status" in after:
            after.update(status_on=today, status_reason="导入")
            moves.append({"firm_id": entry.firm_id, "status": after["status"], "on": today, "reason": "导入"})
        if after and entry.firm_id is not None:
            updates.append((entry.firm_id, before, after))
    audit.update_many(session, Firm, updates)
    audit.insert_many(session, FirmMove, moves)


def _name(firm_id: int | None, name: str, until_on: dt.date | None) -> dict[str, Any]:
    return {
        "firm_id": firm_id,
        "kind": NameKind.FORMER,
        "name": name,
        "name_key": normalise(name)[:200],
        "until_on": until_on,
    }


def refuse_newer(session: Session, fresh: Sequence[Entry]) -> None:
    """Firms that were registered between the preview and now are told, not entered a second time."""
    codes = [entry.values["code"] for entry in fresh if entry.values.get("code")]
    keys = [normalise(entry.values["name"])[:200] for entry in fresh if not entry.values.get("code")]
    for column, wanted in ((Firm.code, codes), (Firm.name_key, keys)):
        for start in range(0, len(wanted), 5000):
            found = session.execute(
                sa.select(Firm.name)
                .where(column.in_(wanted[start : start + 5000]), Firm.merged_into_id.is_(None))
                .limit(1)
            ).scalar_one_or_none()
            if found is not None:
                raise Conflict(N_("「%(name)s」刚刚由别人登记了，请重新核对后再写入。"), name=found)

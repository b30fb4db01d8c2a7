"""One person's data across the tables: contacts of several firms, staged rows of imports, the log's personal values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit import AuditChange, AuditPersonal
from crm.core.permissions import Actor
from crm.firms.models import Contact, Firm, ImportBatch, ImportRow
from crm.firms.queries.scope import editable_by, reach, visible_to
from crm.firms.rules.contacts import Identity, identity

KIND = "contacts"
CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Place:
    """A contact found. `is_sure` when number or address agree, else only the name does."""

    id: int
    firm_id: int
    firm: str
    name: str
    position: str | None
    phone: str | None
    email: str | None
    purpose: str | None
    is_sure: bool
    may_edit: bool
    may_reveal: bool


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A row of an import that holds the person, and the columns that do."""

    id: int
    batch_id: int
    filename: str
    row_no: int
    headings: tuple[str, ...]


@dataclass(slots=True)
class Person:
    """Where a person's data is."""

    who: Identity
    places: list[Place] = field(default_factory=list)
    staged: list[StagedRow] = field(default_factory=list)
    logged: set[int] = field(
        default_factory=set
    )  # ids of contacts, living or gone, whose values the log keeps

    @property
    def is_empty(self) -> bool:
        return not (self.places or self.staged or self.logged)


def find_person(
    session: Session, *, viewer: Actor, name: str = "", phone: str = "", mail: str = ""
) -> Person:
    """Everything kept about whoever has this number or address; a name alone finds people of that name."""
    who = identity([name], [phone], [mail])
    person = Person(who)
    if not (who.names or who.phones or who.mails):
        return person
    person.places = places(session, who, viewer=viewer)
    sure = {place.firm_id for place in person.places if place.is_sure}
    person.staged = staged_rows(session, who, sure)
    person.logged = logged_ids(session, who, sure, {place.id for place in person.places if place.is_sure})
    return person


def places(session: Session, who: Identity, *, viewer: Actor, ids: Iterable[int] = ()) -> list[Place]:
    """Contacts of this person, the sure ones first; with `ids` those contacts only, whoever they are."""
    wanted = sorted(set(ids))
    near: list[sa.ColumnElement[bool]] = [Contact.id.in_(wanted)] if wanted else _near(who)
    rows = session.execute(
        sa.select(
            Contact.id, Contact.firm_id, Firm.name.label("firm"), Contact.name, Contact.position, Contact.phone,
            Contact.email, Contact.purpose, editable_by(viewer).label("may_edit"),
            reach(viewer, "contact:reveal").label("may_reveal"),
        )
        .join(Firm, Firm.id == Contact.firm_id)
        .where(visible_to(viewer), sa.or_(*near))
        .order_by(Contact.firm_id, Contact.id)
        .limit(5000)
    )  # fmt: skip
    found = []
    for row in rows:
        is_sure = who.is_same(row.phone, row.email)
        if wanted or is_sure or who.is_named(row.name):
            found.append(
                Place(
                    row.id, row.firm_id, row.firm, row.name, row.position, row.phone, row.email, row.purpose,
                    is_sure, bool(row.may_edit), bool(row.may_reveal),
                )
            )  # fmt: skip
    return sorted(found, key=lambda place: (not place.is_sure, place.firm_id, place.id))


def _near(who: Identity) -> list[sa.ColumnElement[bool]]:
    """Narrows; the rule decides. Numbers by their last four digits, since they are spelt in many ways."""
    clauses = [_tight(Contact.phone).like(f"%{phone[-4:]}%") for phone in who.phones]
    clauses += [sa.func.lower(Contact.email) == mail for mail in who.mails]
    clauses += [_tight(Contact.name) == name for name in who.names]
    return clauses


def _tight(column: Any) -> Any:
    """A text in lower case without spaces and hyphens, wide spaces too."""
    text = sa.func.lower(column)
    for mark in (" ", "-", "\u3000"):
        text = sa.func.replace(text, mark, "")
    return text


def of_places(found: Sequence[Place]) -> Identity:
    """The person as these contacts know him."""
    return identity(
        (place.name for place in found), (place.phone for place in found), (place.email for place in found)
    )


def staged_rows(session: Session, who: Identity, firm_ids: Iterable[int]) -> list[StagedRow]:
    """Rows of imports that hold the person: by number or address, or by the name at a firm of his."""
    firms = set(firm_ids)
    text = sa.cast(ImportRow.raw, sa.Text)
    values = sa.cast(ImportRow.values, sa.Text)
    needles = {phone[-4:] for phone in who.phones} | {mail.partition("@")[2] for mail in who.mails}
    clauses = [_tight(column).contains(n, autoescape=True) for n in needles for column in (text, values)]
    for name in who.names:
        for spelt in {name, json.dumps(name)[1:-1]}:
            clauses += [
                sa.and_(ImportRow.firm_id.in_(firms), _tight(column).contains(spelt, autoescape=True))
                for column in (text, values)
            ]
    if not clauses:
        return []
    rows = session.execute(
        sa.select(
            ImportRow.id, ImportRow.batch_id, ImportRow.row_no, ImportRow.raw, ImportRow.values, ImportRow.firm_id,
            ImportBatch.filename,
        )
        .join(ImportBatch, ImportBatch.id == ImportRow.batch_id)
        .where(sa.or_(*clauses))
        .order_by(ImportRow.batch_id, ImportRow.row_no)
    )  # fmt: skip
    found = []
    for row in rows:
        cells = {**row.values, **row.raw}
        is_his = any(who.tells(cell) for cell in _texts(cells))
        if is_his or (row.firm_id in firms and any(who.is_named(cell) for cell in _texts(cells))):
            headings = tuple(key for key in row.raw if is_personal(who, row.raw[key]))
            found.append(StagedRow(row.id, row.batch_id, row.filename, row.row_no, headings))
    return found


def is_personal(who: Identity, cell: Any) -> bool:
    """Whether a cell of the person's row is about him."""
    return isinstance(cell, str) and (who.tells(cell) or who.is_named(cell))


def _texts(cells: Mapping[str, Any]) -> list[str]:
    return [cell for cell in cells.values() if isinstance(cell, str)]


def logged_ids(
    session: Session, who: Identity, firm_ids: Iterable[int], contact_ids: Iterable[int]
) -> set[int]:
    """Ids of contacts, living or gone, whose values the log still keeps and that are this person: those given,
    those that ever had the number or address, and those of the name at a firm of his that are gone."""
    found = {
        row_id
        for part in _parts(sorted(set(contact_ids)))
        for row_id in session.scalars(
            sa.select(AuditPersonal.row_id).where(AuditPersonal.kind == KIND, AuditPersonal.row_id.in_(part))
        )
    }
    clauses: list[sa.ColumnElement[bool]] = [
        _tight(AuditPersonal.value).like(f"%{phone[-4:]}%") for phone in who.phones
    ]
    clauses += [sa.func.lower(AuditPersonal.value).contains(mail, autoescape=True) for mail in who.mails]
    named: set[int] = set()
    for name in who.names:
        clauses.append(_tight(AuditPersonal.value) == json.dumps(name))
    if not clauses:
        return found
    for row_id, value in session.execute(
        sa.select(AuditPersonal.row_id, AuditPersonal.value).where(
            AuditPersonal.kind == KIND, sa.or_(*clauses)
        )
    ):
        text = json.loads(value)
        if who.is_same(text, text):
            found.add(row_id)
        elif who.is_named(text):
            named.add(row_id)
    return found | _gone_at(session, named - found, set(firm_ids))


def _gone_at(session: Session, row_ids: set[int], firms: set[int]) -> set[int]:
    """Those of these contacts that are gone and were at one of the firms: their change rows still say where."""
    found: set[int] = set()
    for part in _parts(sorted(row_ids)):
        living = set(session.scalars(sa.select(Contact.id).where(Contact.id.in_(part))))
        for row_id, before, after in session.execute(
            sa.select(AuditChange.row_id, AuditChange.before, AuditChange.after).where(
                AuditChange.kind == KIND, AuditChange.row_id.in_(part)
            )
        ):
            if row_id not in living and {before.get("firm_id"), after.get("firm_id")} & firms:
                found.add(row_id)
    return found


def _parts(ids: list[int]) -> list[list[int]]:
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]

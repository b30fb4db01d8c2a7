"""What the rows of a list of projects mean: people, units and firms by name, and the projects they may already be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.queries import actor_of
from crm.core.folding import fold
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.firms.models import Firm
from crm.firms.queries.scope import visible_to as firm_visible_to
from crm.firms.rules.codes import check_code
from crm.firms.rules.names import normalise
from crm.projects.models import Project
from crm.projects.queries.scope import editable_by, visible_to
from crm.projects.rules.words import OVER

PART = 900
_OF_UNIT = re.compile(r"(.+?)\s*[·（(]\s*([^）)]+?)\s*[）)]?\Z")


@dataclass(slots=True)
class Directory:
    """People, units and firms by the names people write. Each look-up raises `Refused` for none or several."""

    people: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # folded name → (id, folded unit)
    units: dict[str, int] = field(default_factory=dict)
    unit_of: dict[int, int | None] = field(default_factory=dict)
    firms: dict[str, list[int]] = field(default_factory=dict)  # name key or code → ids
    readers: dict[int, bool] = field(default_factory=dict)

    def person(self, written: str, column: str) -> int:
        """A colleague by name, or ``name·unit`` where several have it."""
        found = self.people.get(fold(written), [])
        if not found and (parts := _OF_UNIT.match(written)) is not None:
            unit = fold(parts[2])
            found = [each for each in self.people.get(fold(parts[1]), []) if each[1] == unit]
        if not found:
            raise Refused(N_("没有叫「%(name)s」的在用人员"), name=written, field=column)
        if len(found) > 1:
            raise Refused(N_("不止一位叫「%(name)s」，请写成“姓名·单位”。"), name=written, field=column)
        if not self.readers.get(found[0][0]):
            raise Refused(N_("这位人员的角色不能查看项目，请换一位。"), field=column)
        return found[0][0]

    def unit(self, written: str, column: str) -> int:
        found = self.units.get(fold(written))
        if found is None:
            raise Refused(N_("没有「%(name)s」这个在用的单位"), name=written, field=column)
        return found

    def firm(self, written: str) -> int:
        """A firm of the registry by credit code or name."""
        found = self.firms.get(_code(written) or normalise(written), [])
        if len(found) != 1:
            text = (
                N_("库里没有企业「%(name)s」，请先登记")
                if not found
                else N_("不止一家「%(name)s」，请写信用代码")
            )
            raise Refused(text, name=written, field="firm")
        return found[0]


def _code(written: str) -> str | None:
    try:
        return check_code(written.strip().upper())
    except Refused:
        return None


def directory(session: Session, *, names: Iterable[str], firms: Iterable[str], viewer: Actor) -> Directory:
    """The directory, as far as these names need it: a few statements for any number of rows."""
    found = Directory()
    for unit in session.execute(
        sa.select(Unit.id, Unit.name, Unit.short_name).where(Unit.ends_on.is_(None)).order_by(Unit.id)
    ):
        for text in (unit.name, unit.short_name):
            found.units.setdefault(fold(text), unit.id)
    wanted = {fold(name) for name in names}
    wanted |= {fold(parts[1]) for name in names if (parts := _OF_UNIT.match(name)) is not None}
    if wanted:
        people = session.execute(
            sa.select(User.id, User.name, User.unit_id, Unit.short_name)
            .outerjoin(Unit, Unit.id == User.unit_id)
            .where(User.is_active)
            .order_by(User.id)
        )
        for row in people:
            if fold(row.name) in wanted:
                found.people.setdefault(fold(row.name), []).append((row.id, fold(row.short_name or "")))
                found.unit_of[row.id] = row.unit_id
                person = actor_of(session, row.id)
                found.readers[row.id] = person is not None and person.may("project:read")
    keys = sorted({_code(name) or normalise(name) for name in firms})
    for start in range(0, len(keys), PART):
        part = keys[start : start + PART]
        for firm in session.execute(
            sa.select(Firm.id, Firm.code, Firm.name_key).where(
                sa.or_(Firm.code.in_(part), Firm.name_key.in_(part)), firm_visible_to(viewer),
                Firm.archived_on.is_(None), Firm.merged_into_id.is_(None),
            )
        ):  # fmt: skip
            for key in {firm.code, firm.name_key} & set(part):
                found.firms.setdefault(key, []).append(firm.id)
    return found


@dataclass(frozen=True, slots=True)
class There:
    """A project that is there, and what this viewer may do with it."""

    project: Project
    is_seen: bool
    is_editable: bool

    @property
    def is_open(self) -> bool:
        return self.project.state not in OVER


@dataclass(slots=True)
class Present:
    """The projects a list may mean, by everything that tells them apart."""

    by_id: dict[int, There] = field(default_factory=dict)
    by_number: dict[str, list[There]] = field(default_factory=dict)
    by_investor: dict[str, list[There]] = field(default_factory=dict)  # name key or code


def present(
    session: Session,
    *,
    keys: Iterable[str],
    codes: Iterable[str],
    numbers: Iterable[str],
    ids: Sequence[int] = (),
    viewer: Actor,
) -> Present:
    """Projects of these investors, with these numbers or ids; archived ones are left out."""
    found = Present()
    for column, values in (
        (Project.investor_key, keys), (Project.investor_code, codes), (Project.source_number, numbers),
        (Project.id, ids),
    ):  # fmt: skip
        wanted: list[Any] = sorted(set(values))
        for start in range(0, len(wanted), PART):
            rows = session.execute(
                sa.select(Project, visible_to(viewer).label("seen"), editable_by(viewer).label("edit"))
                .where(column.in_(wanted[start : start + PART]), Project.archived_on.is_(None))
                .order_by(Project.first_reported_at, Project.id)
            )
            for row in rows:
                if row.Project.id not in found.by_id:
                    _add(found, There(row.Project, bool(row.seen), bool(row.edit)))
    return found


def _add(found: Present, there: There) -> None:
    project = there.project
    found.by_id[project.id] = there
    if project.source_number:
        found.by_number.setdefault(project.source_number, []).append(there)
    for key in {project.investor_key, project.investor_code} - {None}:
        found.by_investor.setdefault(str(key), []).append(there)


def names_of(session: Session, ids: Sequence[int], viewer: Actor) -> dict[int, str]:
    """Names of projects the viewer may see, by id."""
    if not ids:
        return {}
    rows = session.execute(sa.select(Project.id, Project.name).where(Project.id.in_(ids), visible_to(viewer)))
    return {row.id: row.name for row in rows}

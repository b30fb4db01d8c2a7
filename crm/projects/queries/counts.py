"""The reported numbers as of a day. Totals are the same for everybody; the rows are those one may see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing
from crm.projects.models import Project, ProjectCount, ProjectPayment
from crm.projects.queries.counting import facts_of
from crm.projects.queries.scope import visible_to
from crm.projects.rules.counting import BY_KEY, FIGURES, Facts, Figure, Reason, reasons

PAGE = 50
UNCOUNTED = (
    "uncounted"  # signed by that day and not counted: no figure that is reported, but its rows say why not
)


@dataclass(slots=True)
class Tally:
    """A figure as of a day: how many projects, and in whole yuan what was agreed, what is fixed investment, what is in
    place of it. `ids` are the projects the viewer may see; `payments` how many payments a figure of money holds."""

    figure: Figure
    count: int = 0
    agreed: int = 0
    fixed: int = 0
    in_place: int = 0
    payments: int = 0
    ids: list[int] = field(default_factory=list)

    @property
    def withheld(self) -> int:
        return self.count - len(self.ids)

    @property
    def reported(self) -> dict[str, int]:
        """What a frozen month keeps of it: what no later write may change."""
        if self.figure.is_money:
            return {"in_place": self.in_place, "payments": self.payments}
        return {"count": self.count, "agreed": self.agreed, "fixed": self.fixed}


def _standing(model: Any, day: dt.date) -> sa.ColumnElement[bool]:
    """Rows that count as of a day: the rule `is_in`, as a condition."""
    return sa.and_(model.counts_on <= day, sa.or_(model.withdrawn_on.is_(None), model.withdrawn_on > day))


def tallies(session: Session, day: dt.date, *, viewer: Actor) -> dict[str, Tally]:
    """Every figure as of a day, by its key: two statements, however many rows."""
    viewer.require("project:read")
    counted = session.execute(
        sa.select(
            ProjectCount.project_id, ProjectCount.yuan, ProjectCount.fixed_yuan, ProjectCount.headquarters,
            ProjectCount.is_innovative, visible_to(viewer).label("is_seen"),
        )
        .join(Project, Project.id == ProjectCount.project_id)
        .where(_standing(ProjectCount, day))
        .order_by(ProjectCount.project_id, ProjectCount.id)
    ).all()  # fmt: skip
    paid = session.execute(
        sa.select(
            ProjectPayment.project_id, ProjectPayment.origin, ProjectPayment.kind,
            sa.func.sum(ProjectPayment.yuan).label("yuan"), sa.func.count().label("payments"),
            visible_to(viewer).label("is_seen"),
        )
        .join(Project, Project.id == ProjectPayment.project_id)
        .where(_standing(ProjectPayment, day))
        .group_by(ProjectPayment.project_id, ProjectPayment.origin, ProjectPayment.kind, Project.id)
        .order_by(ProjectPayment.project_id)
    ).all()  # fmt: skip
    money: dict[int, int] = {}
    for row in paid:
        money[row.project_id] = money.get(row.project_id, 0) + int(row.yuan)
    found = {}
    for figure in FIGURES:
        found[figure.key] = tally = Tally(figure)
        if figure.is_money:
            _pay(tally, paid)
        else:
            _count(tally, counted, money)
    return found


def _count(tally: Tally, rows: Sequence[Any], money: Mapping[int, int]) -> None:
    inside: set[int] = set()
    for row in rows:
        if not tally.figure.takes_count(row.yuan, row.headquarters, row.is_innovative):
            continue
        tally.count += 1
        tally.agreed += row.yuan
        tally.fixed += row.fixed_yuan or 0
        inside.add(row.project_id)
        if row.is_seen:
            tally.ids.append(row.project_id)
    tally.in_place = sum(money.get(project_id, 0) for project_id in inside)


def _pay(tally: Tally, rows: Sequence[Any]) -> None:
    inside: dict[int, bool] = {}
    for row in rows:
        if tally.figure.takes_payment(row.origin, row.kind):
            tally.in_place += int(row.yuan)
            tally.payments += row.payments
            inside[row.project_id] = bool(row.is_seen)
    tally.count = len(inside)
    tally.ids = [project_id for project_id, is_seen in inside.items() if is_seen]


def get_figure(key: str) -> Figure:
    """The figure of this key. Raises `Missing`."""
    if key not in BY_KEY:
        raise Missing(N_("没有这个统计口径。"))
    return BY_KEY[key]


@dataclass(frozen=True, slots=True)
class Row:
    """A row behind a figure: the project, its amounts of that day, and why it counts, or why not."""

    project: Project
    agreed: int | None
    fixed: int | None
    in_place: int
    on: dt.date | None
    why: Sequence[Reason | Message]


@dataclass(frozen=True, slots=True)
class Opened:
    """A page of the rows behind a figure: those the viewer may see, how many there are in all, how many are withheld."""

    rows: Sequence[Row]
    count: int
    withheld: int
    page: int
    pages: int


def opened(session: Session, key: str, day: dt.date, *, viewer: Actor, page: int = 1) -> Opened:
    """The rows behind a figure, or those signed and not counted (`UNCOUNTED`). A constant number of statements."""
    viewer.require("project:read")
    if key == UNCOUNTED:
        return _uncounted(session, day, viewer, page)
    figure = get_figure(key)
    return (
        _payments(session, figure, day, viewer, page)
        if figure.is_money
        else _counts(session, figure, day, viewer, page)
    )


def _where(figure: Figure) -> list[Any]:
    clauses: list[Any] = []
    if figure.least is not None:
        clauses.append(ProjectCount.yuan >= figure.least)
    if figure.below is not None:
        clauses.append(ProjectCount.yuan < figure.below)
    if figure.is_any_headquarters:
        clauses.append(ProjectCount.headquarters.is_not(None))
    if figure.headquarters is not None:
        clauses.append(ProjectCount.headquarters == figure.headquarters)
    if figure.is_innovative:
        clauses.append(ProjectCount.is_innovative.is_(True))
    return clauses


def _cut(page: int, seen: int) -> tuple[int, int]:
    pages = max(1, -(-seen // PAGE))
    return min(max(page, 1), pages), pages


def _counts(session: Session, figure: Figure, day: dt.date, viewer: Actor, page: int) -> Opened:
    base = (
        sa.select(ProjectCount.id)
        .join(Project, Project.id == ProjectCount.project_id)
        .where(_standing(ProjectCount, day), *_where(figure))
    )
    total, seen = _sizes(session, base, viewer)
    page, pages = _cut(page, seen)
    rows = session.execute(
        base.with_only_columns(ProjectCount, Project, User.name)
        .outerjoin(User, User.id == ProjectCount.checked_by_id)
        .where(visible_to(viewer))
        .order_by(ProjectCount.yuan.desc(), ProjectCount.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    money = _money(session, [project.id for _count, project, _who in rows], day)
    facts = facts_of(session, [project.id for _count, project, _who in rows])
    found = [
        Row(project, count.yuan, count.fixed_yuan, money.get(project.id, 0), count.counts_on,
            reasons(_as_counted(facts[project.id], count, who or "")))
        for count, project, who in rows
    ]  # fmt: skip
    return Opened(found, total, total - seen, page, pages)


def _as_counted(facts: Facts, count: ProjectCount, who: str) -> Facts:
    """The facts with this very count in them: it may have been withdrawn since the day that was asked for."""
    return Facts(
        facts.signed_on, count.yuan, max(facts.contracts, 1), 0, False, facts.is_increase, facts.state,
        facts.is_archived, count.counts_on, count.checked_on, who,
    )  # fmt: skip


def _sizes(session: Session, base: sa.Select[Any], viewer: Actor) -> tuple[int, int]:
    def size(select: sa.Select[Any]) -> int:
        return session.scalar(sa.select(sa.func.count()).select_from(select.subquery())) or 0

    return size(base), size(base.where(visible_to(viewer)))


def _money(session: Session, ids: Sequence[int], day: dt.date) -> dict[int, int]:
    rows = session.execute(
        sa.select(ProjectPayment.project_id, sa.func.sum(ProjectPayment.yuan))
        .where(ProjectPayment.project_id.in_(ids), _standing(ProjectPayment, day))
        .group_by(ProjectPayment.project_id)
    )
    return {project_id: int(yuan) for project_id, yuan in rows}


def _payments(session: Session, figure: Figure, day: dt.date, viewer: Actor, page: int) -> Opened:
    clauses: list[Any] = [_standing(ProjectPayment, day)]
    if figure.origin is not None:
        clauses.append(ProjectPayment.origin == figure.origin)
    if figure.kind is not None:
        clauses.append(ProjectPayment.kind == figure.kind)
    base = sa.select(Project.id).where(Project.id.in_(sa.select(ProjectPayment.project_id).where(*clauses)))
    total, seen = _sizes(session, base, viewer)
    page, pages = _cut(page, seen)
    paid = aliased(
        sa.select(
            ProjectPayment.project_id, sa.func.sum(ProjectPayment.yuan).label("yuan"),
            sa.func.count().label("payments"), sa.func.max(ProjectPayment.counts_on).label("on"),
        )
        .where(*clauses)
        .group_by(ProjectPayment.project_id)
        .subquery()
    )  # fmt: skip
    rows = session.execute(
        sa.select(Project, paid.c.yuan, paid.c.payments, paid.c.on)
        .join(paid, paid.c.project_id == Project.id)
        .where(visible_to(viewer))
        .order_by(paid.c.yuan.desc(), Project.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    text = N_("%(n)s 笔已核定，最近计入 %(on)s")
    found = [
        Row(project, project.agreed_yuan, project.fixed_yuan, int(yuan), on,
            [Message(text, {"n": payments, "on": on})])
        for project, yuan, payments, on in rows
    ]  # fmt: skip
    return Opened(found, total, total - seen, page, pages)


def _uncounted(session: Session, day: dt.date, viewer: Actor, page: int) -> Opened:
    counted = sa.select(ProjectCount.project_id).where(_standing(ProjectCount, day))
    base = sa.select(Project.id).where(
        Project.signed_on <= day, Project.merged_into_id.is_(None), Project.id.not_in(counted)
    )
    total, seen = _sizes(session, base, viewer)
    page, pages = _cut(page, seen)
    projects = session.scalars(
        base.with_only_columns(Project)
        .where(visible_to(viewer))
        .order_by(Project.signed_on.desc(), Project.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    ).all()
    ids = [project.id for project in projects]
    facts, money = facts_of(session, ids), _money(session, ids, day)
    found = [
        Row(project, project.agreed_yuan, project.fixed_yuan, money.get(project.id, 0), project.signed_on,
            _why_not(facts[project.id]))
        for project in projects
    ]  # fmt: skip
    return Opened(found, total, total - seen, page, pages)


def _why_not(facts: Facts) -> Sequence[Reason | Message]:
    if facts.counts_on is not None:
        return [Message(N_("已核定，从 %(on)s 起计入"), {"on": facts.counts_on})]
    *lines, check = (reason for reason in reasons(facts) if not reason.is_met)
    return lines or [check]


def original_of(session: Session, project: Project, *, viewer: Actor) -> tuple[int, str] | None:
    """(id, name) of the project this one is a capital increase of; the name is empty where it may not be seen."""
    if project.increases_id is None:
        return None
    name = session.scalar(
        sa.select(Project.name).where(Project.id == project.increases_id, visible_to(viewer))
    )
    return project.increases_id, name or ""

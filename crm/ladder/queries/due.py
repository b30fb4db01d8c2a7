"""What is due: certificates that lapse, the yearly report, reports of renames, national SMEs to be registered again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core.months import add_months
from crm.core.permissions import Actor
from crm.firms.models import AboveScale, Firm, FirmName, IpCount, RdInstitution, YearFigures
from crm.firms.queries import figures_visible_to, visible_to
from crm.firms.rules.standing import rename_report_due
from crm.firms.rules.words import IpKind, NameKind
from crm.ladder.models import Application, Certification, StageInterval, YearlyReport
from crm.ladder.queries.counts import at_stage, valid_on
from crm.ladder.queries.within import ONE, Within
from crm.ladder.rules.board import light
from crm.ladder.rules.kinds import HIGH_TECH, KINDS
from crm.ladder.rules.words import Stage

_YEARLY = [kind.code for kind in KINDS.values() if kind.until is not None]


@dataclass(frozen=True, slots=True)
class Expiry:
    """A certificate that lapses soon."""

    firm_id: int
    firm: str
    officer: str | None
    kind: str
    number: str | None
    expires_on: dt.date
    is_followed: bool  # an application for the next one is open

    def light(self, as_of: dt.date) -> str:
        return light(self.expires_on, as_of) or "n"


@dataclass(frozen=True, slots=True)
class Rename:
    """A high-tech enterprise that changed its name and has three months to report it."""

    firm_id: int
    firm: str
    former: str
    renamed_on: dt.date
    due_on: dt.date


def expiry_days(
    session: Session, within: Within, *, viewer: Actor, months: int = 12, kind: str | None = None
) -> list[tuple[dt.date, int]]:
    """How many certificates lapse on which day of so many months, in their order; which ones, says `expiries`."""
    query = (
        sa.select(Certification.expires_on, sa.func.count())
        .where(*lapsing_where(within, viewer, within.as_of, add_months(within.as_of, months), kind))
        .group_by(Certification.expires_on)
        .order_by(Certification.expires_on)
    )
    return [(day, number) for day, number in session.execute(query) if day is not None]


def expiries(
    session: Session,
    within: Within,
    spans: Sequence[tuple[dt.date, dt.date]],
    *,
    viewer: Actor,
    kind: str | None = None,
    limit: int,
    skip: int = 0,
) -> list[Expiry]:
    """Certificates that lapse within these spans of days and have no successor yet, the nearest first; of each
    span at most `limit` after the first `skip`. One statement.

    Without a kind those that all lapse on the same day of the year are left out: the page names them as one.
    """
    if not spans:
        return []
    officer = aliased(User)
    order = (Certification.expires_on, Firm.name_sort, Certification.id)
    parts = [
        sa.select(Certification.id)
        .join(Firm, Firm.id == Certification.firm_id)
        .where(*lapsing_where(within, viewer, first, last, kind))
        .order_by(*order)
        .limit(limit)
        .offset(skip)
        for first, last in spans
    ]
    chosen = sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery()
    followed = sa.exists(ONE).where(
        Application.firm_id == Certification.firm_id, Application.kind == Certification.kind,
        Application.is_open.is_(True),
    )  # fmt: skip
    query = (
        sa.select(
            Certification.firm_id, Firm.name, officer.name, Certification.kind, Certification.number,
            Certification.expires_on, followed,
        )
        .select_from(chosen)
        .join(Certification, Certification.id == chosen.c.id)
        .join(Firm, Firm.id == Certification.firm_id)
        .outerjoin(officer, officer.id == Firm.officer_id)
        .order_by(*order)
    )  # fmt: skip
    return [Expiry(*row) for row in session.execute(query)]  # type: ignore[arg-type]


def lapsing_where(
    within: Within, viewer: Actor, first: dt.date, last: dt.date, kind: str | None
) -> list[sa.ColumnElement[bool]]:
    """Certificates of firms in the zone that hold today, lapse from the first to the last day and have none after
    them."""
    later = aliased(Certification)
    renewed = sa.exists(ONE).where(
        later.firm_id == Certification.firm_id, later.kind == Certification.kind, later.ended_on.is_(None),
        later.granted_on > Certification.granted_on,
        sa.or_(later.expires_on.is_(None), later.expires_on > Certification.expires_on),
    )  # fmt: skip
    return [
        Certification.expires_on.between(max(first, within.as_of), last),
        Certification.granted_on <= within.as_of,
        sa.or_(Certification.ended_on.is_(None), Certification.ended_on > within.as_of),
        Certification.kind == kind if kind else Certification.kind.not_in(_YEARLY),
        sa.not_(renewed),
        _present(within.as_of),
        *within.of(Certification.firm_id, viewer),
    ]


def _present(as_of: dt.date) -> sa.ColumnElement[bool]:
    """Certificates of firms that are in the zone."""
    return sa.exists(ONE).where(StageInterval.firm_id == Certification.firm_id, at_stage(as_of, pending=None))


def count_holders(session: Session, within: Within, kind: str, *, viewer: Actor) -> int:
    """Firms in the zone that hold a valid certificate of a kind on a day."""
    query = sa.select(sa.func.count(Certification.firm_id.distinct())).where(
        valid_on(within.as_of, kind), _present(within.as_of), *within.of(Certification.firm_id, viewer)
    )
    return session.execute(query).scalar_one()


def renames(session: Session, within: Within, *, viewer: Actor) -> list[Rename]:
    """Renames of high-tech enterprises still to be reported: the name was given up in the last three months."""
    query = (
        sa.select(Firm.id, Firm.name, FirmName.name, FirmName.until_on)
        .join(FirmName, FirmName.firm_id == Firm.id)
        .where(
            *within.where(viewer), FirmName.kind == NameKind.FORMER, FirmName.until_on.is_not(None),
            FirmName.until_on <= within.as_of, FirmName.until_on >= add_months(within.as_of, -4),
            sa.exists(ONE).where(Certification.firm_id == Firm.id, valid_on(within.as_of, HIGH_TECH)),
        )
        .order_by(FirmName.until_on, Firm.id)
    )  # fmt: skip
    found = [
        Rename(firm_id, name, former, on, rename_report_due(on))
        for firm_id, name, former, on in session.execute(query)
        if on is not None
    ]
    return [item for item in found if item.due_on >= within.as_of]


def reports_of(session: Session, firm_id: int) -> dict[int, dt.date]:
    """The yearly reports entered for a firm: year → day."""
    rows = session.execute(
        sa.select(YearlyReport.year, YearlyReport.filed_on).where(YearlyReport.firm_id == firm_id)
    )
    return dict(iter(rows))


def pending(session: Session, within: Within, *, viewer: Actor) -> int:
    """Firms whose national SME registration has lapsed and is kept as 待复评."""
    query = sa.select(sa.func.count(StageInterval.firm_id)).where(
        at_stage(within.as_of, Stage.SMALL_TO_HIGH_TECH, pending=True),
        *within.of(StageInterval.firm_id, viewer),
    )
    return session.execute(query).scalar_one()


def last_national_lapse(as_of: dt.date) -> dt.date:
    """The day the national SME registrations lapse next."""
    due = dt.date(as_of.year, 3, 31)
    return due if due >= as_of else dt.date(as_of.year + 1, 3, 31)


@dataclass(frozen=True, slots=True)
class Zero:
    """An above-scale industrial firm in a year: True, False, or None where nothing is known."""

    firm_id: int
    firm: str
    street: str | None
    officer: str | None
    institution: bool
    expense: bool | None
    expense_yuan: int | None
    patents: bool | None
    patent_count: int | None

    @property
    def is_listed(self) -> bool:
        """On the list unless all three are known to be there."""
        return not (self.institution and self.expense and self.patents)


def three_zeroing(session: Session, year: int, *, viewer: Actor) -> list[Zero]:
    """三清零 (policy.md § 5): every above-scale industrial firm of the year with its three booleans. Three statements.

    R&D expense is any of the three definitions above zero, statistics first; patents are the latest count of
    invention patents by the year's end. Only firms whose figures the viewer may read.
    """
    end = dt.date(year, 12, 31)
    street, officer = aliased(Unit), aliased(User)
    institution = sa.exists().where(
        RdInstitution.firm_id == Firm.id, RdInstitution.recognised_on <= end,
        sa.or_(RdInstitution.ended_on.is_(None), RdInstitution.ended_on > end),
    )  # fmt: skip
    expense = sa.func.coalesce(
        YearFigures.rd_statistics_yuan, YearFigures.rd_deduction_yuan, YearFigures.rd_high_tech_yuan
    )
    query = (
        sa.select(Firm.id, Firm.name, street.short_name, officer.name, institution, expense)
        .join(AboveScale, sa.and_(AboveScale.firm_id == Firm.id, AboveScale.year == year))
        .outerjoin(YearFigures, sa.and_(YearFigures.firm_id == Firm.id, YearFigures.year == year))
        .outerjoin(street, street.id == Firm.street_id)
        .outerjoin(officer, officer.id == Firm.officer_id)
        .where(
            AboveScale.is_above, AboveScale.is_industrial, visible_to(viewer), figures_visible_to(viewer),
            Firm.archived_on.is_(None),
        )
        .order_by(Firm.name_sort, Firm.id)
    )  # fmt: skip
    rows = session.execute(query).all()
    inner = sa.select(AboveScale.firm_id).where(
        AboveScale.year == year, AboveScale.is_above, AboveScale.is_industrial
    )
    counted: dict[tuple[int, str], int] = {}
    patents = sa.select(IpCount.firm_id, IpCount.acquisition, IpCount.count).where(
        IpCount.kind == IpKind.INVENTION, IpCount.counted_on <= end, IpCount.firm_id.in_(inner)
    )
    for firm_id, acquisition, number in session.execute(patents.order_by(IpCount.counted_on)):
        counted[(firm_id, acquisition)] = number
    totals: dict[int, int] = {}
    for (firm_id, _acquisition), number in counted.items():
        totals[firm_id] = totals.get(firm_id, 0) + number
    return [
        Zero(
            firm_id, name, street_name, officer_name, bool(has), None if amount is None else amount > 0, amount,
            None if firm_id not in totals else totals[firm_id] > 0, totals.get(firm_id),
        )
        for firm_id, name, street_name, officer_name, has, amount in rows
    ]  # fmt: skip


def years_known(session: Session) -> list[int]:
    """Years with above-scale flags, the latest first."""
    return list(session.scalars(sa.select(AboveScale.year).distinct().order_by(AboveScale.year.desc())))

"""One firm: the record, what is dated or counted about it, its history. The viewer decides what is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased, joinedload

from crm.core.audit import AuditEnvelope
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing
from crm.firms.models import (
    AboveScale,
    Contact,
    EquityRound,
    Firm,
    FirmMove,
    FirmName,
    IpCount,
    RdInstitution,
    YearFigures,
)
from crm.firms.queries.merged import Merged, survivor
from crm.firms.queries.scope import editable_by, figures_visible_to, reach, visible_to
from crm.firms.rules.words import Acquisition, IpKind


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel another feature shows on a firm's page, loaded when it comes into view."""

    title: str
    endpoint: str  # takes firm_id, or, where it serves every kind of record, kind and record_id
    needs: str
    kind: str | None = None

    def values(self, firm_id: int) -> dict[str, str | int]:
        """What its address takes."""
        return {"firm_id": firm_id} if self.kind is None else {"kind": self.kind, "record_id": firm_id}


PANELS: list[Panel] = []  # filled by the factory
TAGS: list[
    Callable[[Session, int, dt.date], Sequence[tuple[str | Message, bool]]]
] = []  # (text, is it the stage)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a viewer may do with one firm."""

    edit: bool
    figures: bool
    edit_figures: bool
    reveal: bool
    has_taken_in: bool = False  # others have been merged into it


def get_firm(session: Session, firm_id: int, *, viewer: Actor) -> Firm:
    """The firm with its street and officer. Raises `Missing` when there is none, or none to be seen, and `Merged`
    when it has become part of another."""
    if not 0 < firm_id < 2**63:
        raise Missing(N_("没有这家企业。"))
    found = session.execute(
        sa.select(Firm)
        .options(joinedload(Firm.street), joinedload(Firm.officer))
        .where(Firm.id == firm_id, visible_to(viewer))
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这家企业。"))
    if found.merged_into_id is not None:
        into, its_name = survivor(session, found.merged_into_id)
        raise Merged(found.id, into, found.name, its_name)
    return found


Gone = aliased(Firm)


def rights(session: Session, firm_id: int, viewer: Actor) -> Rights:
    """What the viewer may do with this firm: one statement."""
    row = session.execute(
        sa.select(
            editable_by(viewer).label("edit"),
            figures_visible_to(viewer).label("figures"),
            reach(viewer, "figure:edit").label("edit_figures"),
            reach(viewer, "contact:reveal").label("reveal"),
            sa.exists().where(Gone.merged_into_id == Firm.id).correlate(Firm).label("has_taken_in"),
        ).where(Firm.id == firm_id)
    ).one()
    return Rights(*(bool(value) for value in row))


def names_of(session: Session, firm_id: int) -> Sequence[FirmName]:
    """Former and other names, the latest first."""
    return session.scalars(
        sa.select(FirmName)
        .where(FirmName.firm_id == firm_id)
        .order_by(FirmName.until_on.desc().nulls_last(), FirmName.id.desc())
        .limit(50)
    ).all()


def name_of(session: Session, firm_id: int, name: str) -> FirmName | None:
    """A name of a firm as it is noted, if it is."""
    return session.execute(
        sa.select(FirmName).where(FirmName.firm_id == firm_id, FirmName.name == name[:200])
    ).scalar_one_or_none()


def moves_of(session: Session, firm_id: int) -> Sequence[FirmMove]:
    """Changes of status, the latest first."""
    return session.scalars(
        sa.select(FirmMove)
        .where(FirmMove.firm_id == firm_id)
        .order_by(FirmMove.on.desc(), FirmMove.id.desc())
        .limit(20)
    ).all()


def contacts_of(session: Session, firm_id: int) -> Sequence[Contact]:
    """Contacts, the main one first. Whoever shows them masks them unless they were revealed."""
    return session.scalars(
        sa.select(Contact)
        .where(Contact.firm_id == firm_id)
        .order_by(Contact.is_primary.desc(), Contact.id)
        .limit(50)
    ).all()


def figures_of(session: Session, firm_id: int, years: int = 5) -> Sequence[YearFigures]:
    """The latest years on record, the newest first."""
    return session.scalars(
        sa.select(YearFigures)
        .where(YearFigures.firm_id == firm_id)
        .order_by(YearFigures.year.desc())
        .limit(years)
    ).all()


def figures_in(session: Session, firm_id: int, year: int) -> YearFigures | None:
    """A year's figures, or None when there are none."""
    return session.execute(
        sa.select(YearFigures).where(YearFigures.firm_id == firm_id, YearFigures.year == year)
    ).scalar_one_or_none()


def ip_of(session: Session, firm_id: int) -> Sequence[IpCount]:
    """The IP counts of the latest day on record."""
    latest = sa.select(sa.func.max(IpCount.counted_on)).where(IpCount.firm_id == firm_id).scalar_subquery()
    return session.scalars(
        sa.select(IpCount)
        .where(IpCount.firm_id == firm_id, IpCount.counted_on == latest)
        .order_by(IpCount.kind, IpCount.acquisition)
    ).all()


def ip_in(
    session: Session, firm_id: int, kind: IpKind, acquisition: Acquisition, counted_on: dt.date
) -> IpCount | None:
    """The count of one kind, got in one way, on one day, if there is one."""
    return session.execute(
        sa.select(IpCount).where(
            IpCount.firm_id == firm_id, IpCount.kind == kind, IpCount.acquisition == acquisition,
            IpCount.counted_on == counted_on,
        )
    ).scalar_one_or_none()  # fmt: skip


def above_scale_in(session: Session, firm_id: int, year: int) -> AboveScale | None:
    """A year's above-scale mark, if there is one."""
    return session.execute(
        sa.select(AboveScale).where(AboveScale.firm_id == firm_id, AboveScale.year == year)
    ).scalar_one_or_none()


def equity_of(session: Session, firm_id: int) -> Sequence[EquityRound]:
    """Equity rounds, the latest first."""
    return session.scalars(
        sa.select(EquityRound)
        .where(EquityRound.firm_id == firm_id)
        .order_by(EquityRound.on.desc(), EquityRound.id.desc())
        .limit(50)
    ).all()


def institutions_of(session: Session, firm_id: int) -> Sequence[RdInstitution]:
    """R&D institutions, the latest first."""
    return session.scalars(
        sa.select(RdInstitution)
        .where(RdInstitution.firm_id == firm_id)
        .order_by(RdInstitution.recognised_on.desc(), RdInstitution.id.desc())
        .limit(50)
    ).all()


def above_scale_of(session: Session, firm_id: int) -> Sequence[AboveScale]:
    """The above-scale flags, the latest year first."""
    return session.scalars(
        sa.select(AboveScale).where(AboveScale.firm_id == firm_id).order_by(AboveScale.year.desc()).limit(10)
    ).all()


def own_operation(
    session: Session, operation: str, *, actor: Actor, action: str, also: Sequence[str] = ()
) -> int:
    """What the operation was about (0: nothing in particular). Raises `Missing` unless it is this person's and of
    one of these kinds."""
    found = session.execute(
        sa.select(AuditEnvelope.seq, AuditEnvelope.subject_id).where(
            AuditEnvelope.operation == operation.replace("\x00", "")[:32],
            AuditEnvelope.action.in_([action, *also]),
            AuditEnvelope.actor_id == actor.user_id,
        )
    ).one_or_none()
    if found is None:
        raise Missing(N_("没有这次操作。"))
    return found.subject_id or 0

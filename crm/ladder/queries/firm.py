"""The ladder of one firm: certificates, applications with their steps, stage history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.core.permissions import Actor
from crm.core.words import N_, Missing
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.ladder.models import Application, ApplicationMove, Certification, StageInterval
from crm.ladder.queries.counts import at_stage
from crm.ladder.rules.words import ApplicationStep


@dataclass(slots=True)
class Followed:
    """An application with its dated steps."""

    application: Application
    officer: str | None
    moves: list[tuple[dt.date, ApplicationStep, str | None, str | None, str | None]] = field(
        default_factory=list
    )


def certifications_of(session: Session, firm_id: int, *, viewer: Actor) -> Sequence[Certification]:
    """All certificates of a firm, the newest first."""
    return session.scalars(
        sa.select(Certification)
        .join(Firm, Firm.id == Certification.firm_id)
        .where(Certification.firm_id == firm_id, visible_to(viewer))
        .order_by(Certification.granted_on.desc(), Certification.id.desc())
    ).all()


def applications_of(session: Session, firm_id: int, *, viewer: Actor) -> list[Followed]:
    """All applications of a firm with their steps, the open ones first. Two statements."""
    officer = aliased(User)
    rows = session.execute(
        sa.select(Application, officer.name)
        .join(Firm, Firm.id == Application.firm_id)
        .outerjoin(officer, officer.id == Application.officer_id)
        .where(Application.firm_id == firm_id, visible_to(viewer))
        .order_by(Application.closed_on.is_not(None), Application.opened_on.desc(), Application.id.desc())
    ).all()
    found = {application.id: Followed(application, name) for application, name in rows}
    who = aliased(User)
    moves = (
        sa.select(
            ApplicationMove.application_id, ApplicationMove.on.label("on"), ApplicationMove.step, who.name,
            ApplicationMove.batch, ApplicationMove.reason,
        )
        .outerjoin(who, who.id == ApplicationMove.officer_id)
        .where(ApplicationMove.application_id.in_(list(found)))
        .order_by(ApplicationMove.on, ApplicationMove.id)
    )  # fmt: skip
    for row in session.execute(moves) if found else ():
        found[row.application_id].moves.append((row.on, row.step, row.name, row.batch, row.reason))
    return list(found.values())


def stages_of(session: Session, firm_id: int, *, viewer: Actor) -> Sequence[StageInterval]:
    """The stage history of a firm, future lapses included, in the order of time."""
    return session.scalars(
        sa.select(StageInterval)
        .join(Firm, Firm.id == StageInterval.firm_id)
        .where(StageInterval.firm_id == firm_id, visible_to(viewer))
        .order_by(StageInterval.from_on)
    ).all()


def stages_on(session: Session, firm_ids: Sequence[int], day: dt.date) -> dict[int, StageInterval]:
    """The interval of each firm on a day."""
    found: dict[int, StageInterval] = {}
    if firm_ids:
        query = sa.select(StageInterval).where(
            StageInterval.firm_id.in_(firm_ids), at_stage(day, pending=None)
        )
        found = {item.firm_id: item for item in session.scalars(query)}
    return found


def get_certification(session: Session, certification_id: int, *, viewer: Actor) -> tuple[Certification, str]:
    """A certificate and its firm's name. Raises `Missing`."""
    found = session.execute(
        sa.select(Certification, Firm.name)
        .join(Firm, Firm.id == Certification.firm_id)
        .where(Certification.id == bounded(certification_id), visible_to(viewer))
    ).one_or_none()
    if found is None:
        raise Missing(N_("没有这张证书。"))
    return found[0], found[1]


def get_application(session: Session, application_id: int, *, viewer: Actor) -> tuple[Application, str]:
    """An application and its firm's name. Raises `Missing`."""
    found = session.execute(
        sa.select(Application, Firm.name)
        .join(Firm, Firm.id == Application.firm_id)
        .where(Application.id == bounded(application_id), visible_to(viewer))
    ).one_or_none()
    if found is None:
        raise Missing(N_("没有这项申报。"))
    return found[0], found[1]


def bounded(number: int) -> int:
    """An id both databases can compare; one out of range is none at all."""
    if not 0 < number < 2**63:
        raise Missing(N_("没有这条记录。"))
    return number

"""Money in place of one project: its payments, the sums that are kept apart, how it grew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.activities.models import Attachment
from crm.activities.queries.files import visible
from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing, Money
from crm.projects.models import ProjectPayment

MOST = 500


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as the panel lists it. `file` is the name of its evidence, None where there is none to be seen."""

    payment: ProjectPayment
    entered_by: str
    checked_by: str
    file: str | None

    @property
    def is_in_place(self) -> bool:
        return self.payment.checked_on is not None and self.payment.withdrawn_on is None


def payments_of(session: Session, project_id: int, *, viewer: Actor) -> Sequence[Paid]:
    """The payments of a project the viewer has been found to see, the latest first, withdrawn ones too."""
    entered, checked = aliased(User), aliased(User)
    rows = session.execute(
        sa.select(ProjectPayment, entered.name, checked.name, Attachment.name)
        .outerjoin(entered, entered.id == ProjectPayment.entered_by_id)
        .outerjoin(checked, checked.id == ProjectPayment.checked_by_id)
        .outerjoin(
            Attachment,
            sa.and_(
                Attachment.id == ProjectPayment.evidence_id, Attachment.removed_on.is_(None), visible(viewer)
            ),
        )
        .where(ProjectPayment.project_id == project_id)
        .order_by(ProjectPayment.on.desc(), ProjectPayment.id.desc())
        .limit(MOST)
    )
    return [Paid(payment, by or "", second or "", file) for payment, by, second, file in rows]


def get_payment(session: Session, project_id: int, row_id: int) -> ProjectPayment:
    """A payment of this very project. Raises `Missing`."""
    found = None
    if 0 < row_id < 2**63:
        found = session.execute(
            sa.select(ProjectPayment).where(
                ProjectPayment.id == row_id, ProjectPayment.project_id == project_id
            )
        ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这笔到位资金。"))
    return found


def in_place(rows: Sequence[Paid]) -> int:
    """What is in place: checked, and not withdrawn."""
    return sum(row.payment.yuan for row in rows if row.is_in_place)


def growth(rows: Sequence[Paid]) -> list[tuple[dt.date, int, int]]:
    """How money in place grew: (day paid, that day's yuan, all until then), the earliest first."""
    days: dict[dt.date, int] = {}
    for row in rows:
        if row.is_in_place:
            days[row.payment.on] = days.get(row.payment.on, 0) + row.payment.yuan
    found, total = [], 0
    for day in sorted(days):
        total += days[day]
        found.append((day, days[day], total))
    return found


def _keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "project":
        return None
    here = sa.and_(ProjectPayment.project_id == subject[1], ProjectPayment.withdrawn_on.is_(None))
    return Keys(ProjectPayment.on, ProjectPayment.id, here)


def _entries(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(
            ProjectPayment.id, ProjectPayment.on, ProjectPayment.yuan, ProjectPayment.kind,
            ProjectPayment.checked_on, User.name,
        )
        .outerjoin(User, User.id == ProjectPayment.entered_by_id)
        .where(ProjectPayment.id.in_(ids))
    )  # fmt: skip
    checked, waiting = N_("到位 %(amount)s（%(kind)s）"), N_("到位 %(amount)s（%(kind)s，待核定）")
    return {
        row.id: Entry(
            "payment", row.id, row.on,
            Message(checked if row.checked_on else waiting, {"amount": Money(row.yuan), "kind": row.kind}),
            who=row.name or "", is_change=True,
        )
        for row in rows
    }  # fmt: skip


PAYMENTS = Source("payment", Group.TITLE, _keys, _entries)  # in a project's timeline

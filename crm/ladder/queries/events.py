"""What the ladder tells in a firm's timeline: certificates granted and ended, and the stages it came to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.ladder.models import Certification, StageInterval
from crm.ladder.rules.kinds import KINDS


def _kind(code: str) -> object:
    kind = KINDS.get(code)
    return kind.name if kind else code


def _granted_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "firm":
        return None
    return Keys(Certification.granted_on, Certification.id, Certification.firm_id == subject[1])


def _granted(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(
            Certification.id, Certification.kind, Certification.number, Certification.granted_on,
            Certification.document,
        ).where(Certification.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Entry(
            "certificate", row.id, row.granted_on, Message(N_("获得%(kind)s"), {"kind": _kind(row.kind)}),
            text=" · ".join(part for part in (row.number, row.document) if part), is_change=True,
        )
        for row in rows
    }  # fmt: skip


def _ended_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "firm":
        return None
    where = sa.and_(Certification.firm_id == subject[1], Certification.ended_on.is_not(None))
    return Keys(Certification.ended_on, Certification.id, where)


def _ended(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(
            Certification.id, Certification.kind, Certification.ended_on, Certification.end_cause,
            Certification.end_reason,
        ).where(Certification.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Entry(
            "certificate-end", row.id, row.ended_on,
            Message(N_("%(kind)s终止：%(cause)s"), {"kind": _kind(row.kind), "cause": row.end_cause or ""}),
            text=row.end_reason or "", is_change=True,
        )
        for row in rows
    }  # fmt: skip


def _stage_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "firm":
        return None
    # what has not come yet is on the ladder's own panel
    where = sa.and_(StageInterval.firm_id == subject[1], StageInterval.from_on <= today)
    return Keys(StageInterval.from_on, StageInterval.id, where)


def _stages(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(
            StageInterval.id, StageInterval.stage, StageInterval.from_on, StageInterval.is_pending
        ).where(StageInterval.id.in_(ids))
    )
    return {
        row.id: Entry(
            "stage", row.id, row.from_on,
            Message(
                N_("进入「%(stage)s」（待复评）") if row.is_pending else N_("进入「%(stage)s」"), {"stage": row.stage}
            ),
            is_change=True,
        )
        for row in rows
    }  # fmt: skip


CERTIFICATES = Source("certificate", Group.TITLE, _granted_keys, _granted)
ENDED = Source("certificate-end", Group.TITLE, _ended_keys, _ended)
STAGES = Source("stage", Group.TITLE, _stage_keys, _stages)

"""What a project's moves, money and changes of charge tell in its timeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.activities.queries.moves import moves
from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.core.words import N_, Message
from crm.projects.models import ProjectCharge
from crm.projects.queries.books import BOOKS


def _charge_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "project":
        return None
    return Keys(ProjectCharge.from_on, ProjectCharge.id, ProjectCharge.project_id == subject[1])


def _charges(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    leader, liaison = aliased(User), aliased(User)
    rows = session.execute(
        sa.select(
            ProjectCharge.id, ProjectCharge.from_on, ProjectCharge.reason, leader.name.label("leader"),
            liaison.name.label("liaison"),
        )
        .join(leader, leader.id == ProjectCharge.leader_id)
        .join(liaison, liaison.id == ProjectCharge.liaison_id)
        .where(ProjectCharge.id.in_(ids))
    )  # fmt: skip
    text = N_("领导 %(leader)s，联络员 %(liaison)s")
    return {
        row.id: Entry(
            "charge", row.id, row.from_on, Message(text, {"leader": row.leader, "liaison": row.liaison}),
            text=row.reason or "", is_change=True,
        )
        for row in rows
    }  # fmt: skip


MOVES = moves("move", BOOKS, {MoveKind.REPORT: N_("首报线索")})
CHARGES = Source("charge", Group.TITLE, _charge_keys, _charges)

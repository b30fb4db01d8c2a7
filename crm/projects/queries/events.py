"""What a project's moves, money and changes of charge tell in its timeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.projects.models import ProjectCharge, ProjectMove
from crm.projects.rules.words import MoveKind


def _move_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "project":
        return None
    return Keys(ProjectMove.on, ProjectMove.id, ProjectMove.project_id == subject[1])


_TITLES = {
    MoveKind.REPORT: N_("首报线索"),
    MoveKind.ADVANCE: N_("进入「%(stage)s」"),
    MoveKind.JUMP: N_("跳到「%(stage)s」"),
    MoveKind.BACK: N_("退回「%(stage)s」"),
    MoveKind.ASIDE: N_("转为「%(state)s」"),
    MoveKind.RESUME: N_("重新推进"),
}


def _moves(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(
            ProjectMove.id, ProjectMove.on, ProjectMove.kind, ProjectMove.stage, ProjectMove.state,
            ProjectMove.reason, User.name,
        )
        .outerjoin(User, User.id == ProjectMove.by_id)
        .where(ProjectMove.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Entry(
            "move", row.id, row.on, Message(_TITLES[row.kind], {"stage": row.stage, "state": row.state}),
            text=row.reason or "", who=row.name or "", is_change=True,
        )
        for row in rows
    }  # fmt: skip


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


MOVES = Source("move", Group.TITLE, _move_keys, _moves)
CHARGES = Source("charge", Group.TITLE, _charge_keys, _charges)

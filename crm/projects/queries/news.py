"""What happened with projects within some days: kinds of `crm.core.news`. Each is a dated move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.news import Line, News
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.core.words import N_, Message
from crm.projects.models import Project, ProjectMove
from crm.projects.queries.scope import visible_to
from crm.projects.rules.words import OVER, Stage

ONWARD = (MoveKind.ADVANCE, MoveKind.JUMP)
_UNSIGNED = tuple(stage for stage in Stage if stage.place < Stage.SIGNED.place)
_SIGNED = tuple(stage for stage in Stage if stage.place >= Stage.SIGNED.place)

Where = Callable[[], sa.ColumnElement[bool]]


def _signing() -> sa.ColumnElement[bool]:
    return sa.and_(
        ProjectMove.kind.in_(ONWARD), ProjectMove.from_stage.in_(_UNSIGNED), ProjectMove.stage.in_(_SIGNED)
    )


def _onward() -> sa.ColumnElement[bool]:
    return sa.and_(
        ProjectMove.kind.in_(ONWARD), sa.or_(ProjectMove.from_stage.not_in(_UNSIGNED), ProjectMove.stage.not_in(_SIGNED))
    )  # fmt: skip


def _lost() -> sa.ColumnElement[bool]:
    return sa.and_(ProjectMove.kind == MoveKind.ASIDE, ProjectMove.state.in_(OVER))


def _paused() -> sa.ColumnElement[bool]:
    return sa.or_(
        sa.and_(ProjectMove.kind == MoveKind.ASIDE, ProjectMove.state.not_in(OVER)),
        ProjectMove.kind == MoveKind.RESUME,
    )


def _keys(where: Where) -> Callable[[Actor, dt.date, dt.date], sa.Select[Any]]:
    def keys(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
        on: Any = ProjectMove.on
        found: sa.Select[Any] = sa.select(on.label("on"), ProjectMove.id.label("id"))
        return found.join(Project, Project.id == ProjectMove.project_id).where(
            ProjectMove.on.between(first, last), where(), visible_to(viewer), Project.archived_on.is_(None)
        )

    return keys


_TEXTS = {
    MoveKind.REPORT: N_("首报线索"),
    MoveKind.ADVANCE: "%(before)s → %(after)s",
    MoveKind.JUMP: "%(before)s → %(after)s",
    MoveKind.BACK: "%(before)s → %(after)s",
    MoveKind.ASIDE: N_("转为「%(state)s」"),
    MoveKind.RESUME: N_("重新推进"),
}


def _lines(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Line]:
    rows = session.execute(
        sa.select(
            ProjectMove.id, ProjectMove.project_id, Project.name, ProjectMove.on, ProjectMove.kind,
            ProjectMove.from_stage, ProjectMove.stage, ProjectMove.state,
        )
        .join(Project, Project.id == ProjectMove.project_id)
        .where(ProjectMove.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Line(
            row.on,
            row.name,
            Message(
                _TEXTS[row.kind],
                {"before": row.from_stage or "—", "after": row.stage, "state": row.state},
            ),
            "projects.show",
            {"project_id": row.project_id},
        )
        for row in rows
    }


NEWS = [
    News("project-signed", N_("项目签约"), _keys(_signing), _lines),
    News("project-moved", N_("项目推进"), _keys(_onward), _lines),
    News("project-back", N_("项目退回"), _keys(lambda: ProjectMove.kind == MoveKind.BACK), _lines),
    News("project-lost", N_("项目流失"), _keys(_lost), _lines),
    News("project-paused", N_("项目暂缓或重启"), _keys(_paused), _lines),
    News("project-reported", N_("新线索"), _keys(lambda: ProjectMove.kind == MoveKind.REPORT), _lines),
]

"""What the rows of the list show beside the row itself: lights, next steps, what is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core import lists
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.projects.models import Project, ProjectPulse
from crm.projects.queries.limits import limits_of
from crm.projects.queries.record import open_counts
from crm.projects.rules.progress import light


def cells(
    session: Session, columns: Sequence[lists.Column], ids: Sequence[int], _viewer: Actor, wanted: lists.Asked
) -> dict[str, Mapping[int, Any]]:
    """What the page's rows show, by column and row: the same statements for any number of rows."""
    keys = {column.key for column in columns}
    found: dict[str, Mapping[int, Any]] = {}
    if wanted.today is None:
        raise RuntimeError("lights and overdue steps depend on the day")
    if "light" in keys:
        found["light"] = _lights(session, ids, wanted.today)
    if "lacking" in keys:
        found["lacking"] = {key: count for key, count in open_counts(session, ids).items() if count}
    if keys & {"step", "due"}:
        steps = next_steps(session, ids)
        found["step"] = {key: _shown(text, due, wanted.today) for key, (text, due) in steps.items()}
        found["due"] = {key: due for key, (_text, due) in steps.items()}
    return found


def _shown(text: str, due_on: dt.date, today: dt.date) -> lists.Shown:
    late = (today - due_on).days
    if late > 0:
        return lists.Shown(text, Message(N_("%(day)s，逾期 %(n)s 天"), {"day": due_on, "n": late}))
    return lists.Shown(text, Message(N_("%(day)s 前"), {"day": due_on}))


def _lights(session: Session, ids: Sequence[int], day: dt.date) -> Mapping[int, Any]:
    limits = limits_of(session)
    found = {}
    for row in session.execute(
        sa.select(
            Project.id, Project.stage, Project.state, ProjectPulse.progress_on, ProjectPulse.caught_up_on
        )
        .join(ProjectPulse, ProjectPulse.project_id == Project.id)
        .where(Project.id.in_(ids))
    ):
        made = light(
            stage=row.stage, state=row.state, progress_on=row.progress_on, caught_up_on=row.caught_up_on,
            today=day, limits=limits,
        )  # fmt: skip
        if made is not None:
            found[row.id] = lists.Shown(made.colour, made.reason)
    return found


def next_steps(session: Session, ids: Sequence[int]) -> Mapping[int, tuple[str, dt.date]]:
    """The next step of each project: the open one that is due first."""
    place = sa.func.row_number().over(
        partition_by=NextStep.subject_id, order_by=(NextStep.due_on, NextStep.id)
    )
    ranked = (
        sa.select(NextStep.subject_id, NextStep.text, NextStep.due_on, place.label("place"))
        .where(NextStep.kind == "project", NextStep.subject_id.in_(ids), NextStep.state == StepState.OPEN)
        .subquery()
    )
    rows = session.execute(
        sa.select(ranked.c.subject_id, ranked.c.text, ranked.c.due_on).where(ranked.c.place == 1)
    )
    return {row.subject_id: (row.text, row.due_on) for row in rows}

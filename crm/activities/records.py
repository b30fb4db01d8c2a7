"""Next steps as rows of lists: chosen many at once and handed over. They hang on any record and are no subject of
anything themselves, so they are no kind of record: who sees the record sees its steps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.activities import actions
from crm.activities.models import NextStep, StepMove
from crm.activities.queries.colleagues import colleagues
from crm.activities.queries.scope import subject_visible
from crm.activities.rules.words import Act
from crm.core.clock import now
from crm.core.permissions import Actor
from crm.core.records import Fact, NameOf, Part, RecordKind, Setting, titles
from crm.core.words import N_, Refused

PERSON = NameOf(User.name, User.id)


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    return subject_visible(NextStep.kind, NextStep.subject_id, viewer)


def editable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """The owner's and the giver's, as far as they still see the record."""
    mine = sa.or_(NextStep.owner_id == viewer.user_id, NextStep.given_by_id == viewer.user_id)
    return sa.and_(mine, visible_to(viewer))


def _hand_over(
    session: Session,
    step: NextStep,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    values: Mapping[str, Any],
    reason: str = "",
) -> None:
    """As from its own page; a step that is theirs already stays as it is."""
    owner = values["owner_id"]
    if step.owner_id == owner:
        actions.check_step(step, actor=actor)
        return
    actions.hand_over(
        session, step, actor=actor, at=now(), today=today, owner_id=owner, reason=reason, version=version
    )


def _judge(
    session: Session, rows: Sequence[Any], /, *, actor: Actor, today: dt.date, values: Mapping[str, Any]
) -> Mapping[int, Refused]:
    return actions.judge_handing(session, rows, actor=actor, owner_id=values["owner_id"])


def _giver(step: Any, values: Mapping[str, Any], /, *, actor: Actor) -> Mapping[str, Any]:
    return {"given_by_id": actions.giver_after(step, values["owner_id"], actor)}


def _follow(
    session: Session,
    written: Sequence[tuple[int, Mapping[str, Any], Mapping[str, Any]]],
    /,
    *,
    actor: Actor,
    at: dt.datetime,
    today: dt.date,
    reason: str,
) -> None:
    handed = [(step, before["owner_id"], after["owner_id"]) for step, before, after in written]
    actions.after_handing(session, handed, actor=actor, at=at, today=today, reason=reason)


def _people(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(str(key), f"{name} · {unit}" if unit else name) for key, name, unit in colleagues(session)]


def _about(session: Session, ids: Collection[int], viewer: Actor) -> dict[int, str]:
    rows = session.execute(
        sa.select(NextStep.id, NextStep.kind, NextStep.subject_id).where(NextStep.id.in_(ids))
    ).all()
    named = titles(session, {(row.kind, row.subject_id) for row in rows}, viewer=viewer)
    return {row.id: named.get((row.kind, row.subject_id), "") for row in rows}


STEP = RecordKind(
    code="step",
    model=NextStep,
    label=N_("下一步"),
    read=("activity:add",),
    edit=("activity:add",),
    visible_to=visible_to,
    editable_by=editable_by,
    endpoint="activities.step",
    id_name="step_id",
    name="text",
    facts=(
        Fact("owner_id", N_("经办人"), PERSON),
        Fact("given_by_id", N_("交办人"), PERSON),
    ),
    change=_hand_over,
    settable=frozenset({"owner_id"}),
    judge=_judge,
    further=_giver,
    follow=_follow,
    takes_reason=True,
    settings=(Setting("owner_id", N_("转交给"), _people),),
    parts=(
        Part(
            StepMove,
            "step_id",
            facts=(
                Fact("step_id", N_("下一步"), NameOf(NextStep.text, NextStep.id)),
                Fact("on", N_("日期")),
                Fact("from_day", N_("原来的日期")),
                Fact("to_day", N_("改到哪一天")),
                Fact("from_owner_id", N_("由谁交出"), PERSON),
                Fact("to_owner_id", N_("转给谁"), PERSON),
                Fact("reason", N_("原因")),
            ),
        ),
    ),
    acts={"set": Act.STEPS_HAND_OVER.value},
    about=_about,
    is_givers=True,
)

KINDS = (STEP,)

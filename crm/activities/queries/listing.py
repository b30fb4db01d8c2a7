"""All next steps as a list: whose, how near, of which unit, instructions 批示 alone, the closed ones too.

Everybody sees the steps of the records they may see, as on the records themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.accounts.queries import officers
from crm.activities.models import NextStep
from crm.activities.queries.scope import subject_visible
from crm.activities.queries.steps import Whose, near_of, scope
from crm.activities.rules.words import StepState, When
from crm.core import lists
from crm.core.clock import local
from crm.core.permissions import Actor, Scope
from crm.core.records import titles
from crm.core.words import C_, N_

EVERYBODY, ANY, NONE, ME = "all", "any", "none", "me"
INSTRUCTION, PLAIN = "instruction", "plain"

_OWNER, _GIVER, _UNIT = aliased(User), aliased(User), aliased(Unit)
_UNITS = aliased(Unit)


@dataclass(frozen=True, slots=True)
class UnitLate:
    """A unit (None: people without one) and what its people are late with."""

    unit_id: int | None
    name: str | None
    steps: int
    instructions: int
    oldest_on: dt.date


def late_by_unit(session: Session, viewer: Actor, *, today: dt.date) -> list[UnitLate]:
    """Units whose people have overdue steps on records the viewer may see, the most first. One statement."""
    number = sa.func.count(NextStep.id)
    rows = session.execute(
        sa.select(
            _UNITS.id, _UNITS.short_name, number,
            sa.func.sum(sa.case((NextStep.is_instruction, 1), else_=0)), sa.func.min(NextStep.due_on),
        )
        .select_from(NextStep)
        .join(User, User.id == NextStep.owner_id)
        .outerjoin(_UNITS, _UNITS.id == User.unit_id)
        .where(
            NextStep.state == StepState.OPEN, NextStep.due_on < today,
            subject_visible(NextStep.kind, NextStep.subject_id, viewer),
        )
        .group_by(_UNITS.id, _UNITS.short_name)
        .order_by(number.desc(), sa.func.min(NextStep.due_on), _UNITS.id)
    )  # fmt: skip
    return [UnitLate(row[0], row[1], int(row[2]), int(row[3]), row[4]) for row in rows]


def _conditions(
    session: Session, asked: lists.Asked, viewer: Actor, *, instructions_only: bool
) -> tuple[list[sa.ColumnElement[bool]], dict[str, str]]:
    if asked.today is None:
        raise RuntimeError("next steps are near or late as of a day")
    values, day = asked.conditions, asked.today
    visible = subject_visible(NextStep.kind, NextStep.subject_id, viewer)
    known: dict[str, Callable[[str], sa.ColumnElement[bool] | None]] = {
        "q": lambda text: NextStep.text.contains(text, autoescape=True),
        "whose": lambda text: _whose(session, text, viewer, day),
        "near": lambda text: near_of(day) == text if text in set(When) else None,
        "what": _what,
        "state": _state,
        "unit": lambda text: _of_people(User.unit_id, text),
        "owner": lambda text: NextStep.owner_id == _id(text, viewer) if _id(text, viewer) is not None else None,
        "closed": lambda text: NextStep.closed_on >= _day(text) if _day(text) else None,
    }  # fmt: skip
    clauses, understood = [visible], {}
    for key, where in known.items():
        value = values.get(key)
        if value is None or (instructions_only and key == "what"):
            continue
        clause = where(value)
        if clause is not None:
            clauses.append(clause)
            understood[key] = value
    if "state" not in understood:
        clauses.append(NextStep.state == StepState.OPEN)
    if instructions_only:
        clauses.append(NextStep.is_instruction.is_(True))
    return clauses, understood


def _whose(session: Session, text: str, viewer: Actor, day: dt.date) -> sa.ColumnElement[bool] | None:
    return scope(session, viewer, Whose(text), day) if text in set(Whose) else None


def _what(text: str) -> sa.ColumnElement[bool] | None:
    return {
        INSTRUCTION: NextStep.is_instruction.is_(True),
        PLAIN: NextStep.is_instruction.is_(False),
    }.get(text)


def _state(text: str) -> sa.ColumnElement[bool] | None:
    if text == ANY:
        return sa.true()
    return NextStep.state == StepState(text) if text in set(StepState) else None


def _of_people(column: Any, text: str) -> sa.ColumnElement[bool] | None:
    if text == NONE:
        return NextStep.owner_id.in_(sa.select(User.id).where(column.is_(None)))
    key = _number(text)
    return None if key is None else NextStep.owner_id.in_(sa.select(User.id).where(column == key))


def _id(text: str, viewer: Actor) -> int | None:
    return viewer.user_id if text == ME else _number(text)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def exportable_by(viewer: Actor) -> sa.ColumnElement[bool]:
    """Steps that may stand in the viewer's exports: whose exports reach only their own, those they do or gave."""
    if viewer.scope("export:run") is Scope.ALL:
        return sa.true()
    return sa.or_(NextStep.owner_id == viewer.user_id, NextStep.given_by_id == viewer.user_id)


def _matching(instructions_only: bool) -> lists.declared.Matching:
    def matching(
        session: Session, asked: lists.Asked, viewer: Actor
    ) -> tuple[sa.Select[Any], dict[str, str]]:
        clauses, understood = _conditions(session, asked, viewer, instructions_only=instructions_only)
        return sa.select(NextStep.id).where(*clauses), understood

    return matching


def _rows(ids: sa.Select[Any], asked: lists.Asked) -> sa.Select[Any]:
    columns: list[Any] = [
        NextStep.id, NextStep.text.label("name"), NextStep.due_on.label("due"), NextStep.state,
        NextStep.is_instruction, NextStep.closed_on.label("closed"), NextStep.outcome, NextStep.moves,
        NextStep.created_at, _OWNER.name.label("owner"), _UNIT.short_name.label("unit"), _GIVER.name.label("giver"),
        asked.sort.column.label(f"sort_{asked.sort.key}"),
    ]  # fmt: skip
    return (
        ids.with_only_columns(*columns)
        .outerjoin(_OWNER, _OWNER.id == NextStep.owner_id)
        .outerjoin(_UNIT, _UNIT.id == _OWNER.unit_id)
        .outerjoin(_GIVER, _GIVER.id == NextStep.given_by_id)
    )


def _cells(
    session: Session, columns: Sequence[lists.Column], ids: Sequence[int], viewer: Actor, _asked: lists.Asked
) -> dict[str, Mapping[int, Any]]:
    """The record each step is about, and the day it was given: two statements, and one a kind of record."""
    keys = {column.key for column in columns}
    cells: dict[str, Mapping[int, Any]] = {}
    rows = session.execute(
        sa.select(NextStep.id, NextStep.kind, NextStep.subject_id, NextStep.created_at).where(
            NextStep.id.in_(ids)
        )
    ).all()
    if "subject" in keys:
        named = titles(session, {(row.kind, row.subject_id) for row in rows}, viewer=viewer)
        cells["subject"] = {row.id: named.get((row.kind, row.subject_id), "") for row in rows}
    if "given" in keys:
        cells["given"] = {row.id: local(row.created_at).date() for row in rows}
    return cells


def _unused(_session: Session, _value: str, _viewer: Actor) -> None:
    """These conditions need the day: `_conditions` reads them all."""


def _people(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    lines = [(str(key), f"{name} · {unit}" if unit else name) for key, name, unit in officers(session)]
    return [(ME, N_("我")), *lines]


def _units(session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    rows = session.execute(
        sa.select(Unit.id, Unit.short_name).order_by(Unit.kind, Unit.short_name, Unit.id).limit(500)
    )
    return [*((str(row.id), row.short_name) for row in rows), (NONE, N_("没有单位"))]


def _filters(*, instructions_only: bool) -> list[lists.Filter]:
    found = [
        lists.Filter("q", N_("做什么"), _unused, kind="text", is_first=True),
        lists.Filter("whose", N_("范围"), _unused, lambda _s, _v: [(w.value, w.label) for w in Whose], is_first=True),
        lists.Filter("near", C_("step", "期限"), _unused, lambda _s, _v: [(w.value, w.label) for w in When], is_first=True),
        lists.Filter("unit", N_("经办单位"), _unused, _units, is_first=True),
        lists.Filter("owner", N_("经办人"), _unused, _people),
        lists.Filter(
            "state", N_("状态"), _unused,
            lambda _s, _v: [*((state.value, state.label) for state in StepState), (ANY, N_("全部"))], is_first=True,
        ),
        lists.Filter("closed", N_("办结不早于"), _unused, kind="day"),
    ]  # fmt: skip
    what = lists.Filter(
        "what", N_("类型"), _unused, lambda _s, _v: [(INSTRUCTION, N_("批示")), (PLAIN, N_("一般"))]
    )
    return found if instructions_only else [*found[:3], what, *found[3:]]


K = lists.Kind
SORTS = [
    lists.Sort("due", C_("step", "期限"), NextStep.due_on),
    lists.Sort("name", N_("做什么"), NextStep.text),
    lists.Sort("given", N_("交办日期"), NextStep.created_at, is_descending=True),
    lists.Sort("closed", N_("办结"), NextStep.closed_on, is_descending=True, is_nullable=True),
]


def _columns(*, instructions_only: bool) -> list[lists.Column]:
    return [
        lists.Column("subject", N_("对象"), width=36),
        lists.Column("owner", N_("经办人"), width=12),
        lists.Column("unit", N_("单位"), width=12),
        lists.Column("due", C_("step", "期限"), kind=K.DAY, sort="due"),
        lists.Column("given", N_("交办日期"), kind=K.DAY, sort="given", is_default=instructions_only),
        lists.Column("giver", N_("交办人"), width=12),
        lists.Column("state", N_("状态"), kind=K.WORD, width=8),
        lists.Column("outcome", N_("结果"), width=40, is_default=instructions_only),
        lists.Column("closed", N_("办结"), kind=K.DAY, sort="closed", is_default=False),
        lists.Column("moves", N_("改期次数"), kind=K.NUMBER, is_default=False),
    ]


def _list(key: str, label: str, endpoint: str, needs: str, *, instructions_only: bool) -> lists.List:
    return lists.List(
        key=key,
        label=label,
        unit=N_("件"),
        endpoint=endpoint,
        needs=(needs,),
        id=NextStep.id,
        sorts=SORTS,
        filters=_filters(instructions_only=instructions_only),
        columns=_columns(instructions_only=instructions_only),
        matching=_matching(instructions_only),
        rows=_rows,
        cells=_cells,
        kind="step",
        head=N_("做什么"),
        exports="export:run",
        exportable_by=exportable_by,
        always=(lists.Column("name", N_("做什么"), width=40),),
    )


LIST = _list(
    "steps", C_("list", "全部下一步"), "activities.all_steps", "activity:add", instructions_only=False
)
INSTRUCTIONS = _list(
    "instructions", N_("批示"), "activities.instructions", "instruction:write", instructions_only=True
)

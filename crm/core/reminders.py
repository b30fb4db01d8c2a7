"""What people are reminded of: one declaration a kind, told in the weekly mail and on its page.

Slot `REMINDERS`, filled by the factory from the features' `queries/reminders.py`. A kind says what is true on a day for
many people at once, in a number of statements that does not grow with them. What somebody may not see is left out
here, whatever a kind says: slot `SIGHT` tells for each kind of record who may see which, for many at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.core.words import N_, Word

FEW = 900  # up to so many ids are named in a statement, beyond it reads all and leaves out the others


class Group(Word):
    """How lines stand together in a mail, in this order."""

    CLIMBED = "climbed", N_("上报到您这里")
    INSTRUCTIONS = "instructions", N_("等答复的批示")
    OVERDUE = "overdue", N_("已逾期")
    DUE = "due", N_("本周到期")
    CLOCKS = "clocks", N_("线索时限已过")
    RESERVE = "reserve", N_("上市后备的期限")
    LIGHTS = "lights", N_("亮灯变化")
    QUIET = "quiet", N_("久无进展")
    EXPIRING = "expiring", N_("证书和年报")
    MISSING = "missing", N_("进入下一阶段还缺")

    @property
    def can_be_muted(self) -> bool:
        """Escalations reach whom they have climbed to, whatever that person would rather not hear."""
        return self is not Group.CLIMBED


People = Mapping[int, Actor]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing told to one person. `kind` and `subject_id` are the record it is about (kind "": about none, then it
    links to `link`); `params` fill the kind's sentence, `why` is a code of its reasons. What has a `once` key is
    told in one week only, everything else each week while it is true. `rank` orders within the group, lowest first."""

    person_id: int
    kind: str
    subject_id: int
    params: Mapping[str, Any]
    why: str
    due_on: dt.date | None = None
    rank: int = 0
    once: str = ""
    link: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """A kind of reminder. `text` is the sentence behind the record's name, `whys` the reasons by code, `query` gives
    what is true on a day for these people; `climbs_to` says in words to whom it goes on when nothing is done;
    it is left out where the same person is told of the same record by the kind `unless`."""

    code: str
    label: str
    group: Group
    text: str
    whys: Mapping[str, str]
    query: Callable[[Session, dt.date, People], Iterable[Row]]
    climbs_to: str = ""
    unless: str = ""


REMINDERS: list[Reminder] = []

Sees = Callable[[Actor, int], bool]
"""Whether this viewer may see the record of this id."""

SIGHT: dict[str, Callable[[Session, Collection[int]], Sees]] = {}


def among(column: Any, ids: Collection[int]) -> sa.ColumnElement[bool]:
    """The column is one of a few ids; with many of them no condition at all: the caller leaves the others out."""
    return column.in_(sorted(ids)) if len(ids) <= FEW else column.is_not(None)  # type: ignore[no-any-return]

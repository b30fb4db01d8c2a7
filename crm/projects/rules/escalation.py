"""How far an overdue next step of a project has climbed: officer, liaison, leader, head of the unit. Pure.

Nothing is stored: what is overdue today stands with whom it has climbed to today, and comes down when it is done
(domain.md § Investment projects: overdue items climb).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from crm.core.settings.declaring import number
from crm.core.words import N_, Word
from crm.projects.rules.progress import SECTION


class Rung(Word):
    """With whom an overdue step stands, lowest first."""

    OFFICER = "officer", N_("经办人")
    LIAISON = "liaison", N_("联络员")
    LEADER = "leader", N_("牵头领导")
    HEAD = "head", N_("单位负责人")


LIAISON = number(SECTION, "projects.climb-liaison-days", N_("逾期几天上报联络员"), 3, least=1, most=60)
LEADER = number(SECTION, "projects.climb-leader-days", N_("逾期几天上报牵头领导"), 7, least=1, most=90)
HEAD = number(SECTION, "projects.climb-head-days", N_("逾期几天上报牵头单位负责人"), 14, least=1, most=180)


@dataclass(frozen=True, slots=True)
class Climb:
    """After how many days overdue a step stands with each, as set."""

    liaison: int = 3
    leader: int = 7
    head: int = 14

    def days(self, rung: Rung) -> int:
        """The days overdue from which a step stands there."""
        return {Rung.OFFICER: 1, Rung.LIAISON: self.liaison, Rung.LEADER: self.leader, Rung.HEAD: self.head}[
            rung
        ]

    def latest_due(self, rung: Rung, today: dt.date) -> dt.date:
        """The latest due day with which a step stands there today."""
        return today - dt.timedelta(self.days(rung))


def climbed_to(
    due_on: dt.date, owner_id: int, people: Mapping[Rung, int | None], today: dt.date, climb: Climb
) -> Rung | None:
    """The highest rung an open step stands on today; None before it is overdue. A rung nobody stands on, or only who
    owes the step, is passed over."""
    late = (today - due_on).days
    if late < 1:
        return None
    for rung in (Rung.HEAD, Rung.LEADER, Rung.LIAISON):
        if late >= climb.days(rung) and people.get(rung) not in (None, owner_id):
            return rung
    return Rung.OFFICER

"""The clocks of a lead: first reply, assessment, feedback, report. Pure.

Defaults after 江府办函〔2024〕37号 (policy.md § 7.2): reply within 1 working day, assessment within 3 (a large one within 5),
feedback to who brought it within 7 days, a report every 14 days.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crm.core.settings.declaring import number
from crm.core.words import N_, Message, Word
from crm.projects.rules.progress import SECTION
from crm.projects.rules.words import Source, Stage, State

REPLY = number(SECTION, "projects.reply-workdays", N_("首次答复几个工作日"), 1, least=1, most=30)
ASSESS = number(SECTION, "projects.assess-workdays", N_("研判几个工作日"), 3, least=1, most=60)
ASSESS_LARGE = number(
    SECTION, "projects.assess-large-workdays", N_("大项目研判几个工作日"), 5, least=1, most=60
)
LARGE = number(SECTION, "projects.large-yi", N_("总投资几亿元以上算大项目"), 5, least=1, most=1000)
FEEDBACK = number(SECTION, "projects.feedback-days", N_("几天内向来源反馈"), 7, least=1, most=90)
REPORT = number(SECTION, "projects.report-days", N_("几天报一次进展"), 14, least=1, most=90)


class ClockKind(Word):
    REPLY = "reply", N_("首次答复")
    ASSESS = "assess", N_("研判")
    FEEDBACK = "feedback", N_("向来源反馈")
    REPORT = "report-progress", N_("报进展")


@dataclass(frozen=True, slots=True)
class Terms:
    """The days a clock runs, as set."""

    reply: int = 1
    assess: int = 3
    assess_large: int = 5
    large_yuan: int = 5 * 10**8
    feedback: int = 7
    report: int = 14


@dataclass(frozen=True, slots=True)
class Facts:
    """What the clocks of a lead look at. `assessed_on` is the day it left the first stage, ahead or aside; a lead sent
    back to it on `returned_on` is to be assessed anew, from that day on."""

    source: Source
    reported_on: dt.date
    stage: Stage
    state: State
    total_yuan: int | None
    replied_on: dt.date | None
    assessed_on: dt.date | None
    feedback_on: dt.date | None
    progress_on: dt.date
    returned_on: dt.date | None = None

    @property
    def assess_from(self) -> dt.date:
        """The day the term of the assessment runs from."""
        return self.returned_on or self.reported_on


@dataclass(frozen=True, slots=True)
class Clock:
    """A term: by when, when it was met, and how it stands on a day."""

    kind: ClockKind
    due_on: dt.date
    met_on: dt.date | None
    is_late: bool
    why: Message


def assess_days(facts: Facts, terms: Terms) -> int:
    """Working days for the assessment: a large lead has more."""
    return terms.assess_large if (facts.total_yuan or 0) >= terms.large_yuan else terms.assess


def clocks(
    facts: Facts, *, reply_by: dt.date, assess_by: dt.date, terms: Terms, today: dt.date
) -> list[Clock]:
    """The clocks of a lead on a day; none once it is signed or over. `reply_by` and `assess_by` are the working days
    its first two terms end on. A lead of an own visit has nobody outside who waits to be told."""
    if facts.stage.place >= Stage.SIGNED.place or facts.state is not State.ACTIVE:
        return []
    found = []
    for kind, due, met in (
        (ClockKind.REPLY, reply_by, facts.replied_on),
        (ClockKind.ASSESS, assess_by, facts.assessed_on),
        (ClockKind.FEEDBACK, facts.reported_on + dt.timedelta(terms.feedback), facts.feedback_on),
    ):
        if kind is ClockKind.FEEDBACK and facts.source is Source.VISIT:
            continue
        is_late = met > due if met is not None else today > due
        text = N_("%(day)s 前") if met is None else N_("%(day)s 完成")
        found.append(Clock(kind, due, met, is_late, Message(text, {"day": met or due})))
    due = facts.progress_on + dt.timedelta(terms.report)
    found.append(
        Clock(
            ClockKind.REPORT,
            due,
            None,
            today > due,
            Message(N_("上次进展 %(day)s"), {"day": facts.progress_on}),
        )
    )
    return found

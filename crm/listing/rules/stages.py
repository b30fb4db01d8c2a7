"""The stage table of the listing reserve and its clocks. Pure.

Sources: policy.md § 6.1 (《首次公开发行股票注册管理办法》 证监会令第 205 号; 证监会公告〔2021〕23号): tutoring lasts three
months at least, the letter of its acceptance is valid twelve months, the decision on a registration takes twenty working
days, an approval is valid one year.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from crm.core.months import add_months
from crm.core.pipeline.declaring import Item, Pipeline, Wants
from crm.core.words import N_, Refused, Word
from crm.listing.rules.words import GOING, Evidence, Stage, State


def _paper(kind: Evidence, *, waived: bool = True, unknown: bool = False) -> Item:
    return Item(
        kind.value, kind.label, Wants.EVIDENCE, evidence=kind, can_be_unknown=unknown, can_be_waived=waived
    )


BOARD = Item("board", N_("目标板块"), Wants.FACT, fact="board", can_be_unknown=True)
SPONSOR = Item("sponsor", N_("保荐机构"), Wants.PEOPLE, can_be_waived=True)
LAWYER = Item("law-firm", N_("律师事务所"), Wants.PEOPLE, can_be_waived=True)
AUDITOR = Item("audit-firm", N_("会计师事务所"), Wants.PEOPLE, can_be_waived=True)
CODE = Item("stock_code", N_("证券代码"), Wants.FACT, fact="stock_code")
TARGET = Item("target", N_("确定的目标板块"), Wants.FACT, fact="board")

PIPELINE: Pipeline[Stage, State] = Pipeline(
    what=N_("这家后备企业"),
    stages=Stage,
    gates={
        Stage.RESERVE: (_paper(Evidence.RESERVE_LIST),),
        Stage.DUE_DILIGENCE: (BOARD, SPONSOR, _paper(Evidence.AGREEMENTS)),
        Stage.REFORM: (LAWYER, AUDITOR, _paper(Evidence.LICENCE, waived=False)),
        Stage.TUTORING: (TARGET, _paper(Evidence.TUTORING_FILING, waived=False)),
        Stage.TUTORED: (_paper(Evidence.TUTORING_LETTER, waived=False),),
        Stage.ACCEPTED: (_paper(Evidence.ACCEPTANCE, waived=False),),
        Stage.INQUIRY: (_paper(Evidence.INQUIRY),),
        Stage.COMMITTEE: (_paper(Evidence.COMMITTEE),),
        Stage.SUBMITTED: (_paper(Evidence.SUBMISSION),),
        Stage.EFFECTIVE: (_paper(Evidence.APPROVAL, waived=False),),
        Stage.LISTED: (CODE, _paper(Evidence.LISTING, unknown=True)),
    },
    active=State.ACTIVE,
    going=GOING,
)

TUTORING_MONTHS = 3
LETTER_MONTHS = 12
DECISION_WORKDAYS = 20
APPROVAL_MONTHS = 12


class ClockKind(Word):
    TUTORING = "tutoring-term", N_("辅导期不少于 3 个月")
    LETTER = "letter-term", N_("辅导验收完成函 12 个月有效")
    DECISION = "decision-term", N_("注册决定 20 个工作日")
    APPROVAL = "approval-term", N_("注册批复 1 年有效")


# how many days before it runs out a term warns
WARN_DAYS = {ClockKind.TUTORING: 0, ClockKind.LETTER: 60, ClockKind.DECISION: 7, ClockKind.APPROVAL: 60}
PROOFS = {
    Stage.REFORM: Evidence.LICENCE, Stage.TUTORING: Evidence.TUTORING_FILING, Stage.TUTORED: Evidence.TUTORING_LETTER,
    Stage.ACCEPTED: Evidence.ACCEPTANCE, Stage.SUBMITTED: Evidence.SUBMISSION, Stage.EFFECTIVE: Evidence.APPROVAL,
    Stage.LISTED: Evidence.LISTING,
}  # fmt: skip
"""The document whose date is the day of a stage, where one is there."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A term that runs: from when, until when, and whether the day must not be passed (else: not be fallen short of)."""

    kind: ClockKind
    from_on: dt.date
    due_on: dt.date
    is_least: bool = False

    def left(self, today: dt.date) -> int:
        """Days until it is due; below nothing once it has passed."""
        return (self.due_on - today).days

    def standing(self, today: dt.date) -> str:
        """How it stands, as a light: g, y within the warning, r once it has run out. A term that has to be waited
        for is n until it has been."""
        left = self.left(today)
        if self.is_least:
            return "g" if left <= 0 else "n"
        return "r" if left < 0 else "y" if left <= WARN_DAYS[self.kind] else "g"


TIMED = (Stage.TUTORING, Stage.TUTORED, Stage.SUBMITTED, Stage.EFFECTIVE)  # the stages that have a clock


def check_terms(was: Stage, target: Stage, on: dt.date, days: Mapping[Stage, dt.date]) -> None:
    """The terms a move ahead has to keep, those of the stages it jumps over too. `days` is the day a stage's term
    began: that of its document, or else of its last entry. Raises `Refused`."""

    def passes(stage: Stage) -> bool:
        return PIPELINE.order[was] < PIPELINE.order[stage] <= PIPELINE.order[target]

    def day_of(stage: Stage) -> dt.date:
        return on if stage is target else days.get(stage, on)

    filed = days.get(Stage.TUTORING)
    after = next((stage for stage in (Stage.TUTORED, Stage.ACCEPTED) if passes(stage)), None)
    if after is not None and filed is not None and day_of(after) < add_months(filed, TUTORING_MONTHS):
        raise Refused(
            N_("辅导期不少于 3 个月：%(filed)s 备案，最早 %(day)s 验收。"), filed=filed,
            day=add_months(filed, TUTORING_MONTHS), field="on",
        )  # fmt: skip
    letter = days.get(Stage.TUTORED)
    if passes(Stage.ACCEPTED) and letter is not None:
        ends = add_months(letter, LETTER_MONTHS)
        if day_of(Stage.ACCEPTED) >= ends:
            raise Refused(N_("辅导验收完成函 %(day)s 起已失效，须重新辅导验收。"), day=ends, field="on")
    approved = days.get(Stage.EFFECTIVE)
    if passes(Stage.LISTED) and approved is not None and on >= add_months(approved, APPROVAL_MONTHS):
        raise Refused(
            N_("注册批复 %(day)s 起已失效，须重新注册。"),
            day=add_months(approved, APPROVAL_MONTHS),
            field="on",
        )


def running(stage: Stage, state: State, since: dt.date, workdays_later: dt.date) -> Clock | None:
    """The clock of the stage a candidate stands at, if it has one. `since` is the day its term began,
    `workdays_later` the day twenty working days after it."""
    if state is not State.ACTIVE:
        return None
    if stage is Stage.TUTORING:
        return Clock(ClockKind.TUTORING, since, add_months(since, TUTORING_MONTHS), is_least=True)
    if stage is Stage.TUTORED:
        return Clock(ClockKind.LETTER, since, add_months(since, LETTER_MONTHS) - dt.timedelta(1))
    if stage is Stage.SUBMITTED:
        return Clock(ClockKind.DECISION, since, workdays_later)
    if stage is Stage.EFFECTIVE:
        return Clock(ClockKind.APPROVAL, since, add_months(since, APPROVAL_MONTHS) - dt.timedelta(1))
    return None

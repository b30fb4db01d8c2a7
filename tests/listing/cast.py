"""What the tests of the listing reserve make: a candidate, its papers, a candidate as far along as asked for."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from crm.core.permissions import system
from crm.core.pipeline import Wants
from crm.core.transaction import commit
from crm.firms import actions as registry
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from crm.listing import actions
from crm.listing.models import Candidate
from crm.listing.queries.record import met_items
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Board, IntermediaryKind, Stage

TODAY = dt.date(2026, 11, 23)
START = dt.date(2024, 1, 8)
ROBOT = system("tests")


def a_firm(session: Session, n: int = 1, **values: Any) -> Firm:
    """A firm of smart equipment, committed."""
    firm = registry.register(
        session, actor=ROBOT, today=TODAY, name=f"温州岚屿{n:04d}智能装备有限公司", registered_on=dt.date(2012, 3, 1),
        leading_industry=LeadingIndustry.SMART_EQUIPMENT, **values,
    )  # fmt: skip
    commit(session)
    return firm


def a_candidate(session: Session, n: int = 1, on: dt.date = START, **values: Any) -> Candidate:
    """A firm in the reserve since a day, committed."""
    made = actions.enter(session, a_firm(session, n), actor=ROBOT, today=TODAY, on=on, **values)
    commit(session)
    return made


def fill(session: Session, candidate: Candidate, target: Stage, on: dt.date) -> None:
    """Everything the gates up to a stage ask for, dated on a day."""
    there = met_items(session, [candidate])[candidate.id]
    for stage in PIPELINE.between(candidate.stage, target):
        for item in PIPELINE.gates[stage]:
            if item.code in there:
                continue
            if item.evidence is not None:
                actions.prove(
                    session, candidate, actor=ROBOT, today=TODAY, kind=item.evidence, on=on, reference="浙证监〔2026〕7号"
                )  # fmt: skip
            elif item.wants is Wants.PEOPLE:
                actions.engage(
                    session, candidate, actor=ROBOT, today=TODAY, kind=IntermediaryKind(item.code),
                    name="浙海证券", from_on=on, person="许知行",
                )  # fmt: skip
            elif item.fact == "stock_code":
                actions.edit(session, candidate, actor=ROBOT, today=TODAY, values={"stock_code": "688001"})
            elif candidate.board is None:
                actions.change_board(
                    session, candidate, actor=ROBOT, today=TODAY, board=Board.STAR, on=on, reason="定位"
                )
            commit(session)


def step(session: Session, candidate: Candidate, target: Stage, on: dt.date) -> Candidate:
    """One move with its gate filled."""
    fill(session, candidate, target, on)
    actions.move(session, candidate, actor=ROBOT, today=TODAY, stage=target, on=on, reason="按进度")
    commit(session)
    return candidate


def bring(
    session: Session, candidate: Candidate, target: Stage, start: dt.date | None = None, days: int = 100
) -> Candidate:
    """A candidate moved stage by stage to one, `days` apart."""
    on = start or candidate.stage_on
    for stage in PIPELINE.between(candidate.stage, target):
        on += dt.timedelta(days)
        step(session, candidate, stage, min(on, TODAY))
    return candidate

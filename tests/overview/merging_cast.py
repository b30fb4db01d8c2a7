"""Two firms that are one, with something of every relation on both sides, invented at random from a seed."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms.actions import named
from crm.firms.models import (
    AboveScale,
    Contact,
    EquityRound,
    Firm,
    FirmMove,
    FirmName,
    IpCount,
    RdInstitution,
    YearFigures,
)
from crm.firms.rules.names import normalise
from crm.firms.rules.words import (
    Acquisition,
    EquityKind,
    FirmStatus,
    InstitutionLevel,
    IpKind,
    LeadingIndustry,
    NameKind,
    SizeClass,
)
from crm.ladder.models import Application, ApplicationMove, Certification
from crm.ladder.rules.words import ApplicationStep

D = dt.date
TODAY = D(2026, 11, 23)
ROBOT = system("tests")
CODES = ("91330300MA2L9E2U5A", "91330300MA2L9E2U6B")


def firm(session: Session, name: str, code: str | None = None, **values: Any) -> Firm:
    """A firm, committed."""
    audit.begin(session, actor=ROBOT, action="tests.firm")
    made = Firm(**{"registered_on": D(2015, 3, 1), "code": code, **values, **named(name)})
    session.add(made)
    session.flush()
    commit(session)
    return made


def add(session: Session, *rows: Any) -> None:
    """Rows of any kind, committed."""
    audit.begin(session, actor=ROBOT, action="tests.rows")
    session.add_all(rows)
    session.flush()
    commit(session)


def two(session: Session, seed: int = 1, *, code: str = "one") -> tuple[int, int]:
    """Two firms with rows of every relation; `code` says who has one: ``one``, ``other``, ``both``, ``none``."""
    chance = random.Random(seed)
    codes = {"one": (CODES[0], None), "other": (None, CODES[0]), "both": CODES, "none": (None, None)}[code]
    ids = []
    for place, its_code in enumerate(codes):
        made = firm(
            session,
            ("温州拓屿精密机械有限公司", "温州市拓屿精密机械制造有限公司")[place],
            its_code,
            registered_on=chance.choice([None, D(2012, 5, 6), D(2016, 7, 8)]),
            capital_yuan=chance.choice([None, 10_000_000, 20_000_000]),
            address=chance.choice([None, "明珠路 1 号", "滨海大道 8 号"]),
            business=chance.choice([None, "泵", "阀"]),
            leading_industry=chance.choice(list(LeadingIndustry)),
            size_class=chance.choice([None, *SizeClass]),
        )
        ids.append(made.id)
        furnish(session, made, chance)
    return ids[0], ids[1]


def furnish(session: Session, made: Firm, chance: random.Random) -> None:
    """Something of every relation, of which some has the same key on both sides."""
    key = made.id
    audit.begin(session, actor=ROBOT, action="tests.rows")
    former = chance.sample(["拓屿机械厂", "温州拓屿厂", "拓屿阀业"], 2)
    session.add_all(
        FirmName(
            firm_id=key, kind=chance.choice(list(NameKind)), name=name, name_key=normalise(name),
            until_on=chance.choice([None, D(2014, 1, 1)]),
        )
        for name in former
    )  # fmt: skip
    if chance.random() < 0.6:
        made.status, made.status_on, made.status_reason = FirmStatus.MOVED_IN, D(2018, 1, 1), "迁入"
        session.add(FirmMove(firm_id=key, status=FirmStatus.MOVED_IN, on=D(2018, 1, 1), reason="迁入"))
    session.add_all(
        Contact(firm_id=key, name=f"联系人{n}", phone=f"1380000{key:02d}{n:02d}", is_primary=n == 0)
        for n in range(chance.randrange(3))
    )
    for year in (2023, 2024, 2025):
        if chance.random() < 0.7:
            session.add(
                YearFigures(
                    firm_id=key, year=year, revenue_yuan=chance.choice([None, 5_000_000, 9_000_000]),
                    employees=chance.choice([None, 30, 40]), tax_yuan=chance.choice([None, 100]),
                    sources={"revenue_yuan": {"source": f"审计{key}", "on": "2026-01-01"}},
                )
            )  # fmt: skip
            session.add(AboveScale(firm_id=key, year=year, is_above=chance.random() < 0.5))
    for kind in list(IpKind)[:2]:
        session.add(
            IpCount(
                firm_id=key, kind=kind, acquisition=Acquisition.UNKNOWN, counted_on=D(2026, 1, 1),
                count=chance.randrange(5),
            )
        )  # fmt: skip
    session.add(EquityRound(firm_id=key, on=D(2020, 1, 1), investor="某基金", kind=EquityKind.VENTURE))
    session.add(
        RdInstitution(firm_id=key, name="研发中心", level=InstitutionLevel.CITY, recognised_on=D(2021, 1, 1))
    )
    old = Certification(firm_id=key, kind="high-tech", granted_on=D(2019, 12, 4), expires_on=D(2022, 12, 3))
    session.add(old)
    session.flush()
    again = Certification(
        firm_id=key, kind="high-tech", granted_on=D(2022, 12, 24), number=f"GR2022330{key:05d}",
        expires_on=D(2025, 12, 23), renews_id=old.id,
    )  # fmt: skip
    session.add(again)
    for kind in ("high-tech", "srdi"):
        if chance.random() < 0.7:
            step = ApplicationStep.NURTURING
            asked = Application(
                firm_id=key,
                kind=kind,
                step=step,
                step_on=D(2026, 3, 1),
                is_open=True,
                opened_on=D(2026, 3, 1),
            )
            session.add(asked)
            session.flush()
            session.add(ApplicationMove(application_id=asked.id, step=step, on=D(2026, 3, 1)))
    session.add(
        Application(
            firm_id=key, kind="high-tech", step=ApplicationStep.GRANTED, step_on=D(2022, 12, 24), is_open=None,
            opened_on=D(2022, 1, 1), closed_on=D(2022, 12, 24), certification_id=again.id,
        )
    )  # fmt: skip
    session.flush()
    commit(session)

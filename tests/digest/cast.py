"""One thing of every kind of reminder, for the people it is told to, on one day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import UnitHead
from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core import audit
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.digest.rules.letters import Letter
from crm.firms.models import Firm, FirmName
from crm.firms.rules.words import NameKind
from crm.ladder import actions as ladder
from crm.ladder.actions import Grant
from crm.listing import actions as listing
from crm.listing.rules.words import Stage as Reserve
from crm.projects.models import Project, ProjectPulse
from crm.projects.rules.words import Stage
from tests import people
from tests.ladder.builders import firm
from tests.listing.cast import a_candidate
from tests.listing.cast import bring as bring_candidate
from tests.projects.cast import a_lead, bring

TODAY = dt.date(2026, 11, 23)  # a Monday
ROBOT = system("tests")
HIGH = "high-tech"


def back(days: int) -> dt.date:
    return TODAY - dt.timedelta(days)


def step(
    session: Session,
    owner: people.Person,
    due_on: dt.date,
    about: tuple[str, int],
    text: str = "补材料",
    **values: Any,
) -> NextStep:
    """An open step of a record, committed."""
    audit.begin(session, actor=ROBOT, action="tests.step")
    made = NextStep(
        kind=about[0], subject_id=about[1], text=text, due_on=due_on, owner_id=people.id_of(session, owner),
        state=StepState.OPEN, **values,
    )  # fmt: skip
    session.add(made)
    session.flush()
    commit(session)
    return made


def head(session: Session, person: people.Person, unit: str) -> None:
    audit.begin(session, actor=ROBOT, action="tests.head")
    session.add(
        UnitHead(unit_id=people.unit_id(session, unit), user_id=people.id_of(session, person), starts_on=dt.date(2020, 1, 1))
    )  # fmt: skip
    commit(session)


def progress(session: Session, project: Project, on: dt.date) -> None:
    """Move the last progress of a project to a day, as if it had been so."""
    audit.begin(session, actor=ROBOT, action="tests.pulse")
    pulse = session.execute(sa.select(ProjectPulse).where(ProjectPulse.project_id == project.id)).scalar_one()
    pulse.progress_on, pulse.caught_up_on = on, None
    session.flush()
    commit(session)


def certificate(session: Session, on: Firm, *, granted: dt.date, expires: dt.date, kind: str = HIGH) -> None:
    ladder.grant_many(session, [Grant(on.id, kind, granted, expires_on=expires)], actor=ROBOT, today=TODAY)
    commit(session)


def served(session: Session, name: str, officer: people.Person = people.SCIENCE) -> Firm:
    return firm(session, name, officer_id=people.id_of(session, officer))


def reserve(session: Session) -> dict[str, int]:
    """Candidates of the finance officer: a letter that has run out, one that soon does, tutoring that is done, a planned
    day that has passed; an obstacle overdue, one due. And one candidate nobody follows."""
    officer = people.id_of(session, people.FINANCE)
    made = {}
    for n, (key, stage, months) in enumerate(
        (("out", Reserve.TUTORED, 13), ("soon", Reserve.TUTORED, 11), ("tutored", Reserve.TUTORING, 4))
    ):
        start = back(30 * months + 10) - dt.timedelta(100 * list(Reserve).index(stage))
        candidate = a_candidate(session, 700 + n, on=start, officer_id=officer)
        made[key] = bring_candidate(session, candidate, stage).id
    a_candidate(session, 703)
    late = a_candidate(session, 704, officer_id=officer)
    listing.plan(session, late, actor=ROBOT, stage=Reserve.REFORM, on=back(9))
    commit(session)
    for text, due_on in (("土地证未办", back(4)), ("历史出资瑕疵", TODAY + dt.timedelta(3))):
        listing.raise_obstacle(
            session, late, actor=ROBOT, today=back(30), text=text, owner_id=people.id_of(session, people.SCIENCE),
            unit_id=people.unit_id(session, "科技局"), due_on=due_on,
        )  # fmt: skip
        commit(session)
    return {**made, "late": late.id}


def everything(session: Session) -> dict[str, int]:
    """Ids by what they are; of every kind at least one line is told to somebody on `TODAY`."""
    one = served(session, "温州澄观阀门有限公司")
    other = served(session, "温州年年报阀门有限公司")
    certificate(session, other, granted=dt.date(2025, 12, 10), expires=dt.date(2028, 12, 9))
    lone = firm(session, "温州无人泵业有限公司")
    certificate(session, one, granted=dt.date(2024, 1, 10), expires=dt.date(2027, 1, 9))
    certificate(session, lone, granted=dt.date(2024, 1, 10), expires=dt.date(2027, 1, 9))
    audit.begin(session, actor=ROBOT, action="tests.name")
    session.add(
        FirmName(firm_id=one.id, name="温州旧名阀门厂", name_key="温州旧名阀门厂", kind=NameKind.FORMER, until_on=back(20))
    )  # fmt: skip
    commit(session)
    lead = a_lead(session, 1, today=back(30), at=dt.datetime(2026, 10, 24, 2, 0, tzinfo=dt.UTC))
    quiet = a_lead(session, 2, today=back(200), at=dt.datetime(2026, 5, 7, 2, 0, tzinfo=dt.UTC))
    progress(session, quiet, back(130))
    turned = bring(session, a_lead(session, 3), Stage.NEGOTIATION)
    progress(session, turned, dt.date(2026, 8, 20))  # red since 20 November
    head(session, people.BUREAU_HEAD, "商务局")
    head(session, people.SCIENCE_2, "科技局")
    about = ("firm", one.id)
    step(session, people.SCIENCE, back(2), about, "催报年度数据")
    step(session, people.SCIENCE, TODAY + dt.timedelta(2), about, "上门辅导")
    step(session, people.SCIENCE, back(20), about, "核对研发台账")
    leader = people.id_of(session, people.LEADER)
    step(session, people.SCIENCE, back(3), about, "厂房问题查清报我", is_instruction=True, given_by_id=leader)
    step(session, people.REPORTER, back(16), ("project", turned.id), "落实用能指标")
    reserve(session)
    return {"firm": one.id, "lone": lone.id, "lead": lead.id, "quiet": quiet.id, "turned": turned.id}


def codes(letter: Letter | None) -> set[str]:
    """The kinds a letter tells."""
    return {item.code for group in letter.groups for item in group.items} if letter is not None else set()


def lines(letter: Letter | None, code: str) -> list[tuple[str, int]]:
    """(kind of record, id) of the lines of one kind."""
    groups = letter.groups if letter is not None else ()
    return [(item.kind, item.subject_id) for group in groups for item in group.items if item.code == code]

"""Writing to the registry: what is refused, what stays as history, who may do it."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.i18n import say
from crm.core.permissions import Forbidden, system
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused
from crm.firms import actions, queries
from crm.firms.models import Firm, FirmMove, FirmName, YearFigures
from crm.firms.rules.standing import rename_report_due
from crm.firms.rules.words import FirmStatus, LeadingIndustry, Metric
from tests import people
from tests.firms.test_pages import code_of

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")


@pytest.fixture
def firm(session: Session) -> Firm:
    made = actions.register(
        session, actor=ROBOT, today=TODAY, name="温州拓屿精密机械有限公司", code=code_of("MA2L9E2U5"),
        street_id=people.unit_id(session, "海城"),
    )  # fmt: skip
    commit(session)
    return made


def test_a_code_is_registered_once_and_the_refusal_leads_to_the_firm(session: Session, firm: Firm) -> None:
    with pytest.raises(actions.Duplicate) as caught:
        actions.register(session, actor=ROBOT, today=TODAY, name="别的有限公司", code=firm.code)
    assert caught.value.firm_id == firm.id
    assert caught.value.field == "code"


def test_a_name_alone_identifies_a_firm_without_code(session: Session, firm: Firm) -> None:
    with pytest.raises(actions.Duplicate):
        actions.register(session, actor=ROBOT, today=TODAY, name="温州拓屿精密机械有限责任公司")
    other = actions.register(session, actor=ROBOT, today=TODAY, name=firm.name, code=code_of("MA2L9E2U6"))
    assert other.id != firm.id


def test_the_database_itself_refuses_a_second_firm_of_the_same_name_without_code(session: Session) -> None:
    actions.register(session, actor=ROBOT, today=TODAY, name="温州甲有限公司")
    with pytest.raises(sa.exc.IntegrityError):
        session.add(Firm(status=FirmStatus.ACTIVE, **actions.named("温州甲有限公司")))
        session.flush()
    session.rollback()


def test_the_old_name_becomes_a_dated_former_name_and_is_still_found(session: Session, firm: Firm) -> None:
    old = firm.name
    actions.rename(
        session, firm, actor=ROBOT, today=TODAY, name="温州拓屿装备股份有限公司", on=dt.date(2026, 10, 1)
    )
    commit(session)
    names = session.scalars(sa.select(FirmName).where(FirmName.firm_id == firm.id)).all()
    assert [(row.name, row.until_on) for row in names] == [(old, dt.date(2026, 10, 1))]
    assert [hit.id for hit in queries.search(session, old, ROBOT)] == [firm.id]
    assert [hit.id for hit in queries.search(session, "拓屿装备股份", ROBOT)] == [firm.id]


def test_a_rename_is_due_for_report_within_three_months() -> None:
    assert rename_report_due(dt.date(2026, 11, 30)) == dt.date(2027, 2, 28)
    assert rename_report_due(dt.date(2026, 5, 6)) == dt.date(2026, 8, 6)


def test_moving_out_needs_a_day_and_a_reason_and_leaves_a_dated_row(session: Session, firm: Firm) -> None:
    with pytest.raises(Refused, match="原因"):
        actions.move(
            session, firm, actor=ROBOT, today=TODAY, status=FirmStatus.MOVED_OUT, on=TODAY, reason=" "
        )
    with pytest.raises(Refused, match="晚于今天"):
        actions.move(
            session,
            firm,
            actor=ROBOT,
            today=TODAY,
            status=FirmStatus.MOVED_OUT,
            on=dt.date(2027, 1, 1),
            reason="搬迁",
        )
    actions.move(
        session, firm, actor=ROBOT, today=TODAY, status=FirmStatus.MOVED_OUT, on=TODAY, reason="整体搬迁"
    )
    row = session.execute(sa.select(FirmMove.status, FirmMove.on, FirmMove.reason)).one()
    assert tuple(row) == (FirmStatus.MOVED_OUT, TODAY, "整体搬迁")
    assert firm.status is FirmStatus.MOVED_OUT


def test_a_second_writer_of_the_same_version_is_told(session: Session, firm: Firm) -> None:
    seen = firm.version
    actions.edit(session, firm, actor=ROBOT, today=TODAY, version=seen, address="甲路1号")
    commit(session)
    with pytest.raises(Conflict):
        actions.edit(session, firm, actor=ROBOT, today=TODAY, version=seen, address="乙路2号")


def test_missing_figures_stay_missing_and_each_knows_its_source(session: Session, firm: Firm) -> None:
    row = actions.set_figures(
        session, firm, actor=ROBOT, today=TODAY, year=2025, source="审计报告", on=dt.date(2026, 4, 1),
        figures={Metric.REVENUE.value: 62_540_000},
    )  # fmt: skip
    actions.set_figures(
        session,
        firm,
        actor=ROBOT,
        today=TODAY,
        year=2025,
        source="企业自报",
        figures={Metric.EMPLOYEES.value: 0},
    )
    commit(session)
    session.refresh(row)
    assert (row.revenue_yuan, row.employees, row.tax_yuan) == (62_540_000, 0, None)
    assert row.sources["revenue_yuan"] == {"source": "审计报告", "on": "2026-04-01"}
    assert row.sources["employees"]["source"] == "企业自报"
    assert "tax_yuan" not in row.sources


def test_a_part_cannot_be_larger_than_the_whole(session: Session, firm: Firm) -> None:
    with pytest.raises(Refused) as caught:
        actions.set_figures(
            session, firm, actor=ROBOT, today=TODAY, year=2025, source="x",
            figures={Metric.REVENUE.value: 1, Metric.MAIN_REVENUE.value: 2},
        )  # fmt: skip
    assert say(caught.value) == "主营业务收入不能大于营业收入。"


def test_figures_of_a_year_to_come_are_refused(session: Session, firm: Firm) -> None:
    with pytest.raises(Refused):
        actions.set_figures(session, firm, actor=ROBOT, today=TODAY, year=2027, source="x", figures={})


def test_a_reporter_edits_firms_of_the_own_street_only(session: Session, firm: Firm) -> None:
    reporter = people.actor(session, people.REPORTER)
    actions.edit(session, firm, actor=reporter, today=TODAY, address="海城路1号")
    other = actions.register(
        session, actor=ROBOT, today=TODAY, name="温州沙城有限公司", street_id=people.unit_id(session, "沙城")
    )
    with pytest.raises(Forbidden):
        actions.edit(session, other, actor=reporter, today=TODAY, address="x")
    with pytest.raises(Refused):
        actions.edit(session, firm, actor=reporter, today=TODAY, street_id=people.unit_id(session, "沙城"))
    with pytest.raises(Refused):
        actions.register(session, actor=reporter, today=TODAY, name="温州新企业有限公司")
    with pytest.raises(Forbidden):
        actions.set_figures(session, firm, actor=reporter, today=TODAY, year=2025, source="x", figures={})


def test_figures_are_seen_as_the_table_of_rights_says(session: Session, firm: Firm) -> None:
    def sees(person: people.Person) -> bool:
        return queries.rights(session, firm.id, people.actor(session, person)).figures

    assert sees(people.SCIENCE)
    assert sees(people.LEADER)
    assert sees(people.REPORTER)
    assert not sees(people.INVESTMENT)
    assert not sees(people.READ_ONLY)
    assert not sees(people.STRANGER)
    actions.edit(session, firm, actor=ROBOT, today=TODAY, officer_id=people.id_of(session, people.INVESTMENT))
    assert sees(people.INVESTMENT)
    assert not sees(people.INVESTMENT_2)


@pytest.mark.parametrize("values", ["street", "officer", "industry"])
@pytest.mark.parametrize(
    "person", [people.SCIENCE, people.REPORTER, people.INVESTMENT], ids=lambda one: one.username
)
def test_many_firms_are_judged_by_the_rules_of_the_form(
    session: Session, firm: Firm, person: people.Person, values: str
) -> None:
    """A rule the form knows and bulk changes do not (or the other way round) is red here."""
    viewer = people.actor(session, person)
    given: dict[str, object] = {
        "street": {"street_id": people.unit_id(session, "海城")},
        "officer": {"officer_id": people.id_of(session, person)},
        "industry": {"leading_industry": LeadingIndustry.LIFE_HEALTH},
    }[values]
    firms = [firm]
    for n, street in enumerate(("海城", "沙城", None)):
        place = people.unit_id(session, street) if street else None
        firms.append(
            actions.register(session, actor=ROBOT, today=TODAY, name=f"温州第{n}有限公司", street_id=place)
        )
    commit(session)

    def by_judge() -> dict[int, str]:
        try:
            refused = actions.judge(session, firms, actor=viewer, today=TODAY, values=given)
        except Refused as refusal:
            return dict.fromkeys((one.id for one in firms), refusal.text)
        return {key: refusal.text for key, refusal in refused.items()}

    def by_form() -> dict[int, str]:
        found: dict[int, str] = {}
        for one in firms:
            with session.begin_nested() as savepoint:
                try:
                    actions.edit(session, one, actor=viewer, today=TODAY, **given)
                except Refused as refusal:
                    found[one.id] = refusal.text
                savepoint.rollback()
        return found

    judged = by_judge()
    formed = by_form()
    assert judged.keys() == formed.keys()
    session.rollback()


def test_an_archived_firm_leaves_search_and_comes_back(session: Session, firm: Firm) -> None:
    actions.archive(session, firm, actor=ROBOT, today=TODAY, reason="重复登记")
    commit(session)
    assert queries.search(session, "拓屿", ROBOT) == []
    actions.restore(session, firm, actor=ROBOT)
    commit(session)
    assert [hit.id for hit in queries.search(session, "tuoyu", ROBOT)] == [firm.id]


def test_unknown_facts_are_a_programming_mistake(session: Session, firm: Firm) -> None:
    with pytest.raises(TypeError):
        actions.edit(session, firm, actor=ROBOT, today=TODAY, created_by_id=1)


def test_figures_table_is_one_row_a_firm_and_year(session: Session, firm: Firm) -> None:
    for value in (1, 2):
        actions.set_figures(
            session, firm, actor=ROBOT, today=TODAY, year=2024, source="x", figures={Metric.TAX.value: value}
        )
    assert session.scalars(sa.select(YearFigures.tax_yuan)).all() == [2]

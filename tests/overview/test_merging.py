"""Two records become one: what moves, what is chosen, and that undo brings every business value of both back."""

from __future__ import annotations

import datetime as dt
import random

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit, merging
from crm.core.audit_verify import verify
from crm.core.merging import LEFT, RIGHT
from crm.core.permissions import Actor, Forbidden
from crm.core.records import kind_of
from crm.core.transaction import commit
from crm.core.undo import Blocked
from crm.core.words import Conflict, Refused
from crm.firms import actions as registry
from crm.firms import queries
from crm.firms.models import AboveScale, Contact, Firm, FirmMove, FirmName, IpCount, YearFigures
from crm.firms.rules.words import FirmStatus, LeadingIndustry
from crm.ladder.models import Application, ApplicationMove, Certification, StageInterval
from crm.ladder.queries import load_registry
from crm.ladder.rules.words import ApplicationStep, EndCause
from tests import people
from tests.core.test_undo import snapshot
from tests.overview.merging_cast import CODES, ROBOT, TODAY, add, firm, two

D = dt.date


def shown(session: Session, left: int, right: int, stays: str = LEFT) -> merging.Preview:
    return merging.preview(session, kind_of("firm"), left, right, viewer=ROBOT, stays=stays)


def merge(
    session: Session, left: int, right: int, stays: str = LEFT, actor: Actor = ROBOT, **more: object
) -> audit.Operation:
    done = merging.merge(session, kind_of("firm"), left, right, actor=actor, today=TODAY, stays=stays, **more)  # type: ignore[arg-type]
    commit(session)
    return done


def part(session: Session, gone: int) -> None:
    merging.undo_merge(session, kind_of("firm"), gone, actor=ROBOT)
    commit(session)
    assert verify(session).is_whole
    session.rollback()


def get(session: Session, firm_id: int) -> Firm:
    session.expire_all()
    return session.get_one(Firm, firm_id)


def picks_at_random(preview: merging.Preview, chance: random.Random) -> dict[str, str]:
    picks = {choice.name: chance.choice(merging.SIDES) for choice in preview.facts}
    for moving in preview.parts:
        for clash in moving.clashes:
            picks[clash.name] = chance.choice([*merging.SIDES, "each", "nonsense"])
            picks |= {choice.name: chance.choice(merging.SIDES) for choice in clash.choices}
    return picks


# --- nothing is lost -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_a_merge_and_its_undo_leave_every_business_value_as_it_was(session: Session, seed: int) -> None:
    chance = random.Random(seed)
    left, right = two(session, seed, code=chance.choice(["one", "other", "both", "none"]))
    before = snapshot(session)
    stays = chance.choice(merging.SIDES)
    picks = picks_at_random(shown(session, left, right, stays), chance)
    merge(session, left, right, stays, picks=picks, reason="同一家")
    gone = right if stays == LEFT else left
    kept = left if stays == LEFT else right
    assert snapshot(session) != before
    assert get(session, gone).merged_into_id == kept
    for model in (Contact, Certification, Application):
        own = sa.select(sa.func.count()).where(model.firm_id == gone)
        assert session.scalar(own) == 0, model
    part(session, gone)
    assert snapshot(session) == before


@pytest.mark.parametrize("seed", range(4))
def test_no_row_disappears_in_a_merge(session: Session, seed: int) -> None:
    left, right = two(session, seed)
    tables = [moving.part.model for moving in shown(session, left, right).parts]
    before = {model: set(session.scalars(sa.select(model.id))) for model in tables}  # type: ignore[attr-defined]
    merge(session, left, right)
    for model in tables:
        assert before[model] <= set(session.scalars(sa.select(model.id))), model  # type: ignore[attr-defined]


def test_the_other_is_put_away_and_its_name_and_code_go_to_the_one_that_stays(session: Session) -> None:
    left, right = two(session, 3, code="other")
    name = get(session, right).name
    operation = merge(session, left, right)
    kept, gone = get(session, left), get(session, right)
    assert (kept.code, gone.code, gone.archived_on, gone.merged_into_id) == (CODES[0], None, TODAY, left)
    formers = session.scalars(sa.select(FirmName.name).where(FirmName.firm_id == left)).all()
    assert name in formers
    assert (operation.action, operation.subject) == ("record.merged", ("firm", left))
    assert (operation.params["kept"], operation.params["gone"]) == (left, right)
    found = queries.search(session, "拓屿精密机械制造", ROBOT)
    assert [hit.id for hit in found] == [left]
    assert load_registry(session, ROBOT).matcher.match(name).firm_id == left


def test_the_other_name_may_be_the_one_that_stays(session: Session) -> None:
    left, right = two(session, 3)
    mine, theirs = get(session, left).name, get(session, right).name
    merge(session, left, right, picks={"fact-name": RIGHT})
    kept = get(session, left)
    assert (kept.name, kept.name_key) == (theirs, registry.named(theirs)["name_key"])
    assert mine in session.scalars(sa.select(FirmName.name).where(FirmName.firm_id == left)).all()


def test_what_is_empty_is_filled_and_the_first_registration_is_kept(session: Session) -> None:
    one = firm(session, "温州拓屿机械有限公司", registered_on=D(2016, 1, 1), address="明珠路")
    two_ = firm(
        session, "温州拓屿机械厂", registered_on=D(2012, 1, 1), address="滨海路", business="泵",
        leading_industry=LeadingIndustry.SMART_EQUIPMENT,
    )  # fmt: skip
    merge(session, one.id, two_.id)
    kept = get(session, one.id)
    assert (kept.registered_on, kept.address, kept.business) == (D(2012, 1, 1), "明珠路", "泵")
    assert kept.leading_industry is LeadingIndustry.SMART_EQUIPMENT


def test_two_codes_are_two_firms_unless_somebody_says_why(session: Session) -> None:
    left, right = two(session, 1, code="both")
    before = snapshot(session)
    with pytest.raises(Refused) as caught:
        merge(session, left, right)
    session.rollback()
    assert caught.value.field == "reason"
    assert CODES[0] in str(caught.value) and CODES[1] in str(caught.value)
    assert snapshot(session) == before
    merge(session, left, right, reason="换发执照时编错", picks={"fact-code": RIGHT})
    kept, gone = get(session, left), get(session, right)
    assert (kept.code, gone.code, gone.archive_reason) == (CODES[1], CODES[0], "换发执照时编错")
    # lists that print the other code still mean the firm
    assert load_registry(session, ROBOT).matcher.match("别的名称", CODES[0]).firm_id == left
    assert queries.known_firms(session).by_code(CODES[0]) == left
    with pytest.raises(registry.Duplicate) as taken:
        registry.register(session, actor=ROBOT, today=TODAY, name="浙江别的企业有限公司", code=CODES[0])
    session.rollback()
    assert taken.value.firm_id == left
    part(session, right)
    assert snapshot(session) == before


# --- where both have the same ------------------------------------------------------------------------------------


def figures(session: Session) -> tuple[int, int]:
    one, other = firm(session, "温州拓屿机械有限公司"), firm(session, "温州拓屿机械厂")
    add(
        session,
        YearFigures(
            firm_id=one.id, year=2025, revenue_yuan=100, tax_yuan=1,
            sources={"revenue_yuan": {"source": "甲"}, "tax_yuan": {"source": "甲"}},
        ),
        YearFigures(
            firm_id=other.id, year=2025, revenue_yuan=90, employees=30,
            sources={"revenue_yuan": {"source": "乙"}, "employees": {"source": "乙"}},
        ),
        YearFigures(firm_id=other.id, year=2024, revenue_yuan=80),
    )  # fmt: skip
    return one.id, other.id


def of_2025(session: Session, firm_id: int) -> tuple[int | None, int | None, int | None, dict[str, str]]:
    row = session.scalars(
        sa.select(YearFigures)
        .where(YearFigures.firm_id == firm_id, YearFigures.year == 2025)
        .execution_options(populate_existing=True)
    ).one()
    return row.revenue_yuan, row.tax_yuan, row.employees, {k: v["source"] for k, v in row.sources.items()}


@pytest.mark.parametrize(
    ("whole", "single", "expected"),
    [
        ("left", None, (100, 1, 30, {"revenue_yuan": "甲", "tax_yuan": "甲", "employees": "乙"})),
        ("right", None, (90, 1, 30, {"revenue_yuan": "乙", "tax_yuan": "甲", "employees": "乙"})),
        ("each", {"revenue_yuan": "right", "employees": "left"}, (90, 1, None, {"revenue_yuan": "乙", "tax_yuan": "甲"})),
    ],
)  # fmt: skip
def test_figures_of_a_year_on_both_sides_are_chosen_whole_or_one_by_one(
    session: Session, whole: str, single: dict[str, str] | None, expected: tuple[object, ...]
) -> None:
    left, right = figures(session)
    clash = next(c for m in shown(session, left, right).parts for c in m.clashes)
    picks = {clash.name: whole} | {f"{clash.name}-{name}": side for name, side in (single or {}).items()}
    merge(session, left, right, picks=picks)
    assert of_2025(session, left) == expected
    assert of_2025(session, right)[:3] == (90, None, 30)  # what was not chosen stays with the one put away
    assert queries.figures_in(session, left, 2024) is not None


def test_one_certificate_entered_twice_counts_once(session: Session) -> None:
    one, other = firm(session, "温州拓屿机械有限公司"), firm(session, "温州拓屿机械厂")
    add(
        session,
        Certification(firm_id=one.id, kind="high-tech", granted_on=D(2024, 1, 1), expires_on=D(2026, 12, 31)),
        Certification(
            firm_id=other.id,
            kind="high-tech",
            granted_on=D(2024, 1, 1),
            expires_on=D(2026, 12, 31),
            number="GR1",
        ),
    )
    twin = session.scalars(sa.select(Certification.id).where(Certification.firm_id == other.id)).one()
    add(session, Certification(firm_id=other.id, kind="srdi", granted_on=D(2025, 1, 1), renews_id=twin))
    merge(session, one.id, other.id)
    rows = session.scalars(
        sa.select(Certification).order_by(Certification.id).execution_options(populate_existing=True)
    ).all()
    assert {row.firm_id for row in rows} == {one.id}
    assert [(row.number, row.end_cause) for row in rows[:2]] == [
        ("GR1", None),
        ("GR1", EndCause.ENTERED_WRONGLY),
    ]
    assert rows[2].renews_id == rows[0].id
    assert session.scalars(sa.select(StageInterval.firm_id).distinct()).all() == [one.id]


@pytest.mark.parametrize("goes_on", [LEFT, RIGHT])
def test_of_two_open_applications_one_goes_on_and_both_keep_their_steps(
    session: Session, goes_on: str
) -> None:
    one, other = firm(session, "温州拓屿机械有限公司"), firm(session, "温州拓屿机械厂")
    for firm_ in (one, other):
        add(
            session,
            Application(
                firm_id=firm_.id, kind="srdi", step=ApplicationStep.APPLYING, step_on=D(2026, 1, 1), is_open=True,
                opened_on=D(2026, 1, 1),
            ),
        )  # fmt: skip
    before = snapshot(session)
    ids = dict(
        zip(merging.SIDES, session.scalars(sa.select(Application.id).order_by(Application.id)), strict=True)
    )
    clash = next(c for m in shown(session, one.id, other.id).parts for c in m.clashes)
    merge(session, one.id, other.id, picks={clash.name: goes_on})
    rows = {
        row.id: row
        for row in session.scalars(sa.select(Application).execution_options(populate_existing=True))
    }
    assert {row.firm_id for row in rows.values()} == {one.id}
    assert rows[ids[goes_on]].is_open and rows[ids[goes_on]].step is ApplicationStep.APPLYING
    ended = rows[ids[RIGHT if goes_on == LEFT else LEFT]]
    assert (ended.is_open, ended.step, ended.closed_on) == (None, ApplicationStep.DROPPED, TODAY)
    assert session.scalars(sa.select(ApplicationMove.application_id)).all() == [ended.id]
    part(session, other.id)
    assert snapshot(session) == before


def test_there_is_one_main_contact_and_one_history_of_status(session: Session) -> None:
    one, other = firm(session, "温州拓屿机械有限公司"), firm(session, "温州拓屿机械厂")
    other.status, other.status_on, other.status_reason = FirmStatus.CLOSED, D(2025, 1, 1), "注销"
    add(
        session,
        Contact(firm_id=one.id, name="甲", is_primary=True),
        Contact(firm_id=other.id, name="乙", is_primary=True),
        FirmMove(firm_id=other.id, status=FirmStatus.CLOSED, on=D(2025, 1, 1), reason="注销"),
    )
    merge(session, one.id, other.id)
    contacts = session.execute(
        sa.select(Contact.name, Contact.firm_id, Contact.is_primary).order_by(Contact.id)
    )
    assert [tuple(row) for row in contacts] == [("甲", one.id, True), ("乙", one.id, False)]
    assert get(session, one.id).status is FirmStatus.ACTIVE
    assert session.scalars(sa.select(FirmMove.firm_id)).all() == [other.id]
    part(session, other.id)
    merge(session, one.id, other.id, picks={"fact-status": RIGHT})
    assert get(session, one.id).status is FirmStatus.CLOSED
    assert session.scalars(sa.select(FirmMove.firm_id)).all() == [one.id]


# --- who, when and in which order ----------------------------------------------------------------------------------


def test_a_change_between_preview_and_merge_is_a_conflict_that_says_who(session: Session) -> None:
    left, right = two(session, 5)
    seen = shown(session, left, right)
    session.rollback()
    finance = people.actor(session, people.FINANCE)
    registry.edit(session, get(session, right), actor=finance, today=TODAY, business="改过")
    commit(session)
    with pytest.raises(Conflict):
        merge(session, left, right, mark=seen.mark)
    session.rollback()
    now = shown(session, left, right)
    (change,) = merging.changed_since(session, now, seen.since)
    assert (change.who, change.action) == (people.FINANCE.name, "firm.edit")
    merge(session, left, right, mark=now.mark)


def test_a_new_row_of_a_relation_is_such_a_change(session: Session) -> None:
    left, right = two(session, 5)
    seen = shown(session, left, right)
    add(session, Contact(firm_id=right, name="新来的"))
    with pytest.raises(Conflict):
        merge(session, left, right, mark=seen.mark)


def test_what_was_merged_is_not_merged_again_and_what_stays_may_be(session: Session) -> None:
    left, right = two(session, 2)
    third = firm(session, "浙江拓屿控股有限公司", CODES[1]).id
    before = snapshot(session)
    merge(session, left, right)
    between = snapshot(session)
    for a, b in ((right, third), (third, right), (left, right)):
        with pytest.raises(Conflict):
            merge(session, a, b)
        session.rollback()
    with pytest.raises(Refused):
        merge(session, left, left)
    session.rollback()
    merge(session, third, left, reason="同一家")
    kind = kind_of("firm")
    assert merging.survivor_of(session, kind, right) == third
    assert merging.merged_into(session, kind, third) == sorted([left, right])
    assert [hit.id for hit in queries.search(session, "拓屿精密机械制造", ROBOT)] == [third]
    # the first merge cannot be undone while the second stands on it
    with pytest.raises(Blocked) as caught:
        merging.undo_merge(session, kind, right, actor=ROBOT)
    session.rollback()
    assert caught.value.items
    part(session, left)
    assert snapshot(session) == between
    part(session, right)
    assert snapshot(session) == before


def test_an_undo_is_refused_when_newer_changes_depend_on_the_merge(session: Session) -> None:
    left, right = two(session, 4, code="other")
    merge(session, left, right)
    registry.rename(
        session, get(session, left), actor=ROBOT, today=TODAY, name="温州拓屿智能装备有限公司", on=TODAY
    )
    commit(session)
    contact = Contact(firm_id=left, name="合并以后来的")
    add(session, contact)
    certificate = session.scalars(sa.select(Certification).where(Certification.firm_id == left)).all()[-1]
    registry.edit(
        session, get(session, left), actor=people.actor(session, people.FINANCE), today=TODAY, code=CODES[1]
    )
    commit(session)
    with pytest.raises(Blocked) as caught:
        merging.undo_merge(session, kind_of("firm"), right, actor=ROBOT)
    session.rollback()
    assert any(item.params.get("who") == people.FINANCE.name for item in caught.value.items)
    assert certificate.firm_id == left


@pytest.mark.parametrize("person", [people.INVESTMENT, people.REPORTER, people.LEADER, people.READ_ONLY])
def test_only_those_who_may_merge_do(session: Session, person: people.Person) -> None:
    left, right = two(session, 1)
    with pytest.raises(Forbidden):
        merge(session, left, right, actor=people.actor(session, person))
    session.rollback()
    merge(session, left, right)
    with pytest.raises(Forbidden):
        merging.undo_merge(session, kind_of("firm"), right, actor=people.actor(session, person))


def test_an_archived_record_does_not_take_another_in(session: Session) -> None:
    left, right = two(session, 1)
    registry.archive(session, get(session, left), actor=ROBOT, today=TODAY, reason="重复登记")
    commit(session)
    with pytest.raises(Refused):
        merge(session, left, right)
    session.rollback()
    merge(session, left, right, RIGHT)
    gone = get(session, left)
    assert (gone.merged_into_id, gone.archive_reason) == (right, "重复登记")


def test_the_firm_counts_once_also_in_the_past(session: Session) -> None:
    left, right = two(session, 6)
    merge(session, left, right)
    assert session.scalars(sa.select(StageInterval.id).where(StageInterval.firm_id == right)).all() == []
    assert session.scalar(sa.select(sa.func.count()).where(AboveScale.firm_id == left))
    assert session.scalar(sa.select(sa.func.count()).where(IpCount.firm_id == left))

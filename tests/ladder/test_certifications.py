"""Granting, renewing, ending and correcting; what follows for applications and stages."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused
from crm.firms.actions import archive, move
from crm.firms.models import AboveScale
from crm.firms.rules.words import FirmStatus
from crm.ladder import actions
from crm.ladder.actions import Grant
from crm.ladder.models import Application, ApplicationMove, Certification, StageInterval
from crm.ladder.rules.words import ApplicationStep, EndCause, RowResult, Stage
from tests import people
from tests.ladder.builders import SYSTEM, TODAY, D, firm, firms, stage_on, stages

HIGH = "high-tech"
GRANTED = D(2025, 12, 8)
NO = "GR202533000001"


def granted(
    session: Session, firm_id: int, on: dt.date = GRANTED, number: str | None = NO, kind: str = HIGH
) -> Certification:
    from crm.firms.models import Firm

    made = actions.grant(
        session,
        session.get_one(Firm, firm_id),
        kind=kind,
        granted_on=on,
        number=number,
        actor=SYSTEM,
        today=TODAY,
    )
    commit(session)
    return made


def test_a_grant_has_its_end_its_stage_and_its_audit(session: Session) -> None:
    it = firm(session)
    made = granted(session, it.id)
    assert made.expires_on == D(2028, 12, 7)
    assert stages(session, it.id) == [
        (D(2015, 3, 1), GRANTED, Stage.MICRO_GROWTH, False),
        (GRANTED, D(2028, 12, 8), Stage.HIGH_TECH_SCALE_UP, False),
        (D(2028, 12, 8), None, Stage.MICRO_GROWTH, False),
    ]
    envelope = session.scalars(
        sa.select(audit.AuditEnvelope).order_by(audit.AuditEnvelope.seq.desc())
    ).first()
    assert envelope is not None
    assert (envelope.action, envelope.subject_id) == ("certification.grant", it.id)


def test_a_grant_closes_the_open_application(session: Session) -> None:
    it = firm(session)
    wanted = actions.open_application(session, it, kind=HIGH, on=D(2025, 3, 1), actor=SYSTEM, today=TODAY)
    later = actions.open_application(session, it, kind="srdi", on=D(2025, 3, 1), actor=SYSTEM, today=TODAY)
    commit(session)
    made = granted(session, it.id)
    session.expire_all()
    done = session.get_one(Application, wanted.id)
    assert (done.step, done.is_open, done.certification_id) == (ApplicationStep.GRANTED, None, made.id)
    assert session.get_one(Application, later.id).is_open is True
    steps = session.scalars(
        sa.select(ApplicationMove.step)
        .where(ApplicationMove.application_id == wanted.id)
        .order_by(ApplicationMove.id)
    ).all()
    assert steps == [ApplicationStep.POTENTIAL, ApplicationStep.GRANTED]


@pytest.mark.parametrize(
    ("kind", "on", "number", "field"),
    [
        (HIGH, D(2026, 11, 24), NO, "granted_on"),
        (HIGH, D(1825, 12, 8), NO, "granted_on"),
        (HIGH, GRANTED, "GR20253300001", "number"),
        ("tech-sme-national", GRANTED, NO, "number"),
        ("nothing", GRANTED, NO, "kind"),
    ],
)
def test_a_bad_day_number_or_kind_is_refused(
    session: Session, kind: str, on: dt.date, number: str, field: str
) -> None:
    it = firm(session)
    with pytest.raises(Refused) as refusal:
        actions.grant(session, it, kind=kind, granted_on=on, number=number, actor=SYSTEM, today=TODAY)
    assert refusal.value.field == field


def test_the_same_certificate_twice_an_overlap_and_a_taken_number_are_refused(session: Session) -> None:
    it, other = firm(session), firm(session, "浙江远川机械有限公司")
    granted(session, it.id)
    for firm_, on, number in ((it, GRANTED, NO), (it, D(2026, 5, 5), "GR202633000009"), (other, GRANTED, NO)):
        with pytest.raises(Refused):
            actions.grant(session, firm_, kind=HIGH, granted_on=on, number=number, actor=SYSTEM, today=TODAY)


def test_a_new_certificate_near_the_end_of_the_old_one_renews_it(session: Session) -> None:
    it = firm(session)
    old = granted(session, it.id, D(2022, 12, 20), "GR202233000001")
    new = actions.renew(session, old, granted_on=GRANTED, number=NO, actor=SYSTEM, today=TODAY)
    commit(session)
    assert new.renews_id == old.id
    assert [row[:2] for row in stages(session, it.id)[1:]] == [
        (D(2022, 12, 20), D(2028, 12, 8)),
        (D(2028, 12, 8), None),
    ]


def test_a_revoked_certificate_moves_the_firm_back_from_that_day(session: Session) -> None:
    it = firm(session)
    made = granted(session, it.id)
    with pytest.raises(Refused):
        actions.revoke(session, made, on=D(2026, 6, 1), reason=" ", actor=SYSTEM, today=TODAY)
    actions.revoke(session, made, on=D(2026, 6, 1), reason="累计两年未填报年报", actor=SYSTEM, today=TODAY)
    commit(session)
    assert stage_on(session, it.id, D(2026, 5, 31)) is Stage.HIGH_TECH_SCALE_UP
    assert stage_on(session, it.id, D(2026, 6, 1)) is Stage.MICRO_GROWTH
    with pytest.raises(Refused):
        actions.revoke(session, made, on=D(2026, 7, 1), reason="再次", actor=SYSTEM, today=TODAY)
    actions.reopen(session, made, reason="误登记", actor=SYSTEM)
    commit(session)
    assert stage_on(session, it.id, TODAY) is Stage.HIGH_TECH_SCALE_UP


def test_what_was_entered_wrongly_never_held_and_can_be_entered_again(session: Session) -> None:
    it = firm(session)
    made = granted(session, it.id)
    actions.end(
        session, made, on=TODAY, cause=EndCause.ENTERED_WRONGLY, reason="登错企业", actor=SYSTEM, today=TODAY
    )
    commit(session)
    assert len(stages(session, it.id)) == 1
    assert granted(session, it.id).id != made.id


def test_a_correction_needs_a_reason_and_the_version_seen(session: Session) -> None:
    it = firm(session)
    made = granted(session, it.id)
    seen = made.version
    actions.correct(
        session,
        made,
        granted_on=D(2025, 12, 1),
        expires_on=None,
        number=NO,
        reason="日期录错",
        actor=SYSTEM,
        today=TODAY,
        version=seen,
    )
    commit(session)
    assert made.expires_on == D(2028, 11, 30)
    with pytest.raises(Conflict):
        actions.correct(
            session,
            made,
            granted_on=GRANTED,
            expires_on=None,
            number=NO,
            reason="又错",
            actor=SYSTEM,
            today=TODAY,
            version=seen,
        )


def test_a_firm_that_moved_out_or_is_archived_gets_no_certificate(session: Session) -> None:
    it, away = firm(session), firm(session, "浙江远川机械有限公司")
    move(
        session,
        away,
        actor=SYSTEM,
        today=TODAY,
        status=FirmStatus.MOVED_OUT,
        on=D(2025, 6, 1),
        reason="整体迁出",
    )
    archive(session, it, actor=SYSTEM, today=TODAY, reason="重复登记")
    commit(session)
    for item in (it, away):
        with pytest.raises(Refused):
            actions.grant(session, item, kind=HIGH, granted_on=GRANTED, number=NO, actor=SYSTEM, today=TODAY)


def test_moving_out_ends_the_stage_and_coming_back_starts_it_again(session: Session) -> None:
    it = firm(session)
    granted(session, it.id)
    for status, on in ((FirmStatus.MOVED_OUT, D(2026, 2, 1)), (FirmStatus.MOVED_IN, D(2026, 9, 1))):
        move(session, it, actor=SYSTEM, today=TODAY, status=status, on=on, reason="搬迁")
        commit(session)
    assert stage_on(session, it.id, D(2026, 2, 1)) is None
    assert stage_on(session, it.id, D(2026, 9, 1)) is Stage.HIGH_TECH_SCALE_UP


def test_an_application_moves_by_dated_steps_and_one_is_open_at_a_time(session: Session) -> None:
    it = firm(session)
    wanted = actions.open_application(session, it, kind=HIGH, on=D(2026, 3, 1), actor=SYSTEM, today=TODAY)
    with pytest.raises(Refused):
        actions.open_application(session, it, kind=HIGH, on=D(2026, 4, 1), actor=SYSTEM, today=TODAY)
    actions.advance(
        session,
        wanted,
        step=ApplicationStep.ACCEPTED,
        on=D(2026, 6, 1),
        actor=SYSTEM,
        today=TODAY,
        batch="第一批",
    )
    for step, on, reason in (
        (ApplicationStep.GRANTED, D(2026, 7, 1), "发证"),
        (ApplicationStep.PUBLICISED, D(2026, 5, 1), None),
        (ApplicationStep.APPLYING, D(2026, 7, 1), None),
        (ApplicationStep.FAILED, D(2026, 7, 1), None),
        (ApplicationStep.PUBLICISED, D(2026, 12, 1), None),
    ):
        with pytest.raises(Refused):
            actions.advance(session, wanted, step=step, on=on, reason=reason, actor=SYSTEM, today=TODAY)
    actions.fail(session, wanted, on=D(2026, 9, 1), reason="研发费用占比不足", actor=SYSTEM, today=TODAY)
    commit(session)
    assert wanted.is_open is None
    again = actions.open_application(session, it, kind=HIGH, on=D(2026, 10, 1), actor=SYSTEM, today=TODAY)
    commit(session)
    assert again.id != wanted.id


def test_many_are_judged_like_one_and_among_each_other(session: Session) -> None:
    one, two, three = firms(session, 3)
    answers = actions.grant_many(
        session,
        [
            Grant(one.id, HIGH, GRANTED, "GR202533000001"),
            Grant(two.id, HIGH, GRANTED, "gr 2025 3300 0002"),
            Grant(two.id, HIGH, GRANTED, "GR202533000002"),
            Grant(three.id, HIGH, GRANTED, "GR202533000001"),
            Grant(three.id, HIGH, GRANTED, "坏号"),
            Grant(999_999, HIGH, GRANTED, "GR202533000003"),
        ],
        actor=SYSTEM,
        today=TODAY,
    )
    commit(session)
    G, S, N = RowResult.GRANTED, RowResult.SAME, RowResult.NOT_WRITTEN
    assert [item.result for item in answers] == [G, G, S, G, N, N]
    assert answers[3].warning is not None  # a list that prints one number twice is entered as published
    assert answers[1].grant.number == "GR202533000002"
    assert session.scalar(sa.select(sa.func.count()).select_from(Certification)) == 3


def test_only_the_science_bureau_tags(session: Session) -> None:
    it = firm(session)
    for person in (people.FINANCE, people.LEADER, people.READ_ONLY, people.AUDITOR):
        with pytest.raises(Refused):
            actions.grant(
                session,
                it,
                kind=HIGH,
                granted_on=GRANTED,
                number=NO,
                actor=people.actor(session, person),
                today=TODAY,
            )


def test_only_what_changed_is_rewritten(session: Session) -> None:
    it, other = firms(session, 2)
    granted(session, it.id)
    before = {
        row.id: row.firm_id for row in session.execute(sa.select(StageInterval.id, StageInterval.firm_id))
    }
    audit.begin(session, actor=SYSTEM, action="tests.scale")
    session.add(AboveScale(firm_id=it.id, year=2026, is_above=True))
    commit(session)
    after = {
        row.id: row.firm_id for row in session.execute(sa.select(StageInterval.id, StageInterval.firm_id))
    }
    assert {row for row, owner in before.items() if owner == other.id} <= set(after)
    assert len(set(before) & set(after)) == len(before) - 1  # 微成长 before and after stay, 高壮大 is cut
    assert stage_on(session, it.id, TODAY) is Stage.SCALED_UP


def test_two_thousand_firms_are_rebuilt_in_one_go(session: Session) -> None:
    made = firms(session, 2_000)
    rows = [Grant(it.id, HIGH, GRANTED, f"GR202533{place:06d}") for place, it in enumerate(made)]
    actions.grant_many(session, rows, actor=SYSTEM, today=TODAY)
    started = time.process_time()
    actions.recompute(session, {"firms": {it.id for it in made}})
    took = time.process_time() - started
    commit(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(StageInterval)) == 6_000
    assert took < 20, took  # 0.35 s on the machine it was written on; 10,000 firms took 1.7 s

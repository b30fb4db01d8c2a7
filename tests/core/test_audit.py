"""The audit's change rows and envelopes, on a real database with real commits."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import audit, transaction
from crm.core.audit import AuditChange, AuditEnvelope, AuditHead, AuditPersonal
from crm.core.audit_verify import verify
from crm.core.permissions import Actor, system
from crm.core.words import Conflict, Refused
from crm.firms.models import Contact, Firm, YearFigures
from crm.firms.rules.words import FirmStatus, LeadingIndustry

ME = Actor(user_id=None, name="测试员")


def firm_values(n: int = 1, **more: Any) -> dict[str, Any]:
    name = f"温州𠮷第{n}号泵阀有限公司"
    return {"name": name, "name_key": f"k{n}", "name_sort": f"s{n}", "code": None, **more}


def named(session: Session, action: str = "test.act", **params: Any) -> audit.Operation:
    return audit.begin(session, actor=ME, action=action, **params)


def changes(session: Session, operation: audit.Operation) -> list[AuditChange]:
    return list(
        session.scalars(
            sa.select(AuditChange).where(AuditChange.operation == operation.id).order_by(AuditChange.n)
        )
    )


def whole(session: Session) -> bool:
    session.rollback()
    report = verify(session)
    session.rollback()
    assert report.broken is None, report.broken
    return report.is_whole


def test_an_object_leaves_insert_update_and_delete_rows(session: Session) -> None:
    made = named(session)
    firm = Firm(**firm_values(registered_on=dt.date(2020, 2, 29), capital_yuan=9_007_199_254_740_993))
    session.add(firm)
    transaction.commit(session)
    changed = named(session)
    firm.status = FirmStatus.CLOSED
    firm.address = "金海大道 1 号"
    transaction.commit(session)
    gone = named(session)
    session.delete(firm)
    transaction.commit(session)

    (insert,) = [row for row in changes(session, made) if row.kind == "firms"]
    assert insert.verb == "insert"
    assert insert.after["capital_yuan"] == 9_007_199_254_740_993
    assert insert.after["registered_on"] == "2020-02-29"
    assert insert.after["version"] == 1
    (update,) = [row for row in changes(session, changed) if row.kind == "firms"]
    assert update.before == {"status": "active", "address": None}
    assert update.after == {"status": "closed", "address": "金海大道 1 号"}
    (delete,) = [row for row in changes(session, gone) if row.kind == "firms"]
    assert delete.before["address"] == "金海大道 1 号"
    assert delete.before["created_at"] == insert.after["created_at"]
    assert delete.before["version"] == 2
    assert whole(session)


def test_the_stamps_say_who_and_when(session: Session) -> None:
    who = Actor(user_id=1, name="甲")
    operation = audit.begin(session, actor=who, action="test.act")
    firm = Firm(**firm_values())
    session.add(firm)
    transaction.commit(session)
    assert (firm.created_at, firm.created_by_id) == (operation.at, 1)
    second = audit.begin(session, actor=Actor(user_id=2, name="乙"), action="test.act")
    firm.address = "乙改"
    transaction.commit(session)
    assert (firm.updated_at, firm.updated_by_id, firm.created_by_id) == (second.at, 2, 1)


def test_the_old_value_is_kept_also_when_nobody_had_loaded_it(session: Session) -> None:
    named(session)
    firm = Firm(**firm_values(address="旧"))
    session.add(firm)
    transaction.commit(session)
    session.expire(firm, ["address"])
    operation = named(session)
    firm.address = "新"
    transaction.commit(session)
    (row,) = [row for row in changes(session, operation) if row.kind == "firms"]
    assert row.before == {"address": "旧"}


def test_bulk_and_object_inserts_leave_equal_rows(session: Session) -> None:
    one = named(session)
    firm = Firm(**firm_values(1))
    session.add(firm)
    transaction.commit(session)
    many = named(session)
    (row_id,) = audit.insert_many(session, Firm, [firm_values(2)])
    transaction.commit(session)
    by_object = next(row.after for row in changes(session, one) if row.kind == "firms")
    in_bulk = next(row.after for row in changes(session, many) if row.kind == "firms")
    assert by_object.keys() == in_bulk.keys()
    stored = session.get_one(Firm, row_id)
    assert (stored.version, stored.status, stored.leading_industry) == (
        1,
        FirmStatus.ACTIVE,
        LeadingIndustry.OTHER,
    )
    assert audit.jsonable(stored.created_at) == in_bulk["created_at"]


def test_bulk_insert_fills_defaults_and_keeps_the_order(session: Session) -> None:
    named(session)
    ids = audit.insert_many(
        session, Firm, [firm_values(n, **({"code": f"{n:018}"} if n % 2 else {})) for n in range(2500)]
    )
    audit.insert_many(session, YearFigures, [{"firm_id": ids[0], "year": 2025, "revenue_yuan": None}])
    transaction.commit(session)
    names = {row.id: row.name for row in session.execute(sa.select(Firm.id, Firm.name))}
    assert [names[row_id] for row_id in ids] == [firm_values(n)["name"] for n in range(2500)]
    assert session.scalars(sa.select(YearFigures)).one().sources == {}
    assert whole(session)


def test_bulk_update_counts_only_what_changed_and_grows_versions(session: Session) -> None:
    named(session)
    ids = audit.insert_many(session, Firm, [firm_values(n, address="旧") for n in range(3)])
    transaction.commit(session)
    held = session.get_one(Firm, ids[0])
    operation = named(session)
    count = audit.update_many(
        session,
        Firm,
        [
            (ids[0], {"address": "旧"}, {"address": "新"}),
            (ids[1], {}, {"address": "旧"}),
            (ids[2], {}, {"business": "泵"}),
        ],
    )
    assert count == 2
    assert (held.address, held.version) == ("新", 2)
    transaction.commit(session)
    found = [
        (row.row_id, row.before, row.after) for row in changes(session, operation) if row.kind == "firms"
    ]
    assert found == [
        (ids[0], {"address": "旧"}, {"address": "新"}),
        (ids[2], {"business": None}, {"business": "泵"}),
    ]
    assert [session.get_one(Firm, i).version for i in ids] == [2, 1, 2]


def test_bulk_update_of_a_row_changed_meanwhile_is_refused(session: Session) -> None:
    named(session)
    (row_id,) = audit.insert_many(session, Firm, [firm_values(address="甲")])
    transaction.commit(session)
    named(session)
    with pytest.raises(Conflict):
        audit.update_many(session, Firm, [(row_id, {"address": "乙"}, {"address": "丙"})])
    session.rollback()
    assert session.scalar(sa.select(Firm.address)) == "甲"


def test_a_write_without_a_name_is_refused(session: Session) -> None:
    session.add(Firm(**firm_values(), created_at=dt.datetime.now(dt.UTC), updated_at=dt.datetime.now(dt.UTC)))
    with pytest.raises(audit.Unnamed):
        session.flush()
    session.rollback()
    with pytest.raises(audit.Unnamed):
        audit.insert_many(session, Firm, [firm_values()])


def test_a_commit_that_skips_the_seal_is_refused(session: Session) -> None:
    named(session)
    session.add(Firm(**firm_values()))
    with pytest.raises(audit.Unnamed):
        session.commit()
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 0


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(Firm).values(address="x"),
        sa.delete(Firm),
        sa.insert(Firm).values(**firm_values()),
        sa.update(Firm.__table__).values(address="x"),
    ],
)
def test_a_bulk_statement_that_leaves_no_change_rows_is_refused(session: Session, statement: Any) -> None:
    named(session)
    with pytest.raises(audit.Unnamed):
        session.execute(statement)


def test_a_savepoint_rolled_back_takes_its_change_rows_out_of_the_digest(session: Session) -> None:
    operation = named(session)
    session.add(Firm(**firm_values(1)))
    session.flush()
    with pytest.raises(ZeroDivisionError), session.begin_nested():
        session.add(Firm(**firm_values(2)))
        session.flush()
        raise ZeroDivisionError
    with session.begin_nested():
        session.add(Firm(**firm_values(3)))
    transaction.commit(session)
    assert [row.after["name_key"] for row in changes(session, operation) if row.kind == "firms"] == [
        "k1",
        "k3",
    ]
    assert whole(session)


def test_a_name_given_inside_a_savepoint_rolled_back_leaves_an_honest_chain(session: Session) -> None:
    with pytest.raises(ZeroDivisionError), session.begin_nested():
        named(session)
        session.add(Firm(**firm_values(2)))
        session.flush()
        raise ZeroDivisionError
    named(session)
    session.add(Firm(**firm_values(3)))
    transaction.commit(session)
    assert whole(session)


def test_a_rolled_back_transaction_leaves_no_envelope(session: Session) -> None:
    before = session.scalar(sa.select(AuditHead.seq))
    named(session, "test.lost")
    session.add(Firm(**firm_values()))
    session.flush()
    session.rollback()
    assert audit.running(session) is None
    assert session.scalar(sa.select(AuditHead.seq)) == before
    assert whole(session)


def test_personal_values_are_commitments_and_can_be_erased(session: Session) -> None:
    operation = named(session)
    (firm_id,) = audit.insert_many(session, Firm, [firm_values()])
    session.add(Contact(firm_id=firm_id, name="王小明", phone="13800001111"))
    transaction.commit(session)
    (row,) = [row for row in changes(session, operation) if row.kind == "contacts"]
    assert row.after["phone"].startswith(audit.COMMITTED)
    assert "王小明" not in str(row.after)
    kept = session.scalars(sa.select(AuditPersonal).where(AuditPersonal.kind == "contacts")).all()
    assert {audit.COMMITTED + audit.commit_to(one.salt, one.value) for one in kept} >= {row.after["phone"]}
    session.execute(sa.delete(AuditPersonal).where(AuditPersonal.row_id == row.row_id))
    session.commit()
    assert whole(session)


def test_secrets_never_reach_the_audit(session: Session) -> None:
    from crm.accounts.models import User

    user = session.scalars(sa.select(User).limit(1)).one()
    operation = named(session)
    user.password_hash = "scrypt:topsecret"
    transaction.commit(session)
    (row,) = changes(session, operation)
    assert row.after == {"password_hash": "set"}
    everything = session.execute(sa.text("SELECT * FROM audit_changes")).all()
    assert "topsecret" not in str(everything) and "scrypt" not in str(everything)


def test_values_read_the_same_after_a_round_trip(session: Session) -> None:
    odd = {
        "big": 2**80,
        "float": 0.1 + 0.2,
        "round": 1.0,
        "none": None,
        "text": "𠮷㐂\u200b\u202e",
        "nul": "a\x00b",
        "lone": "\ud800",
        "moment": dt.datetime(2026, 1, 1, 8, 0, 0, 5, tzinfo=dt.timezone(dt.timedelta(hours=8))),
        "day": dt.date(1986, 5, 4),
        "exact": Decimal("1.10"),
        "set": {"乙", "甲"},
        "word": FirmStatus.ACTIVE,
        "nested": {"1": [True, {"x": ()}]},
    }
    operation = named(session, "test.odd", **odd)
    transaction.commit(session)
    session.expire_all()
    stored = session.scalars(sa.select(AuditEnvelope).where(AuditEnvelope.operation == operation.id)).one()
    assert audit.canonical(stored.params) == audit.canonical(audit.jsonable(odd))
    assert stored.params["moment"] == "2026-01-01T00:00:00.000005+00:00"
    assert whole(session)


def test_not_a_number_and_a_moment_without_a_zone_are_refused() -> None:
    for value in (float("nan"), float("inf"), dt.datetime(2026, 1, 1)):
        with pytest.raises(ValueError):
            audit.jsonable(value)


def test_the_origin_is_kept_and_cut_to_what_fits(session: Session) -> None:
    session.info["origin"] = audit.Origin("10.0.0.1\x00" + "x" * 100, "r" * 80)
    operation = audit.begin(session, actor=system("cli"), action="test.act")
    transaction.commit(session)
    session.expire_all()
    stored = session.scalars(sa.select(AuditEnvelope).where(AuditEnvelope.operation == operation.id)).one()
    assert stored.address.startswith("10.0.0.1x") and len(stored.address) == 64
    assert (stored.request_id, stored.actor_name) == ("r" * 40, "system:cli")
    assert whole(session)


def test_an_id_is_never_given_twice(session: Session) -> None:
    named(session)
    (first,) = audit.insert_many(session, Firm, [firm_values(1)])
    transaction.commit(session)
    named(session)
    audit.delete_many(session, Firm, [first])
    transaction.commit(session)
    named(session)
    firm = Firm(**firm_values(2))
    session.add(firm)
    session.flush()
    (third,) = audit.insert_many(session, Firm, [firm_values(3)])
    transaction.commit(session)
    assert len({first, firm.id, third}) == 3


def test_a_taken_key_becomes_a_sentence_and_the_transaction_goes_on(session: Session) -> None:
    code = "91330300MA2AAAAA1B"
    named(session)
    session.add(Firm(**firm_values(1, code=code)))
    session.flush()
    with (
        pytest.raises(Refused) as caught,
        transaction.refusing(session, {"uq_firms_code": Refused("这个代码已经有了", field="code")}),
    ):
        session.add(Firm(**firm_values(2, code=code)))
    assert caught.value.field == "code"
    session.add(Firm(**firm_values(3)))
    transaction.commit(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 2
    assert whole(session)


def test_a_violation_nobody_named_is_raised_as_it_is(session: Session) -> None:
    named(session)
    with pytest.raises(IntegrityError), transaction.refusing(session, {"uq_firms_code": Refused("不")}):
        session.add(Contact(firm_id=987654, name="无主"))


def test_a_second_writing_session_gets_through_when_the_first_only_read(app: Flask) -> None:
    from crm.core.db import db

    with app.app_context():
        outer = db.session()
        firm_count = outer.scalar(sa.select(sa.func.count()).select_from(Firm))
        with transaction.fresh() as inner:
            audit.begin(inner, actor=ME, action="access.refused", is_success=False)
            transaction.commit(inner)
        assert firm_count == 0
        audit.begin(outer, actor=ME, action="test.act")
        outer.add(Firm(**firm_values()))
        outer.flush()
        if db.engine.dialect.name == "sqlite":
            with pytest.raises(RuntimeError), transaction.fresh():
                pass
        transaction.commit(outer)
        db.session.remove()

"""Undo of an operation: whole, or refused with what stands in the way."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit, transaction
from crm.core.audit import AuditPersonal
from crm.core.audit_verify import verify
from crm.core.db import Base
from crm.core.i18n import say
from crm.core.permissions import Actor
from crm.core.undo import Blocked, can_undo, undo
from crm.core.words import Missing, Refused
from crm.firms.models import Contact, Firm, FirmName, YearFigures
from crm.firms.rules.words import FirmStatus, NameKind
from crm.ladder.models import Application, Certification
from crm.ladder.rules.words import ApplicationStep

ME = Actor(user_id=None, name="张三")
OTHER = Actor(user_id=None, name="李四")
DAY = dt.date(2025, 12, 1)


def begin(session: Session, action: str = "test.act", actor: Actor = ME) -> str:
    return audit.begin(session, actor=actor, action=action).id


def firm_values(n: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": f"温州第{n}号泵阀有限公司", "name_key": f"k{n}", "name_sort": f"s{n}", **more}


def a_firm(session: Session, n: int = 1, **more: Any) -> Firm:
    begin(session, "firm.create")
    firm = Firm(**firm_values(n, **more))
    session.add(firm)
    transaction.commit(session)
    return firm


def undone(session: Session, operation: str, actor: Actor = ME) -> str:
    done = undo(session, operation, actor=actor)
    transaction.commit(session)
    assert verify(session).is_whole
    session.rollback()
    return done.id


def snapshot(session: Session) -> dict[str, list[Any]]:
    """Every business value: all audited tables without versions and stamps."""
    session.rollback()
    found: dict[str, list[Any]] = {}
    for table in Base.metadata.sorted_tables:
        if not table.name.startswith(("audit_", "search_", "jobs")):
            columns = [c for c in table.c if c.name not in ("version", "updated_at", "updated_by_id")]
            if table.name == "stage_intervals":
                columns = [c for c in columns if c.name != "id"]
            rows = session.execute(sa.select(*columns).order_by(*columns[:1])).all()
            found[table.name] = sorted(tuple(map(str, row)) for row in rows)
    session.rollback()
    return found


def test_a_changed_record_gets_its_old_values_back(session: Session) -> None:
    firm = a_firm(session, address="旧址", registered_on=DAY)
    before = snapshot(session)
    operation = begin(session)
    firm.address, firm.status, firm.registered_on = "新址", FirmStatus.CLOSED, None
    transaction.commit(session)
    undone(session, operation)
    assert snapshot(session) == before
    assert (firm.address, firm.status, firm.registered_on) == ("旧址", FirmStatus.ACTIVE, DAY)
    assert firm.version == 3


def test_a_whole_import_is_undone_and_redone(session: Session) -> None:
    old = a_firm(session, 0, address="旧")
    before = snapshot(session)
    operation = begin(session, "firms.import")
    ids = audit.insert_many(session, Firm, [firm_values(n, capital_yuan=n * 10**12) for n in range(1, 40)])
    audit.insert_many(
        session,
        FirmName,
        [{"firm_id": i, "kind": NameKind.FORMER, "name": f"旧名{i}", "name_key": "x"} for i in ids],
    )
    audit.insert_many(
        session,
        YearFigures,
        [
            {
                "firm_id": i,
                "year": 2025,
                "revenue_yuan": 5,
                "sources": {"revenue": {"source": "税务", "on": "2026-01-01"}},
            }
            for i in ids
        ],
    )
    audit.update_many(session, Firm, [(old.id, {"address": "旧"}, {"address": "新"})])
    transaction.commit(session)
    after = snapshot(session)
    first = undone(session, operation)
    assert snapshot(session) == before
    second = undone(session, first)
    assert snapshot(session) == after
    undone(session, second)
    assert snapshot(session) == before


def test_a_deleted_record_comes_back_with_its_id(session: Session) -> None:
    firm = a_firm(session)
    begin(session)
    contact = Contact(firm_id=firm.id, name="王小明", phone="13800001111")
    session.add(contact)
    transaction.commit(session)
    before = snapshot(session)
    operation = begin(session)
    session.delete(contact)
    transaction.commit(session)
    undone(session, operation)
    assert snapshot(session) == before
    again = session.scalars(sa.select(Contact)).one()
    assert (again.name, again.phone, again.version) == ("王小明", "13800001111", 2)


def test_a_personal_value_is_restored_until_it_is_erased(session: Session) -> None:
    firm = a_firm(session)
    begin(session)
    contact = Contact(firm_id=firm.id, name="王小明", phone="13800001111")
    session.add(contact)
    transaction.commit(session)
    operation = begin(session)
    contact.phone = "13900002222"
    transaction.commit(session)
    redo = undone(session, operation)
    assert contact.phone == "13800001111"
    session.execute(sa.delete(AuditPersonal).where(AuditPersonal.kind == "contacts"))
    session.commit()
    with pytest.raises(Blocked):
        undo(session, redo, actor=ME)


def test_a_later_change_of_the_same_column_stands_in_the_way(session: Session) -> None:
    firm = a_firm(session, address="一")
    operation = begin(session)
    firm.address = "二"
    firm.business = "泵"
    transaction.commit(session)
    begin(session, "firm.edit", OTHER)
    firm.address = "三"
    transaction.commit(session)
    before = snapshot(session)
    with pytest.raises(Blocked) as caught:
        undo(session, operation, actor=ME)
    session.rollback()
    (item,) = caught.value.items
    assert item.params["name"] == f"「{firm.name}」"
    assert (item.params["action"].text, item.params["who"]) == ("修改企业", "李四")
    assert isinstance(item.params["when"], dt.datetime)
    assert say(item).startswith(f"「{firm.name}」（企业 {firm.id}）后来在「修改企业」中改过，操作人 李四")
    assert snapshot(session) == before
    assert isinstance(can_undo(session, operation), Blocked)


def test_a_later_change_of_another_column_does_not(session: Session) -> None:
    firm = a_firm(session, address="一")
    operation = begin(session)
    firm.address = "二"
    transaction.commit(session)
    begin(session)
    firm.business = "阀"
    transaction.commit(session)
    assert can_undo(session, operation) is None
    undone(session, operation)
    assert (firm.address, firm.business) == ("一", "阀")


def test_a_created_record_changed_since_stays(session: Session) -> None:
    operation = begin(session)
    (row_id,) = audit.insert_many(session, Firm, [firm_values()])
    transaction.commit(session)
    begin(session, "firm.edit", OTHER)
    audit.update_many(session, Firm, [(row_id, {}, {"business": "阀"})])
    transaction.commit(session)
    with pytest.raises(Blocked) as caught:
        undo(session, operation, actor=ME)
    assert caught.value.items[0].params["who"] == "李四"


def test_a_created_record_that_something_refers_to_stays(session: Session) -> None:
    operation = begin(session)
    ids = audit.insert_many(session, Firm, [firm_values(n) for n in range(2)])
    transaction.commit(session)
    begin(session, "contact.add", OTHER)
    session.add(Contact(firm_id=ids[1], name="王小明"))
    transaction.commit(session)
    before = snapshot(session)
    with pytest.raises(Blocked) as caught:
        undo(session, operation, actor=ME)
    session.rollback()
    (item,) = caught.value.items
    assert (item.params["id"], item.params["action"].text, item.params["who"]) == (
        ids[1],
        "contact.add",
        "李四",
    )
    assert "王小明" not in str(item.params)
    assert snapshot(session) == before


def test_a_creation_touched_twice_in_one_operation_is_undone(session: Session) -> None:
    before = snapshot(session)
    operation = begin(session)
    firm = Firm(**firm_values())
    session.add(firm)
    session.flush()
    firm.address = "一"
    session.flush()
    contact = Contact(firm_id=firm.id, name="路过")
    session.add(contact)
    session.flush()
    session.delete(contact)
    session.flush()
    firm.address = "二"
    transaction.commit(session)
    redo = undone(session, operation)
    assert snapshot(session) == before
    undone(session, redo)
    assert session.scalar(sa.select(Firm.address)) == "二"


def test_records_that_refer_to_each_other_come_and_go_in_order(session: Session) -> None:
    firm = a_firm(session)
    begin(session)
    application = Application(
        firm_id=firm.id,
        kind="high-tech",
        step=ApplicationStep.APPLYING,
        step_on=DAY,
        is_open=True,
        opened_on=DAY,
    )
    session.add(application)
    transaction.commit(session)
    before = snapshot(session)
    operation = begin(session, "ladder.grant")
    old = Certification(firm_id=firm.id, kind="high-tech", granted_on=DAY.replace(year=2022))
    session.add(old)
    session.flush()
    new = Certification(firm_id=firm.id, kind="high-tech", granted_on=DAY, renews_id=old.id)
    session.add(new)
    session.flush()
    application.certification_id, application.is_open, application.closed_on = new.id, None, DAY
    transaction.commit(session)
    after = snapshot(session)
    redo = undone(session, operation)
    assert snapshot(session) == before
    undone(session, redo)
    assert snapshot(session) == after
    assert after["stage_intervals"] != before["stage_intervals"]


def test_a_merge_that_points_one_firm_at_another_is_undone(session: Session) -> None:
    operation = begin(session)
    first, second, third = audit.insert_many(session, Firm, [firm_values(n) for n in range(3)])
    audit.update_many(
        session,
        Firm,
        [
            (first, {}, {"merged_into_id": third}),
            (third, {}, {"merged_into_id": second}),
        ],
    )
    transaction.commit(session)
    redo = undone(session, operation)
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 0
    undone(session, redo)
    assert session.get_one(Firm, third).merged_into_id == second


def test_an_operation_is_undone_only_once(session: Session) -> None:
    firm = a_firm(session, address="一")
    operation = begin(session)
    firm.address = "二"
    transaction.commit(session)
    undone(session, operation, OTHER)
    with pytest.raises(Blocked) as caught:
        undo(session, operation, actor=ME)
    assert caught.value.params["who"] == "李四"


def test_a_later_change_that_was_itself_undone_is_no_obstacle(session: Session) -> None:
    firm = a_firm(session, address="一")
    operation = begin(session)
    firm.address = "二"
    transaction.commit(session)
    later = begin(session)
    firm.address = "三"
    transaction.commit(session)
    undone(session, later)
    undone(session, operation)
    assert firm.address == "一"


def test_the_undo_can_have_a_name_of_its_own_and_go_on(session: Session) -> None:
    firm = a_firm(session, address="一")
    operation = begin(session)
    firm.address = "二"
    transaction.commit(session)
    begin(session, "firms.import-undone", OTHER)
    done = undo(session, operation, actor=OTHER)
    assert (done.action, done.params["undone"]) == ("firms.import-undone", operation)
    firm.business = "阀"
    transaction.commit(session)
    undone(session, done.id)
    assert (firm.address, firm.business) == ("二", None)


def test_a_key_taken_meanwhile_blocks_the_return_of_a_deleted_record(session: Session) -> None:
    firm = a_firm(session, code="913300000000000001")
    operation = begin(session)
    session.delete(firm)
    transaction.commit(session)
    a_firm(session, 2, code="913300000000000001")
    before = snapshot(session)
    with pytest.raises(Blocked):
        undo(session, operation, actor=ME)
    session.rollback()
    assert snapshot(session) == before


def test_what_holds_a_secret_is_not_brought_back(session: Session) -> None:
    from crm.accounts.models import User

    user = session.scalars(sa.select(User).limit(1)).one()
    operation = begin(session)
    user.password_hash = "x"
    transaction.commit(session)
    with pytest.raises(Blocked):
        undo(session, operation, actor=ME)


def test_there_must_be_something_to_undo(session: Session) -> None:
    operation = begin(session)
    transaction.commit(session)
    with pytest.raises(Refused):
        undo(session, operation, actor=ME)
    with pytest.raises(Missing):
        undo(session, "0" * 32, actor=ME)


def test_ten_thousand_rows_are_undone_in_one_go(session: Session) -> None:
    operation = begin(session, "firms.import")
    audit.insert_many(session, Firm, [firm_values(n) for n in range(10_000)])
    transaction.commit(session)
    started = time.process_time()
    undo(session, operation, actor=ME)
    took = time.process_time() - started
    transaction.commit(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 0
    assert took < 60  # about 1 s on a quiet machine


def test_every_reference_to_a_table_that_grows_has_an_index() -> None:
    """Without one, deleting 10,000 rows looks through the whole referring table 10,000 times."""
    growing = {"firms", "certifications", "applications", "import_batches", "tag_batches"}
    missing = []
    for table in Base.metadata.sorted_tables:
        leading = {next(iter(index.columns)).name for index in table.indexes} | {
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if isinstance(constraint, sa.UniqueConstraint | sa.PrimaryKeyConstraint)
            and len(constraint.columns)
        }
        missing += [
            f"{table.name}.{column.name}"
            for column in table.columns
            if any(key.column.table.name in growing for key in column.foreign_keys)
            and column.name not in leading
        ]
    assert missing == []


def test_what_has_lost_its_firm_says_so(session: Session) -> None:
    begin(session, "firm.create")
    firm = Firm(**firm_values(7))
    session.add(firm)
    session.flush()
    creation = transaction.commit(session)
    begin(session, "contact.save")
    session.add(Contact(firm_id=firm.id, name="王小明"))
    saved = transaction.commit(session)
    assert creation is not None and saved is not None
    gone = undone(session, saved.operation)
    undone(session, creation.operation)
    with pytest.raises(Blocked) as refusal:
        undo(session, gone, actor=ME)
    session.rollback()
    assert "它现在已经不在了" in say(refusal.value.items[0])
    assert can_undo(session, gone) is not None


def test_a_key_that_somebody_else_holds_now_is_named(session: Session) -> None:
    firm = a_firm(session, code="91330300MA2L9E2U55")
    operation = begin(session)
    firm.code = None
    transaction.commit(session)
    other = a_firm(session, 2, code="91330300MA2L9E2U55")
    with pytest.raises(Blocked) as refusal:
        undo(session, operation, actor=ME)
    session.rollback()
    assert f"「{other.name}」" in say(refusal.value.items[0]) and "占用" in say(refusal.value.items[0])

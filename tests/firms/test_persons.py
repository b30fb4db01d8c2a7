"""One person's data is found in every table, handed over, and erased for good, while the log stays whole."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.cli import main
from crm.core.audit import AuditEnvelope, AuditPersonal
from crm.core.audit_verify import verify
from crm.core.db import Base, db, writing
from crm.core.permissions import system
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.core.undo import Blocked, undo
from crm.core.words import Refused
from crm.firms import actions
from crm.firms.actions import writing as importing
from crm.firms.models import Contact, Firm, ImportBatch, ImportFile, ImportRow
from crm.firms.queries.persons import find_person
from crm.firms.rules.contacts import MOST_A_DAY, Identity, identity
from crm.firms.rules.words import RowOutcome, SheetKind
from tests import people

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")
PHONE, MAIL = "13857700123", "zhiyuan@example.com"


def spread(session: Session) -> list[int]:
    """林知远 at two firms, once more at one of them and gone, one namesake. Returns the firms' ids."""
    firms = []
    for n, phone in enumerate(("138 5770 0123", "+86 13857700123")):
        firm = actions.register(
            session,
            actor=ROBOT,
            today=TODAY,
            name=f"温州第{n}有限公司",
            street_id=people.unit_id(session, "海城"),
        )
        actions.save_contact(session, firm, actor=ROBOT, name="林知远", phone=phone, email=MAIL)
        commit(session)
        firms.append(firm.id)
    one = session.get_one(Firm, firms[0])
    old = actions.save_contact(session, one, actor=ROBOT, name="林知远", phone="0577-88886666")
    commit(session)
    actions.drop_contact(session, one, actor=ROBOT, contact_id=old.id)
    commit(session)
    other = actions.register(session, actor=ROBOT, today=TODAY, name="温州同名有限公司")
    actions.save_contact(session, other, actor=ROBOT, name="林知远", phone="13600001111")
    commit(session)
    return [*firms, other.id]


def staged(client: FlaskClient, text: str, sheet: str = "contacts") -> int:
    people.sign_in(client, people.SCIENCE)
    sent = people.post(client, "/firms/import", {"sheet": sheet, "mode": "both", "pasted": text})
    return int(sent.headers["Location"].rstrip("/").rpartition("/")[2].partition("?")[0])


SHEET = f"企业名称\t姓名\t电话\t邮箱\n温州第0有限公司\t林知远\t{PHONE}\t{MAIL}\n温州第1有限公司\t周海棠\t13912345678\t\n"
REGISTRY = f"企业名称\t地址\t联系人\t联系电话\n温州新来有限公司\t滨海路 1 号\t林知远\t{PHONE}\n"


def everything(session: Session) -> str:
    """All text of all tables, as an attacker with the database would read it."""
    found = []
    for table in Base.metadata.sorted_tables:
        for row in session.execute(sa.select(table)):
            found.append(" ".join(_text(value) for value in row))
    return "\n".join(found)


def _text(value: object) -> str:
    text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
    return text.encode().decode("unicode_escape", "ignore") + text


def test_a_person_is_found_in_contacts_staged_rows_and_the_log(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        firms = spread(db.session())
        db.session.remove()
    batch_id = staged(client, SHEET)
    registry = staged(client, REGISTRY, "registry")
    with app.app_context():
        session = db.session()
        person = find_person(session, viewer=people.actor(session, people.SCIENCE), phone="138-5770-0123")
        assert [place.firm_id for place in person.places] == firms[:2]
        assert [(row.batch_id, row.row_no) for row in person.staged] == [(batch_id, 2), (registry, 2)]
        assert person.logged == {place.id for place in person.places}
        by_name = find_person(session, viewer=people.actor(session, people.SCIENCE), name="林知远")
        assert {place.firm_id for place in by_name.places} == set(firms)
        assert not any(place.is_sure for place in by_name.places)


def test_an_erased_person_is_nowhere_and_the_chain_is_whole(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        spread(db.session())
        db.session.remove()
    batch_id = staged(client, SHEET)
    registry = staged(client, REGISTRY, "registry")
    with app.app_context():
        writing()
        session = db.session()
        me = people.actor(session, people.SCIENCE)
        ids = [place.id for place in find_person(session, viewer=me, phone=PHONE).places]
        person = actions.chosen(session, ids, typed=Identity(), actor=me)
        done = actions.erase_person(session, person, actor=me, reason="本人 2026-11-20 书面要求")
        envelope = commit(session)
        assert envelope is not None
        assert (done.contacts, done.staged, done.left) == (2, 2, ())
        text = everything(session)
        for gone in (PHONE, "5770 0123", MAIL, "0577-88886666"):
            assert gone not in text, gone
        assert "13600001111" in text and "13912345678" in text  # the namesake and the other row stay
        assert "林知远" not in json.dumps(envelope.params, ensure_ascii=False)
        rows = session.scalars(sa.select(ImportRow).order_by(ImportRow.batch_id, ImportRow.row_no)).all()
        assert [(row.batch_id, row.outcome) for row in rows] == [
            (batch_id, RowOutcome.REFUSED), (batch_id, RowOutcome.NEW), (registry, RowOutcome.NEW),
        ]  # fmt: skip
        assert rows[2].raw == {"企业名称": "温州新来有限公司", "地址": "滨海路 1 号"}
        assert session.scalars(sa.select(ImportFile.batch_id)).all() == []
        batch = session.get_one(ImportBatch, batch_id)
        assert (batch.counts["new"], batch.counts["refused"]) == (1, 1)
        importing.write(session, batch, actor=me, today=TODAY)
        commit(session)
        assert batch.sheet is SheetKind.CONTACTS
        report = verify(session)
        assert report.is_whole


def test_a_file_that_held_an_erased_person_is_not_read_again(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        spread(db.session())
        db.session.remove()
    batch_id = staged(client, SHEET)
    people.post(client, "/contacts/person/erase", {"phone": PHONE, "reason": "本人书面要求", "sure": "yes"})
    sent = people.post(client, f"/firms/import/{batch_id}/columns", {"mode": "both"})
    page = client.get(sent.headers["Location"]).text
    assert "原文件已随一个人的信息抹去" in page and PHONE not in page


def test_what_was_erased_cannot_be_undone_and_the_log_says_erased(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        session = db.session()
        spread(session)
        me = people.actor(session, people.SCIENCE)
        person = actions.chosen(session, [], typed=identity([], [PHONE], []), actor=me)
        actions.erase_person(session, person, actor=me, reason="本人书面要求")
        envelope = commit(session)
        assert envelope is not None
        with pytest.raises(Blocked) as caught:
            undo(session, envelope.operation, actor=ROBOT)
        assert any("个人信息已按规定删除" in str(item.text) for item in caught.value.items)
        session.rollback()
        seq = envelope.seq
        db.session.remove()
    people.sign_in(client, people.AUDITOR)
    page = client.get(f"/audit/{seq}").text
    assert "已抹去" in page and "抹去一个人的信息" in page and "林知远" not in page


def test_contacts_beyond_one_s_reach_stay_and_are_named(session: Session) -> None:
    firms = spread(session)
    away = session.get_one(Firm, firms[1])
    actions.edit(session, away, actor=ROBOT, today=TODAY, street_id=people.unit_id(session, "沙城"))
    commit(session)
    reporter = people.actor(session, people.REPORTER)
    person = actions.chosen(session, [], typed=identity([], [PHONE], []), actor=reporter)
    done = actions.erase_person(session, person, actor=reporter, reason="本人书面要求")
    commit(session)
    assert (done.contacts, done.left) == (1, ("温州第1有限公司",))
    left = session.scalars(sa.select(Contact).where(Contact.firm_id == firms[1])).one()
    kept = session.scalars(sa.select(AuditPersonal.row_id).where(AuditPersonal.row_id == left.id)).all()
    assert len(kept) == 3


def test_a_name_alone_erases_nobody(session: Session) -> None:
    spread(session)
    me = people.actor(session, people.SCIENCE)
    with pytest.raises(Refused, match="只有姓名分不清"):
        actions.chosen(session, [], typed=identity(["林知远"]), actor=me)
    with pytest.raises(Refused, match="请写明原因"):
        person = actions.chosen(session, [], typed=identity([], [PHONE]), actor=me)
        actions.erase_person(session, person, actor=me, reason=" ")
    assert session.scalar(sa.select(sa.func.count()).select_from(Contact)) == 3


def test_the_copy_is_full_where_one_may_look_and_masked_elsewhere(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        session = db.session()
        firms = spread(session)
        own = session.get_one(Firm, firms[0])
        actions.edit(session, own, actor=ROBOT, today=TODAY, officer_id=people.id_of(session, people.SCIENCE))
        commit(session)
        db.session.remove()
    people.sign_in(client, people.SCIENCE)
    page = people.post(client, "/contacts/person", {"phone": PHONE}).text
    assert "138****0123" in page and "5770 0123" not in page
    sent = people.post(client, "/contacts/person/export", {"phone": PHONE, "reason": "本人书面要求"})
    rows = read(io.BytesIO(sent.data).read(), "a.xlsx").records
    assert [str(row.cells[3]) for row in rows] == ["138 5770 0123", "138****0123"]
    with app.app_context():
        last = db.session.scalars(sa.select(AuditEnvelope).order_by(AuditEnvelope.seq.desc()).limit(1)).one()
        assert last.params["contacts"] == 1 and PHONE not in json.dumps(last.params)


def test_the_page_erases_after_asking_and_says_how_much(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        spread(db.session())
        db.session.remove()
    people.sign_in(client, people.INVESTMENT)
    form = {"phone": PHONE, "reason": "本人书面要求"}
    unsure = people.post(client, "/contacts/person/erase", form)
    assert unsure.status_code == 422 and "请先勾选" in unsure.text and 'value="本人书面要求"' in unsure.text
    sent = people.post(client, "/contacts/person/erase", {**form, "sure": "yes"})
    assert sent.status_code == 303
    assert "已抹去：联系人 2 条" in client.get(sent.headers["Location"]).text
    for person in (people.LEADER, people.SUPERVISOR, people.READ_ONLY, people.AUDITOR, people.SYSTEM_ADMIN):
        people.sign_in(client, person)
        assert people.post(client, "/contacts/person/erase", {**form, "sure": "yes"}).status_code == 403
        assert client.get("/contacts/person").status_code == 403


def test_numbers_cannot_be_tried_out(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        spread(db.session())
        db.session.remove()
    people.sign_in(client, people.INVESTMENT)
    for n in range(MOST_A_DAY):
        url = "/contacts/person" if n % 2 else "/contacts/person/export"
        people.post(client, url, {"phone": f"1385770{n:04}", "reason": "试试"})
    late = people.post(client, "/contacts/person", {"phone": PHONE})
    assert late.status_code == 422 and "138****0123" not in late.text and "每天最多" in late.text
    sent = people.post(client, "/contacts/person/export", {"phone": PHONE, "reason": "本人要求"})
    assert sent.status_code == 422 and "138****0123" not in sent.text


def test_the_command_finds_exports_and_erases(
    app: Flask, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.cli.create_app", lambda: app)
    with app.app_context():
        writing()
        spread(db.session())
        db.session.remove()
    capsys.readouterr()
    assert main(["firms", "person", "find", "--phone", PHONE, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["phone"] for each in told["contacts"]] == ["138****0123", "138****0123"]
    target = tmp_path / "copy.xlsx"
    command = [
        "firms",
        "person",
        "export",
        "--phone",
        PHONE,
        "--reason",
        "本人书面要求",
        "--file",
        str(target),
    ]
    assert main(command) == 0
    assert len(read(target.read_bytes(), "copy.xlsx").records) == 2
    assert main(["firms", "person", "erase", "--phone", PHONE]) != 0
    assert main(["firms", "person", "erase", "--phone", PHONE, "--reason", "本人书面要求"]) == 0
    assert main(["audit", "verify"]) == 0
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Contact)) == 1

"""Contacts: a look takes a reason, is counted and ends at a number a day; unused ones are reviewed; export is counted."""

from __future__ import annotations

import datetime as dt
import io

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit import AuditEnvelope
from crm.core.clock import now
from crm.core.db import db, writing
from crm.core.permissions import Actor, Forbidden, system
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms import actions, queries
from crm.firms.models import Contact, Firm
from crm.firms.rules.contacts import (
    DEFAULT_PURPOSE,
    MANY,
    MOST_A_DAY,
    MOST_EXPORTED_A_DAY,
    check_export,
    digits,
    identity,
    stale_before,
)
from crm.firms.rules.words import FirmStatus
from tests import people
from tests.ladder.test_pages import statements

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")


def served(session: Session, name: str = "温州海诚智能装备有限公司", contacts: int = 1) -> Firm:
    """A firm the investment officer serves, with contacts."""
    firm = actions.register(
        session, actor=ROBOT, today=TODAY, name=name, officer_id=people.id_of(session, people.INVESTMENT)
    )
    for n in range(contacts):
        actions.save_contact(session, firm, actor=ROBOT, name=f"林知远{n}", phone=f"1385770{n:04}")
    commit(session)
    return firm


def ids_of(session: Session, firm: Firm) -> list[int]:
    return list(session.scalars(sa.select(Contact.id).where(Contact.firm_id == firm.id).order_by(Contact.id)))


# --- looking ----------------------------------------------------------------------------------------------------


def test_a_look_is_counted_for_a_day_and_for_a_month(session: Session) -> None:
    firm, me = served(session, contacts=2), people.actor(session, people.INVESTMENT)
    for contact_id in ids_of(session, firm):
        actions.reveal_contact(session, firm, actor=me, contact_id=contact_id, reason="通知年报", at=now())
        commit(session)
    at = now()
    assert (queries.looked(session, me.user_id, at).day, queries.looked(session, me.user_id, at).month) == (
        2,
        2,
    )
    later = queries.looked(session, me.user_id, at + dt.timedelta(days=2))
    assert (later.day, later.month) == (0, 2)
    assert queries.looked(session, me.user_id, at + dt.timedelta(days=40)).month == 0


def test_after_a_day_s_number_the_next_look_is_refused_in_words(session: Session) -> None:
    firm, me = served(session), people.actor(session, people.INVESTMENT)
    (contact_id,) = ids_of(session, firm)
    for _ in range(MOST_A_DAY):
        actions.reveal_contact(session, firm, actor=me, contact_id=contact_id, reason="通知年报", at=now())
        commit(session)
    with pytest.raises(Refused, match=f"已经查看了 {MOST_A_DAY} 位联系人"):
        actions.reveal_contact(session, firm, actor=me, contact_id=contact_id, reason="通知年报", at=now())
    session.rollback()
    tomorrow = now() + dt.timedelta(hours=25)
    actions.reveal_contact(session, firm, actor=me, contact_id=contact_id, reason="通知年报", at=tomorrow)


def test_the_person_and_the_auditor_see_the_number_and_nobody_else(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        firm = served(db.session())
        (contact_id,) = ids_of(db.session(), firm)
        firm_id = firm.id
        db.session.remove()
    people.sign_in(client, people.INVESTMENT)
    shown = people.post(
        client, f"/firms/{firm_id}/contacts/{contact_id}/reveal", {"reason": "通知年报申报事项"}
    ).text
    assert "13857700000" in shown and "24 小时内查看过 1 位" in shown
    assert "1 位，最多 30 位" in client.get("/contacts").text
    people.sign_in(client, people.AUDITOR)
    page = client.get("/audit/contacts").text
    assert "林晓雯" in page and "海诚" not in page and "1385770" not in page
    assert client.get("/contacts").status_code == 403
    people.sign_in(client, people.INVESTMENT_2)
    assert client.get("/audit/contacts").status_code == 403
    assert "0 位，最多 30 位" in client.get("/contacts").text


def test_a_number_stands_nowhere_until_it_is_looked_at(
    app: Flask, client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with app.app_context():
        writing()
        session = db.session()
        firm = served(session)
        actions.save_contact(
            session, firm, actor=ROBOT, name="周海棠", phone="13912345678", email="hai@example.com"
        )
        actions.archive(session, firm, actor=ROBOT, today=TODAY, reason="重复登记")
        commit(session)
        firm_id, contact_id = firm.id, ids_of(session, firm)[1]
        db.session.remove()
    for person in (people.LEADER, people.INVESTMENT, people.SCIENCE, people.READ_ONLY, people.AUDITOR):
        people.sign_in(client, person)
        for url in (
            f"/firms/{firm_id}", f"/firms/{firm_id}/history", f"/firms/{firm_id}/contacts/{contact_id}", "/contacts",
            "/search?q=1391234567", "/search?q=hai@example", "/firms?archived=yes&q=1391234567", "/audit",
            f"/audit/{_last_seq(app)}", "/audit/contacts",
        ):  # fmt: skip
            for headers in ({}, {"HX-Request": "true"}, {"Accept": "application/json"}):
                text = client.get(url, headers=headers).text
                assert "13912345678" not in text, (person, url)
                assert "hai@example.com" not in text, (person, url)
        for kind in ("xlsx", "csv"):
            sent = people.post(
                client, "/firms/export", {"all": "1", "filter": "archived=yes", "format": kind}
            )
            assert b"13912345678" not in sent.data
    people.sign_in(client, people.INVESTMENT)
    people.post(client, f"/firms/{firm_id}/contacts/{contact_id}/reveal", {"reason": "通知年报申报事项"})
    people.post(client, "/contacts/person", {"phone": "13912345678"})
    said = capsys.readouterr()
    assert "13912345678" not in said.out + said.err


def _last_seq(app: Flask) -> int:
    with app.app_context():
        return db.session.execute(sa.select(sa.func.max(AuditEnvelope.seq))).scalar_one()


# --- what is stated ---------------------------------------------------------------------------------------------


def test_the_form_says_what_is_collected_and_why_and_the_purpose_is_there(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        writing()
        firm_id = served(db.session(), contacts=0).id
        db.session.remove()
    people.sign_in(client, people.INVESTMENT)
    form = client.get(f"/firms/{firm_id}/contacts/new").text
    assert "收集什么、为什么" in form and "个人信息保护法" in form and f'value="{DEFAULT_PURPOSE}"' in form
    people.post(client, f"/firms/{firm_id}/contacts/new", {"name": "林知远", "phone": "13857700123"})
    with app.app_context():
        assert db.session.scalars(sa.select(Contact.purpose)).all() == [DEFAULT_PURPOSE]


def test_the_privacy_notice_is_for_everybody_who_is_signed_in(client: FlaskClient) -> None:
    for person in people.ONE_OF_EACH:
        people.sign_in(client, person)
        text = client.get("/privacy").text
        for said in ("为什么收集", "凭什么收集", "留多久", "谁能看到", "本人的权利"):
            assert said in text
    assert client.get("/privacy", headers={"Accept-Language": "en"}).status_code == 200


# --- review -----------------------------------------------------------------------------------------------------


def listed(session: Session, viewer: Actor, today: dt.date = TODAY) -> list[int]:
    page, total, _ = queries.list_unused(session, None, viewer=viewer, today=today)
    assert total == len(page.rows)
    return [row.id for row in page.rows]


def test_contacts_of_firms_that_are_gone_and_those_long_unused_are_listed(session: Session) -> None:
    me = people.actor(session, people.INVESTMENT)
    gone, closed, used = served(session, "温州甲有限公司"), served(session, "温州乙有限公司"), served(session)
    actions.archive(session, gone, actor=ROBOT, today=TODAY, reason="重复登记")
    commit(session)
    actions.move(session, closed, actor=ROBOT, today=TODAY, status=FirmStatus.CLOSED, on=TODAY, reason="注销")
    commit(session)
    assert listed(session, me, now().date()) == [*ids_of(session, gone), *ids_of(session, closed)]
    late = now().date() + dt.timedelta(days=3 * 366 + 1)
    assert listed(session, me, late) == [
        *ids_of(session, gone),
        *ids_of(session, closed),
        *ids_of(session, used),
    ]


def test_a_look_or_a_confirmation_takes_a_contact_off_the_list(session: Session) -> None:
    me = people.actor(session, people.INVESTMENT)
    firm, other = served(session), served(session, "温州甲有限公司")
    late = now().date() + dt.timedelta(days=3 * 366 + 1)
    (looked_at,), (kept,) = ids_of(session, firm), ids_of(session, other)
    assert listed(session, me, late) == [looked_at, kept]
    audit.begin(session, actor=me, action="firm.contact-reveal", subject=("firm", firm.id), contact=looked_at)
    commit(session)
    session.execute(  # as if it had been looked at later: the journal is only ever written this way in a test
        sa.text("UPDATE audit_envelopes SET at = :at WHERE action = 'firm.contact-reveal'"),
        {"at": dt.datetime.combine(late, dt.time(), dt.UTC).isoformat(sep=" ")[:19]},
    )
    assert listed(session, me, late) == [kept]
    actions.keep_contact(session, session.get_one(Contact, kept), actor=me, today=late)
    commit(session)
    assert listed(session, me, late) == []
    assert kept in listed(session, me, late + dt.timedelta(days=4 * 366))


def test_a_reporter_reviews_his_own_street_only(session: Session) -> None:
    firm = served(session)
    actions.archive(session, firm, actor=ROBOT, today=TODAY, reason="重复登记")
    commit(session)
    reporter = people.actor(session, people.REPORTER)
    assert listed(session, reporter) == []
    with pytest.raises(Forbidden):
        contact = session.get_one(Contact, ids_of(session, firm)[0])
        actions.keep_contact(session, contact, actor=reporter, today=TODAY)


def test_the_list_asks_no_more_with_twice_the_contacts(app: Flask, client: FlaskClient) -> None:
    people.sign_in(client, people.INVESTMENT)
    counts = []
    for start in (0, 5):
        with app.app_context():
            writing()
            session = db.session()
            for n in range(start, start + 5):
                firm = served(session, f"温州第{n}有限公司", contacts=2)
                actions.archive(session, firm, actor=ROBOT, today=TODAY, reason="重复登记")
            commit(session)
            db.session.remove()
        assert client.get("/contacts").status_code == 200
        with statements(app) as seen:
            assert client.get("/contacts").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


# --- taking out -------------------------------------------------------------------------------------------------


def test_many_contacts_need_a_reason_and_there_is_an_end() -> None:
    assert check_export(MANY, 0, "") is None
    with pytest.raises(Refused, match="要写明原因"):
        check_export(MANY + 1, 0, " ")
    assert check_export(MANY + 1, 0, " 年报 通知 ") == "年报 通知"
    with pytest.raises(Refused, match="24 小时内最多导出"):
        check_export(1, MOST_EXPORTED_A_DAY, "年报通知")


def test_an_export_holds_only_what_one_may_look_at_and_is_counted(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        session = db.session()
        served(session, contacts=2)
        other = actions.register(session, actor=ROBOT, today=TODAY, name="温州别家有限公司")
        actions.save_contact(session, other, actor=ROBOT, name="外人", phone="13700000000")
        commit(session)
        db.session.remove()
    people.sign_in(client, people.INVESTMENT)
    sent = people.post(client, "/contacts/export", {"which": "all", "reason": ""})
    rows = read(io.BytesIO(sent.data).read(), "a.xlsx").records
    assert [str(row.cells[2]) for row in rows] == ["林知远0", "林知远1"]
    with app.app_context():
        last = db.session.scalars(sa.select(AuditEnvelope).order_by(AuditEnvelope.seq.desc()).limit(1)).one()
        assert (last.action, last.params["contacts"]) == ("firm.contact-export", 2)
        assert queries.looked(db.session(), last.actor_id, now()).day_taken == 2
    people.sign_in(client, people.REPORTER)
    assert people.post(client, "/contacts/export", {"which": "all"}).status_code == 403


# --- who is the same --------------------------------------------------------------------------------------------


def test_a_number_is_the_same_in_every_spelling_and_a_name_alone_is_not_sure() -> None:
    assert digits("+86 138-5770-0123") == digits("138 5770 0123") == "13857700123"
    who = identity(["林知远"], ["138-5770-0123"], ["Lin@Example.com"])
    assert who.is_same("+86 13857700123", None) and who.is_same(None, "lin@example.COM")
    assert not who.is_same("13857700124", None)
    assert (
        who.is_named("林知远") and who.tells("联系人林知远(138 5770 0123)") and not who.tells("913303001385")
    )
    assert identity([], ["12"], ["nobody"]) == identity()


def test_three_years_ago_is_a_day_in_leap_years_too() -> None:
    assert stale_before(dt.date(2028, 2, 29)) == dt.date(2025, 2, 28)

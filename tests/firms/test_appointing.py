"""Nobody makes a firm his own: not by the form, a bulk change, an import, a street, a merge or an undo."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit import AuditEnvelope
from crm.core.db import db, writing
from crm.core.permissions import Actor, Scope, system
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.words import Refused
from crm.firms import actions, queries, sheets
from crm.firms.actions import staging
from crm.firms.actions import writing as importing
from crm.firms.models import Contact, Firm
from crm.firms.rules.appointing import SELF, TAKEN, UNIT, Standing, objection
from crm.firms.rules.words import ImportMode, RowOutcome, SheetKind
from tests import people
from tests.firms.test_pages import code_of

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")
CODE = code_of("MA2L9E2U5")


@pytest.fixture
def firm(session: Session) -> Firm:
    made = actions.register(
        session, actor=ROBOT, today=TODAY, name="温州拓屿精密机械有限公司", code=CODE,
        street_id=people.unit_id(session, "沙城"),
    )  # fmt: skip
    commit(session)
    return made


def edit(session: Session, firm: Firm, who: Actor, **values: Any) -> None:
    actions.edit(session, firm, actor=who, today=TODAY, **values)
    commit(session)


# --- the rule ---------------------------------------------------------------------------------------------------


def test_the_rule_lets_keep_give_away_and_appoint_others_but_not_take() -> None:
    me = Actor(7, "甲", {"figure:read": Scope.OWN})
    stranger, mine, created = Standing(officer_id=8), Standing(officer_id=7), Standing(8, creator_id=7)
    assert objection(me, stranger, Standing(7)) is not None
    assert objection(me, Standing(), Standing(7)) is not None
    assert objection(me, stranger, Standing(9)) is None
    assert objection(me, mine, Standing(7)) is None
    assert objection(me, mine, Standing(8)) is None
    assert objection(me, created, Standing(7, creator_id=7)) is None
    assert objection(system("cli"), stranger, Standing(None)) is None


def test_the_rule_keeps_firms_out_of_a_unit_that_reads_its_own_only() -> None:
    me = Actor(7, "甲", {"figure:read": Scope.UNIT}, unit_ids=frozenset({3}))
    found = objection(me, Standing(street_id=4), Standing(street_id=3))
    assert found is not None and found.text == UNIT
    colleague = objection(me, Standing(street_id=4), Standing(8, street_id=4, officer_unit_id=3))
    assert colleague is not None and colleague.text == UNIT
    assert objection(me, Standing(street_id=3), Standing(8, street_id=3, officer_unit_id=3)) is None
    everything = Actor(7, "甲", {"figure:read": Scope.ALL}, unit_ids=frozenset({3}))
    assert objection(everything, Standing(street_id=4), Standing(street_id=3)) is None


# --- the form ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [people.INVESTMENT, people.SCIENCE, people.FINANCE], ids=str)
def test_nobody_makes_himself_service_officer_by_the_form(
    session: Session, firm: Firm, person: people.Person
) -> None:
    me = people.actor(session, person)
    with pytest.raises(Refused) as caught:
        edit(session, firm, me, officer_id=me.user_id)
    assert (caught.value.text, caught.value.field) == (SELF, "officer")
    session.rollback()
    assert session.get_one(Firm, firm.id).officer_id is None
    assert not queries.rights(session, firm.id, me).reveal


def test_a_colleague_appoints_and_the_audit_says_who(session: Session, firm: Firm) -> None:
    colleague = people.actor(session, people.INVESTMENT_2)
    edit(session, firm, colleague, officer_id=people.id_of(session, people.INVESTMENT))
    assert queries.rights(session, firm.id, people.actor(session, people.INVESTMENT)).figures
    last = session.scalars(sa.select(AuditEnvelope).order_by(AuditEnvelope.seq.desc()).limit(1)).one()
    assert (last.action, last.actor_id) == ("firm.edit", colleague.user_id)


def test_the_officer_keeps_editing_and_the_creator_may_serve_what_he_registered(
    session: Session, firm: Firm
) -> None:
    me = people.actor(session, people.INVESTMENT)
    edit(session, firm, people.actor(session, people.SCIENCE), officer_id=me.user_id)
    edit(session, firm, me, officer_id=me.user_id, address="滨海一路 1 号")
    own = actions.register(session, actor=me, today=TODAY, name="温州自登科技有限公司", officer_id=me.user_id)
    commit(session)
    edit(session, own, me, officer_id=people.id_of(session, people.INVESTMENT_2))
    edit(session, own, me, officer_id=me.user_id)
    assert own.officer_id == me.user_id


def test_the_form_says_so_and_comes_back_filled(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        session = db.session()
        made = actions.register(session, actor=ROBOT, today=TODAY, name="温州拓屿精密机械有限公司")
        commit(session)
        firm_id, version, me = made.id, made.version, people.id_of(session, people.INVESTMENT)
        db.session.remove()
    people.sign_in(client, people.INVESTMENT)
    sent = people.post(
        client, f"/firms/{firm_id}/edit/service", {"officer": str(me), "street": "", "version": str(version)}
    )
    assert sent.status_code == 422
    assert "您不能把自己设为服务专员" in sent.text
    assert f'<option selected value="{me}"' in sent.text or f'value="{me}" selected' in sent.text


# --- many at once -----------------------------------------------------------------------------------------------


def test_a_bulk_change_changes_the_own_ones_and_reports_the_others(session: Session, firm: Firm) -> None:
    me = people.actor(session, people.INVESTMENT)
    own = actions.register(session, actor=me, today=TODAY, name="温州自登科技有限公司")
    commit(session)
    refused = actions.judge(session, [firm, own], actor=me, today=TODAY, values={"officer_id": me.user_id})
    assert {key: refusal.text for key, refusal in refused.items()} == {firm.id: SELF}


def test_an_undo_does_not_give_a_firm_back_to_oneself(session: Session, firm: Firm) -> None:
    me = people.actor(session, people.INVESTMENT)
    edit(session, firm, people.actor(session, people.SCIENCE), officer_id=me.user_id)
    other = people.id_of(session, people.INVESTMENT_2)
    actions.edit(session, firm, actor=me, today=TODAY, officer_id=other)
    running = audit.running(session)
    assert running is not None
    commit(session)
    with pytest.raises(Refused) as caught:
        undo(session, running.id, actor=me)
        commit(session)
    assert caught.value.text == SELF
    session.rollback()
    undo(session, running.id, actor=people.actor(session, people.SCIENCE))
    commit(session)
    assert session.get_one(Firm, firm.id).officer_id == me.user_id


# --- imports ----------------------------------------------------------------------------------------------------


def read(session: Session, who: Actor, text: str) -> list[staging.Staged]:
    table = sheets.open_table(text.encode(), "名录.csv", SheetKind.REGISTRY)
    rows = sheets.parse(table, sheets.recognise(table.headings, SheetKind.REGISTRY), SheetKind.REGISTRY)
    return staging.judge(
        session, rows, actor=who, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, today=TODAY
    )


def batch_of(session: Session, who: Actor, text: str) -> Any:
    staged = read(session, who, text)
    batch = staging.upload(
        session, actor=who, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, filename="名录.csv",
        content=text.encode(),
    )  # fmt: skip
    staging.stage(session, batch, staged, actor=who, mapping={}, headings=[])
    commit(session)
    return batch


def test_an_import_refuses_the_rows_that_appoint_the_importer(session: Session, firm: Firm) -> None:
    me = people.actor(session, people.SCIENCE)
    text = f"企业名称,信用代码,服务专员\n{firm.name},{CODE},叶知秋\n温州新来科技有限公司,,叶知秋\n温州别家科技有限公司,,林晓雯\n"
    staged = read(session, me, text)
    assert [item.joined.outcome.value for item in staged] == ["refused", "refused", "new"]
    assert staged[0].joined.reasons[0]["text"] == SELF
    colleague = read(session, people.actor(session, people.FINANCE), text)
    assert [item.joined.outcome for item in colleague] == [
        RowOutcome.CHANGED, RowOutcome.NEW, RowOutcome.NEW,
    ]  # fmt: skip


def test_writing_what_a_colleague_has_read_does_not_appoint_the_writer(session: Session, firm: Firm) -> None:
    text = f"企业名称,信用代码,服务专员\n{firm.name},{CODE},叶知秋\n"
    batch = batch_of(session, people.actor(session, people.FINANCE), text)
    with pytest.raises(Refused, match="第 2 行"):
        importing.write(session, batch, actor=people.actor(session, people.SCIENCE), today=TODAY)
    session.rollback()
    importing.write(session, batch, actor=people.actor(session, people.FINANCE), today=TODAY)
    commit(session)
    assert session.get_one(Firm, firm.id).officer_id == people.id_of(session, people.SCIENCE)


# --- by other ways ----------------------------------------------------------------------------------------------


def test_a_street_s_reporter_who_may_edit_more_cannot_draw_a_firm_into_his_street(
    session: Session, firm: Firm
) -> None:
    reporter = people.actor(session, people.REPORTER)
    both = Actor(
        reporter.user_id, reporter.name, {**reporter.grants, "firm:edit": Scope.ALL},
        unit_id=reporter.unit_id, unit_ids=reporter.unit_ids,
    )  # fmt: skip
    home = people.unit_id(session, "海城")
    with pytest.raises(Refused) as caught:
        edit(session, firm, both, street_id=home)
    assert (caught.value.text, caught.value.field) == (UNIT, "street")
    session.rollback()
    assert set(actions.judge(session, [firm], actor=both, today=TODAY, values={"street_id": home})) == {
        firm.id
    }
    session.rollback()
    made = actions.register(session, actor=reporter, today=TODAY, name="温州本街科技有限公司", street_id=home)
    commit(session)
    assert made.street_id == home


def test_a_merge_does_not_bring_others_contacts_to_a_firm_of_one_s_own(session: Session, firm: Firm) -> None:
    me = people.actor(session, people.SCIENCE)
    contact = actions.save_contact(session, firm, actor=ROBOT, name="林知远", phone="13857700123")
    commit(session)
    own = actions.register(session, actor=me, today=TODAY, name="温州自登科技有限公司")
    commit(session)
    move = [(contact.id, {"firm_id": firm.id}, {"firm_id": own.id})]
    audit.begin(session, actor=me, action="firm.merge")
    audit.update_many(session, Contact, move)
    with pytest.raises(Refused) as caught:
        commit(session)
    assert caught.value.text == TAKEN
    session.rollback()
    audit.begin(session, actor=people.actor(session, people.FINANCE), action="firm.merge")
    audit.update_many(session, Contact, move)
    commit(session)


def test_whatever_a_transaction_is_called_it_cannot_appoint_its_actor(session: Session, firm: Firm) -> None:
    me = people.actor(session, people.INVESTMENT)
    audit.begin(session, actor=me, action="tests.any")
    audit.update_many(session, Firm, [(firm.id, {}, {"officer_id": me.user_id})])
    with pytest.raises(Refused) as caught:
        commit(session)
    assert caught.value.text == SELF

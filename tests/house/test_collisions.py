"""Nothing is silently overwritten: every form over an existing record is walked by two people at once.

The second saver gets 409 and sees both values; nothing is overwritten and nothing typed is lost; choosing saves. Which
routes there are is read from the address map: a new one is either walked here or named below with the reason why not.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import roles as role_actions
from crm.accounts.actions import units as unit_actions
from crm.accounts.models import Unit, User
from crm.accounts.rules import Role
from crm.core import audit
from crm.core.clock import now
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import (
    AboveScale,
    Contact,
    EquityRound,
    Firm,
    FirmName,
    IpCount,
    RdInstitution,
    YearFigures,
)
from crm.firms.rules.words import Acquisition, EquityKind, InstitutionLevel, IpKind, LeadingIndustry, NameKind
from crm.ladder import actions as ladder
from crm.ladder.models import Application, Certification
from crm.ladder.rules.words import ApplicationStep, EndCause
from tests import people

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")
DAY = dt.date(2026, 1, 5)

NOT_FORMS = {
    "accounts.people_unlock": "lifts a lock; no field is written",
    "accounts.people_remove_factor": "takes the second factor away; nothing is typed",
    "accounts.people_reset_password": "the new password replaces the old one, whoever asks",
    "firms.contact_reveal": "only looks, with a reason",
    "accounts.dismiss_notice": "hides a notice; hiding it twice is hiding it once",
    "accounts.disown_sign_in": "ends a session; nothing is typed",
    "accounts.end_session": "ends a session; nothing is typed",
    "accounts.people_end_sessions": "ends sessions; nothing is typed",
    "activities.upload": "adds files; the same content is kept once",
    "activities.remove": "put away twice is put away once",
    "activities.inbox_back": "one's own inbox",
    "activities.inbox_dismiss": "one's own inbox",
    "activities.inbox_snooze": "one's own inbox",
    "activities.instruct": "makes an entry",
    "activities.log_save": "makes an entry",
    "activities.note": "makes an entry",
    "activities.step_new": "makes a step",
    "activities.step_done": "versioned: tests/activities/test_pages.py",
    "activities.step_put_off": "versioned: tests/activities/test_pages.py",
    "activities.step_hand_over": "versioned: tests/activities/test_pages.py",
    "activities.step_drop": "versioned: tests/activities/test_pages.py",
    "activities.step_reopen": "the state says whether it is open",
    "activities.edit": "its author's alone, versioned",
    "activities.withdraw": "its author's alone, versioned",
    "firms.contact_keep": "one button, versioned: the second gets the sentence",
    "firms.distinct": "a judgement of its own, told apart by who and when",
    "firms.undo_distinct": "the journal refuses what has changed since",
    "overview.bulk_start": "freezes a selection with its versions; writes no record",
    "overview.bulk_run": "rows changed since are reported, not overwritten: tests/overview/test_bulk.py",
    "overview.list_export": "only reads",
    "overview.merge_save": "both sides' versions: walked in tests/overview/test_merge_pages.py",
    "overview.merged_undo": "the journal refuses what has changed since",
    "overview.operation_undo": "the journal refuses what has changed since",
    "overview.settings_save": "walked in tests/overview/test_settings_page.py",
    "overview.view_save": "makes a view of one's own",
    "overview.view_copy": "makes a view of one's own",
    "overview.view_pick": "one's own default",
    "overview.view_unpick": "one's own default",
    "overview.view_drop": "the owner's only; versioned",
    "overview.view_rename": "the owner's only; versioned",
    "overview.view_share": "the owner's only; shown twice is shown once",
    "overview.view_update": "the owner's only; versioned, others keep what they chose",
    "firms.undo_drop": "the journal refuses what has changed since",
    "ops.cancel": "a job is asked to stop; asking twice is asking once",
    "overview.record_restore": "walked in tests/overview/test_history.py",
}
STAGED = re.compile(
    r"^(firms\.import|ladder\.tag)"
)  # batches of staged rows: their state says what is possible


@dataclass
class World:
    """What the forms are over: ids by name."""

    firm: int
    ids: dict[str, int]


@dataclass
class Case:
    """One form. `theirs` is what the first saver writes (columns of `model`, or a function); `sees` what of it the
    second one reads, `typed` what of the own form; `after` looks at the outcome."""

    url: str
    model: type[Any]
    who: str
    mine: dict[str, str]
    sees: str
    typed: str
    after: Callable[[Session, World], bool]
    theirs: dict[str, Any] | Callable[[Session, World], object] = field(default_factory=dict)
    person: people.Person = people.SCIENCE


def _rename(session: Session, world: World) -> None:
    firm = session.get_one(Firm, world.firm)
    actions.rename(session, firm, actor=ROBOT, today=TODAY, name="温州对方改名有限公司", on=DAY)


def _name(session: Session, world: World) -> None:
    firm = session.get_one(Firm, world.firm)
    actions.add_name(session, firm, actor=ROBOT, name="拓屿别名", kind=NameKind.FORMER, until_on=DAY)


def _ip(session: Session, world: World) -> None:
    firm, key = session.get_one(Firm, world.firm), (IpKind.DESIGN, Acquisition.OWN)
    actions.set_ip(
        session, firm, actor=ROBOT, today=TODAY, counted_on=DAY, counts={key: 41}, source="对方来源"
    )


def _above(session: Session, world: World) -> None:
    firm = session.get_one(Firm, world.firm)
    actions.set_above_scale(
        session, firm, actor=ROBOT, today=TODAY, year=2024, is_above=True, source="对方来源"
    )


def _roles(session: Session, world: World) -> None:
    user = session.get_one(User, world.ids["person"])
    role_actions.grant(session, user, actor=ROBOT, version=None, roles=[Role.FINANCE], at=now())


def _head(session: Session, world: World) -> None:
    unit = session.get_one(Unit, world.ids["unit"])
    head = people.id_of(session, people.LEADER)
    unit_actions.name_head(session, unit, actor=ROBOT, version=None, user_id=head, on=DAY, at=now())


def _is(model: type[Any], who: str, **values: Any) -> Callable[[Session, World], bool]:
    def look(session: Session, world: World) -> bool:
        row = session.get_one(model, world.ids[who])
        return {name: getattr(row, name) for name in values} == values

    return look


def _gone(model: type[Any], who: str) -> Callable[[Session, World], bool]:
    return lambda session, world: session.get(model, world.ids[who]) is None


CERT = {"number": "", "granted_on": "2023-12-08", "expires_on": "2026-12-08", "document": "", "note": ""}
REASON, NOTE, ROAD = {"reason": "我的原因"}, {"note": "对方备注"}, {"address": "对方路 1 号"}
CASES: dict[str, Case] = {
    "firms.save": Case(
        "/firms/{firm}/edit/trade", Firm, "firm",
        {"leading_industry": "other", "industry_code": "C3912", "business": "我的业务"}, "对方业务", "我的业务",
        _is(Firm, "firm", business="我的业务", industry_code="C3912"), {"business": "对方业务"},
    ),
    "firms.rename_save": Case(
        "/firms/{firm}/rename", Firm, "firm", {"name": "温州我的改名有限公司", "on": "2026-02-03"},
        "温州对方改名有限公司", "2026-02-03", _is(Firm, "firm", name="温州我的改名有限公司"), _rename,
    ),
    "firms.move_save": Case(
        "/firms/{firm}/move", Firm, "firm", {"status": "moved-out", "on": "2026-02-03", **REASON}, "对方路 1 号",
        "我的原因", _is(Firm, "firm", status_reason="我的原因", address="对方路 1 号"), ROAD,
    ),
    "firms.archive_save": Case(
        "/firms/{firm}/archive", Firm, "firm", REASON, "对方路 1 号", "我的原因",
        _is(Firm, "firm", archive_reason="我的原因"), ROAD,
    ),
    "firms.restore": Case(
        "/firms/{archived}/restore", Firm, "archived", {}, "对方路 1 号", "", _is(Firm, "archived", archived_on=None), ROAD
    ),
    "firms.name_add": Case(
        "/firms/{firm}/names/new", FirmName, "", {"name": "拓屿别名", "kind": "alias", "until_on": ""}, "2026-01-05",
        "常见写法", lambda session, _world: {NameKind.ALIAS} <= set(session.scalars(sa.select(FirmName.kind))), _name,
    ),
    "firms.name_drop": Case(
        "/firms/{firm}/names/{name}/drop", FirmName, "name", REASON, "2026-01-05", "我的原因",
        _gone(FirmName, "name"), {"until_on": DAY},
    ),
    "firms.contact_save": Case(
        "/firms/{firm}/contacts/{contact}", Contact, "contact", {"name": "叶青", "position": "我的职务", "phone": "13800000001"},
        "对方职务", "13800000001", _is(Contact, "contact", position="我的职务", phone="13800000001"), {"position": "对方职务"},
    ),
    "firms.contact_drop": Case(
        "/firms/{firm}/contacts/{contact}/drop", Contact, "contact", REASON, "对方职务", "我的原因",
        _gone(Contact, "contact"), {"position": "对方职务"},
    ),
    "firms.figures_save": Case(
        "/firms/{firm}/figures/2025", YearFigures, "figures", {"source": "我的来源", "revenue_yuan": "7000"}, "8888 万元",
        "7000 万元", _is(YearFigures, "figures", revenue_yuan=70_000_000), {"revenue_yuan": 88_880_000},
    ),
    "firms.ip_save": Case(
        "/firms/{firm}/ip", IpCount, "",
        {"kind": "design", "acquisition": "own", "counted_on": "2026-01-05", "count": "17", "source": ""}, "41", "17",
        lambda session, _world: 17 in session.scalars(sa.select(IpCount.count)).all(), _ip,
    ),
    "firms.equity_save": Case(
        "/firms/{firm}/equity/{equity}", EquityRound, "equity",
        {"on": "2026-01-05", "kind": "venture", "investor": "我的投资方", "paid_in_yuan": "100"}, "对方投资方", "我的投资方",
        _is(EquityRound, "equity", investor="我的投资方"), {"investor": "对方投资方"},
    ),
    "firms.equity_drop": Case(
        "/firms/{firm}/equity/{equity}/drop", EquityRound, "equity", REASON, "对方投资方", "我的原因",
        _gone(EquityRound, "equity"), {"investor": "对方投资方"},
    ),
    "firms.institution_save": Case(
        "/firms/{firm}/institutions/{institution}", RdInstitution, "institution",
        {"name": "我的研究院", "level": "city", "recognised_on": "2026-01-05"}, "对方研究院", "我的研究院",
        _is(RdInstitution, "institution", name="我的研究院"), {"name": "对方研究院"},
    ),
    "firms.institution_drop": Case(
        "/firms/{firm}/institutions/{institution}/drop", RdInstitution, "institution", REASON, "对方研究院", "我的原因",
        _gone(RdInstitution, "institution"), {"name": "对方研究院"},
    ),
    "firms.above_scale_save": Case(
        "/firms/{firm}/above-scale", AboveScale, "",
        {"year": "2024", "is_above": "no", "is_industrial": "yes", "source": "我的来源"}, "对方来源", "我的来源",
        lambda session, _world: not session.scalars(sa.select(AboveScale.is_above)).one(), _above,
    ),
    "ladder.renew": Case(
        "/ladder/certifications/{cert}/renew", Certification, "cert", {"granted_on": "2026-11-20"}, "对方备注", "2026-11-20",
        lambda session, world: world.ids["cert"] in session.scalars(sa.select(Certification.renews_id)).all(), NOTE,
    ),
    "ladder.end": Case(
        "/ladder/certifications/{cert}/end", Certification, "cert",
        {"cause": "revoked", "on": "2026-02-03", **REASON}, "对方备注", "我的原因",
        _is(Certification, "cert", end_reason="我的原因", note="对方备注"), NOTE,
    ),
    "ladder.reopen": Case(
        "/ladder/certifications/{ended}/reopen", Certification, "ended", REASON, "对方备注", "我的原因",
        _is(Certification, "ended", ended_on=None), NOTE,
    ),
    "ladder.correct": Case(
        "/ladder/certifications/{cert}/correct", Certification, "cert", {**CERT, "document": "我的文号", **REASON},
        "对方文号", "我的文号", _is(Certification, "cert", document="我的文号"), {"document": "对方文号"},
    ),
    "ladder.advance": Case(
        "/ladder/applications/{application}/step", Application, "application",
        {"step": "applying", "on": "2026-02-03", "batch": "我的批次"}, "对方批次", "我的批次",
        _is(Application, "application", batch="我的批次"), {"batch": "对方批次"},
    ),
    "accounts.people_save": Case(
        "/people/{person}/edit", User, "person", {"username": "cast-science-2", "name": "我的名字", "unit_id": ""},
        "对方名字", "我的名字", _is(User, "person", name="我的名字"), {"name": "对方名字"}, people.SYSTEM_ADMIN,
    ),
    "accounts.people_deactivate": Case(
        "/people/{person}/deactivate", User, "person", REASON, "对方名字", "我的原因",
        _is(User, "person", is_active=False), {"name": "对方名字"}, people.SYSTEM_ADMIN,
    ),
    "accounts.people_reactivate": Case(
        "/people/{closed}/reactivate", User, "closed", {}, "对方名字", "", _is(User, "closed", is_active=True),
        {"name": "对方名字"}, people.SYSTEM_ADMIN,
    ),
    "accounts.people_grant": Case(
        "/people/{person}/roles", User, "person", {"roles": "leader", "was_roles": "science", "was_extras": ""},
        "金融专员", "领导", lambda session, world: roles_held(session, world) == ["leader"],
        _roles, people.SECURITY_ADMIN,
    ),
    "accounts.units_save": Case(
        "/units/{unit}/edit", Unit, "unit",
        {"name": "我的单位", "short_name": "科技局", "kind": "bureau", "parent_id": "", "starts_on": "", "ends_on": "",
         "successor_id": ""}, "对方单位", "我的单位", _is(Unit, "unit", name="我的单位"), {"name": "对方单位"},
        people.SYSTEM_ADMIN,
    ),
    "accounts.units_head": Case(
        "/units/{unit}/head", Unit, "unit", {"user_id": "{science}", "starts_on": "2026-02-03"}, "程远山", "2026-02-03",
        lambda session, world: len(unit_heads(session, world)) == 2, _head, people.SYSTEM_ADMIN,
    ),
}  # fmt: skip


def roles_held(session: Session, world: World) -> list[str]:
    from crm.accounts.queries import roles_of

    return [role.value for role in roles_of(session, [world.ids["person"]])[world.ids["person"]]]


def unit_heads(session: Session, world: World) -> list[int]:
    from crm.accounts.queries import heads_of

    return [head.user_id for head in heads_of(session, world.ids["unit"])]


@pytest.fixture
def world(app: Flask) -> World:
    with app.app_context():
        writing()
        session = db.session()
        made = [
            actions.register(
                session, actor=ROBOT, today=TODAY, name=name, street_id=people.unit_id(session, "海城"),
                leading_industry=LeadingIndustry.SMART_EQUIPMENT, former_names=former,
            )
            for name, former in (("温州拓屿精密机械有限公司", ["温州拓屿机械厂"]), ("温州归档有限公司", None))
        ]  # fmt: skip
        firm, archived = made
        actions.archive(session, archived, actor=ROBOT, today=TODAY, reason="重复")
        actions.set_figures(
            session,
            firm,
            actor=ROBOT,
            today=TODAY,
            year=2025,
            source="自报",
            figures={"revenue_yuan": 62_540_000},
        )
        contact = actions.save_contact(
            session, firm, actor=ROBOT, name="叶青", phone="13812345678", email=None
        )
        equity = actions.save_equity(
            session, firm, actor=ROBOT, today=TODAY, on=DAY, investor="投资方", kind=EquityKind.VENTURE,
            paid_in_yuan=1_000_000, source=None,
        )  # fmt: skip
        institution = actions.save_institution(
            session,
            firm,
            actor=ROBOT,
            today=TODAY,
            name="研究院",
            level=InstitutionLevel.CITY,
            recognised_on=DAY,
        )
        cert = ladder.grant(
            session, firm, kind="high-tech", granted_on=dt.date(2023, 12, 8), actor=ROBOT, today=TODAY
        )
        ended = ladder.grant(session, firm, kind="gazelle", granted_on=DAY, actor=ROBOT, today=TODAY)
        ladder.end(session, ended, on=TODAY, cause=EndCause.REVOKED, reason="x", actor=ROBOT, today=TODAY)
        application = ladder.open_application(
            session,
            firm,
            kind="little-giant",
            step=ApplicationStep.NURTURING,
            on=DAY,
            actor=ROBOT,
            today=TODAY,
        )
        commit(session)
        closed = people.id_of(session, people.STRANGER)
        audit.begin(session, actor=ROBOT, action="person.deactivate")
        session.get_one(User, closed).is_active = False
        commit(session)
        ids = {
            "firm": firm.id, "archived": archived.id, "contact": contact.id, "equity": equity.id,
            "institution": institution.id, "cert": cert.id, "ended": ended.id, "application": application.id,
            "name": session.scalars(sa.select(FirmName.id)).one(),
            "figures": session.scalars(sa.select(YearFigures.id)).one(), "closed": closed,
            "person": people.id_of(session, people.SCIENCE_2), "science": people.id_of(session, people.SCIENCE),
            "unit": people.unit_id(session, "科技局"),
        }  # fmt: skip
        db.session.remove()
    return World(ids["firm"], ids)


def shape(session: Session, case: Case) -> list[Any]:
    return sorted(
        session.execute(sa.select(case.model.__table__)).all(),  # type: ignore[attr-defined]
        key=lambda row: row.id,
    )


@pytest.mark.parametrize("endpoint", CASES)
def test_the_second_saver_sees_both_versions_and_chooses(
    app: Flask, client: FlaskClient, world: World, endpoint: str
) -> None:
    case = CASES[endpoint]
    url = case.url.format(**world.ids)
    mine = {name: value.format(**world.ids) for name, value in case.mine.items()}
    with app.app_context():
        writing()
        session = db.session()
        row = session.get_one(case.model, world.ids[case.who]) if case.who else None
        seen = str(row.version) if row is not None else "0"
        if callable(case.theirs):
            case.theirs(session, world)
        else:
            audit.begin(session, actor=ROBOT, action="firm.edit", subject=("firm", world.firm))
            for name, value in case.theirs.items():
                setattr(row, name, value)
        commit(session)
        session.expire_all()
        first = shape(session, case)
        db.session.remove()
    people.sign_in(client, case.person)
    answer = people.post(client, url, {**mine, "version": seen})
    page = unescape(answer.get_data(as_text=True))
    assert answer.status_code == 409
    assert "两份都在，由您选" in page
    assert case.sees in page, "what the other one saved"
    assert case.typed in page, "what was typed"
    with app.app_context():
        assert shape(db.session(), case) == first, "nothing was overwritten"
        db.session.remove()
    chosen = {
        name: "mine" if name.startswith("pick-") else value
        for name, value in re.findall(r'name="((?:pick-|mine-|version)[^"]*)" value="([^"]*)"', page)
    }
    assert people.post(client, url, chosen).status_code == 303
    with app.app_context():
        assert case.after(db.session(), world)
        db.session.remove()


def test_every_form_over_a_record_is_walked_here(app: Flask) -> None:
    """A new POST address with an id in it is walked above, or said why not."""
    there = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or set()) and rule.arguments and not STAGED.match(rule.endpoint)
    }
    makes = {
        "firms.contact_add",
        "firms.equity_add",
        "firms.institution_add",
        "ladder.grant",
        "ladder.follow",
    }
    assert sorted(there - set(CASES) - set(NOT_FORMS) - makes) == []
    assert sorted((set(CASES) | set(NOT_FORMS) | makes) - there) == []

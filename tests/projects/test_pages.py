"""Every page of projects, with everything wrong a person can do: a sentence, the form still filled, nothing written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from crm.core.audit.tables import AuditEnvelope
from crm.core.transaction import commit
from crm.projects import actions
from crm.projects.actions import holding
from crm.projects.models import Project, ProjectCharge, ProjectEvidence, ProjectMove, ProjectPayment
from crm.projects.rules.words import Confidentiality, Evidence, Origin, PaymentKind, Stage
from tests import people
from tests.people import Person
from tests.projects.cast import AT, TODAY, a_lead, bring
from tests.records.office import business

ODD = (0, 2**31, 2**63, 2**63 - 1, 10**30)
OVERDONE = "长" * 20_000
PARTS, EACH = 4, 8  # a field gets some of them and the next field the next ones: a long form gets them all
# what people and their clipboards put into any field
NASTY = (
    "", " ", "2026-13-45", "0001-01-01", "9999-12-31", "1899-12-31", "2126-01-01", "-1", "0", "1e400", "NaN", "inf",
    "9" * 30, "12.3456789012345", "１２３", "没有这个", "\x00", "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "<script>alert(1)</script>", "'; DROP TABLE projects; --", "{{ 7*7 }}", "%s %(n)s", "../../etc/passwd", OVERDONE,
)  # fmt: skip


@dataclass
class World:
    """A signed project with everything that can hang on one, a lead, and one nobody outside its team may see."""

    signed: int
    lead: int
    secret: int
    officer: int  # who follows the lead
    places: dict[str, Any] = field(default_factory=dict)


def _signed(session: Session, n: int, **values: Any) -> tuple[Project, dict[str, Any]]:
    day = TODAY
    project = a_lead(session, n, **values)
    bring(session, project, Stage.SIGNED, day)
    actor = people.actor(session, people.INVESTMENT)
    proof = actions.prove(
        session, project, actor=actor, today=day, kind=Evidence.OTHER, on=day, reference="浙产管〔2026〕9号"
    )
    commit(session)
    paid = actions.pay(
        session, project, actor=actor, today=day, on=day, origin=Origin.PROVINCE, kind=PaymentKind.FIXED,
        yuan=10**7, reference="验资报告 1 号",
    )  # fmt: skip
    commit(session)
    found = {"row_id": paid.id, "evidence": proof.id}
    return project, found


@pytest.fixture
def world(session: Session) -> World:
    signed, places = _signed(session, 1)
    secret, _places = _signed(
        session,
        2,
        name="密语产线",
        investor="密语投资有限公司",
        product="密语",
        confidentiality=Confidentiality.TEAM,
    )
    lead = a_lead(session, 3)
    row = holding.dispute(
        session, lead.id, actor=people.actor(session, people.SCIENCE), at=AT, today=TODAY, text="八月先谈的"
    )
    commit(session)
    made = World(signed.id, lead.id, secret.id, lead.holder_id or 0, {**places, "dispute_id": row.id})
    session.rollback()
    return made


def routes(app: Flask, method: str, world: World, project_id: int, **other: Any) -> Iterator[tuple[str, str]]:
    """(endpoint, address) of every route of projects."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("projects.") or method not in (rule.methods or ()):
            continue
        places = {
            "project_id": project_id, "firm_id": 1, "section": "all", "code": "product", "token": "x", "key": "t05c",
            **world.places, **other,
        }  # fmt: skip
        if rule.endpoint.startswith("projects.evidence") and "row_id" not in other:
            places["row_id"] = world.places["evidence"]
        yield (
            rule.endpoint,
            adapter.build(rule.endpoint, {name: places[name] for name in rule.arguments}, method=method),
        )


def heard(answer: TestResponse) -> str:
    """What the page says in words to who did something wrong."""
    page = html.fromstring(answer.text)
    said = " ".join(node.text_content() for node in page.xpath("//main|//*[@role='alert']"))
    return re.sub(r"编号 [0-9a-f]+", "", said).strip()  # every refusal has a number of its own


def written(session: Session) -> int:
    """How many operations the journal holds."""
    session.rollback()
    return (
        session.scalar(
            sa.select(sa.func.count()).select_from(AuditEnvelope).where(AuditEnvelope.action.like("project%"))
        )
        or 0
    )


def test_odd_ids_are_not_found_and_said_so(
    app: Flask, client: FlaskClient, session: Session, world: World
) -> None:
    before = written(session)
    for who in (people.BUREAU_HEAD, people.SUPERVISOR):
        people.sign_in(client, who)
        for method in ("GET", "POST"):
            for odd in ODD:
                numbers = {name: odd for name in ("row_id", "dispute_id", "firm_id")}
                for endpoint, address in routes(app, method, world, odd, **numbers):
                    if str(odd) not in address.split("/"):
                        continue
                    answer = client.get(address) if method == "GET" else people.post(client, address)
                    assert answer.status_code in (403, 404), (endpoint, odd, answer.status_code)
                    assert len(heard(answer)) > 5, endpoint
                for endpoint, address in routes(app, method, world, world.signed, **numbers):
                    if str(odd) not in address.split("/"):
                        continue
                    answer = client.get(address) if method == "GET" else people.post(client, address)
                    assert answer.status_code in (403, 404), (endpoint, odd, answer.status_code)
        for wrong in ("-1", "abc", "1.5", "%00", "１", " 1", "1'--"):
            assert client.get(f"/projects/{wrong}").status_code == 404, wrong
            assert people.post(client, f"/projects/{wrong}/move").status_code in (404, 405), wrong
    assert written(session) == before


def test_the_wrong_role_is_told_and_nothing_is_written(
    app: Flask, client: FlaskClient, session: Session, world: World
) -> None:
    before = business(session)
    for who in people.ONE_OF_EACH:
        people.sign_in(client, who)
        rights = people.actor(session, who)
        session.rollback()
        may_read = rights.may("project:read")
        for endpoint, address in routes(app, "GET", world, world.signed):
            answer = client.get(address)
            assert answer.status_code < 500, (who, endpoint)
            if not may_read:
                assert answer.status_code == 403, (who, endpoint)
                assert "权" in heard(answer) or "不能" in heard(answer), (who, endpoint, heard(answer)[:80])
        if may_read and who is not people.READ_ONLY:
            continue
        for endpoint, address in routes(app, "POST", world, world.signed):
            answer = people.post(client, address, {"version": "1"})
            assert answer.status_code == 403, (who, endpoint, answer.status_code)
    assert business(session) == before


@pytest.mark.parametrize("who", [people.SCIENCE_2, people.FINANCE, people.READ_ONLY], ids=str)
def test_a_project_one_may_not_see_answers_as_one_that_is_not_there(
    app: Flask, client: FlaskClient, session: Session, world: World, who: Person
) -> None:
    before = business(session)
    people.sign_in(client, who)
    nobodys = 987_654
    for method in ("GET", "POST"):
        for (endpoint, hidden), (_same, missing) in zip(
            routes(app, method, world, world.secret), routes(app, method, world, nobodys), strict=True
        ):
            if f"/{world.secret}" not in hidden or not hidden.startswith("/projects/"):
                continue
            ask = (
                client.get
                if method == "GET"
                else lambda address: people.post(client, address, {"version": "1"})
            )
            one, other = ask(hidden), ask(missing)
            assert one.status_code == other.status_code, endpoint
            assert one.status_code in (403, 404), endpoint
            assert heard(one) == heard(other), endpoint
            assert "密语" not in one.text, endpoint
    assert business(session) == before


@dataclass
class Sheet:
    """A form as the page shows it."""

    address: str
    values: dict[str, str]
    typed: list[str]  # fields one types into
    chosen: list[str]

    @classmethod
    def of(cls, answer: TestResponse, address: str) -> Sheet | None:
        page = html.fromstring(answer.text)
        for form in page.xpath("//main//form[translate(@method,'POST','post')='post']"):
            if form.xpath(".//*[contains(@class,'td-acts2')]") or form.xpath(".//button[@type='submit']"):
                kinds = {
                    node.name: node.get("type", node.tag)
                    for node in form.xpath(".//input[@name]|.//textarea[@name]|.//select[@name]")
                }
                values = {k: v for k, v in form.fields.items() if isinstance(v, str) and k != "csrf_token"}
                typed = [
                    k
                    for k, kind in kinds.items()
                    if kind in ("text", "date", "textarea", "input", "month", "hidden")
                ]
                chosen = [k for k, kind in kinds.items() if kind in ("select", "radio", "checkbox")]
                return cls(
                    form.get("action") or address,
                    values,
                    [k for k in typed if k not in ("csrf_token", "next")],
                    chosen,
                )
        return None


def forms_of(world: World) -> list[tuple[Person, str]]:
    """Who opens which form: every page of projects with one."""
    officer, head, checker = people.INVESTMENT, people.BUREAU_HEAD, people.SUPERVISOR
    one, lead = f"/projects/{world.signed}", f"/projects/{world.lead}"
    return [
        (officer, "/projects/new"),
        *((officer, f"{one}/edit/{section}") for section in ("all", "place")),
        *((officer, f"{one}/{page}") for page in ("move", "aside", "archive", "increase", "payments/new")),
        (officer, f"{one}/evidence/new"),
        (officer, f"{one}/evidence/{world.places['evidence']}/put-away"),
        (officer, f"{one}/items/feasibility"),
        (officer, f"{one}/payments/{world.places['row_id']}/withdraw"),
        (officer, f"{lead}/release"),
        (people.FINANCE, f"{lead}/dispute"),
        (head, f"{lead}/disputes/{world.places['dispute_id']}"),
        (head, f"{one}/charge"),
        (head, f"/projects/handover?from_user={world.officer}"),
        (checker, "/projects/counts"),
    ]


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_odd_in_any_field_breaks_a_form_or_is_lost(
    client: FlaskClient, session: Session, world: World, part: int
) -> None:
    """Each field of each form in turn with what people paste; what is refused writes nothing and comes back."""
    tried = 0
    for who, address in forms_of(world)[part::PARTS]:
        people.sign_in(client, who)
        shown = client.get(address)
        assert shown.status_code == 200, (address, shown.status_code)
        sheet = Sheet.of(shown, address)
        assert sheet is not None, address
        for place, name in enumerate([*sheet.typed, *sheet.chosen]):
            for nasty in NASTY[place % EACH :: EACH]:
                at = written(session)
                # an old version keeps what would be accepted from changing the record under the next one
                stale = {"version": "0"} if "version" in sheet.values and name != "version" else {}
                answer = people.post(client, sheet.address, {**sheet.values, **stale, name: nasty})
                tried += 1
                where = (address, name, nasty[:20], answer.status_code)
                assert answer.status_code in (200, 302, 303, 403, 404, 409, 422), where
                if answer.status_code in (403, 404, 409, 422):
                    assert written(session) == at, where
                if answer.status_code == 422:
                    page = html.fromstring(answer.text)
                    alert = " ".join(
                        node.text_content() for node in page.xpath("//main//*[@role='alert']")
                    ).strip()
                    assert len(alert) > 5 and "None" not in alert and "\x04" not in answer.text, where
                    _kept(page, sheet, name, nasty, where)
    assert tried > 20


def _kept(page: Any, sheet: Sheet, changed: str, nasty: str, where: object) -> None:
    """What was typed into the other fields, and into this one, is in the form that came back."""
    again = {}
    for form in page.xpath("//main//form"):
        again.update({key: value for key, value in form.fields.items() if isinstance(value, str)})
    for name in sheet.typed:
        typed = nasty if name == changed else sheet.values.get(name, "")
        if name in ("version", "quick", "firm") or "\x00" in typed:
            continue
        assert (again.get(name) or "").strip() == typed.strip(), (*where, name, again.get(name))  # type: ignore[misc]


ABSURD: list[tuple[Person, str, dict[str, str], str]] = [
    # the form, what is sent, what the sentence says
    (people.INVESTMENT, "signed/edit/money", {"total_yuan": "99999999999999"}, "总投资"),
    (people.INVESTMENT, "signed/edit/money", {"total_yuan": "-5"}, "总投资"),
    (people.INVESTMENT, "signed/edit/money", {"fixed_yuan": "一个亿"}, "固定资产投资"),
    (people.INVESTMENT, "signed/edit/money", {"rate_micros": "0"}, "汇率"),
    (people.INVESTMENT, "signed/edit/money", {"rate_on": "2026-02-30"}, "日期"),
    (people.INVESTMENT, "signed/edit/place", {"land_m2": "1e9"}, "用地"),
    (people.INVESTMENT, "signed/edit/project", {"investor_code": "123"}, "代码"),
    (people.INVESTMENT, "signed/edit/project", {"name": ""}, "项目名称"),
    (people.INVESTMENT, "signed/edit/project", {"note": "长" * 501}, "备注"),
    (people.INVESTMENT, "signed/edit/project", {"investor_kind": "unheard-of"}, "选项"),
    (people.INVESTMENT, "signed/move", {"on": "1949-10-01"}, "日期"),
    (people.INVESTMENT, "signed/move", {"on": "2099-01-01"}, "日期"),
    (people.INVESTMENT, "signed/move", {"stage": "moon"}, "选项"),
    (people.INVESTMENT, "signed/move", {"stage": "lead", "reason": ""}, "原因"),
    (people.INVESTMENT, "signed/aside", {"on": "2099-01-01", "reason": "放一放"}, "日期"),
    (people.INVESTMENT, "signed/aside", {"state": "active", "reason": "放一放"}, "选项"),
    (people.INVESTMENT, "signed/payments/new", {"on": "2099-01-01", "yuan": "10", "reference": "一号"}, "日期"),
    (people.INVESTMENT, "signed/payments/new", {"yuan": "0", "reference": "一号"}, "金额"),
    (people.INVESTMENT, "signed/payments/new", {"yuan": "9" * 15, "reference": "一号"}, "金额"),
    (people.INVESTMENT, "signed/payments/new", {"yuan": "10"}, "凭证"),
    (people.INVESTMENT, "signed/payments/new", {"yuan": "10", "attachment": "999999"}, "选项"),
    (people.INVESTMENT, "signed/evidence/new", {"kind": "contract", "on": "2099-01-01", "reference": "一"}, "日期"),
    (people.INVESTMENT, "signed/increase", {"original": "999999"}, "项目"),
    (people.BUREAU_HEAD, "signed/charge", {"on": "2099-01-01", "reason": "调整"}, "日期"),
    (people.BUREAU_HEAD, "signed/charge", {"leader": "999999", "reason": "调整"}, "选项"),
    (people.BUREAU_HEAD, "signed/charge", {"leader": "", "reason": "调整"}, "牵头领导"),
    (people.SUPERVISOR, "counts", {"month": "2099-01"}, "月"),
    (people.SUPERVISOR, "counts", {"month": "2026-13"}, "月"),
]  # fmt: skip


def test_the_impossible_is_refused_in_words_with_the_form_filled(
    client: FlaskClient, session: Session, world: World
) -> None:
    before = business(session)
    for who, page, sent, says in ABSURD:
        address = f"/projects/{page}".replace("signed", str(world.signed))
        people.sign_in(client, who)
        sheet = Sheet.of(client.get(address), address)
        assert sheet is not None, address
        answer = people.post(client, sheet.address, {**sheet.values, **sent})
        assert answer.status_code == 422, (page, sent, answer.status_code)
        shown = html.fromstring(answer.text)
        alert = " ".join(node.text_content() for node in shown.xpath("//main//*[@role='alert']"))
        assert says in alert, (page, sent, alert)
        for name, typed in sent.items():
            if name in sheet.typed:
                _kept(
                    shown,
                    Sheet(sheet.address, {**sheet.values, **sent}, sheet.typed, sheet.chosen),
                    name,
                    typed,
                    (page, name),
                )
    assert business(session) == before


STALE: list[tuple[Person, str, dict[str, str]]] = [
    (people.INVESTMENT, "signed/edit/place", {"plant_m2": "1234"}),
    (people.INVESTMENT, "signed/move", {"stage": "registered"}),
    (people.INVESTMENT, "signed/aside", {"reason": "放一放"}),
    (people.INVESTMENT, "signed/archive", {"reason": "重复登记"}),
    (people.INVESTMENT, "signed/increase", {"original": ""}),
    (people.INVESTMENT, "lead/release", {"reason": "忙不过来"}),
    (people.BUREAU_HEAD, "signed/charge", {"reason": "调整"}),
]


def test_what_is_saved_over_a_newer_version_is_shown_and_not_written(
    client: FlaskClient, session: Session, world: World
) -> None:
    for number in (world.signed, world.lead):
        project = session.get_one(Project, number)
        actions.edit(
            session, project, actor=people.actor(session, people.INVESTMENT), today=TODAY, note="先改了一步"
        )
        commit(session)
    before = business(session)
    for who, page, sent in STALE:
        address = f"/projects/{page}".replace("signed", str(world.signed)).replace("lead", str(world.lead))
        people.sign_in(client, who)
        sheet = Sheet.of(client.get(address), address)
        assert sheet is not None, address
        answer = people.post(client, sheet.address, {**sheet.values, **sent, "version": "1"})
        assert answer.status_code == 409, (page, answer.status_code)
        for typed in sent.values():
            assert typed in answer.text, (page, typed)
    assert business(session) == before


def test_a_form_sent_twice_is_done_once(client: FlaskClient, session: Session, world: World) -> None:
    one = f"/projects/{world.signed}"

    def rows() -> tuple[int, ...]:
        session.rollback()
        return tuple(
            session.scalar(
                sa.select(sa.func.count()).select_from(model).where(model.project_id == world.signed)
            )
            or 0
            for model in (ProjectPayment, ProjectMove, ProjectCharge, ProjectEvidence)
        )

    twice: list[tuple[Person, str, dict[str, str], int]] = [
        (people.INVESTMENT, f"{one}/payments/new", {"yuan": "123", "reference": "验资报告 2 号"}, 0),
        (people.INVESTMENT, f"{one}/aside", {"reason": "等董事会"}, 1),
        (people.INVESTMENT, f"{one}/resume", {"reason": "董事会通过"}, 1),
        (people.BUREAU_HEAD, f"{one}/charge", {"reason": "轮岗", "agent": ""}, 2),
        (
            people.INVESTMENT,
            f"{one}/evidence/new",
            {"kind": "other-evidence", "reference": "会议纪要 3 号"},
            3,
        ),
    ]
    for who, address, sent, place in twice:
        people.sign_in(client, who)
        sheet = Sheet.of(client.get(address), address)
        assert sheet is not None
        if "agent" in sent:
            sent["agent"] = str(people.id_of(session, people.SCIENCE))
        before = rows()
        first = people.post(client, sheet.address, {**sheet.values, **sent})
        assert first.status_code == 303, (address, heard(first))
        second = people.post(client, sheet.address, {**sheet.values, **sent})
        assert second.status_code in (303, 409, 422), (address, second.status_code)
        assert rows()[place] == before[place] + 1, address

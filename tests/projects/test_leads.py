"""Leads: look-alikes and what stays hidden, the first report, claims, the pool, disputes."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities.models import InboxItem, NextStep
from crm.core.audit import AuditEnvelope
from crm.core.clock import today
from crm.core.db import db
from crm.core.permissions import Forbidden
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms import actions as registry
from crm.projects import actions, queries
from crm.projects.models import Project, ProjectClaim, ProjectDispute, ProjectUnit
from crm.projects.queries import alike
from crm.projects.queries.alike import Hidden, Typed, within_limit
from crm.projects.rules.alike import is_near
from crm.projects.rules.words import Confidentiality, Decision, Stage
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, bring
from tests.projects.counting import statements

SECRET = Confidentiality.TEAM


def near(session: Session, person: people.Person, **typed: object) -> tuple[list[alike.Alike], list[Hidden]]:
    return alike.near(session, Typed(**typed), viewer=people.actor(session, person))  # type: ignore[arg-type]


def test_a_lead_is_found_by_each_of_its_marks(session: Session) -> None:
    a_lead(
        session, investor="苏州澄观精密科技有限公司", investor_code="91320500MA1MCGXY48", controller="沈澄", product="谐波减速器",
        total_yuan=100_000_000,
    )  # fmt: skip
    for typed, why in (
        ({"investor": "苏州澄观精密科技有限责任公司"}, "投资方相同"),
        ({"investor": "澄观精密"}, "投资方名称相近"),
        ({"code": "91320500MA1MCGXY48"}, "信用代码相同"),
        ({"controller": "沈澄"}, "实际控制人相同"),
        ({"product": "谐波减速器", "yuan": 110_000_000}, "产品相同"),
    ):
        (found,), hidden = near(session, people.INVESTMENT_2, **typed)
        assert why in [message.text for message in found.why] and not hidden
    assert "投资额相近" in [message.text for message in found.why]
    assert near(session, people.INVESTMENT_2, investor="杭州云岫电气") == ([], [])


def test_amounts_are_near_within_a_fifth() -> None:
    assert is_near(100, 120) and is_near(120, 100) and not is_near(100, 130) and not is_near(None, 5)


def test_what_one_may_not_see_is_only_held_by_a_unit_since_a_day(
    client: FlaskClient, session: Session
) -> None:
    project = a_lead(session, investor="苏州澄观精密科技有限公司", name="碳化硅模块", confidentiality=SECRET)
    number = project.id
    session.rollback()
    people.sign_in(client, people.INVESTMENT_2)
    page = client.get("/projects/look-alikes?investor=苏州澄观精密科技有限公司").text
    assert "另有 1 条由商务局自 2026-11-23 持有" in page
    assert "碳化硅" not in page and f"/projects/{number}" not in page
    logged = db.session().scalars(
        sa.select(AuditEnvelope.subject_id).where(AuditEnvelope.action == "project.look-alikes")
    )
    assert list(logged) == [number]


def test_asking_again_is_one_line_in_the_log_and_too_many_are_held_back() -> None:
    day = dt.date(2026, 1, 1)
    hidden = [Hidden(n, "商务局", day) for n in (1, 2, 3)]
    assert within_limit(hidden, {1}, 2) == ([hidden[0], hidden[1]], [hidden[1]], True)
    assert within_limit(hidden[:1], {1}, 1) == ([hidden[0]], [], False)


def test_a_question_about_a_hidden_one_reaches_the_heads_and_tells_nothing(
    client: FlaskClient, session: Session
) -> None:
    a_lead(session, investor="苏州澄观精密科技有限公司", name="碳化硅模块", confidentiality=SECRET)
    session.rollback()
    people.sign_in(client, people.INVESTMENT_2)
    page = client.get("/projects/look-alikes?investor=澄观精密").text
    ask = re.search(r'href="(/projects/ask/[^"]+)"', page)
    assert ask is not None
    assert "碳化硅" not in client.get(ask[1]).text
    answer = people.post(client, ask[1], {"text": "我们 9 月在苏州见过沈总"})
    assert answer.status_code == 303
    assert db.session().scalar(sa.select(sa.func.count()).select_from(ProjectDispute)) == 1
    head = people.id_of(db.session(), people.BUREAU_HEAD)
    told = db.session().scalars(sa.select(InboxItem.code).where(InboxItem.user_id == head))
    assert list(told) == ["dispute"]
    assert client.get("/projects/ask/made-up").status_code == 404


def test_a_link_to_ask_serves_only_whom_it_was_given_to(client: FlaskClient, session: Session) -> None:
    a_lead(session, investor="苏州澄观精密科技有限公司", name="碳化硅模块", confidentiality=SECRET)
    session.rollback()
    people.sign_in(client, people.INVESTMENT_2)
    ask = re.search(
        r'href="(/projects/ask/[^"]+)"', client.get("/projects/look-alikes?investor=澄观精密").text
    )
    assert ask is not None and client.get(ask[1]).status_code == 200
    other = client.application.test_client()
    people.sign_in(other, people.INVESTMENT)
    assert other.get(ask[1]).status_code == 404
    assert people.post(other, ask[1], {"text": "谁在跟？"}).status_code == 404
    assert db.session().scalar(sa.select(sa.func.count()).select_from(ProjectDispute)) == 0


def test_the_form_logs_a_lead_in_four_fields(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.INVESTMENT)
    day = (today() + dt.timedelta(1)).isoformat()
    sent = {
        "investor": "翎图视觉",
        "name": "3C 外观检测产线",
        "source": "fair",
        "step": "电话问清租期",
        "quick": day,
    }
    answer = people.post(client, "/projects/new", sent)
    assert answer.status_code == 303
    project = db.session().scalars(sa.select(Project)).one()
    step = db.session().scalars(sa.select(NextStep)).one()
    assert (project.stage, project.holder_id, step.due_on.isoformat()) == (Stage.LEAD, step.owner_id, day)


def test_a_lead_without_a_step_or_a_day_comes_back_filled(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.INVESTMENT)
    sent = {"investor": "翎图视觉", "name": "3C 外观检测产线", "source": "fair", "step": "电话问清租期"}
    answer = people.post(client, "/projects/new", sent)
    assert answer.status_code == 422 and "请写下一步的日期" in answer.text and "翎图视觉" in answer.text
    answer = people.post(client, "/projects/new", {**sent, "step": "", "due_on": "明天"})
    assert answer.status_code == 422 and "3C 外观检测产线" in answer.text
    assert db.session().scalar(sa.select(sa.func.count()).select_from(Project)) == 0


def test_this_one_takes_the_firm_over_without_writing(client: FlaskClient, session: Session) -> None:
    firm = registry.register(session, actor=ROBOT, today=TODAY, name="温州翎图视觉科技有限公司")
    commit(session)
    number = firm.id
    session.rollback()
    people.sign_in(client, people.INVESTMENT)
    page = client.get("/projects/look-alikes?investor=翎图视觉").text
    assert f'value="{number}"' in page
    sent = {"investor": "翎图视觉", "name": "检测产线", "source": "fair", "use_firm": str(number)}
    page = people.post(client, "/projects/new", sent)
    assert (
        page.status_code == 200
        and 'value="温州翎图视觉科技有限公司"' in page.text
        and "检测产线" in page.text
    )
    assert db.session().scalar(sa.select(sa.func.count()).select_from(Project)) == 0
    day = (today() + dt.timedelta(1)).isoformat()
    sent = {
        "investor": "温州翎图视觉科技有限公司",
        "name": "检测产线",
        "source": "fair",
        "step": "问",
        "quick": day,
    }
    people.post(client, "/projects/new", {**sent, "firm": str(number)})
    assert db.session().scalars(sa.select(Project.firm_id)).one() == number


def test_the_second_report_of_an_investor_is_told_and_may_be_meant(session: Session) -> None:
    first = a_lead(session, investor="翎图视觉")
    with pytest.raises(actions.Known) as known:
        a_lead(session, 2, people.INVESTMENT_2, investor="翎图视觉")
    assert known.value.project_id == first.id
    session.rollback()
    a_lead(session, 2, people.INVESTMENT_2, investor="翎图视觉", is_another=True)
    assert session.scalar(sa.select(sa.func.count()).select_from(Project)) == 2


def test_of_a_hidden_one_the_refusal_says_no_name(session: Session) -> None:
    a_lead(session, investor="翎图视觉", name="碳化硅模块", confidentiality=SECRET)
    with pytest.raises(actions.Known) as known:
        a_lead(session, 2, people.INVESTMENT_2, investor="翎图视觉")
    assert known.value.project_id is None and "碳化硅" not in str(known.value)


def test_nobody_can_set_the_time_of_a_first_report(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(TypeError):
        actions.edit(session, project, actor=ROBOT, today=TODAY, first_reported_at=AT)


def test_a_protected_lead_is_not_claimed(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(Refused, match="保护期"):
        actions.claim(
            session, project, actor=people.actor(session, people.INVESTMENT_2), today=TODAY, reason="我来跟"
        )


def test_protection_runs_out_and_the_lead_is_claimed(session: Session) -> None:
    early = TODAY - dt.timedelta(120)
    project = a_lead(session, today=early, at=AT - dt.timedelta(120))
    wanted = queries.LIST.asked({"pool": "yes"}, TODAY)
    viewer = people.actor(session, people.INVESTMENT_2)
    ids, understood = queries.matching(session, wanted, viewer)
    assert list(session.scalars(ids)) == [project.id] and understood == {"pool": "yes"}
    actions.claim(session, project, actor=viewer, today=TODAY, reason="保护期已过")
    commit(session)
    assert (project.holder_id, project.holder_unit_id) == (viewer.user_id, viewer.unit_id)
    spans = session.execute(
        sa.select(ProjectClaim.from_on, ProjectClaim.to_on).order_by(ProjectClaim.id)
    ).all()
    assert [tuple(span) for span in spans] == [(early, TODAY), (TODAY, None)]
    assert list(session.scalars(queries.matching(session, wanted, viewer)[0])) == []


def test_a_lead_goes_to_the_pool_and_anybody_takes_it(session: Session) -> None:
    project = a_lead(session)
    with pytest.raises(Forbidden):
        actions.release(
            session, project, actor=people.actor(session, people.INVESTMENT_2), today=TODAY, reason="没空"
        )
    actions.release(
        session, project, actor=people.actor(session, people.INVESTMENT), today=TODAY, reason="转做别的"
    )
    commit(session)
    assert project.holder_id is None
    actions.claim(
        session, project, actor=people.actor(session, people.INVESTMENT_2), today=TODAY, reason="我来跟"
    )
    commit(session)
    assert project.holder_id == people.id_of(session, people.INVESTMENT_2)


def test_with_a_team_it_is_handed_over_not_claimed(session: Session) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    for act in (actions.claim, actions.release):
        with pytest.raises(Refused, match="专班"):
            act(session, project, actor=people.actor(session, people.INVESTMENT), today=TODAY, reason="换人")


@pytest.mark.parametrize("decision", list(Decision))
def test_a_dispute_is_decided_in_writing(session: Session, decision: Decision) -> None:
    project = a_lead(session)
    other = people.actor(session, people.INVESTMENT_2)
    row = actions.dispute(session, project.id, actor=other, at=AT, today=TODAY, text="我们 9 月先谈的")
    commit(session)
    with pytest.raises(Refused, match="已经提出过"):
        actions.dispute(session, project.id, actor=other, at=AT, today=TODAY, text="我们 9 月先谈的")
    with pytest.raises(Forbidden):
        actions.decide(
            session, project, row, actor=other, at=AT, today=TODAY, decision=decision, text="有记录"
        )
    session.rollback()
    head = people.actor(session, people.BUREAU_HEAD)
    actions.decide(session, project, row, actor=head, at=AT, today=TODAY, decision=decision, text="有记录")
    commit(session)
    holder = {Decision.MOVES: people.INVESTMENT_2}.get(decision, people.INVESTMENT)
    assert project.holder_id == people.id_of(session, holder)
    joined = session.scalars(sa.select(ProjectUnit.unit_id)).all()
    assert joined == ([other.unit_id] if decision is Decision.SHARED else [])
    told = session.scalars(sa.select(InboxItem.user_id).where(InboxItem.code == "decided")).all()
    assert set(told) == {other.user_id, people.id_of(session, people.INVESTMENT)}
    with pytest.raises(Refused, match="已经裁定"):
        actions.decide(session, project, row, actor=head, at=AT, today=TODAY, decision=decision, text="再说")


def test_the_panel_tells_who_follows_it_and_what_was_disputed(client: FlaskClient, session: Session) -> None:
    project = a_lead(session)
    actions.dispute(
        session,
        project.id,
        actor=people.actor(session, people.INVESTMENT_2),
        at=AT,
        today=TODAY,
        text="我们先谈的呀",
    )
    commit(session)
    number = project.id
    session.rollback()
    people.sign_in(client, people.BUREAU_HEAD)
    page = client.get(f"/projects/{number}/holding", headers={"HX-Request": "true"}).text
    assert "林晓雯" in page and "我们先谈的呀" in page and f"/projects/{number}/disputes/" in page


def test_twice_the_look_alikes_cost_the_same_statements(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    for n in range(3):
        a_lead(session, n, is_another=True, investor="苏州澄观精密科技有限公司")
    session.rollback()
    people.sign_in(client, people.INVESTMENT_2)
    address = "/projects/look-alikes?investor=澄观精密"
    client.get(address)
    with app.app_context(), statements() as few:
        client.get(address)
    for n in range(3, 9):
        a_lead(session, n, people.SCIENCE, is_another=True, investor="苏州澄观精密科技有限公司")
    session.rollback()
    with app.app_context(), statements() as many:
        client.get(address)
    assert len(many) == len(few)

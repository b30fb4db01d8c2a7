"""Projects in the one palette and on /search: found by every name they have, and only by who may see them."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import undo
from crm.core.transaction import commit
from crm.projects import actions, queries
from crm.projects.rules.words import Confidentiality
from tests import people
from tests.projects.cast import ROBOT, TODAY, a_lead

NAME, INVESTOR, CODE = "年产十万套谐波减速器项目", "苏州澄观精密科技有限公司", "91330399MA2ABCDE1X"


def found(session: Session, text: str, person: people.Person = people.INVESTMENT) -> list[str]:
    return [hit.name for hit in queries.search(session, text, people.actor(session, person))]


@pytest.mark.parametrize(
    "text", ["谐波", "减速器项目", "澄观", "szcg", "chengguan", "xbjsq", "空心轴", "MA2ABC", "cg 谐波"]
)
def test_a_project_is_found_by_name_investor_product_pinyin_and_code(session: Session, text: str) -> None:
    a_lead(session, name=NAME, investor=INVESTOR, product="空心轴电机", investor_code=CODE)
    a_lead(session, name="储能电芯项目", investor="宁州翎衡新能源有限公司")
    assert found(session, text) == [NAME]


def test_a_new_name_is_found_the_old_one_is_not_and_an_archived_project_neither(session: Session) -> None:
    project = a_lead(session, name=NAME, investor=INVESTOR)
    actions.edit(session, project, actor=ROBOT, today=TODAY, name="人形机器人关节项目")
    commit(session)
    assert found(session, "关节") == ["人形机器人关节项目"]
    assert found(session, "谐波") == []
    actions.archive(session, project, actor=ROBOT, today=TODAY, reason="重复登记")
    commit(session)
    assert found(session, "关节") == []


@pytest.mark.parametrize(
    ("open_to", "person", "may"),
    [
        (Confidentiality.ZONE, people.READ_ONLY, True),
        (Confidentiality.UNIT, people.READ_ONLY, False),
        (Confidentiality.UNIT, people.BUREAU_HEAD, True),
        (Confidentiality.UNIT, people.SCIENCE, False),
        (Confidentiality.TEAM, people.BUREAU_HEAD, False),
        (Confidentiality.TEAM, people.INVESTMENT, True),
        (Confidentiality.TEAM, people.LEADER, True),
        (Confidentiality.ZONE, people.SYSTEM_ADMIN, False),
        (Confidentiality.ZONE, people.STRANGER, False),
    ],
)
def test_the_palette_tells_only_who_may_see(
    client: FlaskClient, session: Session, open_to: Confidentiality, person: people.Person, may: bool
) -> None:
    a_lead(session, name=NAME, investor=INVESTOR, confidentiality=open_to)
    session.rollback()
    people.sign_in(client, person)
    for headers in ({"X-Palette": "1"}, {}):
        text = client.get("/search", query_string={"q": "szcg"}, headers=headers).text
        assert (NAME in text) is may
        assert ("线索 · " in text) is may
        assert may or "澄观" not in text
    if person is people.SYSTEM_ADMIN:
        answer = client.get("/search", query_string={"q": "szcg"}, headers={"X-Palette": "1"}).text
        assert "<p data-count>没有结果</p>" in answer


def test_firms_and_projects_are_ranked_together(client: FlaskClient, app: Flask, session: Session) -> None:
    from crm.firms import actions as registry

    registry.register(session, actor=ROBOT, today=TODAY, name="温州谐波阀门有限公司")
    commit(session)
    a_lead(session, name="谐波减速器", investor=INVESTOR)
    session.rollback()
    people.sign_in(client, people.INVESTMENT)

    def first(text: str) -> list[str]:
        answer = client.get("/search", query_string={"q": text}, headers={"X-Palette": "1"}).text
        places = {label: answer.find(f'aria-label="{label}"') for label in ("项目", "企业")}
        assert all(place >= 0 for place in places.values())
        return sorted(places, key=lambda label: places[label])

    assert first("谐波减速器谐波"[:2]) == ["项目", "企业"]  # it begins with the word, the firm only has it
    assert found(session, "谐波减速器") == ["谐波减速器"]


def test_what_is_undone_leaves_the_index(session: Session) -> None:
    from crm.core.audit import AuditEnvelope

    a_lead(session, name=NAME, investor=INVESTOR)
    envelope = session.query(AuditEnvelope).order_by(AuditEnvelope.seq.desc()).first()
    assert envelope is not None
    undo.undo(session, envelope.operation, actor=ROBOT)
    commit(session)
    assert found(session, "谐波") == []

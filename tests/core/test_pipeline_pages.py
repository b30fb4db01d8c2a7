"""Both pipelines on their pages: the line of stages, the gate and its links, every small form with its way back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from html import unescape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from crm.core.clock import today
from crm.core.pipeline import WaiverKind
from crm.core.transaction import commit
from crm.firms import actions as registry
from crm.firms.models import Firm
from crm.listing import actions as listing
from crm.listing.rules.words import Board
from crm.projects import actions as projects
from crm.projects.models import Project, ProjectEvidence
from crm.projects.rules.words import Evidence, Stage, State
from tests import people
from tests.projects.cast import ROBOT, a_lead, bring


def a_project(session: Session) -> str:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    projects.prove(
        session,
        project,
        actor=ROBOT,
        today=today(),
        kind=Evidence.OTHER,
        on=today(),
        reference="商〔2026〕1 号",
    )
    projects.excuse(
        session, project, actor=ROBOT, today=today(), item="chain_role", kind=WaiverKind.UNKNOWN, reason="还在谈",
        until_on=today(),
    )  # fmt: skip
    commit(session)
    return f"/projects/{project.id}"


def a_candidate(session: Session) -> str:
    firm = registry.register(session, actor=ROBOT, today=today(), name="温州观复精工股份有限公司")
    commit(session)
    found = session.get_one(Firm, firm.id)
    made = listing.enter(
        session, found, actor=ROBOT, today=today(), on=today() - dt.timedelta(90), board=Board.BSE
    )
    listing.excuse(
        session,
        made,
        actor=ROBOT,
        today=today(),
        item="reserve-list",
        kind=WaiverKind.WAIVED,
        reason="口头通知",
    )
    commit(session)
    return f"/listing/{made.id}"


def page_of(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return unescape(answer.text)


@pytest.mark.parametrize(
    ("make", "person", "missing"),
    [(a_project, people.BUREAU_HEAD, "产业链作用"), (a_candidate, people.FINANCE, "保荐机构")],
)
def test_a_record_shows_its_line_and_what_the_next_stage_still_asks_for(
    client: FlaskClient, session: Session, make: Callable[[Session], str], person: people.Person, missing: str
) -> None:
    address = make(session)
    people.sign_in(client, person)
    text = page_of(client, address)
    assert len(re.findall(r'aria-current="step"', text)) == 1
    assert missing in text
    for place in re.findall(
        r'href="(' + address + r'/(?:items|evidence|edit|board|engage|intermediar)[^"]*)"', text
    ):
        page_of(client, place)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("move", ("移到这个阶段", "考察")),
        ("aside", ("暂缓或退出", "流失", "不再催办")),
        ("resume", ("重新推进", "原因")),
        ("evidence/new", ("登记佐证", "文号或说明", "项目里的文件")),
        ("items/chain_role", ("说明缺项", "还在谈", "取消这项说明", "暂无法确定的必填")),
        ("items/product", ("说明缺项", "产品或业务")),
        ("archive", ("归档项目", "随时可以恢复")),
    ],
)
def test_each_small_form_of_a_project_says_what_it_does_and_leads_back(
    client: FlaskClient, session: Session, place: str, words: tuple[str, ...]
) -> None:
    address = a_project(session)
    people.sign_in(client, people.BUREAU_HEAD)
    text = page_of(client, f"{address}/{place}")
    for word in words:
        assert word in text, word
    assert f'action="{address}/{place}"' in text
    assert text.count(f'href="{address}"') >= 2  # the trail and the way out


@pytest.mark.parametrize("place", ["move", "aside", "board", "evidence/new", "items/reserve-list", "plan"])
def test_each_small_form_of_a_candidate_leads_back(client: FlaskClient, session: Session, place: str) -> None:
    address = a_candidate(session)
    people.sign_in(client, people.FINANCE)
    text = page_of(client, f"{address}/{place}")
    assert text.count(f'href="{address}"') >= 2
    assert ("取消这项说明" in text) is place.startswith("items/")


def test_a_document_is_put_away_and_a_project_goes_on_by_their_forms(
    client: FlaskClient, session: Session
) -> None:
    address = a_project(session)
    people.sign_in(client, people.BUREAU_HEAD)
    row = session.execute(sa.select(ProjectEvidence).where(ProjectEvidence.reference.is_not(None)).limit(1))
    drop = f"{address}/evidence/{row.scalar_one().id}/put-away"
    assert "收起佐证" in page_of(client, drop)
    answer = people.post(client, drop, {"version": "1", "reason": ""})
    assert answer.status_code == 422
    assert "请写明原因" in answer.text or "必填" in answer.text

    def sent(place: str, **values: str) -> int:
        page = page_of(client, f"{address}/{place}")
        version = re.search(r'name="version"[^>]*value="(\d+)"', page)
        assert version is not None
        data = {"version": version[1], "on": today().isoformat(), **values}
        answers.append(people.post(client, f"{address}/{place}", data))
        return answers[-1].status_code

    answers: list[TestResponse] = []
    assert sent("aside", state=State.PAUSED.value, reason="等批复") == 303
    assert "现在：暂缓" in page_of(client, f"{address}/resume")
    assert sent("move", stage=Stage.SITE_VISIT.value, reason="") == 422
    refused = answers[-1]
    assert "这个项目现在是「暂缓」，请先恢复推进。" in unescape(refused.text)
    session.expire_all()
    assert session.get_one(Project, int(address.rsplit("/", 1)[1])).state is State.PAUSED

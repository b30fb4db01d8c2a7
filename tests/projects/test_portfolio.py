"""Everything a person has in hand goes over at once, is told, and comes back by one undo."""

from __future__ import annotations

import argparse
import io
import json
import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import InboxItem, NextStep
from crm.core import audit
from crm.core.audit import AuditEnvelope
from crm.core.cli import Context, parser_of
from crm.core.permissions import Forbidden
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.words import Refused
from crm.projects import actions, commands, queries
from crm.projects.models import Project, ProjectCharge
from crm.projects.rules.words import Stage
from tests import people
from tests.projects.cast import AT, ROBOT, TODAY, a_lead, bring


def hand(session: Session, by: people.Person = people.BUREAU_HEAD, **more: object) -> int:
    held = actions.hand_over_all(
        session, actor=people.actor(session, by), at=AT, today=TODAY,
        from_id=people.id_of(session, people.INVESTMENT), to_id=people.id_of(session, people.SCIENCE),
        reason="轮岗", **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return len(held)


def owners(session: Session) -> set[int]:
    return set(session.scalars(sa.select(NextStep.owner_id).where(NextStep.kind == "project")))


def test_all_of_it_goes_and_comes_back(session: Session) -> None:
    lead = a_lead(session, 1)
    project = bring(session, a_lead(session, 2), Stage.NEGOTIATION)
    giver, receiver = people.id_of(session, people.INVESTMENT), people.id_of(session, people.SCIENCE)
    assert hand(session) == 2
    commit(session)
    assert {lead.holder_id, project.holder_id} == {receiver} and owners(session) == {receiver}
    charge = queries.charge_of(session, project.id)
    assert charge is not None and charge.liaison_id == receiver
    assert session.scalar(sa.select(sa.func.count()).where(InboxItem.user_id == receiver)) == 2
    envelope = session.scalars(
        sa.select(AuditEnvelope).where(AuditEnvelope.action == "project.hand-over-all")
    ).one()
    undo(session, envelope.operation, actor=people.actor(session, people.BUREAU_HEAD))
    commit(session)
    session.expire_all()
    assert set(session.scalars(sa.select(Project.holder_id))) == {giver} and owners(session) == {giver}
    again = queries.charge_of(session, project.id)
    assert again is not None and again.liaison_id == giver
    assert session.scalar(sa.select(sa.func.count()).select_from(ProjectCharge)) == 1


def test_a_look_moves_nothing(session: Session) -> None:
    a_lead(session)
    assert hand(session, dry_run=True) == 1
    assert audit.running(session) is None and owners(session) == {people.id_of(session, people.INVESTMENT)}


def test_only_who_settles_charges_may(session: Session) -> None:
    a_lead(session)
    with pytest.raises(Forbidden):
        hand(session, people.INVESTMENT)


def test_not_to_oneself_and_not_without_a_reason(session: Session) -> None:
    giver = people.id_of(session, people.INVESTMENT)
    for to, reason in ((giver, "轮岗"), (people.id_of(session, people.SCIENCE), " "), (None, "轮岗")):
        with pytest.raises(Refused):
            actions.hand_over_all(
                session, actor=ROBOT, at=AT, today=TODAY, from_id=giver, to_id=to, reason=reason
            )
    with pytest.raises(Refused, match="不能查看项目"):
        actions.hand_over_all(
            session, actor=ROBOT, at=AT, today=TODAY, from_id=giver,
            to_id=people.id_of(session, people.AUDITOR), reason="轮岗",
        )  # fmt: skip


def test_the_commands_say_the_same(session: Session) -> None:
    number = a_lead(session).id
    session.rollback()
    told, out = io.StringIO(), io.StringIO()
    context = Context(ROBOT, True, out, told)
    asked = argparse.Namespace(project=number, stage=Stage.NEGOTIATION, on=TODAY, reason=None)
    with pytest.raises(Refused, match="还差"):
        commands.move(asked, context)
    assert "牵头领导和专班" in json.loads(out.getvalue())["missing"]
    session.rollback()
    out.truncate(0), out.seek(0)
    asked = argparse.Namespace(giver="cast-investment", receiver="cast-science", reason="轮岗", dry_run=True)
    assert commands.handover(asked, context) == 0
    found = json.loads(out.getvalue())
    assert [row["id"] for row in found["projects"]] == [number] and found["dry_run"] is True
    plain = Context(ROBOT, False, out, told)
    assert commands.handover(asked, plain) == 0
    assert "线索\t跟进人" in out.getvalue() and "电话问清用地" in out.getvalue()
    assert owners(session) == {people.id_of(session, people.INVESTMENT)}


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (["move", "abc", "signed", "--on", "2026-11-20"], "请写项目网址里的数字"),
        (["move", "1", "bogus", "--on", "2026-11-20"], "没有这个阶段.*signed 签约"),
        (["move", "1", "signed", "--on", "2026-02-30"], "请写成 2026-05-06"),
    ],
)
def test_what_cannot_be_read_on_the_command_line_is_said_in_words(
    typed: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser_of(commands.COMMANDS).parse_args(["projects", *typed])
    assert ended.value.code == 2 and re.search(why, capsys.readouterr().err)

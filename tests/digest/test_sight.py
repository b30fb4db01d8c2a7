"""Nobody is told of what he may not see: by the written table of who sees which project, and record by record."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.queries.readers import readers
from crm.core.clock import today
from crm.core.words import Missing
from crm.digest.queries import compose
from crm.digest.queries.outbox import still_seen
from crm.digest.queries.previewing import get_reader, seen_by
from crm.digest.queries.previewing import people as previewable
from crm.projects import queries
from crm.projects.models import Project
from crm.projects.queries.sight import sight
from tests import people
from tests.digest.cast import TODAY, everything, head
from tests.projects.sight import CHIEF, SEES, World, build


@pytest.fixture
def world(session: Session) -> World:
    made = build(session)
    session.rollback()
    return made


def test_for_many_at_once_it_is_what_visible_to_says_for_one(session: Session, world: World) -> None:
    ids = set(session.scalars(sa.select(Project.id)))
    known = readers(session)
    for reader in known.values():
        one_by_one = set(session.scalars(sa.select(Project.id).where(queries.visible_to(reader.actor))))
        sees = sight(session, ids)
        assert {key for key in ids if sees(reader.actor, key)} == one_by_one, reader.username
        assert not sees(reader.actor, max(ids) + 1)
    for who in SEES:  # a reader is the same viewer as everywhere else
        assert known[people.id_of(session, who)].actor == people.actor(session, who)


def test_a_step_on_a_project_one_may_not_see_is_in_no_letter(session: Session, world: World) -> None:
    """Everybody was given an instruction on each project, as if they could see it then."""
    letters = compose(session, today(), is_whole=True)
    by_id = {hung.id: level for level, hung in world.projects.items()}
    for who, levels in SEES.items():
        letter = letters.get(people.id_of(session, who))
        groups = letter.groups if letter is not None else ()
        told = {
            by_id[item.subject_id]
            for group in groups
            for item in group.items
            if item.kind == "project" and item.code == "instruction-waiting"
        }
        assert told == levels, who
        assert world.shown(str(letter.to_payload()) if letter else "") == levels, who


def test_right_before_it_goes_a_mail_loses_what_its_reader_may_not_see_any_more(
    session: Session, world: World
) -> None:
    by_id = {hung.id: level for level, hung in world.projects.items()}
    letters = compose(session, today(), is_whole=True)
    everything_told = letters[people.id_of(session, max(SEES, key=lambda who: len(SEES[who])))]
    for who, levels in SEES.items():
        left = still_seen(session, everything_told, people.id_of(session, who))
        told = {
            by_id[item.subject_id] for group in left.groups for item in group.items if item.kind == "project"
        }
        assert told == levels, who
    assert still_seen(session, everything_told, 10**9).groups == ()


def test_whose_letter_may_be_looked_at(session: Session) -> None:
    everything(session)  # heads: 商务局 and 科技局
    mine = people.id_of(session, people.SCIENCE)
    for who in (people.LEADER, people.SUPERVISOR, people.SCIENCE_2, people.SCIENCE):
        assert get_reader(session, mine, viewer=people.actor(session, who), day=TODAY)[0] == mine, who
    for who in (
        people.INVESTMENT,
        people.BUREAU_HEAD,
        people.REPORTER,
        people.READ_ONLY,
        people.SYSTEM_ADMIN,
    ):
        with pytest.raises(Missing):
            get_reader(session, mine, viewer=people.actor(session, who), day=TODAY)
    names = [
        name for _id, name, _unit in previewable(session, people.actor(session, people.BUREAU_HEAD), TODAY)
    ]
    assert names == [people.BUREAU_HEAD.name, people.INVESTMENT.name]


def test_a_head_looks_at_a_letter_without_what_the_head_may_not_see(session: Session, world: World) -> None:
    head(
        session, people.INVESTMENT_2, "自创办"
    )  # of the unit of who leads all three; sees the team's own not
    letter = compose(session, today(), is_whole=True)[people.id_of(session, CHIEF)]
    viewer = people.actor(session, people.INVESTMENT_2)
    shown, withheld = seen_by(session, letter, viewer)
    assert shown is not None and withheld == letter.count - shown.count > 0
    assert world.shown(str(letter.to_payload())) == {"zone", "unit", "team"}
    assert world.shown(str(shown.to_payload())) == SEES[people.INVESTMENT_2]
    assert seen_by(session, letter, people.actor(session, CHIEF)) == (letter, 0)

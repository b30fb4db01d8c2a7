"""What composing costs: as many statements for twice the people and lines, all of different owners and units."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session

from crm.core.reminders import REMINDERS
from crm.digest.queries import compose
from tests.digest.bench import fill
from tests.digest.cast import TODAY, everything
from tests.projects.counting import statements


def test_twice_the_people_and_lines_cost_the_same_statements(app: Flask, session: Session) -> None:
    everything(session)
    fill(session, people=10, items=100, day=TODAY)
    with statements() as few:
        before = compose(session, TODAY)
    session.rollback()
    fill(session, people=20, items=300, day=TODAY, start=100)
    with statements() as many:
        after = compose(session, TODAY)
    assert len(after) >= len(before) + 20
    assert sum(letter.count for letter in after.values()) > 2 * sum(
        letter.count for letter in before.values()
    )
    assert len(few) == len(many), sorted(set(many) - set(few))
    assert len(few) <= 3 * len(REMINDERS)


def test_few_people_or_all_of_them_gives_each_the_same_letter(app: Flask, session: Session) -> None:
    everything(session)
    fill(session, people=5, items=60, day=TODAY)
    whole = compose(session, TODAY)
    for person_id, letter in whole.items():
        assert compose(session, TODAY, [person_id]) == {person_id: letter}
    assert compose(session, TODAY, sorted(whole)) == whole

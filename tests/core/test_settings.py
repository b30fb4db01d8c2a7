"""Settings: declared in one line, typed, bounded, read once a transaction, changed only by who may, in the audit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.core import settings
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.db import db
from crm.core.permissions import Actor, Forbidden, Scope
from crm.core.settings import DECLARED, Section, choice, choices, number, switch, text
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused

TRIED = Section("tried", "试验", "setting:manage")
KEEPER = Actor(1, "方立言", {"setting:manage": Scope.ALL})


@pytest.fixture
def declared() -> Iterator[dict[str, settings.Setting[object]]]:
    made = {
        "n": number(TRIED, "tried.n", "数", 3, least=1, most=9),
        "on": switch(TRIED, "tried.on", "开关", False),
        "one": choice(TRIED, "tried.one", "选一", "a", [("a", "甲"), ("b", "乙")]),
        "many": choices(TRIED, "tried.many", "多选", [("a", "甲"), ("b", "乙")]),
        "line": text(TRIED, "tried.line", "文字", most=5),
    }
    yield made  # type: ignore[misc]
    for setting in made.values():
        DECLARED.pop(setting.key)


def set_to(session: Session, values: dict[str, object], version: int = 1, actor: Actor = KEEPER) -> list[str]:
    changed = settings.change(session, TRIED, values, actor=actor, version=version)
    commit(session)
    return changed


def test_a_setting_nobody_has_changed_has_its_default(session: Session, declared: dict) -> None:  # type: ignore[type-arg]
    assert settings.value(session, declared["n"]) == 3
    assert settings.value(session, declared["many"]) == frozenset()


@pytest.mark.parametrize(
    ("name", "value"), [("n", 9), ("on", True), ("one", "b"), ("many", frozenset("ab")), ("line", "五个字啊")]
)
def test_every_kind_comes_back_as_it_was_set(
    session: Session, declared: dict, name: str, value: object
) -> None:  # type: ignore[type-arg]
    assert set_to(session, {f"tried.{name}": value}) == [f"tried.{name}"]
    session.expunge_all()
    found = settings.value(session, declared[name])
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("n", "0"), ("n", "10"), ("n", ""), ("n", "3.5"), ("n", "-1"), ("n", "九"), ("n", "9" * 30), ("on", "maybe"),
     ("one", "c"), ("one", ""), ("many", "a,c"), ("line", "六个字太长了")],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(declared: dict, name: str, typed: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(Refused):
        declared[name].read(typed)


def test_full_width_digits_are_digits(declared: dict) -> None:  # type: ignore[type-arg]
    assert declared["n"].read(" ７ ") == 7


def test_a_stored_value_that_is_out_of_bounds_by_now_is_the_default(session: Session, declared: dict) -> None:  # type: ignore[type-arg]
    set_to(session, {"tried.n": 8})
    DECLARED.pop("tried.n")
    tighter = number(TRIED, "tried.n", "数", 2, least=1, most=5)
    assert settings.value(session, tighter) == 2


def test_only_who_may_changes_a_setting(session: Session, declared: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(Forbidden):
        settings.change(
            session, TRIED, {"tried.n": 4}, actor=Actor(2, "旁人", {"policy:manage": Scope.ALL}), version=1
        )


def test_the_second_of_two_is_told_and_overwrites_nothing(session: Session, declared: dict) -> None:  # type: ignore[type-arg]
    set_to(session, {"tried.n": 4})
    with pytest.raises(Conflict):
        settings.change(session, TRIED, {"tried.n": 5}, actor=KEEPER, version=1)
    session.rollback()
    assert settings.value(session, declared["n"]) == 4
    set_to(session, {"tried.n": 5}, version=2)
    assert settings.value(session, declared["n"]) == 5


def test_saving_what_is_there_writes_nothing(session: Session, declared: dict) -> None:  # type: ignore[type-arg]
    assert set_to(session, {"tried.n": 3, "tried.on": False}) == []
    assert (
        session.scalars(sa.select(AuditEnvelope).where(AuditEnvelope.action == "setting.change")).all() == []
    )


def test_who_changed_what_is_kept_with_old_and_new(session: Session, declared: dict) -> None:  # type: ignore[type-arg]
    set_to(session, {"tried.n": 4})
    set_to(session, {"tried.n": 6}, version=2)
    told = settings.history(session, settings.DECLARED)
    assert [(item.by, item.setting.key, item.before, item.after) for item in told] == [
        ("方立言", "tried.n", 4, 6),
        ("方立言", "tried.n", 3, 4),
    ]
    assert session.scalar(sa.select(sa.func.count()).where(AuditChange.kind == "settings")) == 2


def test_all_settings_are_read_once_a_transaction(app: Flask, session: Session, declared: dict) -> None:  # type: ignore[type-arg]
    seen: list[str] = []

    def count(_c: object, _cur: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        for setting in declared.values():
            settings.value(session, setting)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1


def test_a_key_cannot_be_declared_twice(declared: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(RuntimeError):
        text(TRIED, "tried.n", "另一个")


def test_every_setting_of_the_house_has_a_good_default(app: Flask) -> None:
    assert len(DECLARED) >= 8
    for setting in DECLARED.values():
        assert setting.read(setting.text(setting.default)) == setting.default, setting.key
        assert setting.section.by in ("setting:manage", "policy:manage", "listing:edit")

"""The first start of an empty house: units, then demo people and firms, or the three administrators."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.config import ROOT, Config
from crm.core import audit, clock
from crm.core.db import db, writing
from crm.core.permissions import Actor, system
from crm.core.transaction import commit
from crm.demo.rules import SOURCE
from crm.firms.models import Firm

FIRMS, SEED = 2000, 20190305


@dataclass(frozen=True, slots=True)
class SignIn:
    role: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What the first command prints: sign-ins, with a line above them."""

    title: str = ""
    sign_ins: tuple[SignIn, ...] = ()


Say = Callable[[str, str], object]


def unfinished(chosen: Config) -> Path:
    """Stands while the demo firms are being written, so that an interrupted first start goes on."""
    return chosen.data / "demo-unfinished"


def open_house(chosen: Config, *, say: Say) -> Opening:
    """Make an empty database usable. Does nothing to one that has people; then only the demo sign-ins are told."""
    writing()
    session = db.session()
    try:
        actor = system("setup")
        if session.scalar(sa.select(User.id).limit(1)) is not None:
            if chosen.demo is not False and unfinished(chosen).exists():
                _firms(chosen, session, actor, say)  # the first start was interrupted
            return _again(chosen)
        enter_units(session, actor=actor)
        with_demo = chosen.demo if chosen.demo is not None else chosen.is_embedded
        return _demo(chosen, session, actor, say) if with_demo else _administrators(session, actor)
    finally:
        db.session.remove()


def enter_units(session: Session, *, actor: Actor) -> None:
    """Enter the plan's units once, into an empty table."""
    if session.scalar(sa.select(Unit.id).limit(1)) is not None:
        return
    audit.begin(session, actor=actor, action="units.starting")
    rows = tomllib.loads((ROOT / "crm/accounts/starting_units.toml").read_text(encoding="utf-8"))["unit"]
    made: dict[str, Unit] = {}
    now = clock.now()
    for row in rows:
        made[row["short"]] = Unit(
            name=row["name"],
            short_name=row["short"],
            kind=UnitKind(row["kind"]),
            starts_on=row.get("starts"),
            ends_on=row.get("ends"),
            created_at=now,
            updated_at=now,
        )
    session.add_all(made.values())
    session.flush()
    for row in rows:
        if "parent" in row:
            made[row["short"]].parent_id = made[row["parent"]].id
        if "successor" in row:
            made[row["short"]].successor_id = made[row["successor"]].id
    commit(session)


def _demo(chosen: Config, session: Session, actor: Actor, say: Say) -> Opening:
    from crm.demo.actions import enter_people

    rows = enter_people(session, actor=actor, at=clock.now())
    write_private(chosen.demo_accounts, json.dumps(rows, ensure_ascii=False))
    write_private(unfinished(chosen), "")
    commit(session)
    _firms(chosen, session, actor, say)
    return _again(chosen)


def _firms(chosen: Config, session: Session, actor: Actor, say: Say) -> None:
    from crm.demo.actions import enter_candidates, enter_firms, enter_follow_up, enter_projects

    there = session.scalar(sa.select(sa.func.count()).select_from(Firm).where(Firm.source == SOURCE)) or 0
    say(f"正在写入 {FIRMS} 家示范企业(虚构)……", f"Writing {FIRMS} invented demo firms …")
    enter_firms(session, FIRMS - there, seed=SEED + there, today=clock.today(), at=clock.now(), actor=actor)
    enter_follow_up(session, seed=SEED, today=clock.today(), at=clock.now(), actor=actor)
    enter_projects(session, seed=SEED, today=clock.today(), at=clock.now(), actor=actor)
    enter_candidates(session, seed=SEED, today=clock.today(), actor=actor)
    unfinished(chosen).unlink(missing_ok=True)


def _administrators(session: Session, actor: Actor) -> Opening:
    from crm.accounts.commands import first_administrators
    from crm.accounts.rules.passwords import ONE_TIME_HOURS

    made = first_administrators(session, actor=actor, at=clock.now())
    commit(session)
    return Opening(
        f"三位管理员的一次性口令(只显示这一次,{ONE_TIME_HOURS} 小时内有效,首次登录须修改)"
        f" · one-time passwords, shown this once, good for {ONE_TIME_HOURS} hours:",
        tuple(SignIn(role, username, password) for role, username, password in made),
    )


def _again(chosen: Config) -> Opening:
    if not chosen.has_demo:
        return Opening()
    rows = json.loads(chosen.demo_accounts.read_text(encoding="utf-8"))
    return Opening("示范账号 · demo sign-ins:", tuple(SignIn(**row) for row in rows))


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)

"""Writing the demo: people of every role, and firms in batches so that a million fit into memory."""

from __future__ import annotations

import datetime as dt
import random
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from crm.accounts.models import Unit, UnitHead, User, UserGrant, UserRole
from crm.accounts.rules import Permission, Role, UnitKind, fold_name
from crm.core import audit
from crm.core.clock import local
from crm.core.permissions import Actor
from crm.core.pinyin import sort_key
from crm.core.transaction import commit
from crm.demo.actions.following import enter_follow_up
from crm.demo.actions.pipeline import enter_projects
from crm.demo.actions.reserve import enter_candidates
from crm.demo.rules import SOURCE, Invented, invent
from crm.firms.models import (
    AboveScale,
    Contact,
    EquityRound,
    Firm,
    FirmMove,
    FirmName,
    IpCount,
    RdInstitution,
    YearFigures,
)
from crm.firms.rules.names import normalise
from crm.firms.rules.words import NameKind
from crm.ladder.models import Application, ApplicationMove, Certification
from crm.ladder.rules.words import OPEN_STEPS

__all__ = ["PEOPLE", "enter_candidates", "enter_firms", "enter_follow_up", "enter_people", "enter_projects"]

BATCH = 500  # firms a transaction
# who the demo signs in as: account, name, role, unit
PEOPLE = (
    ("sysadmin", "方立言", Role.SYSTEM_ADMIN, "管委会"),
    ("secadmin", "严守正", Role.SECURITY_ADMIN, "管委会"),
    ("auditor", "慎思齐", Role.AUDITOR, "管委会"),
    ("leader", "程远山", Role.LEADER, "管委会"),
    ("investment", "林晓雯", Role.INVESTMENT, "商务局"),
    ("science", "叶知秋", Role.SCIENCE, "科技局"),
    ("finance", "金书瑶", Role.FINANCE, "金融办"),
    ("reporter", "项嘉树", Role.REPORTER, "海城"),
    ("supervisor", "戴清越", Role.SUPERVISOR, "自创办"),
    ("readonly", "夏一诺", Role.READ_ONLY, "财政局"),
)
MORE_OFFICERS = (
    ("science2", "周启航", Role.SCIENCE, "科技局"),
    ("science3", "吴思远", Role.SCIENCE, "科技局"),
    ("science4", "徐明哲", Role.SCIENCE, "科技局"),
    ("leader2", "许怀瑾", Role.LEADER, "管委会"),
    ("leader3", "沈望舒", Role.LEADER, "管委会"),
    ("investment2", "蔡景行", Role.INVESTMENT, "商务局"),
    ("investment3", "邵清和", Role.INVESTMENT, "经发局"),
    ("investment4", "项思齐", Role.INVESTMENT, "商务局"),
    ("reporter2", "胡若溪", Role.REPORTER, "沙城"),
)
GIVEN = (("investment", Permission.PROJECT_ASSIGN), ("investment2", Permission.PROJECT_CHECK))

HEADS = (("商务局", "investment"), ("科技局", "science"), ("经发局", "investment3"), ("金融办", "finance"))


def enter_people(session: Session, *, actor: Actor, at: dt.datetime) -> list[dict[str, str]]:
    """One account a role with a random password, and some more officers nobody can sign in as.

    Returns ``[{role, username, password}]``.
    """
    audit.begin(session, actor=actor, action="demo.people")
    units = {row.short_name: row.id for row in session.execute(sa.select(Unit.short_name, Unit.id))}
    stamp = {"created_at": at, "updated_at": at}
    made: list[dict[str, str]] = []
    for username, name, role, unit in PEOPLE:
        password = f"{secrets.token_urlsafe(9)}-Td{secrets.randbelow(90) + 10}"
        user = User(
            username=username,
            username_key=fold_name(username),
            name=name,
            unit_id=units.get(unit),
            password_hash=generate_password_hash(password),
            password_changed_at=at,
            is_demo=True,
            **stamp,
        )
        session.add(user)
        session.flush()
        session.add(UserRole(user_id=user.id, role=role, **stamp))
        made.append({"role": role.value, "username": username, "password": password})
    for username, name, role, unit in MORE_OFFICERS:
        user = User(
            username=username,
            username_key=fold_name(username),
            name=name,
            unit_id=units.get(unit),
            password_hash="!",  # noqa: S106 matches no password
            password_changed_at=at,
            is_demo=True,
            **stamp,
        )
        session.add(user)
        session.flush()
        session.add(UserRole(user_id=user.id, role=role, **stamp))
    people = {row.username: row.id for row in session.execute(sa.select(User.username, User.id))}
    for username, permission in GIVEN:  # the head of the bureau, and its checker
        session.add(UserGrant(user_id=people[username], permission=permission, **stamp))
    for unit, username in HEADS:  # overdue steps climb to them in the end
        if unit in units:
            since = local(at).date() - dt.timedelta(365)
            session.add(UnitHead(unit_id=units[unit], user_id=people[username], starts_on=since, **stamp))
    session.flush()
    return made


def enter_firms(
    session: Session,
    count: int,
    *,
    seed: int,
    today: dt.date,
    at: dt.datetime,
    actor: Actor,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Invent and write `count` firms with five years of dated history; commits each batch. Returns how many."""
    rng = random.Random(seed)  # noqa: S311 invented data, repeatable from its seed
    streets = list(session.scalars(sa.select(Unit.id).where(Unit.kind == UnitKind.STREET).order_by(Unit.id)))
    officers = list(
        session.scalars(
            sa.select(UserRole.user_id).where(UserRole.role == Role.SCIENCE).order_by(UserRole.user_id)
        )
    )
    taken = set(session.scalars(sa.select(Firm.name).where(Firm.source == SOURCE)))
    done = 0
    while done < count:
        part: list[Invented] = []
        while len(part) < min(BATCH, count - done):
            made = invent(rng, today=today, streets=streets or [None], officers=officers or [None])  # type: ignore[list-item]
            if made.firm["name"] not in taken:
                taken.add(made.firm["name"])
                part.append(made)
        audit.begin(session, actor=actor, action="demo.firms", count=len(part), seed=seed)
        _write(session, part, rng=rng, at=at, actor=actor, today=today)
        commit(session)
        session.expunge_all()
        done += len(part)
        progress(done)
    return done


def _write(
    session: Session,
    part: Sequence[Invented],
    *,
    rng: random.Random,
    at: dt.datetime,
    actor: Actor,
    today: dt.date,
) -> None:
    stamp: dict[str, Any] = {
        "created_at": at,
        "updated_at": at,
        "created_by_id": actor.user_id,
        "updated_by_id": actor.user_id,
        "version": 1,
    }
    firms = [
        {
            **made.firm,
            **stamp,
            "name_key": normalise(made.firm["name"]),
            "name_sort": sort_key(made.firm["name"]),
        }
        for made in part
    ]
    ids = audit.insert_many(session, Firm, firms)

    def each(name: str) -> list[dict[str, Any]]:
        return [
            {**row, **stamp, "firm_id": firm_id}
            for firm_id, made in zip(ids, part, strict=True)
            for row in getattr(made, name)
        ]

    for model, name in (
        (YearFigures, "figures"),
        (Contact, "contacts"),
        (IpCount, "ip"),
        (EquityRound, "rounds"),
        (RdInstitution, "institutions"),
        (AboveScale, "above"),
        (FirmMove, "moves"),
        (Certification, "certifications"),
    ):
        audit.insert_many(session, model, _even(each(name)))
    audit.insert_many(
        session,
        FirmName,
        [
            {
                **stamp,
                "firm_id": firm_id,
                "kind": NameKind.FORMER,
                "name": made.former,
                "until_on": None,
                "name_key": normalise(made.former),
            }
            for firm_id, made in zip(ids, part, strict=True)
            if made.former
        ],
    )
    _applications(session, part, ids, stamp, rng=rng, today=today)


def _applications(
    session: Session,
    part: Sequence[Invented],
    ids: Sequence[int],
    stamp: dict[str, Any],
    *,
    rng: random.Random,
    today: dt.date,
) -> None:
    rows: list[dict[str, Any]] = []
    paths: list[list[dt.date]] = []
    for firm_id, made in zip(ids, part, strict=True):
        if made.application:
            days = sorted(
                today - dt.timedelta(days=rng.randint(5, 300)) for _ in range(made.application["steps"])
            )
            paths.append(days)
            rows.append(
                {
                    **stamp,
                    "firm_id": firm_id,
                    "kind": made.application["kind"],
                    "is_open": True,
                    "step": OPEN_STEPS[len(days) - 1],
                    "step_on": days[-1],
                    "opened_on": days[0],
                    "officer_id": made.firm["officer_id"],
                }
            )
    application_ids = audit.insert_many(session, Application, rows)
    audit.insert_many(
        session,
        ApplicationMove,
        [
            {
                **stamp,
                "application_id": application_id,
                "step": OPEN_STEPS[n],
                "on": day,
                "officer_id": row["officer_id"],
            }
            for application_id, row, days in zip(application_ids, rows, paths, strict=True)
            for n, day in enumerate(days)
        ],
    )


def _even(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rows with the same keys, missing ones None: a bulk insert takes one statement."""
    keys = {key for row in rows for key in row}
    return [{key: row.get(key) for key in keys} for row in rows]

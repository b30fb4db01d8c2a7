"""Two people do what an office does, in any order, with real commits: every undo gives every business value back or
changes nothing and says what is in the way; the chain verifies; the stages are those of the certificates."""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.core import merging, transaction
from crm.core.audit_verify import verify
from crm.core.clock import now
from crm.core.db import db, writing
from crm.core.permissions import Actor
from crm.core.records import kind_of
from crm.core.undo import Blocked, undo
from crm.core.words import Refused
from crm.firms import actions as registry
from crm.firms import sheets
from crm.firms.actions import staging
from crm.firms.actions import writing as importing
from crm.firms.models import Firm
from crm.firms.queries import LIST
from crm.firms.rules.words import FirmStatus, ImportMode, LeadingIndustry, SheetKind
from crm.ladder import actions as ladder
from crm.ladder.actions import tagging
from crm.ladder.actions.deriving import rebuild
from crm.ladder.models import Certification, StageInterval
from crm.ladder.queries import load_registry
from crm.ladder.sheets import Listed
from crm.overview.actions import bulk
from crm.overview.rules.bulk import BulkVerb
from tests import people
from tests.records.office import State, business, difference

TODAY = dt.date(2026, 11, 23)
STEPS = 28
STAGES = ("firm_id", "stage", "from_on", "to_on", "is_pending")


class Office:
    """What two people can do. Each deed is one transaction; a refused one changes nothing."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session, self.random = session, random.Random(seed)
        self.people = [people.actor(session, person) for person in (people.SCIENCE, people.SCIENCE_2)]
        self.streets = [people.unit_id(session, name) for name in ("海城", "沙城")]
        self.made = 0
        self.before: State = {}

    def deeds(self) -> list[Callable[[Actor], None]]:
        return [self.register, self.edit, self.rename, self.move, self.imported, self.bulk, self.grant, self.revoke,
                self.tagged, self.figures, self.contact, self.archive, self.merge]  # fmt: skip

    def firm(self) -> Firm:
        ids = self.session.scalars(sa.select(Firm.id).order_by(Firm.id)).all()
        if not ids:
            raise Refused("还没有企业")
        return self.session.get_one(Firm, self.random.choice(list(ids)), populate_existing=True)

    def name(self) -> str:
        self.made += 1
        return f"温州{self.random.choice('峦岫澜汀')}{self.made:03d}试样有限公司"

    def register(self, who: Actor) -> None:
        registry.register(
            self.session, actor=who, today=TODAY, name=self.name(), street_id=self.random.choice(self.streets)
        )

    def edit(self, who: Actor) -> None:
        values: list[dict[str, Any]] = [
            {"address": f"{self.random.randint(1, 3)} 号"},
            {"capital_yuan": self.random.randint(1, 3) * 10**6},
            {"leading_industry": self.random.choice(list(LeadingIndustry)), "business": "阀门"},
        ]
        firm = self.firm()
        registry.edit(
            self.session, firm, actor=who, today=TODAY, version=firm.version, **self.random.choice(values)
        )

    def rename(self, who: Actor) -> None:
        registry.rename(self.session, self.firm(), actor=who, today=TODAY, name=self.name(), on=TODAY)

    def move(self, who: Actor) -> None:
        status = self.random.choice(list(FirmStatus))
        registry.move(
            self.session, self.firm(), actor=who, today=TODAY, status=status, on=TODAY, reason="核实后更正"
        )

    def bulk(self, who: Actor) -> None:
        chosen, value = [self.firm().id for _ in range(4)], self.random.choice(list(LeadingIndustry))
        run = bulk.start(
            self.session, LIST, actor=who, verb=BulkVerb.SET, fact="leading_industry", value=value.value,
            chosen=chosen, query="", wanted=LIST.asked({}, TODAY), at=now(),
        )  # fmt: skip
        self.committed()
        verdicts = bulk.judge(self.session, run, actor=who, today=TODAY, reason="")
        bulk.write(self.session, run, verdicts, actor=who, reason="", at=now())

    def merge(self, who: Actor) -> None:
        one, other = self.firm().id, self.firm().id
        if one == other:
            raise Refused("同一家")
        stays = self.random.choice(merging.SIDES)
        merging.merge(
            self.session,
            kind_of("firm"),
            one,
            other,
            actor=who,
            today=TODAY,
            stays=stays,
            reason="核实是同一家",
        )

    def figures(self, who: Actor) -> None:
        values = {"revenue_yuan": self.random.randint(1, 9) * 10**7, "employees": self.random.randint(5, 300)}
        registry.set_figures(
            self.session, self.firm(), actor=who, today=TODAY, year=self.random.randint(2022, 2025),
            figures=values, source="税务",
        )  # fmt: skip

    def contact(self, who: Actor) -> None:
        registry.save_contact(
            self.session,
            self.firm(),
            actor=who,
            name=f"联系人{self.random.randint(1, 9)}",
            phone="13800001111",
        )

    def archive(self, who: Actor) -> None:
        registry.archive(self.session, self.firm(), actor=who, today=TODAY, reason="重复登记")

    def grant(self, who: Actor) -> None:
        kind = self.random.choice(["high-tech", "tech-sme-national", "srdi", "gazelle"])
        day = dt.date(2022 + self.random.randint(0, 4), self.random.randint(1, 11), 1)
        ladder.grant(self.session, self.firm(), kind=kind, granted_on=day, actor=who, today=TODAY)

    def revoke(self, who: Actor) -> None:
        held = self.session.scalars(sa.select(Certification).where(Certification.ended_on.is_(None))).all()
        if not held:
            raise Refused("没有证书")
        chosen = self.random.choice(list(held))
        self.session.refresh(chosen)
        ladder.revoke(self.session, chosen, on=TODAY, reason="公告取消", actor=who, today=TODAY)

    def imported(self, who: Actor) -> None:
        names = [self.name(), self.name(), self.firm().name]
        text = "企业名称,街道,地址\n" + "\n".join(f"{name},海城街道,{self.made} 号" for name in names)
        table = sheets.open_table(text.encode(), "名录.csv", SheetKind.REGISTRY)
        mapping = sheets.recognise(table.headings, SheetKind.REGISTRY)
        rows = sheets.parse(table, mapping, SheetKind.REGISTRY)
        staged = staging.judge(
            self.session, rows, actor=who, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, today=TODAY
        )
        batch = staging.upload(
            self.session, actor=who, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, filename="名录.csv",
            content=text.encode(), source="名录",
        )  # fmt: skip
        staging.stage(self.session, batch, staged, actor=who, mapping=mapping, headings=table.headings)
        self.committed()
        importing.write(self.session, batch, actor=who, today=TODAY)

    def tagged(self, who: Actor) -> None:
        kind, day = (
            self.random.choice(["high-tech", "innovative-sme"]),
            dt.date(2025, 6, self.random.randint(1, 28)),
        )
        rows = [Listed(n, self.firm().name, granted_on=day) for n in range(1, 4)]
        matched = tagging.match_rows(load_registry(self.session, who), rows)
        judged = tagging.judge_rows(self.session, matched, kind=kind, granted_on=None, today=TODAY)
        batch = tagging.stage(
            self.session,
            kind=kind,
            title="公布名单",
            filename="粘贴",
            content=str(self.made).encode(),
            actor=who,
        )
        tagging.fill(self.session, batch, judged, actor=who)
        self.committed()
        tagging.write(self.session, batch, actor=who, today=TODAY)

    def committed(self) -> None:
        """A deed of two transactions: it is the second that may be undone."""
        transaction.commit(self.session)
        self.before = business(self.session)

    def do(self, deed: Callable[[Actor], None], who: Actor) -> str | None:
        """Do it and commit. Returns its operation; None when the rules refused it or it changed nothing."""
        self.before = business(self.session)
        try:
            deed(who)
            envelope = transaction.commit(self.session)
        except Refused:
            self.session.rollback()
            return None
        finally:
            self.session.expunge_all()
        if envelope is None or not envelope.changes_count:
            return None
        return envelope.operation


def reversed_in(state: State, changed: dict[tuple[str, int, str], tuple[Any, Any]]) -> State:
    """The state with these changes taken back."""
    found = {table: {row_id: dict(row) for row_id, row in rows.items()} for table, rows in state.items()}
    for (table, row_id, name), (before, _after) in changed.items():
        found[table].setdefault(row_id, {})[name] = before
    return {
        table: {row_id: row for row_id, row in rows.items() if row.get("id") is not None}
        for table, rows in found.items()
    }


def stages(session: Session) -> list[tuple[Any, ...]]:
    columns = [getattr(StageInterval, name) for name in STAGES]
    return sorted(tuple(map(str, row)) for row in session.execute(sa.select(*columns)))


def play(session: Session, seed: int) -> tuple[int, int]:
    """One office, `STEPS` deeds. Returns how many undos went through and how many were refused."""
    office = Office(session, seed)
    changes: dict[str, dict[tuple[str, int, str], tuple[Any, Any]]] = {}
    open_operations: list[str] = []
    undone = refused = 0
    for _ in range(STEPS):
        who = office.random.choice(office.people)
        if open_operations and office.random.random() < 0.35:
            operation, before = office.random.choice(open_operations[-6:]), business(session)
            try:
                back = undo(session, operation, actor=who)
                transaction.commit(session)
            except Blocked as refusal:
                session.rollback()
                refused += 1
                assert business(session) == before, f"seed {seed}: a refused undo changed something"
                assert refusal.items or refusal.params, f"seed {seed}: it does not say what is in the way"
            else:
                undone += 1
                after = business(session)
                wanted = reversed_in(before, changes[operation])
                assert difference(wanted, after) == {}, f"seed {seed}: {operation} did not come back"
                open_operations.remove(operation)
                changes[back.id] = difference(before, after)
                open_operations.append(back.id)
            finally:
                session.expunge_all()
            continue
        made = office.do(office.random.choice(office.deeds()), who)
        if made is not None:
            changes[made] = difference(office.before, business(session))
            open_operations.append(made)
    assert verify(session).is_whole, f"seed {seed}: the chain is broken"
    cached = stages(session)
    rebuild(session, session.scalars(sa.select(Firm.id)).all())
    assert stages(session) == cached, f"seed {seed}: the stages are not those of the certificates"
    session.rollback()
    return undone, refused


@pytest.fixture
def offices(app: Flask, template: tuple[Flask, Any]) -> Iterator[Callable[[int], tuple[int, int]]]:
    """Plays one office after another, each on a fresh database."""

    def run(seed: int) -> tuple[int, int]:
        with app.app_context():
            template[1].restore()
            writing()
            found = play(db.session(), seed)
            db.session.remove()
        return found

    yield run


@pytest.mark.durable
def test_every_undo_gives_everything_back_or_changes_nothing(
    offices: Callable[[int], tuple[int, int]],
) -> None:
    many = int(os.environ.get("CRM_TEST_OFFICES", "0")) or (
        6 if os.environ.get("CRM_TEST_DATABASE_URL") else 25
    )
    found = [offices(seed) for seed in range(many)]
    undone, refused = (sum(column) for column in zip(*found, strict=True))
    assert undone > many and refused > 0, "the sequences try both"

"""Several real processes over projects: started by the durable tests as ``python -m tests.durable.projects SCENE``.

Prints one JSON document. The processes are forked from one that has imported everything and opened nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from crm.activities.actions import Planned
from crm.core import transaction
from crm.core.db import db, writing
from crm.core.words import Conflict, Refused
from crm.projects import actions
from crm.projects.actions import Known, Team
from crm.projects.models import Project
from crm.projects.queries import charge_of
from crm.projects.rules.words import Source
from tests import people
from tests.durable.crowd import FORK, gathered, opened
from tests.projects.cast import ROBOT, TODAY

MONTH, MONTH_END = "2026-09", dt.date(2026, 9, 30)
AT = dt.datetime(2026, 11, 23, 1, 30, tzinfo=dt.UTC)


def two_reports(parallel: int = 8) -> dict[str, Any]:
    """Eight report the same investor in the same second: one first report wins, the others are told."""
    barrier, results = FORK.Barrier(parallel), FORK.Queue()
    officers = (people.INVESTMENT, people.INVESTMENT_2, people.SCIENCE, people.FINANCE)

    def report(n: int) -> None:
        app = opened()
        with app.app_context():
            writing()
            session = db.session()
            actor = people.actor(session, officers[n % 4])
            session.rollback()
            barrier.wait(60)
            try:
                actions.report(
                    session, actor=actor, at=AT, today=TODAY, investor="苏州澄观精密科技有限公司", name=f"第{n}份报告",
                    source=Source.FAIR, step=Planned("电话", TODAY + dt.timedelta(1)),
                )  # fmt: skip
                transaction.commit(session)
                results.put("first")
            except Known:
                results.put("told")
            except Exception as error:
                results.put(f"{type(error).__name__}: {error}"[:300])

    found = gathered([lambda n=n: report(n) for n in range(parallel)], results, parallel)
    return {"found": sorted(found)}


def handover_during_edit(rounds: int = 6) -> dict[str, Any]:
    """One edits the project from the version seen while another hands it over from the same version, again and again:
    of each pair at least one is written, and who was second is told, never overwritten."""
    results = FORK.Queue()
    barrier = FORK.Barrier(2)
    app = opened()
    with app.app_context():
        number = db.session().scalar(sa.select(sa.func.max(Project.id)))
        db.session.remove()
        db.engine.dispose()

    def play(kind: str) -> None:
        mine = opened()
        with mine.app_context():
            writing()
            session = db.session()
            leader, unit = people.id_of(session, people.LEADER), people.unit_id(session, "商务局")
            officers = [people.id_of(session, each) for each in (people.INVESTMENT, people.INVESTMENT_2)]
            session.rollback()
            for n in range(rounds):
                barrier.wait(60)
                project = session.get_one(Project, number, populate_existing=True)
                seen = project.version
                session.rollback()
                barrier.wait(60)
                try:
                    project = session.get_one(Project, number, populate_existing=True)
                    if kind == "edit":
                        actions.edit(
                            session, project, actor=ROBOT, today=TODAY, version=seen, product=f"产品{n}"
                        )
                    else:
                        now = charge_of(session, project.id)
                        other = officers[now is not None and now.liaison_id == officers[0]]
                        team = Team(leader, unit, other, other)
                        actions.appoint(
                            session, project, actor=ROBOT, today=TODAY, team=team, on=TODAY, reason=f"第{n}次",
                            version=seen,
                        )  # fmt: skip
                    transaction.commit(session)
                    results.put([kind, n, "written"])
                except (Conflict, sa.orm.exc.StaleDataError):
                    session.rollback()
                    results.put([kind, n, "told"])
                except Refused as refusal:
                    session.rollback()
                    results.put([kind, n, f"refused: {refusal}"])
                except Exception as error:
                    session.rollback()
                    results.put([kind, n, f"{type(error).__name__}: {error}"[:300]])

    return {"found": gathered([lambda: play("edit"), lambda: play("handover")], results, 2 * rounds)}


def two_freeze(parallel: int = 4) -> dict[str, Any]:
    """Several freeze the same month at the same moment: one does, the others are told."""
    barrier, results = FORK.Barrier(parallel), FORK.Queue()

    def play() -> None:
        mine = opened()
        with mine.app_context():
            writing()
            session = db.session()
            actor = people.actor(session, people.SUPERVISOR)
            session.rollback()
            barrier.wait(60)
            results.put(
                _tried(session, lambda: actions.freeze(session, actor=actor, today=TODAY, month=MONTH))
            )

    return {"found": sorted(gathered([play] * parallel, results, parallel))}


def count_while_frozen() -> dict[str, Any]:
    """One freezes the month while others check projects signed in it, and somebody takes checks back."""
    app = opened()
    with app.app_context():
        session = db.session()
        ids = list(session.scalars(sa.select(Project.id).order_by(Project.id)))
        db.session.remove()
        db.engine.dispose()
    barrier, results = FORK.Barrier(4), FORK.Queue()

    def play(kind: str, mine: list[int]) -> None:
        with opened().app_context():
            writing()
            session = db.session()
            actor = people.actor(session, people.SUPERVISOR)
            session.rollback()
            barrier.wait(60)
            if kind == "freeze":
                time.sleep(0.15)
                made = _tried(session, lambda: actions.freeze(session, actor=actor, today=TODAY, month=MONTH))
                results.put([kind, 0, made])
                return
            for number in mine:
                project = session.get_one(Project, number)
                if kind == "count":
                    done = _tried(
                        session, lambda p=project: actions.count(session, p, actor=actor, today=TODAY)
                    )
                else:
                    done = _tried(
                        session,
                        lambda p=project: actions.uncount(
                            session, p, actor=actor, today=MONTH_END, reason="有误"
                        ),
                    )
                results.put([kind, number, done])

    checks, backs = ids[: -len(ids) // 4], ids[-len(ids) // 4 :]
    scenes = [
        lambda: play("freeze", []), lambda: play("count", checks[::2]), lambda: play("count", checks[1::2]),
        lambda: play("uncount", backs),
    ]  # fmt: skip
    return {"found": gathered(scenes, results, 1 + len(ids))}


def _tried(session: Any, write: Callable[[], object]) -> str:
    try:
        write()
        transaction.commit(session)
    except Refused as refusal:
        session.rollback()
        return f"refused: {refusal.text}"
    except Exception as error:
        session.rollback()
        return f"{type(error).__name__}: {error}"[:300]
    return "written"


SCENES: dict[str, Callable[[], dict[str, Any]]] = {
    "two-reports": two_reports,
    "handover-during-edit": handover_during_edit,
    "two-freeze": two_freeze,
    "count-while-frozen": count_while_frozen,
}

if __name__ == "__main__":
    sa.orm.configure_mappers()
    print(json.dumps(SCENES[sys.argv[1]]()), flush=True)

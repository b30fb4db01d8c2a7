"""The books of a pipeline, read: where a record stood on a day, what its gates have, what they still lack."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.core.pipeline.declaring import Line, Pipeline
from crm.core.words import Word

S = TypeVar("S", bound=Word)
T = TypeVar("T", bound=Word)
M = TypeVar("M")  # the row of a move
W = TypeVar("W")  # the row of a reason in place of an item
E = TypeVar("E")  # the row of a document

Met = Callable[[Session, Sequence[Any]], Mapping[int, Collection[str]]]
"""By record, the codes of all items that are there: what `Books.met` finds, and what else the feature asks for."""


@dataclass(frozen=True)
class Books(Generic[S, T, M, W, E]):
    """The tables of a feature's pipeline. `subject` is how the timeline and the audit name a record of it, `key` the
    column of the three tables that points to it."""

    pipeline: Pipeline[S, T]
    subject: str
    key: str
    record: type[Any]
    move: type[M]
    waiver: type[W]
    evidence: type[E]

    def of(self, model: Any) -> Any:
        """The column of a table of these books that points to the record."""
        return getattr(model, self.key)

    def moves_of(self, session: Session, record_id: int) -> Sequence[M]:
        """The moves of a record, oldest first."""
        move: Any = self.move
        return session.scalars(
            sa.select(move).where(self.of(move) == record_id).order_by(move.on, move.id).limit(500)
        ).all()

    def last_moved(self, session: Session, record: Any) -> dt.date:
        """The day of the last move: the next one may not be earlier."""
        move: Any = self.move
        latest: dt.date | None = session.scalar(
            sa.select(sa.func.max(move.on)).where(self.of(move) == record.id)
        )
        found: dt.date = latest or record.stage_on
        return found

    def standing_on(self, day: dt.date) -> sa.Subquery:
        """Where each record stood at the end of a day, from its last move by then: (`record_id`, `stage`, `state`,
        `on`, `id` of the move). What was not there yet is not in it."""
        move: Any = self.move
        later: Any = aliased(move)
        newest = (
            sa.select(later.id)
            .where(self.of(later) == self.of(move), later.on <= day)
            .order_by(later.on.desc(), later.id.desc())
            .limit(1)
            .correlate(move)
            .scalar_subquery()
        )
        return (
            sa.select(self.of(move).label("record_id"), move.stage, move.state, move.on.label("on"), move.id)
            .where(move.id == newest)
            .subquery()
        )

    def farthest(self) -> sa.Subquery:
        """The farthest stage each record (`record_id`) ever reached, as its `place` in the order."""
        move: Any = self.move
        place = sa.case(*((move.stage == stage, at) for stage, at in self.pipeline.order.items()), else_=0)
        return (
            sa.select(self.of(move).label("record_id"), sa.func.max(place).label("place"))
            .group_by(self.of(move))
            .subquery()
        )

    def waivers_of(self, session: Session, record_id: int) -> dict[str, W]:
        """What is excused, by the code of its item."""
        waiver: Any = self.waiver
        rows = session.scalars(sa.select(waiver).where(self.of(waiver) == record_id))
        return {row.item: row for row in rows}

    def excuses(self, session: Session, ids: Sequence[int]) -> dict[int, dict[str, str]]:
        """By record, the reasons of the items that are excused: one statement for any number."""
        waiver: Any = self.waiver
        found: dict[int, dict[str, str]] = {record_id: {} for record_id in ids}
        owner = self.of(waiver)
        for record_id, item, reason in session.execute(
            sa.select(owner, waiver.item, waiver.reason).where(owner.in_(ids))
        ):
            found[record_id][item] = reason
        return found

    def evidence_of(self, session: Session, record_id: int) -> Sequence[E]:
        """Documents that were not put away, the latest first."""
        paper: Any = self.evidence
        return session.scalars(
            sa.select(paper)
            .where(self.of(paper) == record_id, paper.removed_on.is_(None))
            .order_by(paper.on.desc(), paper.id.desc())
            .limit(100)
        ).all()

    def get_evidence(self, session: Session, record_id: int, row_id: int) -> E | None:
        """A document of this very record."""
        paper: Any = self.evidence
        return session.execute(
            sa.select(paper).where(paper.id == row_id, self.of(paper) == record_id)
        ).scalar_one_or_none()

    def papers_of(self, session: Session, ids: Sequence[int]) -> dict[int, dict[str, dt.date]]:
        """By record, the codes of the documents it has, with the day of the latest: one statement for any number."""
        paper: Any = self.evidence
        found: dict[int, dict[str, dt.date]] = {record_id: {} for record_id in ids}
        owner = self.of(paper)
        for record_id, kind, on in session.execute(
            sa.select(owner, paper.kind, sa.func.max(paper.on))
            .where(owner.in_(ids), paper.removed_on.is_(None))
            .group_by(owner, paper.kind)
        ):
            found[record_id][kind.value] = on
        return found

    def met(self, session: Session, records: Sequence[Any]) -> dict[int, set[str]]:
        """By record, the codes of the facts and documents of all gates that are there: one statement for any number.
        What else its gates ask for, the feature adds."""
        papers = self.papers_of(session, [record.id for record in records])
        return {record.id: self.pipeline.facts_met(record) | set(papers[record.id]) for record in records}

    def next_gate(self, session: Session, record: Any, met: Met) -> tuple[S | None, list[Line]]:
        """The stage that comes next, and the lines of its gate; (None, []) at the end."""
        target = self.pipeline.next_of(record.stage)
        if target is None:
            return None, []
        excused = self.excuses(session, [record.id])[record.id]
        return target, self.pipeline.gate(target, met(session, [record])[record.id], excused)

    def open_counts(self, session: Session, ids: Sequence[int], met: Met) -> dict[int, int]:
        """How many items the next stage of each record still needs."""
        records = session.scalars(sa.select(self.record).where(self.record.id.in_(ids))).all()
        there, excused = met(session, records), self.excuses(session, ids)
        found = {}
        for record in records:
            target = self.pipeline.next_of(record.stage)
            lines = self.pipeline.gate(target, there[record.id], excused[record.id]) if target else []
            found[record.id] = sum(line.is_open for line in lines)
        return found

"""A published list comes in: kept with its hash, matched, its rows staged."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Refused
from crm.firms.rules.words import BatchState
from crm.ladder.actions.certifications import Grant, judge_many
from crm.ladder.models import TagBatch, TagRow
from crm.ladder.queries.registry import Registry
from crm.ladder.rules.certifications import check_day
from crm.ladder.rules.kinds import get_kind
from crm.ladder.rules.tagging import candidates_of, outcome_of, stored, tally
from crm.ladder.rules.words import Act, RowResult, TagOutcome
from crm.ladder.sheets import Listed

CHUNK = 1000
Progress = Callable[[int, int], None]


def stage(
    session: Session,
    *,
    kind: str,
    title: str,
    filename: str,
    content: bytes,
    actor: Actor,
    document: str | None = None,
    published_on: dt.date | None = None,
    granted_on: dt.date | None = None,
    mapping: Mapping[str, str] | None = None,
) -> TagBatch:
    """Keep a list with its file and hash; its rows come by `fill`."""
    actor.require("ladder:tag")
    get_kind(kind)
    digest = hashlib.sha256(content).hexdigest()
    audit.begin(session, actor=actor, action=Act.TAG_READ, kind=kind, sha256=digest)
    batch = TagBatch(
        kind=kind, title=title[:200], document=document, published_on=published_on, granted_on=granted_on,
        filename=filename[:200], sha256=digest, content=content, state=BatchState.PARSING,
        mapping=dict(mapping or {}),
    )  # fmt: skip
    session.add(batch)
    session.flush()
    return batch


def seen_before(session: Session, content: bytes, kind: str) -> TagBatch | None:
    """The newest batch of this kind made from exactly this file, unless it was dropped or undone."""
    return session.scalars(
        sa.select(TagBatch)
        .where(
            TagBatch.sha256 == hashlib.sha256(content).hexdigest(),
            TagBatch.kind == kind,
            TagBatch.state.in_([BatchState.READY, BatchState.DONE, BatchState.PARSING]),
        )
        .order_by(TagBatch.id.desc())
    ).first()


def match_rows(
    registry: Registry, rows: Sequence[Listed], progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Match every row against the registry: values for `TagRow`, without the batch. Reads nothing else."""
    made: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        if progress is not None and place % 50 == 0:
            progress(place, len(rows))
        match = registry.matcher.match(row.name, row.code) if row.name else None
        values: dict[str, Any] = {
            "row_no": row.row, "name": row.name[:200], "code": row.code, "number": row.number, "place": row.place,
            "granted_on": row.granted_on, "how": None, "firm_id": None, "candidates": [],
            "outcome": TagOutcome.REFUSED,
            "reasons": [stored(reason) for reason in (*row.refusals, *row.doubts)],
        }  # fmt: skip
        if match is not None:
            outcome = outcome_of(match, row.refusals, row.doubts)
            values["outcome"] = outcome
            values["candidates"] = candidates_of(match)
            values["reasons"] += [stored(reason) for reason in match.reasons]
            if outcome is TagOutcome.MATCHED:
                values["firm_id"] = match.firm_id
                how = registry.how(match, row.name)
                values["how"] = how.value if how else None
            elif match.firm_id is not None:
                known = registry.firms[match.firm_id]
                values["candidates"] = [
                    {"id": match.firm_id, "name": known.name, "score": 99.9, "reasons": []}
                ]
        made.append(values)
    return made


def judge_rows(
    session: Session, rows: Sequence[dict[str, Any]], *, kind: str, granted_on: dt.date | None, today: dt.date
) -> list[dict[str, Any]]:
    """Matched rows that could not be written (a firm that has left, an overlap, a number somebody else has) are
    refused with the reason; those entered before say so. Rows without any date are left as they are."""
    wanted: list[Grant] = []
    places: list[int] = []
    for place, row in enumerate(rows):
        day = row["granted_on"] or granted_on
        if row["outcome"] is TagOutcome.MATCHED and day is not None:
            places.append(place)
            wanted.append(Grant(int(row["firm_id"]), kind, day, row["number"]))
    for place, answer in zip(places, judge_many(session, wanted, today=today), strict=True):
        row = rows[place]
        if answer.refusal is not None:
            row["outcome"] = TagOutcome.REFUSED
            row["reasons"] = [*row["reasons"], stored(answer.refusal.message)]
            continue
        if answer.warning is not None:
            row["reasons"] = [*row["reasons"], stored(answer.warning)]
        if answer.result is RowResult.SAME:
            row["result"] = RowResult.SAME
            row["certification_id"] = answer.certification_id
            row["reasons"] = [*row["reasons"], stored(Message(N_("此前已登记")))]
    for row in rows:
        row.setdefault("result", None)
        row.setdefault("certification_id", None)
    return list(rows)


def fill(session: Session, batch: TagBatch, rows: Sequence[dict[str, Any]], *, actor: Actor) -> TagBatch:
    """Put the matched rows into the batch (in place of those it had): ready to be decided."""
    actor.require("ladder:tag")
    if batch.state not in (BatchState.PARSING, BatchState.READY):
        raise Refused(N_("这份名单已经写入或放弃，不能再改。"))
    audit.begin(session, actor=actor, action=Act.TAG_MATCH, subject=("tag_batch", batch.id), rows=len(rows))
    session.execute(sa.delete(TagRow).where(TagRow.batch_id == batch.id))
    for start in range(0, len(rows), CHUNK):
        part = [{"batch_id": batch.id, **row} for row in rows[start : start + CHUNK]]
        session.execute(sa.insert(TagRow), part)
    batch.state = BatchState.READY
    session.flush()
    batch.counts = counts_of(session, batch)
    session.flush()
    return batch


def set_dates(
    session: Session, batch: TagBatch, *, granted_on: dt.date | None, actor: Actor, today: dt.date
) -> TagBatch:
    """The day of grant of rows that print none. Raises `Refused` for a day to come."""
    open_for(batch, actor)
    if granted_on is not None:
        check_day(granted_on, today, field="granted_on")
    audit.begin(session, actor=actor, action=Act.TAG_DECIDE, subject=("tag_batch", batch.id))
    batch.granted_on = granted_on
    session.flush()
    return batch


def open_for(batch: TagBatch, actor: Actor) -> None:
    actor.require("ladder:tag")
    if batch.state is not BatchState.READY:
        raise Refused(N_("这份名单已经写入或放弃，不能再改。"))


def counts_of(session: Session, batch: TagBatch) -> dict[str, int]:
    query = (
        sa.select(TagRow.outcome, TagRow.decision, TagRow.how, sa.func.count())
        .where(TagRow.batch_id == batch.id)
        .group_by(TagRow.outcome, TagRow.decision, TagRow.how)
    )
    return tally(session.execute(query).all())

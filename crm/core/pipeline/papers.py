"""Documents on a record of a pipeline, and why an item of a gate is not there. Who may, the feature asks first."""

from __future__ import annotations

import datetime as dt
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.folding import legible
from crm.core.permissions import Actor
from crm.core.pipeline.books import Books
from crm.core.pipeline.declaring import WaiverKind, check_past, check_reason
from crm.core.words import N_, Refused, Word

W = TypeVar("W")
E = TypeVar("E")


class _Kept(Protocol):
    id: Any


def prove(
    session: Session,
    books: Books[Any, Any, Any, Any, E],
    record: _Kept,
    act: Word,
    *,
    actor: Actor,
    today: dt.date,
    kind: Word,
    on: dt.date,
    reference: str | None,
    attachment_id: int | None,
    is_here: bool,
) -> E:
    """Note a document: a file of the record, or the number it can be found under. `is_here`: whether the file, if one
    is named, hangs on this record. The caller holds the record, so that the same sent twice is kept once. Raises
    `Refused`."""
    number = legible(reference)[:200] or None
    check_past(on, today)
    if number is None and attachment_id is None:
        raise Refused(N_("请上传文件，或写明文号。"), field="reference")
    if attachment_id is not None and not is_here:
        raise Refused(N_("这里没有这个文件，请重新选择。"), field="attachment")
    paper: Any = books.evidence
    same = sa.select(paper.id).where(
        books.of(paper) == record.id, paper.kind == kind, paper.on == on, paper.removed_on.is_(None),
        paper.attachment_id.is_not_distinct_from(attachment_id), paper.reference.is_not_distinct_from(number),
    )  # fmt: skip
    if session.scalar(same.limit(1)) is not None:
        raise Refused(N_("这份佐证已经登记过：类别、日期和文号都一样。"), field="reference")
    audit.begin(session, actor=actor, action=act, subject=(books.subject, record.id), kind=kind.value)
    columns: dict[str, Any] = {"kind": kind, "on": on, "reference": number, "attachment_id": attachment_id}
    made = books.evidence(**{books.key: record.id}, **columns)
    session.add(made)
    session.flush()
    return made


def put_away(
    session: Session,
    books: Books[Any, Any, Any, Any, E],
    record: _Kept,
    act: Word,
    row: E,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
) -> None:
    """Put a document away with a reason; nothing is deleted. Raises `Refused`."""
    paper: Any = row
    why = check_reason(reason, 200)
    if paper.removed_on is not None:
        raise Refused(N_("「%(kind)s」已经收起。"), kind=paper.kind)
    audit.begin(session, actor=actor, action=act, subject=(books.subject, record.id))
    paper.removed_on, paper.removed_reason = today, why
    session.flush()


def excuse(
    session: Session,
    books: Books[Any, Any, Any, W, Any],
    record: _Kept,
    act: Word,
    *,
    actor: Actor,
    today: dt.date,
    item: str,
    kind: WaiverKind,
    reason: str | None,
    until_on: dt.date | None,
) -> W:
    """Say that an item cannot be known yet, and until when, or waive it. Raises `Refused`."""
    waiver: Any = books.waiver
    why = books.pipeline.check_waiver(item, kind, reason=reason, until_on=until_on, today=today)
    audit.begin(session, actor=actor, action=act, subject=(books.subject, record.id), item=item)
    row = session.execute(
        sa.select(waiver).where(books.of(waiver) == record.id, waiver.item == item)
    ).scalar_one_or_none()
    if row is None:
        row = waiver(**{books.key: record.id}, item=item)
        session.add(row)
    row.kind, row.reason, row.until_on = kind, why, until_on
    session.flush()
    found: W = row
    return found


def take_back(
    session: Session,
    books: Books[Any, Any, Any, W, Any],
    record: _Kept,
    act: Word,
    row: W,
    *,
    actor: Actor,
) -> None:
    """The excuse does not hold any more."""
    waiver: Any = row
    audit.begin(session, actor=actor, action=act, subject=(books.subject, record.id), item=waiver.item)
    session.delete(waiver)
    session.flush()

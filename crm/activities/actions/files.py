"""Files on records: checked and stored first, without holding up other writers, then attached; put away with a reason.

Whoever takes uploads calls `receive` before the first write of the request, then `attach` in its transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.activities.actions.scanning import SCANNER, ask_for_scan
from crm.activities.actions.subjects import Subject
from crm.activities.models import Activity, Attachment, StoredFile
from crm.activities.queries.files import bytes_of
from crm.activities.rules.files import MB, TOGETHER, check_count, check_file, check_quota, clean_name
from crm.activities.rules.steps import check_reason
from crm.activities.rules.words import Act, Scan
from crm.core import audit
from crm.core.files import FileStore
from crm.core.permissions import Actor, Forbidden
from crm.core.records import kind_of, load, may_edit
from crm.core.words import N_, Conflict, Message, Missing, Refused


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent: the name somebody gave it, and its bytes (seekable)."""

    name: str | None
    stream: BinaryIO


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was checked and stored, and hangs on nothing yet."""

    name: str
    sha256: str
    size: int
    media_type: str


def receive(store: FileStore, uploads: Sequence[Upload]) -> list[Received]:
    """Check all files, then store them. Knows no database: nothing waits for the disk.

    Raises `Refused` (one sentence each in `items`) when any of them is not taken; then none is stored.
    Raises `NoRoom` when the disk is full. What is stored and then not attached is an orphan that `files verify` names.
    """
    check_count(len(uploads))
    checked: list[tuple[str, str]] = []
    problems: list[Refused] = []
    together = 0
    for upload in uploads:
        name = clean_name(upload.name)
        try:
            checked.append((name, check_file(name, upload.stream)))
        except Refused as refusal:
            problems.append(refusal)
        together += upload.stream.seek(0, 2)
    if problems:
        raise _all_of(problems)
    if together > TOGETHER:
        raise Refused(N_("这些文件一共超过 %(most)s MB，请分几次传。"), most=TOGETHER // MB, field="files")
    received = []
    for upload, (name, media_type) in zip(uploads, checked, strict=True):
        upload.stream.seek(0)
        kept = store.store(upload.stream)
        received.append(Received(name, kept.sha256, kept.size, media_type))
    return received


def _all_of(problems: Sequence[Refused]) -> Refused:
    if len(problems) == 1:
        return problems[0]
    items = [problem.message for problem in problems]
    return Refused(
        N_("有 %(count)s 个文件不能上传，这次都没有保存。"), count=len(items), items=items, field="files"
    )


def attach(
    session: Session,
    received: Sequence[Received],
    *,
    actor: Actor,
    today: dt.date,
    subject: Subject,
    quota: int,
    activity: Activity | None = None,
) -> list[Attachment]:
    """Hang stored files on a record, with an activity or by themselves. The same file under the same name at the same
    place is there once. `quota` are the bytes one person may keep. Raises `Forbidden`, `Missing`, `Refused`."""
    actor.require("activity:add")
    load(session, kind_of(subject[0]), subject[1], viewer=actor)
    check_count(len(received))
    if actor.user_id is not None:
        used = bytes_of(session, actor.user_id)
        check_quota(used, sum({each.sha256: each.size for each in received}.values()), quota)
    audit.begin(session, actor=actor, action=Act.FILE_ADD, subject=subject)
    return [_attach(session, each, actor, today, subject, activity) for each in received]


def _attach(
    session: Session,
    received: Received,
    actor: Actor,
    today: dt.date,
    subject: Subject,
    activity: Activity | None,
) -> Attachment:
    stored = _stored(session, received, actor)
    if stored.scan is Scan.REFUSED:
        raise Refused(N_("「%(name)s」没有通过安全检查，不能上传。"), name=received.name, field="files")
    activity_id = activity.id if activity is not None else None
    known = session.scalars(
        sa.select(Attachment)
        .where(
            Attachment.file_id == stored.id,
            Attachment.kind == subject[0],
            Attachment.subject_id == subject[1],
            Attachment.activity_id.is_not_distinct_from(activity_id),
            Attachment.name == received.name,
            Attachment.removed_on.is_(None),
        )
        .limit(1)
    ).first()
    if known is not None:
        return known
    made = Attachment(
        file_id=stored.id, kind=subject[0], subject_id=subject[1], activity_id=activity_id, name=received.name,
        on=today,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _stored(session: Session, received: Received, actor: Actor) -> StoredFile:
    """The row of the content. Held until the end, so that a double click meets the first one's attachment."""
    same = sa.select(StoredFile).where(StoredFile.sha256 == received.sha256).with_for_update()
    found = session.scalars(same).one_or_none()
    if found is None:
        try:
            with session.begin_nested():
                found = StoredFile(
                    sha256=received.sha256, size=received.size, media_type=received.media_type,
                    scan=Scan.WAITING if SCANNER else Scan.CLEAN,
                )  # fmt: skip
                session.add(found)
                session.flush()
        except IntegrityError:  # somebody was quicker with the same content
            found = session.scalars(same).one()
    if found.scan is Scan.WAITING:
        ask_for_scan(session, found, actor=actor)
    return found


def remove(
    session: Session,
    attachment: Attachment,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    reason: str,
) -> None:
    """Put a file away: nobody fetches it any more, its name and the reason stay in the history. For who uploaded it,
    and on a record itself for those who may change the record. Raises `Forbidden`, `Conflict`, `Refused`."""
    actor.require("activity:add")
    edits = edits_record(session, attachment.kind, attachment.subject_id, actor=actor)
    if not may_remove(attachment, actor=actor, edits=edits):
        raise Forbidden(N_("只有上传的人，或可以修改这条记录的人，可以收起这个文件。"))
    if attachment.removed_on is not None or (version is not None and attachment.version != version):
        raise Conflict(N_("这个文件刚刚被别人收起或改过，请刷新后再看。"))
    why = check_reason(reason)
    audit.begin(
        session, actor=actor, action=Act.FILE_REMOVE, subject=(attachment.kind, attachment.subject_id)
    )
    attachment.removed_on, attachment.removed_reason = today, why
    session.flush()


def may_remove(attachment: Attachment, *, actor: Actor, edits: bool) -> bool:
    """Whether this person may put the file away; `edits`: whether he may change the record it is on."""
    if not actor.may("activity:add"):
        return False
    mine = actor.is_system or attachment.created_by_id == actor.user_id
    return mine or (edits and attachment.activity_id is None)


def edits_record(session: Session, kind: str, subject_id: int, *, actor: Actor) -> bool:
    """Whether this person may change the record."""
    try:
        return may_edit(session, kind_of(kind), subject_id, actor=actor)
    except Missing:
        return False


def fetched(session: Session, attachment: Attachment, *, actor: Actor) -> None:
    """Write down who took a file away. Its subject is the file: the record's own history tells of changes only."""
    audit.begin(
        session, actor=actor, action=Act.FILE_FETCH, subject=("attachment", attachment.id), kind=attachment.kind,
        record=attachment.subject_id,
    )  # fmt: skip


NOT_YET = {
    Scan.WAITING: Message(N_("这个文件还在检查，检查通过后才能下载，请稍后再来。")),
    Scan.REFUSED: Message(N_("这个文件没有通过安全检查，不能下载。请联系上传的人或系统管理员。")),
}

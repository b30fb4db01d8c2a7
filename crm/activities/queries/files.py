"""The files on a record: seen by those who see the record, and all the records of the activity they came with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.activities.models import Activity, Attachment, StoredFile
from crm.activities.queries.scope import entry_visible, subject_visible
from crm.activities.rules.words import ActivityKind, Scan
from crm.core.permissions import Actor
from crm.core.words import N_, Missing

PAGE = 20
PUT_AWAY = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a panel lists it; `came_with` is the kind of activity it was uploaded with."""

    attachment: Attachment
    stored: StoredFile
    who: str
    came_with: ActivityKind | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some files of a record, the newest first, how many there are, and the id the next page begins below."""

    files: Sequence[Listed]
    count: int
    more: int | None


def _with_activity(viewer: Actor) -> sa.ColumnElement[bool]:
    """The activity a file came with, if any, is about nothing the viewer may not see, and was not taken back."""
    entry = aliased(Activity)
    found = sa.select(sa.func.count()).where(entry.id == Attachment.activity_id, entry.withdrawn_on.is_(None))
    stands = found.scalar_subquery() == 1  # looked up by its key, not as a list of all
    return sa.or_(
        Attachment.activity_id.is_(None), sa.and_(entry_visible(Attachment.activity_id, viewer), stands)
    )


def visible(viewer: Actor) -> sa.ColumnElement[bool]:
    """Files the viewer may see, put away or not."""
    return sa.and_(subject_visible(Attachment.kind, Attachment.subject_id, viewer), _with_activity(viewer))


def get_file(session: Session, attachment_id: int, *, viewer: Actor) -> Attachment:
    """A file that is not put away, with its content's row. Raises `Missing`."""
    found = session.scalar(
        sa.select(Attachment)
        .options(sa.orm.joinedload(Attachment.file))
        .where(Attachment.id == attachment_id, Attachment.removed_on.is_(None), visible(viewer))
    )
    if found is None:
        raise Missing(N_("没有这个文件，或者您不能查看它。"))
    return found


def has_file(session: Session, kind: str, row_id: int, attachment_id: int) -> bool:
    """Whether a file hangs on a record and was not put away."""
    here = sa.select(Attachment.id).where(
        Attachment.id == attachment_id, Attachment.kind == kind, Attachment.subject_id == row_id,
        Attachment.removed_on.is_(None),
    )  # fmt: skip
    return session.scalar(here) is not None


def list_files(
    session: Session, kind: str, subject_id: int, *, viewer: Actor, below: int | None = None
) -> Page:
    """Files of a record the viewer has been found to see. Two statements."""
    here = sa.and_(
        Attachment.kind == kind,
        Attachment.subject_id == subject_id,
        Attachment.removed_on.is_(None),
        _with_activity(viewer),
    )
    rows = _listed(session, here if below is None else sa.and_(here, Attachment.id < below), PAGE + 1)
    count = session.scalar(sa.select(sa.func.count()).select_from(Attachment).where(here)) or 0
    more = rows[PAGE - 1].attachment.id if len(rows) > PAGE else None
    return Page(rows[:PAGE], count, more)


def put_away(session: Session, kind: str, subject_id: int, *, viewer: Actor) -> list[Listed]:
    """The files of a record that were put away last, with the reason; `who` put them away."""
    here = sa.and_(
        Attachment.kind == kind,
        Attachment.subject_id == subject_id,
        Attachment.removed_on.is_not(None),
        _with_activity(viewer),
    )
    return _listed(session, here, PUT_AWAY, by=Attachment.updated_by_id)


def _listed(
    session: Session,
    where: sa.ColumnElement[bool],
    limit: int,
    by: sa.orm.InstrumentedAttribute[int | None] = Attachment.created_by_id,
) -> list[Listed]:
    person = aliased(User)
    rows = session.execute(
        sa.select(Attachment, StoredFile, person.name, Activity.kind)
        .join(StoredFile, StoredFile.id == Attachment.file_id)
        .outerjoin(person, person.id == by)
        .outerjoin(Activity, Activity.id == Attachment.activity_id)
        .where(where)
        .order_by(Attachment.id.desc())
        .limit(limit)
    )
    return [Listed(attachment, stored, who or "", kind) for attachment, stored, who, kind in rows]


def bytes_of(session: Session, user_id: int) -> int:
    """How many bytes a person has uploaded: each content once, put away ones too (they are kept for the history)."""
    mine = sa.select(Attachment.file_id).where(Attachment.created_by_id == user_id)
    total = session.scalar(sa.select(sa.func.sum(StoredFile.size)).where(StoredFile.id.in_(mine)))
    return int(total or 0)


def content_of(session: Session, file_id: int) -> StoredFile:
    """The row of a content. Raises `Missing`."""
    found = session.get(StoredFile, file_id)
    if found is None:
        raise Missing(N_("没有这个文件，或者您不能查看它。"))
    return found


def waiting(session: Session) -> Sequence[int]:
    """The contents that wait for a verdict."""
    return session.scalars(
        sa.select(StoredFile.id).where(StoredFile.scan == Scan.WAITING).order_by(StoredFile.id)
    ).all()


def contents(session: Session, size: int = 500) -> Iterator[tuple[int, str, int]]:
    """(id, sha256, size) of every content, in portions."""
    last = 0
    while True:
        rows = session.execute(
            sa.select(StoredFile.id, StoredFile.sha256, StoredFile.size)
            .where(StoredFile.id > last)
            .order_by(StoredFile.id)
            .limit(size)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        yield from ((row.id, row.sha256, row.size) for row in rows)


def places(session: Session, file_id: int) -> list[tuple[str, int, str]]:
    """Where a content hangs: (kind, id, name)."""
    rows = session.execute(
        sa.select(Attachment.kind, Attachment.subject_id, Attachment.name)
        .where(Attachment.file_id == file_id)
        .order_by(Attachment.id)
        .limit(20)
    )
    return [(row.kind, row.subject_id, row.name) for row in rows]


def contents_of(session: Session, ids: Sequence[int]) -> Sequence[StoredFile]:
    """The rows of these contents."""
    return session.scalars(sa.select(StoredFile).where(StoredFile.id.in_(ids))).all()

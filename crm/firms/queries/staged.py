"""Staged imports and who may open them, their rows, and what is remembered of a source's columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core import lists
from crm.core.permissions import Actor
from crm.core.words import N_, Missing
from crm.firms.models import ColumnMemory, Firm, ImportBatch, ImportFile, ImportPart, ImportRow
from crm.firms.rules.columns import OPENS, SHEETS, reached
from crm.firms.rules.staged import headings_key, source_key
from crm.firms.rules.words import BatchState, RowOutcome, SheetKind

OPEN = (BatchState.PARSING, BatchState.READY, BatchState.REFUSED)


def batches_visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Imports the viewer may open: one's own, and those of colleagues unless they are private."""
    if viewer.is_system:
        return sa.true()
    return sa.and_(
        ImportBatch.sheet.in_(reached(viewer)),
        sa.or_(ImportBatch.created_by_id == viewer.user_id, ImportBatch.sheet.in_(_sheets(viewer))),
    )


def _require(viewer: Actor) -> None:
    """Raises `Forbidden` for who has nothing to do with imports."""
    if not reached(viewer):
        viewer.require(OPENS[0])


def _sheets(viewer: Actor) -> list[SheetKind]:
    """The sheets of which the viewer may see what colleagues brought in."""
    return [sheet for sheet, kind in SHEETS.items() if viewer.may(kind.permission) and not kind.is_private]


def get_batch(session: Session, batch_id: int, *, viewer: Actor) -> ImportBatch:
    """An import the viewer may open. Raises `Missing`."""
    _require(viewer)
    found = None
    if 0 < batch_id < 2**63:
        found = session.scalars(
            sa.select(ImportBatch).where(ImportBatch.id == batch_id, batches_visible_to(viewer))
        ).one_or_none()
    if found is None:
        raise Missing(N_("没有这次导入。"))
    return found


def is_own(batch: ImportBatch, viewer: Actor) -> bool:
    """Whether the viewer brought the file in, and so sees its personal cells as they are."""
    return viewer.is_system or (viewer.user_id is not None and batch.created_by_id == viewer.user_id)


def list_batches(session: Session, *, viewer: Actor, limit: int = 30) -> list[Any]:
    """The latest imports the viewer may open: columns only, with who made them."""
    _require(viewer)
    return list(
        session.execute(
            sa.select(
                ImportBatch.id, ImportBatch.sheet, ImportBatch.state, ImportBatch.filename, ImportBatch.counts,
                ImportBatch.created_at, User.name.label("who"),
            )
            .outerjoin(User, User.id == ImportBatch.created_by_id)
            .where(batches_visible_to(viewer))
            .order_by(ImportBatch.id.desc())
            .limit(limit)
        )
    )  # fmt: skip


def staged_by(session: Session, viewer: Actor) -> tuple[int, int]:
    """How many imports of a person wait to be written, and their bytes."""
    found = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(ImportBatch.size), 0)).where(
            ImportBatch.created_by_id == viewer.user_id, ImportBatch.state.in_(OPEN)
        )
    ).one()
    return int(found[0]), int(found[1])


def stale_batches(session: Session, before: dt.datetime) -> list[int]:
    """Imports nobody has touched since: those that wait to be written, and written ones that still hold a file, or
    rows that were not taken."""
    has_rows = sa.exists().where(ImportRow.batch_id == ImportBatch.id)
    has_file = sa.exists().where(ImportFile.batch_id == ImportBatch.id)
    return list(
        session.scalars(
            sa.select(ImportBatch.id)
            .where(
                ImportBatch.updated_at < before, ImportBatch.state != BatchState.WRITING,
                sa.or_(ImportBatch.state.in_(OPEN), has_rows, has_file),
            )
            .order_by(ImportBatch.id)
        )
    )  # fmt: skip


def file_of(session: Session, batch_id: int) -> bytes | None:
    """The uploaded bytes, while the batch is open."""
    return session.execute(
        sa.select(ImportFile.content).where(ImportFile.batch_id == batch_id)
    ).scalar_one_or_none()


def fixes_of(session: Session, batch_id: int) -> dict[int, dict[str, str]]:
    """What was put right on screen, row → heading → text."""
    rows = session.execute(
        sa.select(ImportRow.row_no, ImportRow.fixes).where(
            ImportRow.batch_id == batch_id, sa.cast(ImportRow.fixes, sa.Text) != "{}"
        )
    )
    return {row.row_no: row.fixes for row in rows if row.fixes}


ROW_SORT = lists.Sort("row", N_("行号"), ImportRow.row_no)


def list_rows(
    session: Session,
    batch_id: int,
    outcome: RowOutcome | None,
    position: lists.Position | None,
    size: int = 50,
) -> lists.Page:
    """A page of staged rows of one outcome."""
    statement = sa.select(
        ImportRow.id, ImportRow.row_no.label("row"), ImportRow.raw, ImportRow.values, ImportRow.outcome,
        ImportRow.firm_id, ImportRow.how, ImportRow.candidates, ImportRow.reasons, ImportRow.changes,
        ImportRow.decision, ImportRow.fixes,
    ).where(ImportRow.batch_id == batch_id)  # fmt: skip
    if outcome is not None:
        statement = statement.where(ImportRow.outcome == outcome)
    return lists.page(session, statement, lists.Asked(ROW_SORT, False, position), ImportRow.id, size)


def firm_names(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Names of firms by id, for showing what a row matched."""
    if not ids:
        return {}
    return dict(session.execute(sa.select(Firm.id, Firm.name).where(Firm.id.in_(ids))).all())


def get_row(session: Session, batch_id: int, row_no: int) -> ImportRow:
    """One staged row. Raises `Missing`."""
    found = None
    if 0 < row_no < 2**31:
        found = session.execute(
            sa.select(ImportRow).where(ImportRow.batch_id == batch_id, ImportRow.row_no == row_no)
        ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这一行。"))
    return found


def next_row(session: Session, batch_id: int, outcome: RowOutcome, after: int = 0) -> int | None:
    """The next row of an outcome behind a row."""
    return session.execute(
        sa.select(ImportRow.row_no)
        .where(ImportRow.batch_id == batch_id, ImportRow.outcome == outcome, ImportRow.row_no > after)
        .order_by(ImportRow.row_no)
        .limit(1)
    ).scalar_one_or_none()


def next_doubtful(session: Session, batch_id: int, after: int = 0) -> int | None:
    """The next doubtful row nobody has decided, beginning behind a row."""
    return session.execute(
        sa.select(ImportRow.row_no)
        .where(
            ImportRow.batch_id == batch_id,
            ImportRow.outcome == RowOutcome.DOUBTFUL,
            ImportRow.decision.is_(None),
            ImportRow.row_no > after,
        )
        .order_by(ImportRow.row_no)
        .limit(1)
    ).scalar_one_or_none()


def undecided(session: Session, batch_id: int) -> int:
    """How many doubtful rows wait for a decision."""
    return session.execute(
        sa.select(sa.func.count())
        .select_from(ImportRow)
        .where(
            ImportRow.batch_id == batch_id,
            ImportRow.outcome == RowOutcome.DOUBTFUL,
            ImportRow.decision.is_(None),
        )
    ).scalar_one()


def rows_beside(
    session: Session, batch_id: int, firm_id: int | None = None
) -> Iterable[tuple[int, Mapping[str, Any], int | None]]:
    """The rows of a batch that may be written `(row, values, firm)`, only those of a firm if it is given."""
    statement = sa.select(ImportRow.row_no, ImportRow.values, ImportRow.firm_id).where(
        ImportRow.batch_id == batch_id, ImportRow.outcome != RowOutcome.REFUSED
    )
    if firm_id is not None:
        statement = statement.where(ImportRow.firm_id == firm_id)
    for row in session.execute(statement.order_by(ImportRow.row_no)):
        yield row.row_no, row.values, row.firm_id


def left_rows(session: Session, batch_id: int) -> list[Any]:
    """Rows that were not taken, refused and doubtful, in the order of the file."""
    return list(
        session.execute(
            sa.select(
                ImportRow.row_no, ImportRow.raw, ImportRow.reasons, ImportRow.candidates, ImportRow.outcome
            )
            .where(
                ImportRow.batch_id == batch_id,
                sa.or_(
                    ImportRow.outcome == RowOutcome.REFUSED,
                    sa.and_(
                        ImportRow.outcome == RowOutcome.DOUBTFUL,
                        sa.or_(ImportRow.decision.is_(None), ImportRow.decision == "skip"),
                    ),
                ),
            )
            .order_by(ImportRow.row_no)
        )
    )


def part_count(session: Session, batch_id: int) -> int:
    """In how many parts a batch was written."""
    return session.scalars(
        sa.select(sa.func.count()).select_from(ImportPart).where(ImportPart.batch_id == batch_id)
    ).one()


def remembered(
    session: Session, sheet: SheetKind, source: str | None, headings: Sequence[str]
) -> ColumnMemory | None:
    """What is remembered of a source's lists with just these headings."""
    return session.scalars(
        sa.select(ColumnMemory).where(
            ColumnMemory.sheet == sheet,
            ColumnMemory.source == source_key(source),
            ColumnMemory.headings_key == headings_key(headings),
        )
    ).one_or_none()


def memory_by_id(session: Session, memory_id: int) -> ColumnMemory | None:
    return session.get(ColumnMemory, memory_id)


def came_from(
    session: Session, batch: ImportBatch, headings: Sequence[str], viewer: Actor
) -> ImportBatch | None:
    """The import a file of refused rows came out of: the viewer's newest earlier one with just these headings."""
    key = headings_key(headings)
    earlier = session.scalars(
        sa.select(ImportBatch)
        .where(
            ImportBatch.sheet == batch.sheet, ImportBatch.id < batch.id,
            ImportBatch.created_by_id == viewer.user_id
            if viewer.user_id is not None
            else ImportBatch.created_by_id.is_(None),
        )
        .order_by(ImportBatch.id.desc())
        .limit(50)
    )  # fmt: skip
    return next((each for each in earlier if each.headings and headings_key(each.headings) == key), None)

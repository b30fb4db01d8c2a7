"""The registry as a whole, for matching lists against it; and the import batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.core import lists
from crm.core.folding import fold
from crm.core.permissions import Actor
from crm.core.words import N_, Missing
from crm.firms.models import Firm, FirmName, ImportBatch, ImportFile, ImportRow
from crm.firms.queries.merged import merged_codes
from crm.firms.rules.joining import Known
from crm.firms.rules.matching import Matcher
from crm.firms.rules.words import RowOutcome


def known_firms(session: Session) -> Known:
    """Every firm that has not been merged away, by code and names, and the codes merged into it. Three statements."""
    known = Known()
    for row in session.execute(
        sa.select(Firm.id, Firm.name, Firm.name_key, Firm.code).where(Firm.merged_into_id.is_(None))
    ):
        known.add(row.id, row.name, row.name_key, row.code)
    for firm_id, name, name_key in session.execute(
        sa.select(FirmName.firm_id, FirmName.name, FirmName.name_key)
    ):
        known.add_former(firm_id, name, name_key)
    for code, firm_id in merged_codes(session).items():
        known.add_code(firm_id, code)
    return known


def matcher(session: Session) -> Matcher:
    """The registry ready for matching published names."""
    known = known_firms(session)
    return Matcher((i, name, known.formers.get(i, []), known.codes[i]) for i, name in known.names.items())


class Places:
    """Streets and officers by the names people write."""

    def __init__(self, streets: Mapping[str, int], officers: Mapping[str, int | None]) -> None:
        self._streets = streets
        self._officers = officers

    def street(self, name: str) -> int | None:
        key = fold(name)
        for text in (key, key.removesuffix("街道"), key.rpartition("区")[2].removesuffix("街道")):
            if text in self._streets:
                return self._streets[text]
        return None

    def officer(self, name: str) -> int | None:
        return self._officers.get(fold(name).partition("·")[0])


def places(session: Session) -> Places:
    """Streets by full and short name, with and without 街道; people by name where it is theirs alone."""
    streets: dict[str, int] = {}
    for row in session.execute(
        sa.select(Unit.id, Unit.name, Unit.short_name).where(Unit.kind == UnitKind.STREET).order_by(Unit.id)
    ):
        for name in (row.name, row.short_name):
            streets.setdefault(fold(name), row.id)
            streets.setdefault(fold(name).removesuffix("街道"), row.id)
    officers: dict[str, int | None] = {}
    for user_id, user_name in session.execute(sa.select(User.id, User.name).where(User.is_active)):
        key = fold(user_name)
        officers[key] = None if key in officers else user_id
    return Places(streets, officers)


def firm_values(session: Session, ids: Sequence[int], columns: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Columns of many firms by id."""
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), 5000):
        rows = session.execute(
            sa.select(Firm.id, *(getattr(Firm, column).label(column) for column in columns)).where(
                Firm.id.in_(ids[start : start + 5000])
            )
        )
        for row in rows:
            found[row[0]] = dict(zip(columns, row[1:], strict=True))
    return found


def get_batch(session: Session, batch_id: int, *, viewer: Actor) -> ImportBatch:
    """An import. Whoever may import sees all of them. Raises `Missing`."""
    viewer.require("firm:import")
    found = session.get(ImportBatch, batch_id) if 0 < batch_id < 2**63 else None
    if found is None:
        raise Missing(N_("没有这次导入。"))
    return found


def list_batches(session: Session, *, viewer: Actor, limit: int = 30) -> list[Any]:
    """The latest imports: columns only, with who made them."""
    viewer.require("firm:import")
    return list(
        session.execute(
            sa.select(
                ImportBatch.id, ImportBatch.sheet, ImportBatch.state, ImportBatch.filename, ImportBatch.counts,
                ImportBatch.created_at, User.name.label("who"),
            )
            .outerjoin(User, User.id == ImportBatch.created_by_id)
            .order_by(ImportBatch.id.desc())
            .limit(limit)
        )
    )  # fmt: skip


def file_of(session: Session, batch_id: int) -> bytes | None:
    """The uploaded bytes, while the batch is open."""
    return session.execute(
        sa.select(ImportFile.content).where(ImportFile.batch_id == batch_id)
    ).scalar_one_or_none()


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
        ImportRow.decision,
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

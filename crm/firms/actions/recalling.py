"""How a source's columns were put right is remembered for its next list, and forgotten on request."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.firms.actions.staging import require
from crm.firms.models import ColumnMemory, ImportBatch
from crm.firms.queries.staged import remembered
from crm.firms.rules.staged import headings_key, source_key
from crm.firms.rules.words import Act


def remember(
    session: Session, batch: ImportBatch, mapping: Mapping[str, str], unit: str, *, actor: Actor
) -> ColumnMemory:
    """Keep the mapping (field → heading, "" for a column taken out) for lists of this source with these headings."""
    require(actor, batch.sheet)
    audit.begin(session, actor=actor, action=Act.COLUMNS_KEEP, subject=("import", batch.id))
    memory = remembered(session, batch.sheet, batch.source, batch.headings)
    if memory is None:
        memory = ColumnMemory(
            sheet=batch.sheet, source=source_key(batch.source), headings_key=headings_key(batch.headings),
            headings=list(batch.headings), mapping={}, unit="",
        )  # fmt: skip
        session.add(memory)
    if (dict(memory.mapping), memory.unit) != (dict(mapping), unit):
        memory.mapping, memory.unit = dict(mapping), unit
    session.flush()
    return memory


def forget(session: Session, memory: ColumnMemory, *, actor: Actor) -> None:
    """Lists of this source are recognised by their headings alone again."""
    require(actor, memory.sheet)
    audit.begin(session, actor=actor, action=Act.COLUMNS_FORGET, subject=("import_columns", memory.id))
    session.delete(memory)
    session.flush()

"""The tables of the audit trail. The product only ever inserts here; the head is one row that moves."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import BigId, Model, Moment, Pk

GENESIS = "0" * 64


class AuditHead(Model):
    """The chain's end: one row, locked last in every transaction."""

    __tablename__ = "audit_head"
    __audited__ = False
    id: Mapped[Pk]
    seq: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[str] = mapped_column(sa.String(64))


class AuditEnvelope(Model):
    """One transaction or one event: the link of the chain."""

    __tablename__ = "audit_envelopes"
    __audited__ = False
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    operation: Mapped[str] = mapped_column(sa.String(32), unique=True)
    at: Mapped[Moment] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(BigId, index=True)
    actor_name: Mapped[str] = mapped_column(sa.String(120))
    action: Mapped[str] = mapped_column(sa.String(60), index=True)
    params: Mapped[dict[str, Any]]
    subject_kind: Mapped[str | None] = mapped_column(sa.String(40))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    is_success: Mapped[bool]
    address: Mapped[str] = mapped_column(sa.String(64))
    request_id: Mapped[str] = mapped_column(sa.String(40))
    changes_count: Mapped[int]
    changes_digest: Mapped[str] = mapped_column(sa.String(64))
    previous: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))
    __table_args__ = (sa.Index("ix_audit_envelopes_subject", "subject_kind", "subject_id", "seq"),)


class AuditChange(Model):
    """One row changed by an operation: table, id, and the values before and after of the columns that changed.
    An insert's `after` and a delete's `before` hold every column that is not NULL."""

    __tablename__ = "audit_changes"
    __audited__ = False
    id: Mapped[Pk]
    operation: Mapped[str] = mapped_column(sa.String(32))
    n: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(60))
    row_id: Mapped[int] = mapped_column(BigId)
    verb: Mapped[str] = mapped_column(sa.String(6))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    __table_args__ = (
        sa.UniqueConstraint("operation", "n"),
        sa.Index("ix_audit_changes_row", "kind", "row_id", "id"),
    )


class AuditPersonal(Model):
    """A personal value kept apart from the chain; deleting the row erases the value, the commitment stays."""

    __tablename__ = "audit_personal"
    __audited__ = False
    id: Mapped[Pk]
    commitment: Mapped[str] = mapped_column(sa.String(64), index=True)
    salt: Mapped[str] = mapped_column(sa.String(32))
    value: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.String(60))
    row_id: Mapped[int] = mapped_column(BigId)
    __table_args__ = (sa.Index("ix_audit_personal_row", "kind", "row_id"),)

"""Imports: written in parts, cells put right on screen, columns remembered by source

Revision: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def big_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "import_columns",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("sheet", sa.String(40), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("headings_key", sa.String(length=64), nullable=False),
        sa.Column("headings", sa.JSON(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("unit", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", big_id(), nullable=True),
        sa.Column("updated_by_id", big_id(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_columns")),
        sa.UniqueConstraint(
            "sheet", "source", "headings_key", name=op.f("uq_import_columns_sheet_source_headings_key")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "import_parts",
        sa.Column("id", big_id(), nullable=False),
        sa.Column("batch_id", big_id(), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("last_row", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batches.id"], name=op.f("fk_import_parts_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_parts")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("import_parts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_parts_batch_id"), ["batch_id"], unique=False)
    op.add_column("import_rows", sa.Column("fixes", sa.JSON(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("import_rows", "fixes")
    op.drop_table("import_parts")
    op.drop_table("import_columns")

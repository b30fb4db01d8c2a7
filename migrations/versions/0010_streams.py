"""streams: closed next steps of a record by day, files by their entry and by their record, each walked by its own index

Revision: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CLOSED, WITH_ENTRY = sa.text("closed_on IS NOT NULL"), sa.text("activity_id IS NOT NULL")
FILES = {
    "ix_attachments_here": sa.text("removed_on IS NULL"),
    "ix_attachments_put_away": sa.text("removed_on IS NOT NULL"),
}


def upgrade() -> None:
    op.create_index(
        "ix_next_steps_closed", "next_steps", ["kind", "subject_id", "closed_on", "id"], unique=False,
        sqlite_where=CLOSED, postgresql_where=CLOSED,
    )  # fmt: skip
    op.drop_index("ix_attachments_activity_id", table_name="attachments")
    op.create_index(
        "ix_attachments_activity_id", "attachments", ["activity_id"], unique=False, sqlite_where=WITH_ENTRY,
        postgresql_where=WITH_ENTRY,
    )  # fmt: skip
    for name, which in FILES.items():
        op.create_index(
            name, "attachments", ["kind", "subject_id", "id"], unique=False, sqlite_where=which,
            postgresql_where=which,
        )  # fmt: skip


def downgrade() -> None:
    for name in FILES:
        op.drop_index(name, table_name="attachments")
    op.drop_index("ix_attachments_activity_id", table_name="attachments")
    op.create_index("ix_attachments_activity_id", "attachments", ["activity_id"], unique=False)
    op.drop_index("ix_next_steps_closed", table_name="next_steps")

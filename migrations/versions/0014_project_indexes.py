"""project indexes: what changed since a day, without reading every move there ever was

Revision: 0014
Revises: 0013
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_project_moves_on", "project_moves", ["moved_on", "kind", "project_id"])


def downgrade() -> None:
    op.drop_index("ix_project_moves_on", "project_moves")

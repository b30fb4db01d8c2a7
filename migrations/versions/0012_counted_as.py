"""counted as: fixed investment, headquarters and the innovative mark as they were when a project was counted

Revision: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COPIED = """UPDATE project_counts SET
 fixed_yuan = (SELECT p.fixed_yuan FROM projects p WHERE p.id = project_counts.project_id),
 headquarters = (SELECT p.headquarters FROM projects p WHERE p.id = project_counts.project_id),
 is_innovative = (SELECT p.is_innovative FROM projects p WHERE p.id = project_counts.project_id)"""


def upgrade() -> None:
    op.add_column("project_counts", sa.Column("fixed_yuan", sa.BigInteger(), nullable=True))
    op.add_column("project_counts", sa.Column("headquarters", sa.String(40), nullable=True))
    op.add_column("project_counts", sa.Column("is_innovative", sa.Boolean(), nullable=True))
    op.execute(COPIED)
    with op.batch_alter_table("project_counts") as batch:
        batch.alter_column("is_innovative", existing_type=sa.Boolean(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("project_counts") as batch:
        batch.drop_column("is_innovative")
        batch.drop_column("headquarters")
        batch.drop_column("fixed_yuan")

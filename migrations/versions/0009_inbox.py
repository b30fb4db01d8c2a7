"""inbox: what an item is about besides its record; its open items walked by an index of their own; drafts by form

Revision: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("dismissed_at IS NULL")
ITEMS = sa.table(
    "inbox_items",
    sa.column("id", BIG),
    sa.column("params", sa.JSON),
    sa.column("activity_id", BIG),
    sa.column("step_id", BIG),
)


def upgrade() -> None:
    op.create_index("ix_drafts_form", "drafts", ["form"], unique=False)
    with op.batch_alter_table("inbox_items", schema=None) as batch_op:
        for name in ("activity_id", "step_id", "draft_id"):
            batch_op.add_column(sa.Column(name, BIG, nullable=True))
        batch_op.drop_index("ix_inbox_items_open")
        batch_op.create_index(
            "ix_inbox_items_open", ["user_id", "id"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
        )
    connection = op.get_bind()
    for row in connection.execute(sa.select(ITEMS.c.id, ITEMS.c.params)).all():
        params = dict(row.params)
        about = {"activity_id": params.pop("activity", None), "step_id": params.pop("step", None)}
        if any(about.values()):
            connection.execute(sa.update(ITEMS).where(ITEMS.c.id == row.id).values(params=params, **about))


def downgrade() -> None:
    connection = op.get_bind()
    told = sa.or_(ITEMS.c.activity_id.is_not(None), ITEMS.c.step_id.is_not(None))
    for row in connection.execute(sa.select(ITEMS).where(told)).all():
        about = {"activity": row.activity_id, "step": row.step_id}
        params = {**row.params, **{name: key for name, key in about.items() if key is not None}}
        connection.execute(sa.update(ITEMS).where(ITEMS.c.id == row.id).values(params=params))
    with op.batch_alter_table("inbox_items", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_items_open")
        batch_op.create_index(
            "ix_inbox_items_open", ["user_id", "dismissed_at", "told_at", "id"], unique=False
        )
        for name in ("draft_id", "step_id", "activity_id"):
            batch_op.drop_column(name)
    op.drop_index("ix_drafts_form", table_name="drafts")

"""Adds columns and a table that this version does not know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.tables import HEAD

revision = "9001"
down_revision = HEAD
expands = True

MORE = (
    "release",
    "promise",
    "run",
    "judged",
    "event",
    "incident",
    "notice",
    "delivery",
    "lease",
    "heartbeat",
)


def upgrade() -> None:
    """Add to every table that looks, verdicts and messages are written to."""
    for name in MORE:
        op.add_column(name, sa.Column("remark", sa.Text, nullable=True))
        op.add_column(name, sa.Column("weight", sa.Integer, nullable=False, server_default="1"))
    op.create_table("mood", sa.Column("monitor", sa.Text, primary_key=True))
    op.create_index("ix_run_weight", "run", ["weight"])


def downgrade() -> None:
    """Leave it out again."""

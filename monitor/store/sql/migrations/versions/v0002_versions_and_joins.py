"""The version that content states for itself, and releases that were joined into others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.migrations.layout import NAME

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add two columns to runs, one to releases with its index, and one index each to incidents and
    blind spans.
    """
    op.add_column("run", sa.Column("version", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("failed", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("release", sa.Column("joined_into", NAME, nullable=True))
    joined = sa.text("joined_into IS NOT NULL")
    op.create_index(
        "ix_release_joined_into",
        "release",
        ["joined_into"],
        sqlite_where=joined,
        postgresql_where=joined,
    )
    op.create_index("ix_incident_producer_occurred", "incident", ["producer", "occurred"])
    is_long = sa.text("ends - begins > 5184000000000")  # 60 days, in microseconds
    op.create_index(
        "ix_blind_long", "blind", ["ends"], sqlite_where=is_long, postgresql_where=is_long
    )


def downgrade() -> None:
    """Drop the three indexes and the three columns."""
    op.drop_index("ix_blind_long", "blind")
    op.drop_index("ix_incident_producer_occurred", "incident")
    op.drop_index("ix_release_joined_into", "release")
    op.drop_column("release", "joined_into")
    op.drop_column("run", "failed")
    op.drop_column("run", "version")

"""Silences: which notices are suppressed, until when, by whom and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
expands = True

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table of silences, with an index to find those that have not ended."""
    op.create_table(
        "silence",
        sa.Column("id", NAME, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("begins", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=True),
        sa.Column("ended_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_silence"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_silence_until", "silence", ["until"])


def downgrade() -> None:
    """Drop the table of silences."""
    op.drop_table("silence")

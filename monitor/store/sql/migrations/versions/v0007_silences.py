"""Silences: which notices are suppressed, until when, by whom and why."""

from __future__ import annotations

from alembic import op

from monitor.store.sql.migrations.layout import create_table

revision = "0007"
down_revision = "0006"
expands = True

LAYOUT = (
    "*id:name scope:text name:name begins:long until:long by:text reason:text ended:long?"
    " ended_by:text"
)


def upgrade() -> None:
    """Create the table of silences, with an index to find those that have not ended."""
    create_table("silence", LAYOUT, has_row_id=False)
    op.create_index("ix_silence_until", "silence", ["until"])


def downgrade() -> None:
    """Drop the table of silences."""
    op.drop_table("silence")

"""Sessions: who is signed in, on every monitor of the store."""

from __future__ import annotations

from alembic import op

from monitor.store.sql.migrations.layout import create_table

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table and its index."""
    create_table(
        "session",
        "*key_hash:name account:name use:text began:long seen:long ends:long? body:bytes",
    )
    op.create_index("ix_session_account", "session", ["account"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("session")

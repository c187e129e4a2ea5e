"""What publishers claim of their own releases in the public record."""

from __future__ import annotations

from alembic import op

from monitor.store.sql.migrations.layout import create_table

revision = "0008"
down_revision = "0007"
expands = True

LAYOUT = (
    "*producer:name *url:name *at:long title:text slot:long? slot_source:text source:text read:long"
)


def upgrade() -> None:
    """Create the table of claims: when a producer's page says that a release was published."""
    create_table("claim", LAYOUT, has_row_id=False)
    op.create_index("ix_claim_at", "claim", ["at"])
    op.create_index("ix_claim_url", "claim", ["url"])


def downgrade() -> None:
    """Drop the table of claims."""
    op.drop_table("claim")

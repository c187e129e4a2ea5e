"""What publishers claim of their own releases in the public record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
expands = True

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table of claims: when a producer's page says that a release was published."""
    op.create_table(
        "claim",
        sa.Column("producer", NAME, nullable=False),
        sa.Column("url", NAME, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=True),
        sa.Column("slot_source", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("read", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("producer", "url", "at", name="pk_claim"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_claim_at", "claim", ["at"])
    op.create_index("ix_claim_url", "claim", ["url"])


def downgrade() -> None:
    """Drop the table of claims."""
    op.drop_table("claim")

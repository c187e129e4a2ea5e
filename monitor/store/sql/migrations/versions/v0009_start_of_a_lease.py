"""Since when a holder has had its lease without interruption.

Decisions from before that must not be written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
expands = True


def upgrade() -> None:
    """Add the start of a lease. A lease that is in use during the migration counts as taken
    again.
    """
    op.add_column("lease", sa.Column("since", sa.BigInteger, nullable=True))


def downgrade() -> None:
    """Drop the start of a lease."""
    op.drop_column("lease", "since")

"""The address at which a run was seen, because absences at a page's old address do not count for
its new one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the address.

    It is empty for earlier runs, which count for the present address of their part.
    """
    op.add_column("run", sa.Column("address", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the address."""
    op.drop_column("run", "address")

"""At which address a run was seen: a page that moves takes no absences of its old address with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the address, empty for the runs of before: they are of whatever address their part has."""
    op.add_column("run", sa.Column("address", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Leave it out again."""
    op.drop_column("run", "address")

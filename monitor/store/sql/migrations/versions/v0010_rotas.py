"""The last read of each rota that is kept as a calendar."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
expands = True

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table of rotas. `shifts` is the compressed JSON of the last read."""
    op.create_table(
        "rota",
        sa.Column("rota", NAME, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("shifts", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("rota", name="pk_rota"),
    )


def downgrade() -> None:
    """Drop the table of rotas."""
    op.drop_table("rota")

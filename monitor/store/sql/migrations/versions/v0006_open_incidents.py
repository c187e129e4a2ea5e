"""Marks the incidents that still need action, in a column with an index."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.columns import Packed

revision = "0006"
down_revision = "0005"

WITH_REPORT = ("late", "partial", "early", "hand")
DONE = ("signed", "waived")


def upgrade() -> None:
    """Add the column `is_open` and its index, and set it to false for every stored incident that is
    over.
    """
    op.add_column(
        "incident", sa.Column("is_open", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    table = sa.table(
        "incident",
        sa.column("id"),
        sa.column("kind"),
        sa.column("body", Packed),
        sa.column("is_open"),
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(table)).mappings()
    over = [{"over_id": row["id"]} for row in rows if _is_over(row["kind"], row["body"])]
    if over:
        close = (
            sa.update(table).where(table.c.id == sa.bindparam("over_id")).values(is_open=sa.false())
        )
        connection.execute(close, over)
    is_open = sa.text("is_open")
    op.create_index(
        "ix_incident_open", "incident", ["occurred"], sqlite_where=is_open, postgresql_where=is_open
    )


def downgrade() -> None:
    """Drop the column `is_open` and its index."""
    op.drop_index("ix_incident_open", "incident")
    op.drop_column("incident", "is_open")


def _is_over(kind: str, packed: str) -> bool:
    """Return whether an incident is closed, and no breach report is required that is not signed or
    waived.
    """
    body = json.loads(packed)
    needs_report = (
        kind in WITH_REPORT
        and body["grade"] != "none"
        and not set(DONE) & set(body.get("words", ()))
    )
    return body.get("closed") is not None and not needs_report

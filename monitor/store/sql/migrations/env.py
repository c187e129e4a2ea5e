"""Alembic's entry point: migrates on the given connection, and does not configure logging."""

from __future__ import annotations

from alembic import context

from monitor.store.sql.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()

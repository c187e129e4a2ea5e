"""Alembic's entry: migrates on the connection it is given, and leaves logging alone."""

from __future__ import annotations

from alembic import context

from monitor.store.sql.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()

"""Runs the migrations of the schema.

This is a separate module, because importing Alembic takes 0.3 s.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run all migrations up to `revision`, by default the last, in this connection's
    transaction.
    """
    command.upgrade(_config(connection), revision)


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Undo all migrations after `revision`."""
    command.downgrade(_config(connection), revision)


def known_revisions() -> list[str]:
    """Return the revisions of all migrations, newest first."""
    steps = ScriptDirectory.from_config(_config()).walk_revisions()
    return [step.revision for step in steps]


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "monitor.store.sql:migrations")
    config.attributes["connection"] = connection
    return config

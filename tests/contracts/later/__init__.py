"""Steps that a version after this one could bring: one that only adds, and one that no older
version survives.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alembic.script import ScriptDirectory

from monitor.store.sql import migrate
from monitor.store.sql.shape import OURS, Shape


def known_revisions(shape: Shape = OURS) -> tuple[str, ...]:
    """Return the revisions that a version knows, newest first."""
    return tuple(
        step.revision
        for step in ScriptDirectory.from_config(migrate._config(shape)).walk_revisions()
    )


BEFORE = replace(OURS, head=known_revisions()[1])
"""The version before this one, as far as it knows of steps."""
NEXT = replace(OURS, head="9001", steps=(*OURS.steps, Path(__file__).parent))
AFTER = replace(NEXT, head="9002")

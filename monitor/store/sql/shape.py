"""Decides which schemas this program can use: its own, and newer ones that only added to it.

Revisions are four-digit numbers in one line, and a later one is greater. A migration has `expands =
True` if older programs can still use the store after it. After any other migration they cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from monitor.errors import StoreTooNew, StoreTooOld
from monitor.store.sql.tables import HEAD

_log = structlog.get_logger(__name__)
_STEPS = Path(__file__).parent / "migrations" / "versions"

Revision = Mapping[str, str | None]
"""The row of the table with the store's revision."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The schema that a version of the program knows: its last revision, and the folders with its
    migrations.
    """

    head: str = HEAD
    steps: tuple[Path, ...] = (_STEPS,)


OURS = Shape()


@dataclass(slots=True)
class SchemaCheck:
    """Compares a store's schema with the program's.

    `newer` is the store's revision if it is newer, else empty.
    """

    place: str
    shape: Shape
    newer: str = ""
    _logged: str = ""

    def check_again(self, row: Revision | None) -> None:
        """Check again during operation.

        Log a newer schema once. Raises `StoreTooOld` and `StoreTooNew`.
        """
        self.check(row)
        if self.newer not in {"", self._logged}:
            self._logged = self.newer
            _log.warning("store_newer", store=self.place, shape=self.newer, own=self.shape.head)

    def check(self, row: Revision | None) -> None:
        """Raise `StoreTooOld` (also for None) or `StoreTooNew` if the store cannot be used without
        a migration.
        """
        row = row or {}
        if self.is_older(row):
            fault = f"its shape is {row.get('version_num')}, this version needs {self.shape.head}"
            raise StoreTooOld(
                f"store {self.place}: {fault}: run `ninethirty store upgrade`, or start the monitor"
            )

    def needs_migration(self, row: Revision) -> bool:
        """Return whether the store needs a migration by this program. Raises `StoreTooNew`."""
        return self.is_older(row) or "works_from" not in row

    def is_older(self, row: Revision) -> bool:
        """Return whether the store's schema is older than this program's.

        If it is newer, note its revision in `newer`.

        `works_from` is the oldest revision whose programs can use the store (None: the store's
        own). Raises `StoreTooNew` if this program's revision is older than that.
        """
        revision, works_from = row.get("version_num") or "", row.get("works_from")
        is_newer = revision > self.shape.head
        if is_newer and (works_from is None or works_from > self.shape.head):
            raise StoreTooNew(
                f"store {self.place}: a newer version of ninethirty made it (its shape is"
                f" {revision})"
            )
        self.newer = revision if is_newer else ""
        return revision < self.shape.head

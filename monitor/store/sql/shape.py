"""Which shapes of a store this program may work on: its own, and newer ones that only added to that.

Revisions are numbers of four digits in one line: the later is the greater. A step says `expands = True` when a program
that does not know it may go on beside it; any other begins an era of its own, in which no older program works.
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


@dataclass(frozen=True, slots=True)
class Shape:
    """What a version of the program knows: its last step, and the folders with its steps."""

    head: str = HEAD
    steps: tuple[Path, ...] = (_STEPS,)


OURS = Shape()


@dataclass(slots=True)
class Standing:
    """How a store stands to this program; `newer` is its revision where that is greater than the program's."""

    place: str
    shape: Shape
    newer: str = ""
    _told: str = ""

    def still(self, row: Mapping[str, str | None] | None) -> None:
        """Do what `accept` does for a program that goes on working, and log once what it finds newer."""
        self.accept(row)
        if self.newer not in {"", self._told}:
            self._told = self.newer
            _log.warning("store_newer", store=self.place, shape=self.newer, own=self.shape.head)

    def accept(self, row: Mapping[str, str | None] | None) -> None:
        """Raise `StoreTooOld` or `StoreTooNew` for a shape on which this program cannot work as it is."""
        row = row or {}
        if self.is_older(row):
            mend = "run `ninethirty store upgrade`, or start the monitor"
            shape = f"its shape is {row.get('version_num')}, this version needs {self.shape.head}"
            raise StoreTooOld(f"store {self.place}: {shape}: {mend}")

    def wants_steps(self, row: Mapping[str, str | None]) -> bool:
        """Tell whether there is something for this program to change. Raises `StoreTooNew`."""
        return self.is_older(row) or "works_from" not in row

    def is_older(self, row: Mapping[str, str | None]) -> bool:
        """Tell whether the store lacks steps, by the one row that keeps the revision.

        `works_from` is the oldest revision that may work on the store; without it only the newest may. Raises
        `StoreTooNew`.
        """
        revision, works_from = row.get("version_num") or "", row.get("works_from")
        if revision <= self.shape.head:
            self.newer = ""
            return revision < self.shape.head
        if works_from is None or works_from > self.shape.head:
            raise StoreTooNew(f"store {self.place}: a newer version of ninethirty made it (its shape is {revision})")
        self.newer = revision
        return False

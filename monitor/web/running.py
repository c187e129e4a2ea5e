"""The monitor that runs, as the web sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from monitor.health.checks import Check


@dataclass(frozen=True, slots=True)
class Pulse:
    """A watched release: `mark` is another object whenever something of it was written down that people see.

    `looked` is when the last look was answered that proved anything, None before the first.
    """

    mark: object
    looked: datetime | None


class Running(Protocol):
    """The monitor that runs, as the web sees it."""

    def body(self, release: str) -> dict[str, Any] | None:
        """Return the JSON of a watched release as of now, None when it is not being watched."""

    def pulses(self) -> Mapping[str, Pulse]:
        """Return every watched release by its id, read from memory."""

    def storeless(self) -> bool:
        """Tell whether the store has not answered for so long that nobody should wait for it."""

    def unready(self) -> Sequence[str]:
        """Return why this monitor is not to be relied on, empty when it is."""

    def unable(self) -> Sequence[str]:
        """Return why this monitor cannot serve and look, empty when it can."""

    def stuck(self) -> Sequence[str]:
        """Return why this process should be started anew, empty when it need not be."""

    def checks(self) -> Sequence[Check]:
        """Return the state of store, calendars, looks, clock, budgets and channels."""

    def metrics(self) -> Iterable[bytes]:
        """Yield the page that Prometheus reads, a metric at a time."""

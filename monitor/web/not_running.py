"""The web's view of a process that runs no monitor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from monitor.health.self_check import Check
from schedules.times.json import Json


class NotRunning:
    """Watches no release, so it checks and measures nothing. `reasons` say why no one may rely on
    it, empty if that is meant.
    """

    reasons: Sequence[str] = ()

    def body(self, release: str) -> Json | None:  # noqa: ARG002 # as a running monitor
        """Return None: each release is shown as stored."""
        return None

    def last_looks(self) -> Mapping[str, datetime | None]:
        """Return no looks."""
        return {}

    def is_standby(self) -> bool:
        """Return False: this process does not wait to take over."""
        return False

    def is_store_unavailable(self) -> bool:
        """Return False: a query may wait for the store."""
        return False

    def unready(self) -> Sequence[str]:
        """Return the reasons."""
        return self.reasons

    def unable(self) -> Sequence[str]:
        """Return the reasons."""
        return self.reasons

    def stuck(self) -> Sequence[str]:
        """Return nothing: no process needs a restart."""
        return ()

    def as_json(self) -> Json:
        """Return the reasons, and no checks."""
        return {"unready": [*self.reasons], "status": {}}

    def checks(self) -> Sequence[Check]:
        """Return no checks."""
        return ()

    def metrics(self) -> Iterable[bytes]:
        """Return no metrics."""
        return ()

    def embargoed_metrics(self) -> Iterable[bytes]:
        """Return no metrics."""
        return ()

"""What the pages and the API read from the monitor of their process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from monitor.health.self_check import Check
from schedules.times.json import Json


class MonitorView:
    """The state of a monitor. This base is that of a process that runs none, and measures nothing.

    `reasons` say why no one may rely on it, empty if that is meant.
    """

    reasons: Sequence[str] = ()

    def body(self, release: str) -> Json | None:  # noqa: ARG002 # a running monitor needs it
        """Return the JSON of a watched release as of now, or None if it is not watched."""
        return None

    def last_looks(self) -> Mapping[str, datetime | None]:
        """Return when each watched release last had a look that proved something, by id."""
        return {}

    def is_store_unavailable(self) -> bool:
        """Return whether queries should not wait for the store, which has long not answered."""
        return False

    def is_standby(self) -> bool:
        """Return whether another monitor looks, and this one waits to take over."""
        return False

    def unready(self) -> Sequence[str]:
        """Return the reasons not to rely on this monitor now, empty if there are none."""
        return self.reasons

    def unable(self) -> Sequence[str]:
        """Return the reasons why this monitor cannot serve or look, empty if it can."""
        return self.reasons

    def stuck(self) -> Sequence[str]:
        """Return the reasons to restart this process, empty if there are none."""
        return ()

    def as_json(self) -> Json:
        """Return the health of the monitor: `unready`, and its checks under their headings."""
        return {"unready": [*self.reasons], "status": {}}

    def checks(self) -> Sequence[Check]:
        """Return the state of store, calendars, looks, clock, budgets and channels."""
        return ()

    def metrics(self) -> Iterable[bytes]:
        """Yield the metrics for Prometheus, one at a time."""
        return ()

    def embargoed_metrics(self) -> Iterable[bytes]:
        """Yield the metrics of releases before their slot, one at a time."""
        return ()

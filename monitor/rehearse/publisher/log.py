"""What the simulated publisher was asked, and how fast."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request, when it came by the publisher's clock."""

    at: datetime
    method: str
    host: str
    path: str
    query: str


class RequestLog:
    """Every request, in the order they came."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Note one request."""
        self.entries.append(entry)

    def requests(self) -> dict[str, int]:
        """Return the number of requests to each host."""
        return dict(sorted(Counter(entry.host for entry in self.entries).items()))

    def peak_rate(self) -> dict[str, int]:
        """Return for each host the most requests that came within any one second."""
        return {host: _peak([entry.at for entry in self.entries if entry.host == host]) for host in self.requests()}


def _peak(starts: list[datetime]) -> int:
    most = oldest = 0
    for newest, at in enumerate(starts):
        # Half open: what came exactly a second ago is no longer in this second.
        while at - starts[oldest] >= _SECOND:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most

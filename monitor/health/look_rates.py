"""How many looks a second were made at each host lately, for the status page."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_SAMPLES = 7
"""Samples that are kept: sampled every ten seconds, they span a minute."""


@dataclass(frozen=True, slots=True)
class LookRates:
    """Measures the pace of looks from samples of a counter by host and outcome."""

    counts: Mapping[tuple[str, ...], float]
    monotonic: Callable[[], float]
    _samples: deque[tuple[float, Counter[str]]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    async def sample(self) -> None:
        """Take a sample; a recurring job."""
        by_host = Counter[str]()
        for (host, *_), count in self.counts.items():
            by_host[host] += round(count)
        self._samples.append((self.monotonic(), by_host))

    def per_second(self) -> dict[str, float]:
        """Return the looks a second at each host since the oldest sample; empty before the second sample."""
        if len(self._samples) < 2 or (span := self._samples[-1][0] - self._samples[0][0]) <= 0:
            return {}
        made = self._samples[-1][1] - self._samples[0][1]
        return {host: count / span for host, count in made.most_common()}

"""A histogram and a counter for what happens at every look."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import inf

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector


class QuickHistogram(Collector):
    """Counts values that one thread alone observes, without the locks of the library's own; it is read anywhere."""

    def __init__(self, registry: CollectorRegistry, name: str, told: str, bounds: Sequence[float]) -> None:
        """Count nothing yet, as `ninethirty_NAME`; `bounds` are the upper ends of its buckets, rising."""
        self._name, self._told = f"ninethirty_{name}", told
        self._bounds = tuple(bound for bound in bounds if bound != inf)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield what was counted so far."""
        ends = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        buckets = list(zip(ends, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._told, buckets=buckets, sum_value=self._sum)


class QuickCounter(Collector):
    """Counts in `counts`, by the values of its labels, what one thread alone counts; it is read anywhere."""

    def __init__(self, registry: CollectorRegistry, name: str, told: str, labels: Sequence[str]) -> None:
        """Count nothing yet, as `ninethirty_NAME_total`."""
        self._name, self._told, self._labels = f"ninethirty_{name}", told, labels
        self.counts: defaultdict[tuple[str, ...], int] = defaultdict(int)
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield what was counted so far."""
        family = CounterMetricFamily(self._name, self._told, labels=self._labels)
        for labels, count in list(self.counts.items()):
            family.add_metric(labels, count)
        yield family

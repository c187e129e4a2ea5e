from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from monitor.health.metrics import Metrics, QuickCounter, QuickHistogram

VALUES = st.one_of(st.sampled_from(Histogram.DEFAULT_BUCKETS), st.floats(0, 30))
Metrics("1.0")  # from here on the library exports no series `_created`


@given(st.lists(VALUES, max_size=20))
def test_a_histogram_is_exported_like_the_librarys_own(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    our_histogram = QuickHistogram(ours, "look_seconds", "Of a look", Histogram.DEFAULT_BUCKETS)
    their_histogram = Histogram("look_seconds", "Of a look", namespace="ninethirty", registry=theirs)
    for value in values:
        our_histogram.observe(value)
        their_histogram.observe(value)
    assert generate_latest(ours) == generate_latest(theirs)


@given(st.lists(st.sampled_from([("a.example", "present"), ("a.example", "dns"), ('"b"\n', "absent")]), max_size=20))
def test_a_counter_is_exported_like_the_librarys_own(looks: list[tuple[str, str]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    our_counter = QuickCounter(ours, "looks", "Looks made", ["host", "outcome"])
    their_counter = Counter("looks", "Looks made", ["host", "outcome"], namespace="ninethirty", registry=theirs)
    for labels in looks:
        our_counter.counts[labels] += 1
        their_counter.labels(*labels).inc()
    assert generate_latest(ours) == generate_latest(theirs)

"""A host is silent while all looks at it prove nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from monitor.clock import VirtualClock
from monitor.health.hosts import SilentHost, SilentHosts, WorkerHealth
from monitor.health.metrics import Metrics
from monitor.judge.runs import Blind
from monitor.look.reading import NO_WORKER
from monitor.look.sighting import Sighting, State

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOON = NOON + timedelta(minutes=1)


def note_looks(
    hosts: SilentHosts,
    host: str,
    state: State,
    *,
    seconds: Sequence[float],
    begin: datetime = NOON,
    why: str = "503",
) -> None:
    """Note a look at the host at each of these seconds after `begin`, with this state and
    reason.
    """
    for second in seconds:
        at = begin + timedelta(seconds=second)
        hosts.note(host, Sighting(f"r/{host}/edge", state, at, at, at, at, why=why))


def test_silent_host_is_reported_with_start_and_reason() -> None:
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, seconds=(0, 5, 10, 15), why="503")
    silence = SilentHost(since=NOON, until=NOON + timedelta(seconds=15), looks=4, why="503")
    assert hosts.silent_now(SOON) == {"www.gov.uk": silence}


def test_only_proof_at_the_same_host_ends_its_silence() -> None:
    """Looks at `www.gov.uk` fail from 0 s to 15 s."""
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, seconds=(0, 5, 10, 15))
    note_looks(hosts, "stats.example", State.ABSENT, seconds=[20])
    assert hosts.silent_now(SOON).keys() == {"www.gov.uk"}
    note_looks(hosts, "www.gov.uk", State.ABSENT, seconds=[20])
    assert hosts.silent_now(SOON) == {}


@pytest.mark.parametrize(
    "seconds_of_looks", [(0, 30), range(9)], ids=["two looks", "nine looks in eight seconds"]
)
def test_few_or_very_close_failed_looks_are_not_reported(seconds_of_looks: Sequence[int]) -> None:
    """A silence is at least three failed looks in at least ten seconds.

    So nine looks in eight seconds are none.
    """
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, seconds=seconds_of_looks)
    assert hosts.silent_now(SOON) == {}


def test_host_whose_answers_we_could_not_read_is_not_silent() -> None:
    hosts = SilentHosts()
    # The host answered, but there was no worker process to read the answers.
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, seconds=range(0, 60, 5), why=NO_WORKER)
    assert hosts.silent_now(SOON) == {}


def test_host_without_looks_for_ten_minutes_is_not_reported() -> None:
    """A host is silent while all looks at it prove nothing, here from 0 to 15 s.

    Then there are no more looks.
    """
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, seconds=(0, 5, 10, 15))
    assert hosts.silent_now(NOON + timedelta(minutes=11)) == {}


def test_silence_a_day_later_is_reported_as_a_new_one() -> None:
    """Four looks fail at noon, and four at noon of the next day."""
    hosts, next_noon = SilentHosts(), NOON + timedelta(days=1)
    for noon in (NOON, next_noon):
        note_looks(hosts, "www.gov.uk", State.UNKNOWN, seconds=(0, 5, 10, 15), begin=noon)
    (silence,) = hosts.silent_now(next_noon + timedelta(minutes=1)).values()
    assert (silence.since, silence.looks) == (next_noon, 4)


FAULT, NO_FAULT = "no process: Resource temporarily unavailable", ""
"""Why a worker does not start, and the empty reason if it does."""


class Noon(VirtualClock):
    """A clock that shows as many seconds after noon as a test says."""

    seconds = 0.0

    def now(self) -> datetime:
        return after(self.seconds)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@dataclass
class WorkerStarts:
    """Attempts to start a worker, which is a process that reads large answers, and the reported
    `blind` spans.
    """

    clock: Noon = field(default_factory=lambda: Noon(NOON))
    metrics: Metrics = field(default_factory=lambda: Metrics("1"))
    blind: list[Blind] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.health = WorkerHealth(self.clock, self.metrics, self.blind.append)

    def attempt_start(self, *, at: float, fault: str) -> None:
        """Try for a second to start a worker, which fails for this reason, or succeeds with
        `NO_FAULT`.
        """
        self.clock.seconds = at
        self.health.note_start_attempt(after(at - 1), fault)


def test_failed_worker_starts_are_reported_until_one_succeeds() -> None:
    """A worker is a process that reads large responses."""
    workers = WorkerStarts()
    assert workers.health.reasons() == []
    # Each attempt takes a second, so the first one began at noon.
    workers.attempt_start(at=1, fault=FAULT)
    workers.attempt_start(at=20, fault=FAULT)
    reason = (
        "no calendar and nothing larger than 16 KB can be read since 12:00:00 UTC: no worker"
        " process starts"
    )
    assert (workers.health.reasons(), workers.health.fault) == ([reason], FAULT)
    assert workers.metrics.registry.get_sample_value("ninethirty_worker_start_failures_total") == 2
    workers.attempt_start(at=30, fault=NO_FAULT)
    assert (workers.health.reasons(), workers.health.fault) == ([], "")
    assert workers.metrics.registry.get_sample_value("ninethirty_worker_start_failures_total") == 2


def test_host_is_blind_from_unread_answer_until_worker_starts() -> None:
    """A worker reads large answers, and none starts until 60 s. The host has unread answers at 0 s
    and 5 s. So it is blind, which means not watched, from 0 s to 60 s.
    """
    workers = WorkerStarts()
    workers.attempt_start(at=1, fault=FAULT)
    workers.health.note_unread("www.gov.uk", after(0))
    workers.health.note_unread("www.gov.uk", after(5))
    workers.attempt_start(at=60, fault=NO_FAULT)
    assert workers.blind == [Blind(after(0), after(60), "no_worker", "www.gov.uk")]
    # The span has ended, so the next start reports none.
    workers.attempt_start(at=90, fault=NO_FAULT)
    assert len(workers.blind) == 1


def test_growing_blind_spans_are_reported_at_most_every_30_s() -> None:
    """A worker reads large answers.

    Without one, a host that sends them counts as not watched: blind.
    """
    workers = WorkerStarts()
    workers.attempt_start(at=1, fault=FAULT)
    workers.health.note_unread("www.gov.uk", after(0))
    workers.attempt_start(at=10, fault=FAULT)
    # At 10 s the span of www.gov.uk is reported, as long as it is so far.
    blind_until_10 = [Blind(after(0), after(10), "no_worker", "www.gov.uk")]
    assert workers.blind == blind_until_10
    # At 45 s a second host is blind too, and both are reported.
    workers.health.note_unread("stats.example", after(12))
    workers.attempt_start(at=45, fault=FAULT)
    blind_until_45 = [
        Blind(after(0), after(45), "no_worker", "www.gov.uk"),
        Blind(after(12), after(45), "no_worker", "stats.example"),
    ]
    assert workers.blind == blind_until_10 + blind_until_45
    # 50 s is less than 30 s after the last report, so there is no further one.
    workers.attempt_start(at=50, fault=FAULT)
    assert workers.blind == blind_until_10 + blind_until_45
    # A worker starts: this ends the spans, and they are reported to their end.
    workers.attempt_start(at=60, fault=NO_FAULT)
    blind_until_60 = [
        Blind(after(0), after(60), "no_worker", "www.gov.uk"),
        Blind(after(12), after(60), "no_worker", "stats.example"),
    ]
    assert workers.blind == blind_until_10 + blind_until_45 + blind_until_60


def test_answer_from_before_failed_starts_makes_no_host_blind() -> None:
    """A worker reads large answers. While none starts, a host with an unread answer is blind, which
    means not watched. Here the only unread answer came before the starts that failed.
    """
    workers = WorkerStarts()
    workers.attempt_start(at=1, fault=FAULT)
    workers.attempt_start(at=2, fault=NO_FAULT)
    # A worker started at 2 s, so the answer that came then, noted as unread, is ignored.
    workers.health.note_unread("www.gov.uk", after(2))
    # From 3 to 40 s starts fail again, but no answer of this time is unread.
    workers.attempt_start(at=3, fault=FAULT)
    workers.attempt_start(at=40, fault=FAULT)
    workers.attempt_start(at=41, fault=NO_FAULT)
    assert workers.blind == []

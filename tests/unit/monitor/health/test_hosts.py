from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from monitor.health.hosts import SilentHost, SilentHosts
from monitor.look.reading import NO_WORKER
from monitor.look.sighting import Sighting, State

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOON = NOON + timedelta(minutes=1)


def note_looks(
    hosts: SilentHosts, host: str, state: State, *seconds: float, begin: datetime = NOON, why: str = "503"
) -> None:
    """Note a look at the host at each of these seconds after `begin`, with this state and reason."""
    for second in seconds:
        at = begin + timedelta(seconds=second)
        hosts.note(host, Sighting(f"r/{host}/edge", state, at, at, at, at, why=why))


def test_a_host_whose_looks_prove_nothing_is_reported_with_start_and_reason() -> None:
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, 0, 5, 10, 15, why="503")
    assert hosts.silent_now(SOON) == {"www.gov.uk": SilentHost(NOON, NOON + timedelta(seconds=15), 4, "503")}


def test_only_a_look_with_proof_at_the_same_host_ends_the_report_of_a_host() -> None:
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, 0, 5, 10, 15)
    note_looks(hosts, "stats.example", State.ABSENT, 20)
    assert hosts.silent_now(SOON).keys() == {"www.gov.uk"}
    note_looks(hosts, "www.gov.uk", State.ABSENT, 20)
    assert hosts.silent_now(SOON) == {}


@pytest.mark.parametrize("seconds", [(0, 30), range(9)], ids=["two looks", "nine looks in eight seconds"])
def test_failed_looks_are_not_reported_if_they_are_few_or_in_less_than_ten_seconds(seconds: Sequence[int]) -> None:
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, *seconds)
    assert hosts.silent_now(SOON) == {}


def test_a_host_whose_responses_we_could_not_read_is_not_reported_as_silent() -> None:
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, *range(0, 60, 5), why=NO_WORKER)
    assert hosts.silent_now(SOON) == {}


def test_a_host_without_looks_for_ten_minutes_is_not_reported() -> None:
    hosts = SilentHosts()
    note_looks(hosts, "www.gov.uk", State.UNKNOWN, 0, 5, 10, 15)
    assert hosts.silent_now(NOON + timedelta(minutes=11)) == {}


def test_a_host_that_is_silent_again_after_a_day_is_reported_from_the_second_time_on() -> None:
    hosts, next_noon = SilentHosts(), NOON + timedelta(days=1)
    for noon in (NOON, next_noon):
        note_looks(hosts, "www.gov.uk", State.UNKNOWN, 0, 5, 10, 15, begin=noon)
    (silence,) = hosts.silent_now(next_noon + timedelta(minutes=1)).values()
    assert (silence.since, silence.looks) == (next_noon, 4)

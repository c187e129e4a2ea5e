from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitor.health.hosts import SilentHosts
from monitor.look.reading import NO_WORKER
from monitor.look.sighting import Sighting, State

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOON = NOON + timedelta(minutes=1)


def hosts_after_looks(*looks: tuple[float, str, State]) -> SilentHosts:
    """Return what was heard of hosts in looks at these seconds."""
    unheard = SilentHosts()
    for seconds, host, state in looks:
        at = NOON + timedelta(seconds=seconds)
        unheard.note(host, Sighting(f"r/{host}/edge", state, at, at, at, at, status=503))
    return unheard


def test_a_host_whose_looks_prove_nothing_is_reported_with_start_and_reason() -> None:
    unheard = hosts_after_looks(*((5.0 * n, "www.gov.uk", State.UNKNOWN) for n in range(4))).silent_now(SOON)
    assert unheard.keys() == {"www.gov.uk"}
    silence = unheard["www.gov.uk"]
    assert (silence.since, silence.looks, silence.why) == (NOON, 4, "503")


def test_one_look_with_proof_ends_the_report_of_a_host() -> None:
    looks = [(5.0 * n, "www.gov.uk", State.UNKNOWN) for n in range(4)]
    assert hosts_after_looks(*looks, (20, "www.gov.uk", State.ABSENT)).silent_now(SOON) == {}
    assert hosts_after_looks(*looks, (20, "stats.example", State.ABSENT)).silent_now(SOON).keys() == {"www.gov.uk"}


def test_a_few_failed_looks_in_a_moment_are_not_reported() -> None:
    assert hosts_after_looks((0, "www.gov.uk", State.UNKNOWN), (30, "www.gov.uk", State.UNKNOWN)).silent_now(SOON) == {}
    assert hosts_after_looks(*((1.0 * n, "www.gov.uk", State.UNKNOWN) for n in range(9))).silent_now(SOON) == {}


def test_a_host_whose_responses_we_could_not_read_is_not_reported_as_silent() -> None:
    unheard = SilentHosts()
    for seconds in range(0, 60, 5):
        at = NOON + timedelta(seconds=seconds)
        unheard.note("www.gov.uk", Sighting("r/page/edge", State.UNKNOWN, at, at, at, at, why=NO_WORKER))
    assert unheard.silent_now(SOON) == {}


def test_a_host_without_recent_looks_is_not_reported() -> None:
    looks = [(5.0 * n, "www.gov.uk", State.UNKNOWN) for n in range(4)]
    assert hosts_after_looks(*looks).silent_now(NOON + timedelta(minutes=11)) == {}
    a_day = 86_400.0
    again = hosts_after_looks(*looks, *((a_day + at, host, state) for at, host, state in looks))
    (silence,) = again.silent_now(NOON + timedelta(days=1, minutes=1)).values()
    assert (silence.since, silence.looks) == (NOON + timedelta(days=1), 4)

"""An exposure records why it ended: the part was removed, its slot came, or the looks do not show which."""

from __future__ import annotations

import pytest

from monitor.judge.as_json import release_json
from monitor.judge.differences import find_differences
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from schedules.contract.verdict import Ended, Exposure
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import Story
from tests.worlds.verdicts import judged

CAME = [(-300.0, State.ABSENT), (-120.0, State.PRESENT)]


def early(*turns: tuple[float, State], now: float, every: float = 1.0) -> Verdict:
    """Return the verdict on a page that came 120 s early and then turned as given, looked at until `now`."""
    return judged(now, {"page": Story([*CAME, *turns], every=every, specific=True)})


def exposure(*turns: tuple[float, State], now: float, every: float = 1.0) -> Exposure:
    (only,) = early(*turns, now=now, every=every).exposures
    return only


@pytest.mark.parametrize(
    ("turns", "ended"),
    [
        ([], Ended.SLOT),
        ([(-60.0, State.ABSENT)], Ended.REMOVED),
        ([(-60.0, State.ABSENT), (10.0, State.PRESENT)], Ended.REMOVED),
        ([(30.0, State.ABSENT)], Ended.SLOT),
        ([(-60.0, State.UNKNOWN), (10.0, State.ABSENT)], Ended.UNKNOWN),
        ([(-60.0, State.UNKNOWN), (10.0, State.PRESENT)], Ended.UNKNOWN),
        ([(-60.0, State.UNKNOWN)], Ended.UNKNOWN),
    ],
    ids=[
        "public until now",
        "removed before its slot",
        "removed before its slot and released later",
        "removed after its slot",
        "unseen over the slot, absent after",
        "unseen over the slot, public after",
        "never seen again",
    ],
)
def test_the_reason_an_exposure_ended_follows_from_the_looks(turns: list[tuple[float, State]], ended: Ended) -> None:
    found = exposure(*turns, now=60)
    assert (found.open, found.ended) == (False, ended)


def test_an_exposure_stays_open_at_its_slot_until_the_next_look_shows_why_it_ends() -> None:
    # The last look before the slot is 6 s old, and the next one comes a second after it.
    waiting = early(now=0.0, every=7.0)
    assert [(exposure.open, exposure.ended) for exposure in waiting.exposures] == [(True, None)]
    assert not waiting.final
    assert exposure(now=4.0, every=7.0) == exposure(now=1.0, every=7.0)


def test_an_exposure_without_a_look_after_its_slot_closes_twenty_seconds_after_it() -> None:
    lost = [(-3.0, State.UNKNOWN)]
    verdict = early(*lost, now=0.0)
    assert verdict.revisit == after_slot(20)
    found = exposure(*lost, now=20.0)
    assert (found.open, found.ended, found.to) == (False, Ended.UNKNOWN, Interval(after_slot(-4), after_slot(0)))


def test_a_stored_exposure_without_its_reason_to_end_replays_without_a_difference() -> None:
    again = release_json(early(now=60))
    assert again["exposures"][0]["ended"] == "slot"
    old = release_json(early(now=60))
    for part in (old, *old["parts"]):
        for exposure_json in part["exposures"]:
            del exposure_json["ended"]
    assert find_differences(old, again) == []


def test_only_a_known_reason_that_changes_is_a_difference() -> None:
    again = release_json(early(now=60))
    for stored, lines in (("unknown", []), ("removed", ["exposures[0].ended: was removed, is slot"])):
        before = release_json(early(now=60))
        before["exposures"][0]["ended"] = stored
        assert find_differences(before, again) == lines

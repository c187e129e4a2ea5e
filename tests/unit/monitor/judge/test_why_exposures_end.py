"""An exposure records why it ended: the part was removed, its slot came, or the looks do not show which."""

from __future__ import annotations

import pytest

from monitor.judge.as_json import release_json
from monitor.judge.differences import find_differences
from monitor.judge.verdict import Verdict
from schedules.contract.verdict import Ended, Exposure
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, RegularLooks, Turn
from tests.worlds.verdicts import judged


def verdict_on_early_page(*turns: Turn, now: float, every: float = 1.0) -> Verdict:
    """Return the verdict on a page that came 120 s early and then turned as given, looked at until `now`."""
    return judged(now, {"page": RegularLooks([(-300, ABSENT), (-120, PRESENT), *turns], every=every, specific=True)})


def exposure_of_early_page(*turns: Turn, now: float, every: float = 1.0) -> Exposure:
    (exposure,) = verdict_on_early_page(*turns, now=now, every=every).exposures
    return exposure


@pytest.mark.parametrize(
    ("turns", "ended"),
    [
        ([], Ended.SLOT),
        ([(-60.0, ABSENT)], Ended.REMOVED),
        ([(-60.0, ABSENT), (10.0, PRESENT)], Ended.REMOVED),
        ([(30.0, ABSENT)], Ended.SLOT),
        ([(-60.0, UNKNOWN), (10.0, ABSENT)], Ended.UNKNOWN),
        ([(-60.0, UNKNOWN), (10.0, PRESENT)], Ended.UNKNOWN),
        ([(-60.0, UNKNOWN)], Ended.UNKNOWN),
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
def test_the_reason_an_exposure_ended_follows_from_the_looks(turns: list[Turn], ended: Ended) -> None:
    exposure = exposure_of_early_page(*turns, now=60)
    assert (exposure.open, exposure.ended) == (False, ended)


def test_an_exposure_stays_open_at_its_slot_until_the_next_look_shows_why_it_ends() -> None:
    # With a look every 7 s the last before the slot is 6 s old, and the next one comes a second after it.
    at_slot = verdict_on_early_page(now=0, every=7)
    assert [(exposure.open, exposure.ended) for exposure in at_slot.exposures] == [(True, None)]
    assert not at_slot.final
    after_next_look = exposure_of_early_page(now=1, every=7)
    assert (after_next_look.open, after_next_look.ended) == (False, Ended.SLOT)
    assert exposure_of_early_page(now=4, every=7) == after_next_look


def test_an_exposure_whose_looks_fail_at_its_slot_is_judged_again_20_s_later() -> None:
    looks_fail_since_3_s_before_slot = (-3, UNKNOWN)
    assert verdict_on_early_page(looks_fail_since_3_s_before_slot, now=0).revisit == after_slot(20)


def test_an_exposure_whose_looks_fail_at_its_slot_ends_by_then_for_an_unknown_reason() -> None:
    last_shown, first_failed, slot = -4, -3, 0
    # The page is looked at each second. 20 s after the slot the verdict no longer waits for a usable look.
    exposure = exposure_of_early_page((first_failed, UNKNOWN), now=20, every=1)
    assert (exposure.open, exposure.ended) == (False, Ended.UNKNOWN)
    assert exposure.to == Interval(after=after_slot(last_shown), by=after_slot(slot))


def test_a_stored_exposure_without_the_field_ended_replays_without_a_difference() -> None:
    # Older versions stored exposures without `ended`. A replay compares what is stored with the verdict computed again.
    stored, again = (release_json(verdict_on_early_page(now=60)) for _ in range(2))
    assert again["exposures"][0]["ended"] == "slot"
    for part in (stored, *stored["parts"]):
        for exposure_json in part["exposures"]:
            del exposure_json["ended"]
    assert find_differences(stored, again) == []


def test_a_replay_reports_another_reason_for_the_end_of_an_exposure_than_the_stored_one() -> None:
    # The page came early and stayed, so the exposure ended at its slot.
    stored, computed_again = (release_json(verdict_on_early_page(now=60)) for _ in range(2))
    stored["exposures"][0]["ended"] = "removed"
    assert find_differences(stored, computed_again) == ["exposures[0].ended: was removed, is slot"]


def test_a_replay_may_find_the_reason_for_the_end_of_an_exposure_that_was_stored_as_unknown() -> None:
    # Looks made since the verdict was stored may show why it ended, so this is no difference.
    stored, computed_again = (release_json(verdict_on_early_page(now=60)) for _ in range(2))
    stored["exposures"][0]["ended"] = "unknown"
    assert computed_again["exposures"][0]["ended"] == "slot"
    assert find_differences(stored, computed_again) == []

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


ENDS = {
    "public until now": ([], Ended.SLOT),
    "removed before its slot": ([(-60.0, ABSENT)], Ended.REMOVED),
    "removed before its slot and released later": ([(-60.0, ABSENT), (10.0, PRESENT)], Ended.REMOVED),
    "removed after its slot": ([(30.0, ABSENT)], Ended.SLOT),
    "unseen over the slot, absent after": ([(-60.0, UNKNOWN), (10.0, ABSENT)], Ended.UNKNOWN),
    "unseen over the slot, public after": ([(-60.0, UNKNOWN), (10.0, PRESENT)], Ended.UNKNOWN),
    "never seen again": ([(-60.0, UNKNOWN)], Ended.UNKNOWN),
}


@pytest.mark.parametrize(("turns", "ended"), ENDS.values(), ids=ENDS)
def test_looks_give_the_reason_an_exposure_ended(turns: list[Turn], ended: Ended) -> None:
    """The page was public from 120 s before its slot on. If looks find it absent from 60 s before the slot on
    (`turns`), it was removed. If they fail from then on, the reason is not known."""
    exposure = exposure_of_early_page(*turns, now=60)
    assert (exposure.open, exposure.ended) == (False, ended)


def test_exposure_stays_open_at_slot_until_next_look() -> None:
    """A page was public from 120 s before its slot on. The first look after the slot shows why this exposure ended.
    With a look every 7 s, that look comes a second after the slot."""
    at_slot = verdict_on_early_page(now=0, every=7)
    assert [(exposure.open, exposure.ended) for exposure in at_slot.exposures] == [(True, None)]
    assert not at_slot.final
    after_next_look = exposure_of_early_page(now=1, every=7)
    assert (after_next_look.open, after_next_look.ended) == (False, Ended.SLOT)
    # Until a further look, the exposure stays the same.
    assert exposure_of_early_page(now=4, every=7) == after_next_look


def test_exposure_is_closed_20_s_after_slot_if_looks_fail() -> None:
    """A page was public before its slot. Looks fail from 3 s before it on. Until 20 s after it, the verdict waits for a
    look that shows why the exposure ended. Then it counts as ended by the slot, for an unknown reason."""
    last_shown, first_failed, slot, judged_again = -4, -3, 0, 20
    assert verdict_on_early_page((first_failed, UNKNOWN), now=slot).revisit == after_slot(judged_again)
    exposure = exposure_of_early_page((first_failed, UNKNOWN), now=judged_again, every=1)
    assert (exposure.open, exposure.ended) == (False, Ended.UNKNOWN)
    assert exposure.to == Interval(after=after_slot(last_shown), by=after_slot(slot))


def test_replay_accepts_stored_exposure_without_its_reason_for_ending() -> None:
    """Older versions did not store `ended`, why an exposure ended. A replay, which judges again, accepts that."""
    stored, again = (release_json(verdict_on_early_page(now=60)) for _ in range(2))
    assert again["exposures"][0]["ended"] == "slot"
    for part in (stored, *stored["parts"]):
        for exposure_json in part["exposures"]:
            del exposure_json["ended"]
    assert find_differences(stored, again) == []


@pytest.mark.parametrize(
    ("stored_reason", "differences"),
    [("removed", ["exposures[0].ended: was removed, is slot"]), ("unknown", [])],
)
def test_replay_may_only_replace_an_unknown_reason_for_end(stored_reason: str, differences: list[str]) -> None:
    """A replay judges a release again and compares that with what is stored. If it was not known why an exposure ended,
    later looks may show that it ended at its slot. Any other stored reason must stay the same."""
    stored, computed_again = (release_json(verdict_on_early_page(now=60)) for _ in range(2))
    assert computed_again["exposures"][0]["ended"] == "slot"
    stored["exposures"][0]["ended"] = stored_reason
    assert find_differences(stored, computed_again) == differences

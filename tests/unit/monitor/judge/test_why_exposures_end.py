"""An exposure records why it ended: the part was removed, its slot came, or the looks do not show
which.
"""

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
    """Return the verdict on a page that came 120 s early and then turned as given, looked at until
    `now`.
    """
    return judged(
        now,
        {
            "page": RegularLooks(
                [(-300, ABSENT), (-120, PRESENT), *turns], every=every, specific=True
            )
        },
    )


def exposure_of_early_page(*turns: Turn, now: float, every: float = 1.0) -> Exposure:
    (exposure,) = verdict_on_early_page(*turns, now=now, every=every).exposures
    return exposure


ENDS = {
    "public until now": ([], Ended.SLOT),
    "removed before its slot": ([(-60.0, ABSENT)], Ended.REMOVED),
    "removed before its slot and released later": (
        [(-60.0, ABSENT), (10.0, PRESENT)],
        Ended.REMOVED,
    ),
    "removed after its slot": ([(30.0, ABSENT)], Ended.SLOT),
    "unseen over the slot, absent after": ([(-60.0, UNKNOWN), (10.0, ABSENT)], Ended.UNKNOWN),
    "unseen over the slot, public after": ([(-60.0, UNKNOWN), (10.0, PRESENT)], Ended.UNKNOWN),
    "never seen again": ([(-60.0, UNKNOWN)], Ended.UNKNOWN),
}


@pytest.mark.parametrize(("turns", "ended"), ENDS.values(), ids=ENDS)
def test_looks_give_the_reason_an_exposure_ended(turns: list[Turn], ended: Ended) -> None:
    """A page was public from 120 s before its slot on: an exposure. Then it changed as in `turns`.
    The verdict of 60 s after the slot says why the exposure ended.
    - Absent before the slot: it was removed.
    - Public until after the slot: its slot was reached.
    - All looks from some time before the slot until after it failed: unknown.
    """
    exposure = exposure_of_early_page(*turns, now=60)
    assert (exposure.open, exposure.ended) == (False, ended)


def test_exposure_stays_open_at_slot_until_next_look() -> None:
    """A page was public from 120 s before its slot on. This exposure ends at the slot, but only the
    first look after the slot shows why. Looks are made every 7 s. So this look comes a second after
    the slot. At the slot, the exposure is still open, without a reason (None).
    """
    at_slot = verdict_on_early_page(now=0, every=7)
    assert [(exposure.open, exposure.ended) for exposure in at_slot.exposures] == [(True, None)]
    assert not at_slot.final
    after_next_look = exposure_of_early_page(now=1, every=7)
    assert (after_next_look.open, after_next_look.ended) == (False, Ended.SLOT)
    # There is no further look until 8 s. So at 4 s, the exposure is the same.
    assert exposure_of_early_page(now=4, every=7) == after_next_look


def test_exposure_is_closed_20_s_after_slot_if_looks_fail() -> None:
    """A page was public early, and last seen 4 s before its slot. All later looks failed. At the
    slot, the exposure waits up to 20 s for a look that shows why it ended. So the verdict is made
    again after 20 s (`revisit`). No such look came. So the exposure ended for an unknown reason,
    between the last look that showed the page and the slot.
    """
    last_shown, first_failed, slot, judged_again = -4, -3, 0, 20
    assert verdict_on_early_page((first_failed, UNKNOWN), now=slot).revisit == after_slot(
        judged_again
    )
    exposure = exposure_of_early_page((first_failed, UNKNOWN), now=judged_again, every=1)
    assert (exposure.open, exposure.ended) == (False, Ended.UNKNOWN)
    assert exposure.to == Interval(after=after_slot(last_shown), by=after_slot(slot))


def test_replay_accepts_stored_exposure_without_its_reason_for_ending() -> None:
    """A replay judges a stored release again and lists all differences. Older versions did not
    store why an exposure ended (`ended`). The new verdict says it: at its slot. This is not a
    difference.
    """
    stored = release_json(verdict_on_early_page(now=60))
    judged_again = release_json(verdict_on_early_page(now=60))
    assert judged_again["exposures"][0]["ended"] == "slot"
    # The JSON has each exposure twice: of the release and of its part.
    for release_or_part in (stored, *stored["parts"]):
        for exposure in release_or_part["exposures"]:
            del exposure["ended"]
    assert find_differences(stored, judged_again) == []


@pytest.mark.parametrize(
    ("stored_reason", "differences"),
    [("removed", ["exposures[0].ended: was removed, is slot"]), ("unknown", [])],
)
def test_replay_may_only_replace_an_unknown_reason_for_end(
    stored_reason: str, differences: list[str]
) -> None:
    """A replay judges a stored release again and lists all differences.

    Now the exposure ended at its slot.
    - The stored reason was “unknown”: later looks may have shown the reason. This is not a
      difference.
    - The stored reason was “removed”: later looks cannot change that. This is a difference.
    """
    stored = release_json(verdict_on_early_page(now=60))
    judged_again = release_json(verdict_on_early_page(now=60))
    assert judged_again["exposures"][0]["ended"] == "slot"
    stored["exposures"][0]["ended"] = stored_reason
    assert find_differences(stored, judged_again) == differences

"""A replay judges a stored release again, and lists what differs in why an exposure ended."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.judge.as_json import release_json
from monitor.judge.differences import find_differences
from schedules.times.interval import Bounds, Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, RegularLooks, a_sighting, looks
from tests.worlds.verdicts import judged

Json = dict[str, Any]


def json_of_early_page() -> Json:
    """Return the JSON of a page that came 120 s early and stayed: its exposure ended at its slot."""
    page = RegularLooks([(-300, ABSENT), (-120, PRESENT)], specific=True)
    body = release_json(judged(now=60, seen={"page": page}))
    assert body["exposures"][0]["ended"] == "slot"
    return body


def test_replay_accepts_stored_exposure_without_its_reason_for_ending() -> None:
    """Older versions did not store why an exposure ended (`ended`)."""
    stored = json_of_early_page()
    # The JSON has each exposure twice: of the release and of its part.
    for release_or_part in (stored, *stored["parts"]):
        for exposure in release_or_part["exposures"]:
            del exposure["ended"]
    assert find_differences(stored, json_of_early_page()) == []


@pytest.mark.parametrize(
    ("stored_reason", "differences"),
    [("removed", ["exposures[0].ended: was removed, is slot"]), ("unknown", [])],
)
def test_replay_may_only_replace_an_unknown_reason_for_end(
    stored_reason: str, differences: list[str]
) -> None:
    """Later looks may show a reason that was unknown, but not change one."""
    stored = json_of_early_page()
    stored["exposures"][0]["ended"] = stored_reason
    assert find_differences(stored, json_of_early_page()) == differences


def test_answer_of_a_slow_look_may_be_from_when_it_was_asked_for() -> None:
    """The only answer with the page took 0.7 s. The page may have gone while it was under way."""
    slow = a_sighting(
        PRESENT,
        -26,
        received=after_slot(-25.3),
        proved_from=after_slot(-26),
        proved_to=after_slot(-25.3),
        specific=True,
    )
    other = [a_sighting(UNKNOWN, second, status=200, why="") for second in range(-25, 18)]
    page = looks((-27, ABSENT), slow, *other, (18, PRESENT), specific=True)
    [exposure] = judged(now=60, seen={"page": page}).exposures
    assert exposure.to == Interval(after_slot(-26), after_slot(0))
    assert exposure.seconds == Bounds(0.0, 27.0)

"""A replay judges a stored release again, and lists what differs in why an exposure ended."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.judge.as_json import release_json
from monitor.judge.differences import find_differences
from schedules.times.interval import Interval
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, Look, RegularLooks, a_sighting, looks
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


@pytest.mark.parametrize("later", [(-20, UNKNOWN), (30, PRESENT)], ids=["failed", "back"])
def test_exposure_seen_once_may_have_ended_while_its_answer_was_underway(later: Look) -> None:
    """The only look that saw the page early was sent at -26 s and answered at -25.3 s. The answer
    was made in between, so the page may have been removed from -26 s on.
    """
    answered = after_slot(-25.3)
    early = a_sighting(PRESENT, -26, received=answered, proved_to=answered)
    page = looks((-60, ABSENT), early, later, specific=True)
    (exposure,) = judged(now=60, seen={"page": page}).exposures
    assert exposure.start == Interval(after_slot(-60), answered)
    assert exposure.to == Interval(after_slot(-26), after_slot(0))


def test_early_content_back_after_slot_is_there_when_its_look_is_answered() -> None:
    """The edge was public from -100 s on in looks far apart, while the origin was absent. Its last
    look was sent at 5 s and answered at 5.7 s: so the page is proved present by 5.7 s.
    """
    answered = after_slot(5.7)
    last = a_sighting(PRESENT, 5, received=answered, proved_to=answered)
    edge = looks((-200, ABSENT), (-100, PRESENT), last)
    seen = {"page": edge, "page/origin": looks((-90, ABSENT), (-80, ABSENT))}
    assert judged(now=60, seen=seen).page.released == Interval(after_slot(0), answered)

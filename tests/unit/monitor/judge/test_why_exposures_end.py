"""A replay judges a stored release again, and lists what differs in why an exposure ended."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.judge.as_json import release_json
from monitor.judge.differences import find_differences
from tests.worlds.looks import ABSENT, PRESENT, RegularLooks
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

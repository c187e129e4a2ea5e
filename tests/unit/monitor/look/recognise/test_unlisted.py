"""A listing proves absence, unless it has the release at an address that is not a known alternative."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from monitor.look.recognise.govuk import recognise_index
from monitor.look.sighting import State
from tests.unit.monitor.look.recognise.pages import CONTEXT, TITLE, answer

REPORT = "/government/publications/example-claims-main-report"
AWARE = replace(CONTEXT, alternatives=(f"https://www.gov.uk{REPORT}",))


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        ([], State.ABSENT),
        ([REPORT], State.ABSENT),
        (["/government/statistics/example-claims--1"], State.PRESENT),
        ([REPORT, "/government/statistics/example-claims--1"], State.PRESENT),
    ],
    ids=["nothing", "the alternative", "another address", "both"],
)
def test_a_known_alternative_in_a_listing_does_not_show_that_the_page_is_out(listed: list[str], state: State) -> None:
    content = json.dumps({"results": [{"title": TITLE, "link": link, "public_timestamp": "x"} for link in listed]})
    assert recognise_index(answer(content.encode(), "application/json"), AWARE).state is state

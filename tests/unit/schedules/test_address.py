"""Web addresses as calendars print them."""

from __future__ import annotations

import pytest

from schedules.address import canonical_address, last_segment, repair_address


def test_blanks_and_long_dashes_are_removed_from_a_printed_address() -> None:
    printed = " https://www.gov.uk/government/ statistics/\nwidgets\u20132026\u200b"
    assert repair_address(printed) == "https://www.gov.uk/government/statistics/widgets-2026"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.gov.uk/government/statistics/x",
        "http://GOV.UK/government/statistics/x/",
        "https://www.gov.uk/government/statistics/x?utm_source=y#top",
        "www.gov.uk/government/statistics/x",
        "https://www.gov.uk/government/ statistics/x",
    ],
)
def test_addresses_of_one_page_are_the_same(url: str) -> None:
    assert canonical_address(url) == "gov.uk/government/statistics/x"


@pytest.mark.parametrize("url", ["", "/releases/x", "to be confirmed", "https://[broken/x"])
def test_an_invalid_address_joins_nothing(url: str) -> None:
    assert canonical_address(url) == ""


def test_the_last_segment_names_a_page() -> None:
    assert last_segment("https://www.gov.uk/government/statistics/x/?page=2") == "x"
    assert last_segment("https://www.gov.uk/") == ""

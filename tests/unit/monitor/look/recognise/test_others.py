"""Recognisers beside `cases/others.toml`, and how titles are compared."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import UnknownName, UserFault
from monitor.look.fetch import Answer
from monitor.look.recognise.registry import PLAIN, WITH_RULE, find_recogniser
from monitor.look.recognise.title import Likeness, compare_titles
from monitor.look.version import advanced_fields, parse_version
from schedules.titles import names_a_period
from tests.unit.monitor.look.recognise.pages import OUR_TITLE, answer, page, recognise_with
from tests.worlds.looks import UNKNOWN

SAME, UNDATED, DIFFERENT = Likeness.SAME, Likeness.UNDATED, Likeness.DIFFERENT
OTHER_EDITION = Likeness.OTHER_EDITION


def json_answer(content: object) -> Answer:
    return answer(json.dumps(content).encode(), "application/json")


def test_feed_of_more_than_500_000_bytes_is_unknown() -> None:
    """To read it would take seconds. These entries have 20,000 * 31 = 620,000 bytes."""
    entries = "<entry><title>x</title></entry>" * 20_000
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{entries}</feed>'
    seen = recognise_with("feed:example claims", answer(feed.encode(), "application/atom+xml"))
    assert seen.state is UNKNOWN


def test_very_long_title_is_unknown() -> None:
    assert recognise_with("govuk", page("Q1 2026 january " * 50_000, "", "x")).state is UNKNOWN


def test_ees_amendment_advances_last_update_and_update_count() -> None:
    """EES shows a release as published in October, and then as amended in November.

    Each answer gives a version, a line with the last update and the number of updates. Both have
    grown.
    """
    published, series = "2026-10-15T08:30:21.44+00:00", "Example claims: quarterly statistics"
    content = {
        "id": "1",
        "releaseId": "2",
        "published": published,
        "title": "July to September 2026",
    }
    content |= {"publication": {"title": series}, "lastUpdated": published, "updateCount": 1}
    amendment = {"updateCount": 2, "lastUpdated": "2026-11-03T14:12:40.1180000+00:00"}
    first = recognise_with("ees", json_answer(content)).version or ""
    assert first == "lastUpdated=2026-10-15T08:30:21.440000+00:00 updateCount=1"
    amended = recognise_with("ees", json_answer(content | amendment)).version or ""
    assert advanced_fields(parse_version(first), parse_version(amended)) == [
        "lastUpdated",
        "updateCount",
    ]


@pytest.mark.parametrize("name", ["", "nonsense", "text", "text:", "text: ", "govuk:x", "css:"])
def test_unknown_recogniser_is_refused(name: str) -> None:
    with pytest.raises(UnknownName):
        find_recogniser(name)


@pytest.mark.parametrize("name", ["css:h1[", "jmespath:a["])
def test_unreadable_rule_is_a_user_fault(name: str) -> None:
    with pytest.raises(UserFault):
        find_recogniser(name)


NAMES = [*PLAIN, *(f"{name}:{'title' if name == 'jmespath' else 'a'}" for name in WITH_RULE)]


KINDS = st.sampled_from(
    ["text/html", "text/html; charset=nonsense", "application/json", "", "text/xml"]
)


@given(st.sampled_from(NAMES), st.binary(max_size=400), KINDS)
def test_no_body_breaks_any_recogniser(name: str, body: bytes, kind: str) -> None:
    recognise_with(name, answer(body, kind))


@pytest.mark.parametrize(
    ("title", "other_title", "likeness"),
    [
        (OUR_TITLE, OUR_TITLE, SAME),
        (
            OUR_TITLE,
            "Example claims quarterly: July to September 2026, official statistics",
            SAME,
        ),
        (
            OUR_TITLE,
            "Example claims quarterly statistics: July to September 2026 (provisional)",
            DIFFERENT,
        ),
        (OUR_TITLE, "Example claims: quarterly statistics, April to June 2026", OTHER_EDITION),
        (OUR_TITLE, "Example claims: quarterly statistics, July to September 2025", OTHER_EDITION),
        (OUR_TITLE, "Example claims: quarterly statistics", UNDATED),
        (OUR_TITLE, "Example claims: quarterly statistics, Q3 2026", UNDATED),
        (OUR_TITLE, "Prison population: July to September 2026", DIFFERENT),
        (OUR_TITLE, "", DIFFERENT),
        ("Absence: 2024/25", "Absence: 2025/26", OTHER_EDITION),
        ("Absence: academic year 2024 to 2025", "Absence: academic year 2023/24", OTHER_EDITION),
        ("Absence: 2024/25", "Absence: 2024-25", SAME),
        ("Absence: 2024/25", "Absence: 2025", UNDATED),
        ("Absence: 2026", "Absence: 2025/26", UNDATED),
        ("Spend Q3 2024/25", "Spend Q4 2024/25", OTHER_EDITION),
        ("Deaths: week 7 2026", "Deaths: week 8 2026", OTHER_EDITION),
        ("Fuel May-26", "Fuel: May 2026", SAME),
        ("Fuel May-26", "Fuel May-25", OTHER_EDITION),
    ],
)
def test_titles_are_compared_by_series_and_period(
    title: str, other_title: str, likeness: Likeness
) -> None:
    """Undated: of the same series, but the period is missing or less precise."""
    assert compare_titles(title, other_title) is likeness
    assert compare_titles(other_title, title) is likeness


@pytest.mark.parametrize(
    ("text", "dated"),
    [("September", True), ("2026", True), ("Q3", True), ("week 3", False), ("Main", False)],
)
def test_period_is_known_by_year_month_quarter_or_season(text: str, dated: bool) -> None:  # noqa: FBT001
    assert names_a_period(text) is dated

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from schedules.sources.registry import KINDS
from schedules.sources.settings import CalendarSettings, Kind
from tests.worlds.calendars import calendar_settings

URL = "https://stats.example/"


def faults(kind: str, address: str = URL, **keys: object) -> list[tuple[str, str]]:
    """Return key and reason of each fault of a table."""
    with pytest.raises(ValidationError) as caught:
        calendar_settings(kind, address, **keys)
    return [
        (key, reason)
        for error in caught.value.errors()
        for key, reason, _ in error["ctx"]["faults"]
    ]


def test_every_configured_kind_has_a_source() -> None:
    assert set(get_args(Kind)) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_calendar_without_options_is_accepted(kind: str) -> None:
    assert calendar_settings(kind, URL).address == URL


@pytest.mark.parametrize(
    ("kind", "keys", "expected"),
    [
        ("csv", {"options": {"titel": "x"}}, ("options.titel", "unknown, did you mean title?")),
        (
            "govuk",
            {"options": {"count": "many"}},
            ("options.count", "not a whole number (got 'many')"),
        ),
        (
            "json",
            {"options": {"title": "a.["}},
            ("options.title", "no JMESPath expression (Invalid"),
        ),
        (
            "html",
            {"options": {"rows": "tr[", "title": "a@href"}},
            ("options.rows", "no CSS selector (Expected ident"),
        ),
        (
            "feed",
            {"options": {"pattern": "("}},
            ("options.pattern", "no regular expression (missing )"),
        ),
        (
            "govuk",
            {"filters": {"organisation": ["x"]}},
            ("filters.organisation", "unknown, did you mean organ"),
        ),
        (
            "ons",
            {"filters": {"organisations": ["x"]}},
            ("filters.organisations", "unknown, ons has query"),
        ),
        ("csv", {"filters": {"query": ["x"]}}, ("filters.query", "unknown, csv has none")),
        ("csv", {"file": "calendar.csv"}, ("", "has both url and file, keep one")),
        (
            "toml",
            {"name": "by-hand"},
            ("name", "people add to this calendar on the pages, so it needs"),
        ),
    ],
)
def test_fault_of_a_calendar_table_names_key_and_reason(
    kind: str, keys: dict[str, object], expected: tuple[str, str]
) -> None:
    """A fault names a key of the settings and says why it is refused. For example, for
    `options.titel` it says “unknown, did you mean title?”.
    """
    ((key, reason),) = faults(kind, **keys)
    expected_key, start_of_reason = expected
    assert key == expected_key
    assert reason.startswith(start_of_reason)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_kinds_with_a_built_in_address_need_no_url(kind: str) -> None:
    has_built_in_address = kind in {"govuk", "ons", "ees"}
    if has_built_in_address:
        # The settings contain only the address that the user gives.
        assert calendar_settings(kind).address == ""
    else:
        assert faults(kind, "") == [("", "needs a url or a file")]


def test_only_calendar_without_time_zone_takes_configured_zone() -> None:
    """A calendar has the London zone until `in_zone` passes that of the whole configuration."""
    calendar = calendar_settings("csv", URL)
    assert (calendar.zone, calendar.in_zone("Europe/Dublin").zone) == (
        "Europe/London",
        "Europe/Dublin",
    )
    in_paris = CalendarSettings(name="own", kind="csv", url=URL, timezone="Europe/Paris")
    assert in_paris.in_zone("Europe/Dublin").zone == "Europe/Paris"


def test_a_subscription_address_is_read_over_https() -> None:
    assert (
        calendar_settings("ics", "webcal://stats.example/c.ics").url
        == "https://stats.example/c.ics"
    )

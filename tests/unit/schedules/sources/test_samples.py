"""Every sample calendar is read as its expected answer says. Skipped without the samples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from schedules.announcement import Announcement
from schedules.source import Reading, UnreadableCalendar
from schedules.sources.govuk_items import Schema, read_item
from tests.unit.schedules.sources.conftest import Parse
from tests.unit.schedules.test_dates import slot_as_in_samples

NOT_COMPARED = {"note", "recurrence_id", "unlikely_day", "judge_at", "if_declared_excel"}
"""Keys of expected answers that explain the sample, or that a test of their own compares."""


def as_in_samples(announcement: Announcement) -> dict[str, Any]:
    """Return an announcement in the words of the expected answers."""
    slot = announcement.slot
    return slot_as_in_samples(slot) | {
        "uid": announcement.uid.partition("#")[0],
        "slug": announcement.uid.rpartition("/")[2],
        "title": announcement.title,
        "instant_utc": f"{slot.instant:%Y-%m-%dT%H:%M:%SZ}" if slot.instant else None,
        "status": announcement.state.value if announcement.state else None,
        "doubt": announcement.doubt,
        "reason": slot.reason,
        "link": urlsplit(announcement.url).path.rstrip("/"),
        "previous": announcement.previous and str(announcement.previous.first),
        "moved": _find_move(announcement),
    }


def _find_move(announcement: Announcement) -> str | None:
    before, after = announcement.previous, announcement.slot
    if before is None:
        return None
    old, new = before.begins(), after.begins()
    return None if old is None or new is None else ("later" if new > old else "earlier")


def compare(reading: Reading, expected: list[dict[str, Any]]) -> None:
    """Compare every key of the expected answers.

    An expected uid of null means that the file gives none.
    """
    assert len(reading.announcements) == len(expected)
    for announcement, expected_entry in zip(reading.announcements, expected, strict=True):
        compared = expected_entry.keys() - NOT_COMPARED
        if expected_entry.get("uid", "") is None:
            compared -= {"uid"}
        found = as_in_samples(announcement)
        assert {key: found[key] for key in compared} == {
            key: expected_entry[key] for key in compared
        }


def loaded(path: Path) -> Any:  # noqa: ANN401  # JSON is of any type
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_ics_samples_are_read_as_expected(samples: Path, parse: Parse) -> None:
    folder = samples / "calendars/ics"
    # Days before and after the read for which series are expanded: 2026 as a whole.
    options = {"back": "151", "ahead": "213"}
    for name, wanted in loaded(folder / "expected.json")["files"].items():
        body, at = (folder / name).read_bytes(), datetime(2026, 6, 1, tzinfo=UTC)
        if wanted["usable"]:
            compare(parse("ics", body, at=at, options=options), wanted["entries"])
        else:
            with pytest.raises(UnreadableCalendar):
                parse("ics", body, at=at)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("html", "table_calendar.html"),
        ("csv", "calendar.csv"),
        ("toml", "calendar.toml"),
        ("json", "wordpress_releases.json"),
    ],
)
def test_the_samples_of_tables_and_lists_are_read_as_expected(
    samples: Path, parse: Parse, kind: str, name: str
) -> None:
    folder = samples / "calendars"
    expected = loaded(folder / "tables_expected.json")[name]["entries"]
    compare(parse(kind, (folder / name).read_bytes()), expected)


def test_csv_sample_serial_numbers_are_dates_by_option(samples: Path, parse: Parse) -> None:
    """A spreadsheet stores a date as a serial number, a count of days: 46371 is 15 December
    2026.
    """
    reading = parse(
        "csv", (samples / "calendars/calendar.csv").read_bytes(), options={"excel": "yes"}
    )
    serial = next(each for each in reading.announcements if each.title == "Excel serial")
    assert serial.slot.instant == datetime(2026, 12, 15, 9, 30, tzinfo=UTC)


def test_the_ons_sample_is_parsed_as_expected(samples: Path, parse: Parse) -> None:
    folder = samples / "calendars"
    wanted = loaded(folder / "ons_expected.json")["entries"]
    compare(parse("ons", (folder / "ons_search_upcoming.json").read_bytes()), wanted)


def test_the_ons_json_samples_have_the_expected_states(samples: Path, parse: Parse) -> None:
    folder = samples / "calendars"
    states = {}
    for path in folder.glob("ons_*_*.json"):
        announcements = parse("ons", path.read_bytes()).announcements
        states[path.name] = [(each.state, each.published) for each in announcements]
    assert states == {
        "ons_release_data.json": [("confirmed", False)],
        "ons_release_data_camelcase.json": [("confirmed", False)],
        "ons_release_data_published.json": [("confirmed", True)],
        "ons_search_cancelled_highlight.json": [("cancelled", False), ("cancelled", False)],
        "ons_search_empty.json": [],
        "ons_search_upcoming.json": [("confirmed", False)] * 5
        + [("provisional", False)] * 2
        + [("confirmed", False)],
    }


def test_next_release_of_ees_sample_is_read_as_expected(samples: Path, parse: Parse) -> None:
    folder = samples / "calendars"
    wanted = loaded(folder / "ees_expected.json")["nextReleaseDate"]
    compare(parse("ees", (folder / "ees_publication.json").read_bytes()), [wanted])


def test_the_samples_of_govuk_announcements_are_read_as_expected(
    samples: Path, parse: Parse
) -> None:
    found = {}
    for path in (samples / "govuk/announcements").iterdir():
        only = parse("govuk", path.read_bytes()).announcements[0]
        found[path.stem] = (
            only.slot.precision.value,
            only.state,
            only.doubt,
            only.previous is not None,
        )
    # Precision of the slot, state, doubt, and whether the page gives an earlier date.
    exact = ("instant", "confirmed", None, False)
    assert found == {
        "2026_cancelled": ("instant", "cancelled", None, False),
        "2026_confirmed": exact,
        "2026_confirmed_bst": exact,
        "2026_date_changed": ("instant", "confirmed", None, True),
        "2026_provisional_exact_day": ("instant", "provisional", None, False),
        "2026_provisional_one_month": ("month", "provisional", None, False),
        "2026_provisional_two_month": ("range", "provisional", None, False),
        "best-practice-statistics-announcement": exact,
        "cancelled_official_statistics": ("instant", "cancelled", None, False),
        "national_statistics": ("month", "provisional", None, False),
        "official_statistics": exact,
        "release_date_changed": ("instant", "confirmed", None, True),
    }


def test_each_govuk_listing_sample_has_expected_number_of_announcements(
    samples: Path, parse: Parse
) -> None:
    folder = samples / "govuk/search"
    counts = {}
    for path in folder.iterdir():
        if not path.stem.startswith("error"):
            counts[path.stem] = len(parse("govuk", path.read_bytes()).announcements)
    # Entries that are no announcements are left out: publications, and the one page in the fixture
    # of the finder.
    assert counts == {
        "announcements_after_release": 5,
        "announcements_upcoming_page1": 4,
        "announcements_upcoming_page2": 2,
        "empty": 0,
        "finder_frontend_fixture_upcoming": 0,
        "newest_publications_by_organisation": 0,
        "newest_publications_early_under_other_slug": 0,
    }


@pytest.mark.parametrize(
    ("folder", "schemas"),
    [
        ("publications", {Schema.PUBLICATION, Schema.DATA_SET}),
        ("gone_redirect", {Schema.GONE, Schema.REDIRECT}),
        ("html_publication", {Schema.HTML_PUBLICATION}),
    ],
)
def test_each_sampled_content_item_is_read_with_its_schema(
    samples: Path, folder: str, schemas: set[Schema]
) -> None:
    """For example, the samples in the folder “gone_redirect” are of removed and of redirected
    pages.
    """
    items = [read_item(path.read_bytes()) for path in (samples / "govuk" / folder).glob("*.json")]
    assert items
    assert {item.schema for item in items} == schemas

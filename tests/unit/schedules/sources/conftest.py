"""Shared by tests of calendar sources: the day of the read, payloads, and reads of saved bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schedules.announcement import Announcement
from schedules.source import Reading
from schedules.times.zone import local
from tests.worlds.calendars import calendar_settings

Parse = Callable[..., Reading]
Summarise = Callable[[Reading], list[tuple[str, ...]]]

NOW = datetime(2026, 11, 13, 12, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def samples(root: Path) -> Path:
    """The folder of samples beside the project; tests of it are skipped where it is absent."""
    folder = root.parent / "shared/samples"
    if not folder.is_dir():
        pytest.skip("the samples do not stand beside the project")
    return folder


@pytest.fixture
def parse() -> Parse:
    """Read a calendar of a kind from bytes: `parse(kind, body, **settings)`."""

    def read(kind: str, body: bytes, *, at: datetime = NOW, **settings: object) -> Reading:
        has_own_address = kind in {"govuk", "ons", "ees"}
        usual = "" if has_own_address else "https://stats.example.org/calendar"
        url = str(settings.pop("url", usual))
        return calendar_settings(kind, url, **settings).parse_saved(body, at)

    return read


@pytest.fixture
def summarise() -> Summarise:
    """Return what tests compare most: title, precision, start, end or time, and state of each
    entry.
    """

    def summaries(reading: Reading) -> list[tuple[str, ...]]:
        return [_summarise_announcement(announcement) for announcement in reading.announcements]

    return summaries


def _summarise_announcement(announcement: Announcement) -> tuple[str, ...]:
    slot = announcement.slot
    written = slot.as_json()
    when = (
        f"{local(slot.instant, slot.timezone):%Y-%m-%d %H:%M}"
        if slot.instant
        else f"{written['start']} {written['end']}"
    )
    return (
        announcement.title,
        slot.precision.value,
        when,
        announcement.state.value if announcement.state else "",
    )

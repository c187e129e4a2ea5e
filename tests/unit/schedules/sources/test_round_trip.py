"""Calendars of every format, made up, written and read back."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedules.source import Page
from schedules.times.zone import LONDON, clock_doubt, instant, local
from tests.unit.schedules.sources.conftest import NOW
from tests.worlds.calendars import calendar_settings

URL = "https://stats.example/calendar"


@dataclass(frozen=True)
class Entry:
    """A made-up entry: a title, and a local time or a day."""

    title: str
    when: datetime | date

    def text(self) -> str:
        day = f"{self.when.day} {self.when:%B %Y}"
        return f"{day} {self.when:%H:%M}" if isinstance(self.when, datetime) else day


walls = st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)).map(  # wall times
    lambda moment: moment.replace(hour=moment.hour or 9, second=0, microsecond=0)
)
# Programs write "&or;" into feeds of events where they mean its sign, so it is read as that.
titles = (
    st.text("abcdefghijklmnopqrstuvwxyzABCXYZ ,;:'&<>\"\\é\u2013", min_size=1, max_size=30)
    .map(lambda text: " ".join(f"T {text}".split()))
    .filter(lambda text: html.unescape(text) == text)
)
some_entry = st.builds(
    Entry,
    titles,
    st.one_of(
        walls.filter(lambda wall: not clock_doubt(wall, LONDON)),
        st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    ),
)
calendars = st.lists(
    some_entry, min_size=1, max_size=12, unique_by=lambda entry: entry.title.casefold()
)


def as_csv(entries: Sequence[Entry]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            ("id", "title", "date"),
            *((str(n), each.title, each.text()) for n, each in enumerate(entries)),
        ]
    )
    return out.getvalue().encode()


def as_toml(entries: Sequence[Entry]) -> bytes:
    rows = [
        f"[[release]]\ntitle = {json.dumps(each.title)}\nslot = {each.when.isoformat()}\n"
        for each in entries
    ]
    return "\n".join(rows).encode()


def as_json(entries: Sequence[Entry]) -> bytes:
    plain = [html.escape(each.title, quote=False) for each in entries]
    return json.dumps(
        [
            {"title": t, "date": each.when.isoformat()}
            for t, each in zip(plain, entries, strict=True)
        ]
    ).encode()


def as_html(entries: Sequence[Entry]) -> bytes:
    rows = "".join(
        f"<tr><td>{html.escape(each.title)}</td><td>{each.text()}</td></tr>" for each in entries
    )
    return f"<table><tr><th>Title</th><th>Date</th></tr>{rows}</table>".encode()


def as_ics(entries: Sequence[Entry]) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
    for number, each in enumerate(entries):
        title = each.title.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
        exact = isinstance(each.when, datetime)
        start = (
            f";TZID=Europe/London:{each.when:%Y%m%dT%H%M%S}"
            if exact
            else f";VALUE=DATE:{each.when:%Y%m%d}"
        )
        lines += [
            "BEGIN:VEVENT",
            f"UID:u{number}",
            f"SUMMARY:{title}",
            f"DTSTART{start}",
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def as_govuk(entries: Sequence[Entry]) -> bytes:
    results = [
        {
            "title": each.title,
            "link": f"/government/statistics/announcements/r{n}",
            "display_date": each.text(),
        }
        for n, each in enumerate(entries)
    ]
    return json.dumps({"results": results, "total": len(results)}).encode()


def as_feed(entries: Sequence[Entry]) -> bytes:
    def stamp(each: Entry) -> str:
        exact = isinstance(each.when, datetime)
        # in local time, because midnight in UTC would be read as a day without a time
        return local(instant(each.when)).isoformat() if exact else each.text()

    rows = "".join(
        f"<item><guid>{n}</guid><title>{html.escape(html.escape(each.title))}</title><pubDate>{stamp(each)}</pubDate></item>"
        for n, each in enumerate(entries)
    )
    return f"<rss version='2.0'><channel>{rows}</channel></rss>".encode()


WRITERS: dict[str, Callable[[Sequence[Entry]], bytes]] = {
    "csv": as_csv,
    "toml": as_toml,
    "json": as_json,
    "html": as_html,
    "ics": as_ics,
    "govuk": as_govuk,
    "feed": as_feed,
}


@pytest.mark.parametrize("kind", WRITERS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(entries=calendars)
def test_every_format_reads_back_a_written_calendar(kind: str, entries: list[Entry]) -> None:
    """Random entries, with a title and a day or time each, are written as a calendar file and read
    again.
    """
    source = calendar_settings(kind, URL).make_source()
    written = WRITERS[kind](entries)
    reading = source.read([Page(source.first(NOW)[0].url, 200, written)], NOW)
    for entry, announcement in zip(entries, reading.announcements, strict=True):
        slot = announcement.slot
        when = local(slot.instant).replace(tzinfo=None) if slot.instant else slot.first
        assert (announcement.title, when) == (entry.title, entry.when)

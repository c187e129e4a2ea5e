"""Inputs after public reports about programs that read calendars. What is right was decided before
they were first read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schedules.announcement import Announcement, State
from schedules.called_off import CALLED_OFF
from schedules.source import UnreadableCalendar
from schedules.times.zone import local
from tests.unit.schedules.sources.conftest import Parse
from tests.worlds.case_files import FileCase, matches, read_cases

_CASES = read_cases(Path(__file__).parent / "cases")


def _body_of(facts: Mapping[str, Any]) -> bytes:
    if "text" in facts:
        return str(facts["text"]).encode()
    if facts["kind"] == "ics":
        event = ("BEGIN:VEVENT", "UID:u", "SUMMARY:Apples", *facts["event"], "END:VEVENT")
        lines = ("BEGIN:VCALENDAR", *facts.get("head", ()), *event, *facts.get("tail", ()))
        return "\r\n".join((*lines, "END:VCALENDAR", "")).encode()
    if facts["kind"] == "html":
        return f"<table><tr><th>Title<th>Date<th>Status{facts['rows']}</table>".encode()
    if facts["kind"] == "feed":
        item = f"<item><title>Apples</title><pubDate>{facts['date']}</pubDate></item>"
        return f"<rss version='2.0'><channel>{item}</channel></rss>".encode()
    cells = {"title": "Apples", **facts["cells"]}
    table = io.StringIO()
    csv.writer(table).writerows((cells.keys(), cells.values()))
    return table.getvalue().encode()


def _describe_entry(entry: Announcement) -> str:
    """Return title, promise and local time: `Apples | stands | 2027-07-22 09:30`."""
    slot = entry.slot
    when = " to ".join(sorted({str(day) for day in (slot.first, slot.last) if day})) or "none"
    if slot.instant is not None:
        when = f"{local(slot.instant):%Y-%m-%d %H:%M}"
    promise = "stands"
    if entry.state in CALLED_OFF:
        promise = "called off"
    elif entry.doubt:
        promise = f"doubt {entry.doubt}"
    elif entry.state is State.PROVISIONAL:
        promise = "provisional"
    return f"{entry.title} | {promise} | {when}"


@pytest.mark.parametrize("case", _CASES, ids=str)
def test_a_reported_input_is_read_as_its_publisher_means_it(parse: Parse, case: FileCase) -> None:
    facts = case.facts
    settings = facts.get("settings", {})
    if reason := facts.get("refused"):
        with pytest.raises(UnreadableCalendar, match=reason):
            parse(facts["kind"], _body_of(facts), **settings)
        return
    reading = parse(facts["kind"], _body_of(facts), **settings)
    entries = [_describe_entry(each) for each in reading.announcements]
    assert len(entries) == len(facts["is"]), f"{case.where}\n{entries}"
    for entry, pattern in zip(entries, facts["is"], strict=True):
        allowed = pattern if isinstance(pattern, list) else [pattern]
        assert any(matches(each, entry) for each in allowed), f"{case.where}\n{entries}"

"""The case files in `calendar_cases`: what a calendar answered, and which entries were read of it.

The answer is a `body` or a value of `json`; rows of a `table` of HTML; or `events` of ICS, each its
lines, with lines of the file before them (`head`); or the `cells` of a row of CSV. A fact is that of
the only entry, or a list with that of each. Slots are in UTC. `is` has a line for each entry, or a
list of lines of which one is right: title, promise and time in London.

In files whose names begin with `reported` are inputs after public reports about other programs.
What is right was decided before they were first read.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from schedules.announcement import Announcement, Part, State
from schedules.called_off import CALLED_OFF
from schedules.slot import Precision, Slot
from schedules.source import Reading, UnreadableCalendar
from schedules.times.zone import local
from tests.unit.schedules.sources.conftest import NOW, Parse
from tests.worlds.case_files import FileCase, Toml, matches, read_cases

CASES = read_cases(Path(__file__).with_name("calendar_cases"))
WORDS_OF_WORLD = {"kind", "body", "json", "table", "events", "head", "cells", "encoding", "at"} | {
    *("read_from", "options", "stands", "producer_of_calendar", "replaced"),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_calendar_is_read_as_its_case_says(parse: Parse, case: FileCase) -> None:
    right = {key: value for key, value in case.facts.items() if key not in WORDS_OF_WORLD}
    assert right, f"{case}: say what is right"
    if "refused" in right:
        with pytest.raises(UnreadableCalendar, match=right["refused"]):
            read(parse, case.facts)
        return
    reading = read(parse, case.facts)
    assert {key: what_was_read(reading, key, right[key]) for key in right} == right, case.where


def read(parse: Parse, facts: Toml) -> Reading:
    named = {"read_from": "url", "producer_of_calendar": "producer"}
    keys = ("options", "stands", *named)
    settings = {named.get(key, key): facts[key] for key in keys if key in facts}
    at = datetime.fromisoformat(facts["at"]) if "at" in facts else NOW
    body = body_of(facts)
    for old, new in facts.get("replaced", {}).items():
        body = body.replace(old, new)
    return parse(facts["kind"], body.encode(facts.get("encoding", "utf-8")), at=at, **settings)


def body_of(facts: Toml) -> str:
    if "json" in facts:
        return json.dumps(facts["json"])
    if "table" in facts:
        return f"<table>{facts['table']}</table>"
    if "cells" in facts:
        cells = {"title": "Apples", **facts["cells"]}
        table = io.StringIO()
        csv.writer(table).writerows((cells.keys(), cells.values()))
        return table.getvalue()
    if "events" not in facts:
        text: str = facts["body"]
        return text
    events = [event_text(event) for event in facts["events"]]
    lines = ["BEGIN:VCALENDAR", *facts.get("head", ()), *events, "END:VCALENDAR", ""]
    return "\n".join(lines).replace("\n", "\r\n")


def event_text(event: str) -> str:
    """Return an event with these lines, and with an id and a title if they have none."""
    usual = {"UID": "u", "SUMMARY": "Prices"}
    missing = [f"{name}:{value}" for name, value in usual.items() if f"{name}:" not in event]
    return "\n".join(["BEGIN:VEVENT", *missing, event.strip(), "END:VEVENT"])


def what_was_read(reading: Reading, key: str, right: Toml) -> object:
    """Return a fact of the reading, in the words of the case if they mean the same."""
    if key == "entries":
        return len(reading.announcements)
    if key == "lists_overdue":
        return reading.lists_overdue
    if key == "notes":
        return in_words_of(right, list(reading.notes))
    if key == "is":
        return in_words_of(right, [entry_text(each) for each in reading.announcements])
    facts = [FACTS[key](each) for each in reading.announcements]
    if key == "parts" or not isinstance(right, list):
        return facts[0] if len(facts) == 1 else facts
    return facts


def in_words_of(patterns: Sequence[str | list[str]], texts: Sequence[str]) -> list[str | list[str]]:
    if len(patterns) != len(texts):
        return list(texts)
    worded: list[str | list[str]] = []
    for pattern, text in zip(patterns, texts, strict=True):
        allowed = pattern if isinstance(pattern, list) else [pattern]
        is_right = any(matches(each, text) for each in allowed)
        worded.append(pattern if is_right else text)
    return worded


def entry_text(entry: Announcement) -> str:
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


def slot_text(slot: Slot | None) -> str:
    """Return `2026-07-23 08:30`, `2026-07-23`, `month 2026-07-01 to 2026-07-31` or `none: tbc`."""
    if slot is None:
        return "no slot"
    if slot.instant is not None:
        return f"{slot.instant:%Y-%m-%d %H:%M}"
    if slot.precision is Precision.NONE:
        return f"none: {slot.reason}"
    if slot.precision is Precision.DAY:
        return str(slot.first)
    return f"{slot.precision} {slot.first} to {slot.last}"


def part_text(part: Part) -> str:
    need = "required" if part.required else "optional"
    return " ".join(word for word in (need, part.role, part.url, part.recognise) if word)


FACTS: Mapping[str, Callable[[Announcement], object]] = {
    "slot": lambda entry: slot_text(entry.slot),
    "previous": lambda entry: slot_text(entry.previous),
    "assumed": lambda entry: f"{entry.slot.assumed:%Y-%m-%d %H:%M}",
    "zone": lambda entry: entry.slot.timezone,
    "raw": lambda entry: entry.slot.raw,
    "state": lambda entry: str(entry.state or "none"),
    "doubt": lambda entry: entry.doubt or "none",
    "status": lambda entry: entry.status,
    "title": lambda entry: entry.title,
    "uid": lambda entry: entry.uid,
    "month_in_uid": lambda entry: entry.uid.partition("@")[2],
    "url": lambda entry: entry.url,
    "producer": lambda entry: entry.producer,
    "published": lambda entry: entry.published,
    "recognised_by": lambda entry: entry.recognise,
    "parts": lambda entry: [part_text(part) for part in entry.parts],
}

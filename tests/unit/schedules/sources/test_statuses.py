"""Statuses of calendars: what stands, what is called off, and what a person must read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schedules.announcement import State
from schedules.dates.status import Status, read_status
from tests.unit.schedules.sources.conftest import Parse

_FILE = Path(__file__).parents[1] / "payloads" / "statuses.tsv"
_ROWS = [line.split("\t") for line in _FILE.read_text(encoding="utf-8").splitlines()[1:]]


def _name_status(status: Status) -> str:
    if not status.is_understood:
        return "doubt"
    if status.is_published:
        return "published"
    return "stands" if status.state is None else status.state.value


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0])
def test_a_status_is_read_by_its_first_words(row: list[str]) -> None:
    text, name, *earlier = row
    status = read_status(text)
    assert (_name_status(status), status.earlier) == (name, earlier[0] if earlier else "")


@pytest.mark.parametrize("text", ["approved", "APPROVED.", "Approved (ministers)"])
def test_a_producers_own_word_stands(text: str) -> None:
    assert read_status(text, ["Approved"]).state is State.CONFIRMED


@pytest.mark.parametrize("text", ["approvedish", "Approved - not now", "approval withdrawn"])
def test_other_words_do_not_stand_by_a_producers_own_word(text: str) -> None:
    assert not read_status(text, ["approved"]).is_understood


_BODIES: dict[str, Callable[[str], bytes]] = {
    "csv": lambda text: f'title,date,state\nApples,22 July 2027 9:30am,"{text}"\n'.encode(),
    "toml": lambda text: (
        f'[[release]]\ntitle = "Apples"\ndate = 2027-07-22\nstate = "{text}"\n'.encode()
    ),
    "html": lambda text: (
        "<table><tr><th>Title<th>Date<th>Status"
        f"<tr><td>Apples<td>22 July 2027<td>{text}</table>".encode()
    ),
    "json": lambda text: json.dumps(
        [{"title": "Apples", "date": "22 July 2027", "state": text}]
    ).encode(),
    "ics": lambda text: (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Apples\nDTSTART:20270722T083000Z\n"
        f"STATUS:{text}\nEND:VEVENT\nEND:VCALENDAR".encode()
    ),
    "govuk": lambda text: json.dumps(
        {
            "results": [
                {
                    "link": "/government/statistics/announcements/apples",
                    "title": "Apples",
                    "display_date": "22 July 2027 9:30am",
                    "statistics_announcement_state": text,
                }
            ],
            "total": 1,
        }
    ).encode(),
}


@pytest.mark.parametrize("kind", sorted(_BODIES))
def test_a_status_that_is_not_understood_is_a_doubt_in_every_kind(parse: Parse, kind: str) -> None:
    (entry,) = parse(kind, _BODIES[kind]("See note 3")).announcements
    assert (entry.doubt, entry.status, entry.state) == ("status", "See note 3", None)


@pytest.mark.parametrize("kind", sorted(_BODIES))
def test_a_status_that_stands_is_not_quoted(parse: Parse, kind: str) -> None:
    (entry,) = parse(kind, _BODIES[kind]("confirmed")).announcements
    assert (entry.doubt, entry.status, entry.state) == (None, "", State.CONFIRMED)


@pytest.mark.parametrize(
    "cells",
    [
        "<s>Apples</s> moved to 20 July<td>22 July 2027<td>confirmed",
        "<del>Apples</del><td><del>22 July 2027</del><td>",
        "Apples<td><span style='text-decoration: line-through'>22 July 2027</span><td>Confirmed",
        "<strike>Apples</strike><td>22 July 2027<td>Confirmed",
        "Apples<td>22 July 2027<td><s>Confirmed</s>",
        "Apples <b>Delayed until further notice</b><td>22 July 2027<td>Confirmed",
        "Apples<td>22 July 2027 (cancelled)<td>Confirmed",
        "Apples<br><em>This release has been cancelled.</em><td>22 July 2027<td>Confirmed",
        "Apples (delayed)<td>22 July 2027<td>Confirmed",
        "<b class='strikethrough'>Apples</b><td>22 July 2027<td>Confirmed",
        "Apples<td><b style='TEXT-DECORATION: LINE-THROUGH'>22 July 2027</b><td>Confirmed",
        "Apples <img alt=Cancelled src=/x.png><td>22 July 2027<td>Confirmed",
        "Apples<meta itemprop=eventStatus content=EventCancelled><td>22 July 2027<td>Confirmed",
    ],
)
def test_a_row_that_is_struck_through_or_called_off_does_not_stand(
    parse: Parse, cells: str
) -> None:
    page = f"<table><tr><th>Title<th>Date<th>Status<tr><td>{cells}</table>"
    (entry,) = parse("html", page.encode()).announcements
    assert entry.title.startswith("Apples")
    assert entry.doubt == "status" or entry.state in (State.CANCELLED, State.POSTPONED)
    assert entry.status


@pytest.mark.parametrize(
    "cells",
    [
        "<b class='topic-strikes'>Apples</b><td>22 July 2027<td>Confirmed",
        "Apples <span hidden><b>Cancelled</b></span><td>22 July 2027<td>Confirmed",
    ],
)
def test_class_of_a_subject_or_a_hidden_label_calls_no_row_off(parse: Parse, cells: str) -> None:
    page = f"<table><tr><th>Title<th>Date<th>Status<tr><td>{cells}</table>"
    (entry,) = parse("html", page.encode()).announcements
    assert (entry.doubt, entry.state) == (None, State.CONFIRMED)


@pytest.mark.parametrize("kind", sorted(_BODIES))
def test_a_title_that_is_perhaps_called_off_is_quoted_until_its_words_stand(
    parse: Parse, kind: str
) -> None:
    title = "Apples: October 2026 (delayed)"
    body = _BODIES[kind]("confirmed").replace(b"Apples", title.encode())
    (entry,) = parse(kind, body).announcements
    assert (entry.doubt, entry.status, entry.state) == ("status", title, State.CONFIRMED)
    (settled,) = parse(kind, body, stands=[title]).announcements
    assert (settled.doubt, settled.status) == (None, "")


@pytest.mark.parametrize("title", ["DELAYED Apples", "Postponed. Apples"])
def test_a_status_that_stands_settles_no_title_that_calls_off(parse: Parse, title: str) -> None:
    (entry,) = parse(
        "csv", _BODIES["csv"]("confirmed").replace(b"Apples", title.encode())
    ).announcements
    assert entry.doubt == "status" or entry.state is State.POSTPONED


def test_a_struck_title_of_json_is_a_doubt(parse: Parse) -> None:
    body = json.dumps([{"title": "<s>Apples</s>", "date": "22 July 2027", "state": ["confirmed"]}])
    (entry,) = parse("json", body.encode()).announcements
    assert (entry.title.strip(), entry.doubt) == ("Apples", "status")


def test_a_status_in_an_object_is_read(parse: Parse) -> None:
    body = json.dumps([{"title": "A", "date": "22 July 2027", "state": {"label": "Cancelled"}}])
    (entry,) = parse("json", body.encode()).announcements
    assert entry.state is State.CANCELLED


def test_a_status_after_a_line_break_in_a_title_is_a_doubt(parse: Parse) -> None:
    page = "<table><tr><th>Title<th>Date<tr><td>Apples<br>Cancelled<td>22 July 2027</table>"
    (entry,) = parse("html", page.encode()).announcements
    assert (entry.doubt, entry.status) == ("status", "Cancelled")


def test_a_struck_date_with_another_beside_it_is_a_move(parse: Parse) -> None:
    page = "<table><tr><th>Title<th>Date<tr><td>A<td><s>22 July 2027</s> 29 July 2027</table>"
    (entry,) = parse("html", page.encode()).announcements
    assert (entry.doubt, entry.status) == (None, "")
    assert entry.previous is not None


_NOTES: dict[str, Callable[[str], bytes]] = {
    "csv": lambda note: (
        f'title,date,state,Notes\nApples,22 July 2027,confirmed,"{note}"\n'.encode()
    ),
    "html": lambda note: (
        "<table><tr><th>Title<th>Date<th>Comments"
        f"<tr><td>Apples<td>22 July 2027<td>{note}</table>".encode()
    ),
    "ics": lambda note: (
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Apples\nDTSTART:20270722T083000Z\n"
        f"DESCRIPTION:{note}\nEND:VEVENT\nEND:VCALENDAR".encode()
    ),
    "json": lambda note: json.dumps(
        [{"title": "Apples", "date": "22 July 2027", "state": "confirmed", "tags": ["a", note]}]
    ).encode(),
    "toml": lambda note: (
        '[[release]]\ntitle = "Apples"\ndate = 2027-07-22\nstate = "confirmed"\n'
        f'status = """{note}"""\n'
    ).encode(),
    "feed": lambda note: (
        "<rss version='2'><channel><item><title>Apples</title><pubDate>22 July 2027</pubDate>"
        f"<description>{note}</description></item></channel></rss>".encode()
    ),
}


@pytest.mark.parametrize("kind", sorted(_NOTES))
@pytest.mark.parametrize(
    "note",
    [
        "Cancelled",
        "Postponed to 3 December 2027",
        "Delayed: see the note on quality",
        "This release has been cancelled.",
        "Withdrawn on 10 July",
        "This release will now be published on 29 July.",
        "Please note that this release has been cancelled.",
        "Unfortunately this release is delayed",
        "Due to staff shortage this has been postponed",
        "We have cancelled this release",
        "This publication will no longer take place",
        "The date of this release has changed",
        "New date: 29 July 2027",
        "The publication of these statistics, planned for 22 July, has been postponed.",
        "The release is now delayed",
        "Release date changed to 29 July 2027",
        f"{'Monthly figures of all areas. ' * 9}This release has been cancelled.",
        "⚠ Cancelled",
    ],
)
def test_a_note_that_calls_an_entry_off_is_a_doubt(parse: Parse, kind: str, note: str) -> None:
    (entry,) = parse(kind, _NOTES[kind](note)).announcements
    assert (entry.doubt, entry.status) == ("status", note)
    (settled,) = parse(kind, _NOTES[kind](note), stands=[note]).announcements
    assert (settled.doubt, settled.status) == (None, "")


@pytest.mark.parametrize("kind", sorted(_NOTES))
@pytest.mark.parametrize(
    "note",
    [
        "Contact the team for data",
        "Delayed discharges are in table 3",
        "Cancelled operations by region",
        "Moved from 15 July 2027",
        "Provisional figures",
        "This release has been delayed from 15 July",
        "This survey was suspended in 2020",
        "This publication has figures of cancelled operations",
        "Trains: cancelled and delayed services",
        "Cancelled and delayed trains",
        "The release date has changed from 15 July",
        "In this release cancelled operations are counted by week",
        "Regional tables will no longer be included",
    ],
)
def test_other_notes_are_no_doubt(parse: Parse, kind: str, note: str) -> None:
    (entry,) = parse(kind, _NOTES[kind](note)).announcements
    assert (entry.doubt, entry.status) == (None, "")


@pytest.mark.parametrize(("cell", "doubt"), [("Yes", "status"), ("no", None), ("", None)])
def test_a_column_that_asks_whether_an_entry_is_called_off_is_read(
    parse: Parse, cell: str, doubt: str | None
) -> None:
    body = f"title,date,Cancelled?\nApples,22 July 2027,{cell}\n".encode()
    (entry,) = parse("csv", body).announcements
    assert (entry.doubt, entry.status) == (doubt, "Cancelled: Yes" if doubt else "")


def test_an_unknown_key_of_a_toml_file_that_calls_off_is_a_doubt(parse: Parse) -> None:
    body = _BODIES["toml"]("confirmed") + b"cancelled = true\n"
    (entry,) = parse("toml", body).announcements
    assert (entry.doubt, entry.status) == ("status", "cancelled: True")


@pytest.mark.parametrize(
    "field", ["cancelled", "isCancelled", "is_postponed", "cancelled_at", "cancellationReason"]
)
def test_a_field_of_json_that_calls_an_entry_off_is_a_doubt(parse: Parse, field: str) -> None:
    for value, doubt in ((True, "status"), (1, "status"), (False, None), (None, None), (0, None)):
        flags = {"flags": [{field: value}]}
        body = json.dumps([{"title": "Apples", "date": "22 July 2027", **flags}])
        (entry,) = parse("json", body.encode()).announcements
        assert entry.doubt == doubt


def test_a_label_inside_a_cell_or_an_entry_is_a_doubt(parse: Parse) -> None:
    label = "<strong class=tag>Cancelled</strong>"
    rows = f"<tr><th>Title<th>Date<tr><td><a href=/a>Apples</a> {label}<td>22 July 2027"
    entries = f"<ul><li><a href=/a>Apples</a><time>22 July 2027</time>{label}</ul>"
    options = {"rows": "li", "title": "a", "date": "time"}
    for body, chosen in ((f"<table>{rows}</table>", {}), (entries, options)):
        (entry,) = parse("html", body.encode(), options=chosen).announcements
        assert (entry.doubt, entry.status) == ("status", "Cancelled")


@pytest.mark.parametrize("heading", ["Publication status", "Current status", "Status of release"])
def test_a_status_column_is_known_by_its_heading(parse: Parse, heading: str) -> None:
    body = f"title,date,{heading}\nApples,22 July 2027,Cancelled\n".encode()
    (entry,) = parse("csv", body).announcements
    assert entry.state is State.CANCELLED

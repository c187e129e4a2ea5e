"""Statuses of calendars: what stands, what is called off, and what a person must read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schedules.announcement import State
from schedules.dates.status import Status, read_status
from schedules.join import join_entries
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


TITLE = "Apples: October 2026"
DATE = {"year": 2027, "month": 7, "day": 22}


def entry_in(kind: str, title: str = TITLE, state: str = "confirmed", note: str = "") -> bytes:
    """Return a calendar of a kind with one entry. Some kinds have no state or no note."""
    json_of = {
        "json": [{"title": title, "date": "22 July 2027", "state": state, "tags": ["a", note]}],
        "govuk": {"results": [_govuk_result(title, state)], "total": 1},
        "ons": {"releases": [{"uri": "/releases/apples", "description": _ons_release(title)}]},
        "ees": {"slug": "apples", "title": title, "nextReleaseDate": DATE, "latestRelease": None},
    }
    if kind in json_of:
        return json.dumps(json_of[kind]).encode()
    columns = f"<td>{title}<td>22 July 2027<td>{state}<td>{note}"
    item = f"<title>{title}</title><pubDate>22 July 2027</pubDate><description>{note}</description>"
    release = f'title = "{title}"\ndate = 2027-07-22\nstate = "{state}"'
    event = f"SUMMARY:{title}\nDTSTART:20270722T083000Z\nSTATUS:{state}\nDESCRIPTION:{note}"
    texts = {
        "csv": f'title,date,state,Notes\n"{title}",22 July 2027 9:30am,"{state}","{note}"\n',
        "toml": f'[[release]]\n{release}\nstatus = """{note}"""\n',
        "html": f"<table><tr><th>Title<th>Date<th>Status<th>Comments<tr>{columns}</table>",
        "feed": f"<rss version='2'><channel><item>{item}</item></channel></rss>",
        "ics": f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR",
    }
    return texts[kind].encode()


def _govuk_result(title: str, state: str) -> dict[str, str]:
    link, date = "/government/statistics/announcements/apples", "22 July 2027 9:30am"
    fields = {"link": link, "title": title, "display_date": date}
    return fields | {"statistics_announcement_state": state}


def _ons_release(title: str) -> dict[str, object]:
    return {"title": title, "release_date": "2027-07-22T08:30:00.000Z", "finalised": True}


WITH_TITLE = ["csv", "ees", "feed", "govuk", "html", "ics", "json", "ons", "toml"]
WITH_STATE = ["csv", "govuk", "html", "ics", "json", "toml"]
WITH_NOTE = ["csv", "feed", "html", "ics", "json", "toml"]


@pytest.mark.parametrize("kind", WITH_STATE)
def test_a_status_that_is_not_understood_is_a_doubt_in_every_kind(parse: Parse, kind: str) -> None:
    (entry,) = parse(kind, entry_in(kind, state="See note 3")).announcements
    assert (entry.doubt, entry.status, entry.state) == ("status", "See note 3", None)


@pytest.mark.parametrize("kind", WITH_STATE)
def test_a_status_that_stands_is_not_quoted(parse: Parse, kind: str) -> None:
    (entry,) = parse(kind, entry_in(kind)).announcements
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


@pytest.mark.parametrize("kind", WITH_STATE)
def test_a_title_that_is_perhaps_called_off_is_quoted_until_its_words_stand(
    parse: Parse, kind: str
) -> None:
    title = f"{TITLE} (delayed)"
    body = entry_in(kind, title)
    (entry,) = parse(kind, body).announcements
    assert (entry.doubt, entry.status, entry.state) == ("status", title, State.CONFIRMED)
    (settled,) = parse(kind, body, stands=[title]).announcements
    assert (settled.doubt, settled.status) == (None, "")


@pytest.mark.parametrize("title", ["DELAYED Apples", "Postponed. Apples"])
def test_a_status_that_stands_settles_no_title_that_calls_off(parse: Parse, title: str) -> None:
    (entry,) = parse("csv", entry_in("csv", title)).announcements
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


@pytest.mark.parametrize("kind", WITH_NOTE)
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
        "Now expected in mid-August",
        "Will be published in August instead",
        "This will not go ahead",
        "Will not be released this month",
        "We have decided not to publish this release",
        "We are delaying publication of this series",
        "Please note: this release is now scheduled for 29 July",
        "Date changed to 29 July 2027",
        "Release cancelled 1/6/27",
        "Replaced by Fruit statistics",
        "This is no longer being produced",
        "Publication suspended while methods are reviewed",
        "Gohiriwyd tan 29 Gorffennaf",
        "Wedi ei ohirio",
        "Following advice, publication is delayed",
        "The July release has been cancelled",
        "Sorry, this one is delayed",
        "Update 1 June: postponed to 29 July",
        "[Cancelled]",
        "01/06/2027: cancelled",
        "Release date changed from 22 July to 29 July",
        "Figures of all areas. Postponed to 29 July",
        "Producer: DfX | Status: Cancelled",
        "We have had to move this release to 29 July",
        "Please note the new release date of 29 July",
        "Expected 29 July instead",
        "This release is being delayed",
        "This release is running late",
        "Release moved back one week",
        "We are unable to publish this release as planned",
        "Not publishing this year",
        "Date shown is no longer correct",
        "Will be published a week later than planned",
        "It was decided to postpone publication",
        "Series discontinued",
        "Release date TBC following a change of supplier",
        "Mae'r datganiad hwn wedi'i ohirio",
    ],
)
def test_a_note_that_calls_an_entry_off_is_a_doubt(parse: Parse, kind: str, note: str) -> None:
    (entry,) = parse(kind, entry_in(kind, note=note)).announcements
    assert (entry.doubt, entry.status) == ("status", note)


@pytest.mark.parametrize("kind", WITH_NOTE)
def test_a_note_that_is_said_to_stand_is_no_doubt(parse: Parse, kind: str) -> None:
    note = "Please note that this release has been cancelled."
    (settled,) = parse(kind, entry_in(kind, note=note), stands=[note]).announcements
    assert (settled.doubt, settled.status) == (None, "")


@pytest.mark.parametrize("kind", WITH_NOTE)
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
        "Not yet published",
        "Moved from 15 July to 22 July. Next release 29 October 2027",
        "Tables of appeals withdrawn, dismissed or allowed. Withdrawn appeals are shown apart",
        "Replaces Pear statistics",
        "Next publication: 21 October 2027",
        "Please do not publish this release before 9:30am",
        "Will be published in HTML instead of PDF",
        "This series will be published in a new format instead",
        "New date format",
        "Delay: none",
        "Figures of Wales moved to table 4. Next release 29 October 2027",
        "Regional figures will be published later, on 5 August 2027",
        "Changes to the release date will be announced on this page",
        "The publication date was agreed with ministers",
        "Postponed elections are included. Delay to discharge from hospital, see table 2",
    ],
)
def test_other_notes_are_no_doubt(parse: Parse, kind: str, note: str) -> None:
    (entry,) = parse(kind, entry_in(kind, note=note)).announcements
    assert (entry.doubt, entry.status) == (None, "")


@pytest.mark.parametrize(("cell", "doubt"), [("Yes", "status"), ("no", None), ("", None)])
def test_a_column_that_asks_whether_an_entry_is_called_off_is_read(
    parse: Parse, cell: str, doubt: str | None
) -> None:
    body = f"title,date,Cancelled?\nApples,22 July 2027,{cell}\n".encode()
    (entry,) = parse("csv", body).announcements
    assert (entry.doubt, entry.status) == (doubt, "Cancelled: Yes" if doubt else "")


def test_an_unknown_key_of_a_toml_file_that_calls_off_is_a_doubt(parse: Parse) -> None:
    body = entry_in("toml") + b"cancelled = true\n"
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


@pytest.mark.parametrize("kind", WITH_TITLE)
@pytest.mark.parametrize(
    ("title", "state"),
    [
        (f"CANCELLED: {TITLE}", State.CANCELLED),
        (f"Postponed: {TITLE}", State.POSTPONED),
        (f"{TITLE} (cancelled)", State.CANCELLED),
    ],
)
def test_a_title_calls_its_release_off_and_keeps_its_key(
    parse: Parse, kind: str, title: str, state: State
) -> None:
    (before,) = parse(kind, entry_in(kind)).announcements
    (after,) = parse(kind, entry_in(kind, title)).announcements
    assert before.state not in (State.CANCELLED, State.POSTPONED)
    assert (after.state, after.uid) == (state, before.uid)


@pytest.mark.parametrize("kind", WITH_TITLE)
def test_entry_titled_cancelled_joins_same_entry_of_another_calendar(
    parse: Parse, kind: str
) -> None:
    (entry,) = parse(kind, entry_in(kind), producer="p").announcements
    (cancelled,) = parse(kind, entry_in(kind, f"CANCELLED: {TITLE}"), producer="p").announcements
    (release,) = join_entries({"a": [cancelled], "b": [entry]}).releases
    assert release.title == TITLE
    # Entries of some kinds have no address.
    assert release.joined_by == ("link" if entry.url else "title, period, producer and date")

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Ask = Callable[..., Any]
SAMPLES = Path(__file__).parents[5] / "shared/samples/calendars"
KEYS = {"uid", "title", "producer", "url", "slot", "state", "doubt", "parts"}
SLOT_KEYS = {"precision", "start", "end", "raw"}


def test_a_configured_calendar_is_read_as_json_lines(ask: Ask) -> None:
    (row,) = ask("calendar", "read", "mine").lines
    assert (row["uid"], row["slot"]["start"]) == ("births-2016", "2018-01-05T09:30:00.000Z")
    assert set(row) >= KEYS
    assert set(row["slot"]) >= SLOT_KEYS


def test_an_unknown_calendar_is_answered_with_the_nearest_name(ask: Ask) -> None:
    told = ask("calendar", "read", "mind")
    assert (told.status, told.err) == (1, 'no calendar "mind", did you mean "mine"?\n')


def test_a_calendar_that_cannot_be_read_says_why(ask: Ask, folder: Path) -> None:
    (folder / "calendar.toml").write_text("[[release]")
    told = ask("calendar", "read", "mine")
    assert (told.status, told.out, len(told.err.splitlines())) == (1, "", 1)
    assert told.err.startswith("calendar mine: calendar.toml: not TOML")


def test_a_file_is_parsed_in_the_given_time_zone(ask: Ask, folder: Path) -> None:
    told = ask("calendar", "parse", "toml", str(folder / "calendar.toml"), "--timezone", "America/New_York")
    assert [row["slot"]["start"] for row in told.lines] == ["2018-01-05T14:30:00.000Z"]
    assert (told.status, told.err) == (0, "")


def test_entries_of_a_faulty_calendar_are_printed_with_its_faults(ask: Ask, folder: Path) -> None:
    calendar = folder / "calendar.toml"
    calendar.write_text(calendar.read_text() + '[[release]]\nid = "x"\ntitle = "X"\nslot = "2018-02-30"\n')
    told = ask("calendar", "parse", "toml", str(calendar))
    assert [row["uid"] for row in told.lines] == ["births-2016", "x"]
    assert told.status == 1
    assert told.err.splitlines() == [
        "note: calendar.toml: release[2].url: missing",
        'calendar.toml: release[2].slot: no calendar has this date (got "2018-02-30")',
    ]


def test_an_absent_file_is_reported_in_one_line(ask: Ask) -> None:
    told = ask("calendar", "parse", "csv", "none.csv")
    assert (told.status, told.err) == (1, "none.csv: cannot be read: No such file or directory\n")


def test_calendar_parse_accepts_the_options_of_a_kind_of_calendar(ask: Ask, folder: Path) -> None:
    page = folder / "page.html"
    page.write_text("<table><tr><td>Births</td><td>5 January 2018 9:30am</td></tr></table>")
    options = ["--option", "rows=tr", "--option", "title=td:nth-child(1)", "--option", "date=td:nth-child(2)"]
    titles = [row["title"] for row in ask("calendar", "parse", "html", str(page), *options).lines]
    assert titles == ["Births"]


@pytest.mark.parametrize("kind", ["toml", "csv"])
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples stand beside the project")
def test_sample_calendars_are_parsed_without_a_fault(ask: Ask, kind: str) -> None:
    told = ask("calendar", "parse", kind, str(SAMPLES / f"calendar.{kind}"))
    assert told.status == 0
    assert all(set(row) >= KEYS for row in told.lines)


def test_each_date_text_gives_one_json_line(ask: Ask) -> None:
    told = ask("calendar", "date", "Thursday 23 July, 9:30am", "Spring 2026", "soon", "--anchor", "2015-07-01")
    exact, season, none = told.lines
    assert set(exact) == {"text", "slot", "doubt", "reason"}
    assert exact["slot"]["start"] == "2015-07-23T08:30:00.000Z"
    assert (season["slot"]["start"], season["slot"]["end"]) == ("2026-03-01", "2026-05-31")
    assert (none["slot"]["precision"], none["reason"]) == ("none", "not-a-date")


def test_the_history_of_a_release_lists_its_promises(ask: Ask) -> None:
    lines = ask("calendar", "history", "births-2016").out.splitlines()
    assert lines[0] == "Births 2016 (ons)"
    assert "26 Nov 2017 09:30:00 GMT  mine      confirmed  Friday 5 January 2018, 09:30 GMT" in lines
    told = ask("calendar", "history", "births-2016", "--json").json
    assert [promise["slot"]["start"] for promise in told["promises"]] == ["2018-01-05T09:30:00.000Z"]
    assert [event["what"] for event in told["events"]] == ["announced"]


def test_diff_shows_how_a_calendar_changed(ask: Ask, folder: Path) -> None:
    told = ask("calendar", "diff", "mine", "--json").lines
    assert [(row["change"], row["uid"], row["before"]) for row in told] == [("new", "births-2016", None)]
    assert json.dumps(told[0]["after"]).count("Births 2016") == 1
    assert ask("calendar", "diff", "mine").out.startswith("new      Births 2016: - -> Friday 5 January 2018, 09:30 GMT")

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.monitor.cli.conftest import RunCli

SAMPLES = Path(__file__).parents[5] / "shared/samples/calendars"
KEYS = {"uid", "title", "producer", "url", "slot", "state", "doubt", "parts"}
SLOT_KEYS = {"precision", "start", "end", "raw"}


def test_a_configured_calendar_is_read_as_json_lines(run_cli: RunCli) -> None:
    (row,) = run_cli("calendar", "read", "mine").lines
    assert (row["uid"], row["slot"]["start"]) == ("births-2016", "2018-01-05T09:30:00.000Z")
    # These are the fields that every printed entry and its slot have.
    assert set(row) >= KEYS
    assert set(row["slot"]) >= SLOT_KEYS


def test_a_calendar_that_cannot_be_read_says_why(run_cli: RunCli, folder: Path) -> None:
    unclosed = "[[release]"
    (folder / "calendar.toml").write_text(unclosed)
    result = run_cli("calendar", "read", "mine")
    assert (result.status, result.out, len(result.err.splitlines())) == (1, "", 1)
    assert result.err.startswith("calendar mine: calendar.toml: not TOML")


def test_a_file_is_parsed_in_the_given_time_zone(run_cli: RunCli, folder: Path) -> None:
    result = run_cli(
        "calendar", "parse", "toml", str(folder / "calendar.toml"), "--timezone", "America/New_York"
    )
    half_past_nine_in_new_york = "2018-01-05T14:30:00.000Z"
    assert [row["slot"]["start"] for row in result.lines] == [half_past_nine_in_new_york]
    assert (result.status, result.err) == (0, "")


def test_entries_of_a_faulty_calendar_are_printed_with_its_faults(
    run_cli: RunCli, folder: Path
) -> None:
    calendar = folder / "calendar.toml"
    without_url_on_30_february = '[[release]]\nid = "x"\ntitle = "X"\nslot = "2018-02-30"\n'
    calendar.write_text(calendar.read_text() + without_url_on_30_february)
    result = run_cli("calendar", "parse", "toml", str(calendar))
    assert [row["uid"] for row in result.lines] == ["births-2016", "x"]
    assert result.status == 1
    # A missing url is only noted. A date that does not exist is a fault, so the status is 1.
    assert result.err.splitlines() == [
        "note: calendar.toml: release[2].url: missing",
        'calendar.toml: release[2].slot: no calendar has this date (got "2018-02-30")',
    ]


def test_an_absent_file_is_reported_in_one_line(run_cli: RunCli) -> None:
    result = run_cli("calendar", "parse", "csv", "none.csv")
    assert (result.status, result.err) == (
        1,
        "none.csv: cannot be read: No such file or directory\n",
    )


def test_calendar_parse_accepts_the_options_of_a_kind_of_calendar(
    run_cli: RunCli, folder: Path
) -> None:
    page = folder / "page.html"
    page.write_text("<table><tr><td>Births</td><td>5 January 2018 9:30am</td></tr></table>")
    options = [
        "--option",
        "rows=tr",
        "--option",
        "title=td:nth-child(1)",
        "--option",
        "date=td:nth-child(2)",
    ]
    titles = [
        row["title"] for row in run_cli("calendar", "parse", "html", str(page), *options).lines
    ]
    assert titles == ["Births"]


@pytest.mark.parametrize("kind", ["toml", "csv"])
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples stand beside the project")
def test_sample_calendars_are_parsed_without_a_fault(run_cli: RunCli, kind: str) -> None:
    """KEYS are the fields that every printed entry has."""
    result = run_cli("calendar", "parse", kind, str(SAMPLES / f"calendar.{kind}"))
    assert result.status == 0
    assert all(set(row) >= KEYS for row in result.lines)


def test_each_date_text_gives_one_json_line(run_cli: RunCli) -> None:
    result = run_cli(
        "calendar",
        "date",
        "Thursday 23 July, 9:30am",
        "Spring 2026",
        "soon",
        "--anchor",
        "2015-07-01",
    )
    time, season, no_date = result.lines
    assert set(time) == {"text", "slot", "doubt", "reason"}
    assert time["slot"]["start"] == "2015-07-23T08:30:00.000Z"
    assert (season["slot"]["start"], season["slot"]["end"]) == ("2026-03-01", "2026-05-31")
    assert (no_date["slot"]["precision"], no_date["reason"]) == ("none", "not-a-date")


def test_the_history_of_a_release_lists_its_promises(run_cli: RunCli) -> None:
    lines = run_cli("calendar", "history", "births-2016").out.splitlines()
    assert lines[0] == "Births 2016 (ons)"
    # The calendar announced the release 40 days before its slot.
    assert (
        "26 Nov 2017 09:30:00 GMT  mine      confirmed  Friday 5 January 2018, 09:30 GMT" in lines
    )
    result = run_cli("calendar", "history", "births-2016", "--json").json
    assert [promise["slot"]["start"] for promise in result["promises"]] == [
        "2018-01-05T09:30:00.000Z"
    ]
    assert [event["what"] for event in result["events"]] == ["announced"]


def test_diff_shows_how_a_calendar_changed_since_its_last_read(run_cli: RunCli) -> None:
    # The calendar was never read into the store, so its entry is new.
    (entry,) = run_cli("calendar", "diff", "mine", "--json").lines
    assert (entry["change"], entry["uid"], entry["before"]) == ("new", "births-2016", None)
    assert entry["after"]["title"] == "Births 2016"
    assert run_cli("calendar", "diff", "mine").out.startswith(
        "new      Births 2016: - -> Friday 5 January 2018, 09:30 GMT"
    )

"""today, plan, explain, replay, report and export on a filled store."""

from __future__ import annotations

import csv
import io
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from icalendar import Calendar

from monitor import History
from monitor.cli.client import OFFLINE
from monitor.deliver.open_data import PROMISE, TABLES
from monitor.deliver.open_data import VERDICT as MEANING_BY_COLUMN
from monitor.errors import UserFault
from monitor.store.rows import CalendarRead
from tests.unit.monitor.cli.conftest import (
    BIRTHS_DELAY,
    INCIDENT,
    RunCli,
    append_config,
    release_with_promise,
    write_store,
)
from tests.unit.monitor.cli.terminal import ROOT, run_at_terminal
from tests.worlds.instants import MINUTE, SECOND, SLOT
from tests.worlds.stores import a_store_file

DAY = ("--date", "2018-01-05")
PERIOD = ("report", "period", "--from", "2018-01-01", "--to", "2018-01-31")
KEEP_REPORT = (*PERIOD, "--producer", "ons", "--keep")
KEPT_REPORT = "period-ons-2018-01-01-2018-01-31"


def fill_box(run_cli: RunCli, box: str, text: str) -> None:
    run_cli("incident", "draft", KEPT_REPORT, "--field", box, "--text", text)


def test_the_board_shows_slot_producer_verdict_delay_id_and_title(run_cli: RunCli) -> None:
    result = run_cli("today", *DAY)
    assert [" ".join(line.split()) for line in result.out.splitlines()] == [
        "Friday 5 January 2018: 1 LATE",
        "SLOT PRODUCER VERDICT DELAY OR EXPOSURE RELEASE TITLE",
        (
            "09:30 GMT Office for National Statistics LATE 20 min to 20 min 1 s births-2016 Births"
            " 2016"
        ),
        "",
        "Closed, report owed: 1",
        "report late Births 2016 (Office for National Statistics) births-2016-2018-01-05",
    ]
    assert result.status == 0


def test_the_board_can_be_limited_to_one_producer(run_cli: RunCli) -> None:
    of_ons = run_cli("today", *DAY, "--producer", "ons", "--json").json
    of_ofqual = run_cli("today", *DAY, "--producer", "ofqual", "--json").json
    assert [row["id"] for row in of_ons] == ["births-2016"]
    assert of_ofqual == []


def test_plan_of_one_producer_still_counts_looks_at_all_hosts(run_cli: RunCli) -> None:
    plan = ("plan", "--date", "2030-01-04", "--json")
    of_ons = run_cli(*plan, "--producer", "ons").json
    of_ofqual = run_cli(*plan, "--producer", "ofqual").json
    assert [release["id"] for release in of_ons["releases"]] == ["deaths-2029"]
    assert of_ofqual["releases"] == []
    assert of_ofqual["hosts"] == run_cli(*plan).json["hosts"]


@pytest.mark.slow
def test_lines_have_the_terminals_width_and_faults_are_bold(run_cli: RunCli, folder: Path) -> None:
    def read_screen(**env: str) -> list[str]:
        return run_at_terminal(
            folder / "config.toml", "today", *DAY, env={"COLUMNS": "60", **env}
        ).splitlines()[1:4]  # the first says that no monitor runs

    _, heading, late_release = read_screen(NO_COLOR="1")
    assert [len(heading), len(late_release)] == [60, 60]
    assert late_release.endswith("…")
    _, _, bold_release = read_screen(NO_COLOR="")
    assert bold_release == f"\x1b[1m{late_release}\x1b[0m"


def test_a_reader_that_closes_the_pipe_is_no_error(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "monitor",
        "--config",
        str(folder / "config.toml"),
        "today",
        *DAY,
        "--json",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert (program.wait(60), program.stderr.read()) == (0, f"{OFFLINE}\n".encode())


def test_the_board_in_json_is_a_list_of_releases(run_cli: RunCli) -> None:
    (row,) = run_cli("today", *DAY, "--json").json
    assert (row["id"], row["verdict"], row["grade"], row["final"]) == (
        "births-2016",
        "late",
        "report",
        True,
    )
    assert row["delay"] == BIRTHS_DELAY
    assert row["incident"] == INCIDENT


def test_release_not_watched_yet_is_on_board_of_its_day(run_cli: RunCli) -> None:
    (row,) = run_cli("today", "--date", "2030-01-04", "--json").json
    assert (row["id"], row["verdict"]) == ("deaths-2029", "pending")


def test_release_that_was_never_judged_is_on_the_board_of_a_past_day(
    run_cli: RunCli, folder: Path
) -> None:
    known, promise = release_with_promise("marriages-2016", "Marriages 2016", SLOT + 86400 * SECOND)
    with write_store(folder) as tx:
        tx.save(known)
        tx.add_promises([promise])
    (row,) = run_cli("today", "--date", "2018-01-06", "--json").json
    assert row["id"] == "marriages-2016"


def test_a_day_without_releases_is_no_error(run_cli: RunCli, folder: Path) -> None:
    with write_store(folder) as tx:
        tx.save(CalendarRead("mine", SLOT, SLOT, usable=True))
    result = run_cli("today", "--date", "2018-01-06")
    first_line, second_line, *_ = result.out.splitlines()
    assert first_line.startswith(
        "Saturday 6 January 2018: no release that is watched is promised for this day"
    )
    assert (result.status, second_line) == (0, "")


@pytest.mark.parametrize(
    ("whether_reads_were_usable", "sentence"),
    [
        ([], "no calendar has been read yet. Start the monitor: `ninethirty run` reads them first"),
        ([False], "no calendar could be read yet. Run `ninethirty calendar read mine` to see why"),
        ([False, True], "no release that is watched is promised for this day"),
    ],
)
def test_empty_board_says_why_it_is_empty(
    run_cli: RunCli, folder: Path, whether_reads_were_usable: list[bool], sentence: str
) -> None:
    """A case is the reads of the calendar so far, usable or not. For example, if one read was not
    usable, the board says that no calendar could be read yet.
    """
    a_store_file(folder / "store.db")
    with write_store(folder) as tx:
        for minute, is_usable in enumerate(whether_reads_were_usable):
            at = SLOT + minute * MINUTE
            tx.save(CalendarRead("mine", at, at, usable=is_usable))
    assert run_cli("today", *DAY).out == f"Friday 5 January 2018: {sentence}\n"


def test_the_board_says_if_no_calendar_is_configured(run_cli: RunCli, folder: Path) -> None:
    (folder / "config.toml").write_text(f'[store]\nurl = "sqlite:///{folder}/empty.db"\n')
    assert (
        "no calendar is configured. Add a [[calendar]] to your configuration"
        in run_cli("today").out
    )


def test_explanation_gives_the_verdict_and_what_would_change_it(run_cli: RunCli) -> None:
    lines = run_cli("explain", "births-2016").out.splitlines()
    assert lines[0] == "LATE by 20 min to 20 min 1 s, grade report, final"
    assert (
        "  Promised    Friday 5 January 2018, 09:30 GMT, as mine said (read 26 Nov 2017 09:30:00 GMT)"
        in lines
    )
    assert "  First seen  between 5 Jan 2018 09:50:00 and 09:50:01 GMT" in lines
    assert "What would change the verdict" in lines
    assert max(map(len, lines)) <= 120


def test_an_explanation_at_an_earlier_instant_uses_nothing_later(run_cli: RunCli) -> None:
    ten_minutes_after_slot, before_slot = "2018-01-05T09:40", "2018-01-05T09:00:00Z"
    overdue = run_cli("explain", "births-2016", "--at", ten_minutes_after_slot, "--json").json
    assert (overdue["verdict"], overdue["delay"]) == ("overdue", {"min": 10 * 60.0, "max": None})
    assert overdue["explanation"]["verdict"] == "overdue"
    assert run_cli("explain", "births-2016", "--at", before_slot, "--json").json["incident"] is None


def test_a_plan_compares_looks_a_minute_with_the_budget(run_cli: RunCli) -> None:
    plan = run_cli("plan", "--date", "2030-01-04", "--json").json
    host = plan["hosts"]["stats.example"]
    # The default budget is 2 looks a second. There are two targets: the page as seen at the edge
    # and at the origin.
    assert (host["budget"], host["targets"], host["warning"], plan["warnings"]) == (
        2.0,
        2,
        None,
        [],
    )
    # From two minutes before the slot, 09:30, each target is looked at once a second: 2 * 60 looks
    # a minute.
    assert host["peak"] == {"at": "2030-01-04T09:28:00.000Z", "looks": 120, "rate": 2.0}
    assert sum(minute["looks"] for minute in host["minutes"]) == host["looks"]


@pytest.mark.parametrize(("within", "warns"), [("60s", False), ("3s", True)])
def test_a_plan_beyond_the_budget_warns_only_of_what_cannot_be_proved(
    run_cli: RunCli, folder: Path, within: str, *, warns: bool
) -> None:
    append_config(folder, '[budget]\n"stats.example" = "1/s"\n')
    append_config(folder, f'[policy]\non_time_within = "{within}"\n')
    printed = run_cli("plan", "--date", "2030-01-04").out
    assert ("WARNING: stats.example, 1/s: of 1 parts promised for 09:30" in printed) is warns
    assert "parts promised for 09:30" in printed
    # The budget allows 60 looks a minute. So 120 are stretched to twice the time.
    assert (
        run_cli("plan", "--date", "2030-01-04", "--json").json["hosts"]["stats.example"]["stretch"]
        == 120 / 60
    )


def test_published_release_is_planned_only_for_looks_after_publication(run_cli: RunCli) -> None:
    # births-2016 was published on 5 January 2018. On the next day its page is still looked at, in
    # the window `after`.
    (release,) = run_cli("plan", "--date", "2018-01-06", "--json").json["releases"]
    windows = [window["name"] for target in release["targets"] for window in target["windows"]]
    assert (release["due"], set(windows)) == (False, {"after"})


def test_a_replay_of_a_store_finds_no_difference(run_cli: RunCli) -> None:
    result = run_cli("replay", "--json")
    assert (result.status, result.json) == (0, {"releases": 1, "differences": {}})


def test_changes_of_verdicts_are_exported_one_a_line_oldest_first(run_cli: RunCli) -> None:
    events = run_cli("export", "--events").lines
    times = [event["at"] for event in events]
    assert times == sorted(times)
    # Births 2016 was judged after 2, 10 and 30 minutes. After 10 it was still overdue, but its
    # grade had risen.
    changes = [
        (event["release"], event["before"], event["after"], event["body"]["grade"])
        for event in events
    ]
    assert changes == [
        ("births-2016", None, "overdue", "note"),
        ("births-2016", "overdue", "overdue", "report"),
        ("births-2016", "overdue", "late", "report"),
    ]
    assert events[-1]["body"]["verdict"] == "late"


def test_events_are_exported_by_period_but_not_as_tables(run_cli: RunCli) -> None:
    # The three events of the store are of 5 January 2018.
    assert (
        len(run_cli("export", "--events", "--from", "2018-01-05", "--to", "2018-01-05").lines) == 3
    )
    assert run_cli("export", "--events", "--to", "2018-01-04").out == ""
    assert run_cli("export", "--events", "--from", "2018-01-06").out == ""
    assert run_cli("export", "--events", "--format", "csv").status == 2
    assert run_cli("export", "--events", "--format", "parquet").status == 2


def test_sqlite_export_has_verdicts_proof_and_meanings_of_columns(
    run_cli: RunCli, folder: Path
) -> None:
    assert run_cli("export", "--format", "sqlite", "--output", str(folder / "all.db")).status == 0
    with closing(sqlite3.connect(folder / "all.db")) as exported:
        verdicts = exported.execute("SELECT id, verdict, slot FROM verdict").fetchall()
        assert verdicts == [("births-2016", "late", "2018-01-05T09:30:00.000Z")]
        assert exported.execute("SELECT DISTINCT release FROM promise").fetchall() == [
            ("births-2016",)
        ]
        assert exported.execute("SELECT DISTINCT release FROM look").fetchall() == [
            ("births-2016",)
        ]
        # The table `dictionary` says what each column of each other table means.
        for table in TABLES:
            columns = [name for _, name, *_ in exported.execute(f"PRAGMA table_info({table})")]
            meanings = dict(
                exported.execute("SELECT name, means FROM dictionary WHERE of = ?", (table,))
            )
            assert list(meanings) == columns
            assert all(meanings.values())


def test_parquet_export_has_typed_values(run_cli: RunCli, folder: Path) -> None:
    run_cli("export", "--output", str(folder / "all.parquet"))
    (row,) = pq.read_table(folder / "all.parquet").to_pylist()
    lower_bound_of_delay_in_seconds = 1200.0
    assert row["id"] == "births-2016"
    assert row["final"] is True
    assert row["delay_min"] == lower_bound_of_delay_in_seconds
    assert row["slot"] == datetime(2018, 1, 5, 9, 30, tzinfo=UTC)


def test_parquet_columns_have_their_meaning_as_metadata(run_cli: RunCli, folder: Path) -> None:
    assert run_cli("export", "--output", str(folder / "all.parquet")).status == 0
    columns = pq.read_schema(folder / "all.parquet")
    assert {
        column.name: column.metadata[b"means"].decode() for column in columns
    } == MEANING_BY_COLUMN


def test_history_gives_programs_the_rows_of_the_export(run_cli: RunCli, folder: Path) -> None:
    (exported,) = csv.DictReader(io.StringIO(run_cli("export").out))
    with History(f"sqlite:///{folder}/store.db") as history:
        (row,) = history.verdicts()
    # In CSV a value is text, and an absent value is empty.
    row_as_text = {name: "" if value is None else str(value) for name, value in row.items()}
    assert row_as_text == exported


def test_history_reads_everything_about_a_release_and_writes_nothing(folder: Path) -> None:
    before = (folder / "store.db").read_bytes()
    with History(f"sqlite:///{folder}/store.db") as history:
        assert [body["id"] for body in history.releases()] == ["births-2016"]
        assert list(history.verdicts(end=datetime(2018, 1, 1, tzinfo=UTC))) == []
        assert list(history.promises("births-2016")[0]) == list(PROMISE)
        assert history.looks("births-2016")[0]["state"] == "absent"
        assert history.blind() == []
        assert [incident["release"] for incident in history.incidents()] == ["births-2016"]
    assert (folder / "store.db").read_bytes() == before


def test_history_of_an_absent_store_is_refused(folder: Path) -> None:
    with pytest.raises(UserFault, match="no such file"):
        History(f"sqlite:///{folder}/elsewhere.db")


def test_csv_export_has_verdict_delay_and_time_of_release(run_cli: RunCli) -> None:
    (row,) = csv.DictReader(io.StringIO(run_cli("export").out))
    # `delay_min` is the lower bound of the delay, in seconds: 20 minutes.
    assert (row["id"], row["verdict"], row["delay_min"], row["final"]) == (
        "births-2016",
        "late",
        "1200.0",
        "true",
    )
    # It was not exposed early, so it was released when it was first seen.
    assert (row["released_after"], row["released_by"]) == (
        row["first_seen_after"],
        row["first_seen_by"],
    )


def test_verdicts_are_exported_as_json_and_by_period(run_cli: RunCli) -> None:
    """`--format json` and `--json` export the same. The only verdict is on a release of 5 January,
    so none is exported for the time from 6 January on.
    """
    assert run_cli("export", "--format", "json").json == run_cli("export", "--json").json
    # Only the line with the names of the columns is left.
    heading, *rows = run_cli("export", "--from", "2018-01-06").out.splitlines()
    assert (heading.partition(",")[0], rows) == ("id", [])


def test_exported_calendar_events_have_the_release_id_as_uid(run_cli: RunCli, folder: Path) -> None:
    result = run_cli("export", "--output", str(folder / "all.ics"))
    events = Calendar.from_ical((folder / "all.ics").read_bytes()).walk("VEVENT")
    assert (result.out, result.err) == ("", f"{folder}/all.ics: written\n")
    assert {str(event["uid"]): f"{event['dtstart'].dt:%F %R}" for event in events} == {
        "births-2016@ninethirty": "2018-01-05 09:30",
        "deaths-2029@ninethirty": "2030-01-04 09:30",
    }


@pytest.mark.parametrize("options", [(), ("--host", "stats.example")], ids=["period", "platform"])
@pytest.mark.parametrize(
    ("ending", "begins"),
    [
        ("docx", b"PK"),
        ("odt", b"PK"),
        ("html", b"<!"),
        ("md", b"# "),
        ("csv", b"release,"),
        ("json", b"{"),
    ],
)
def test_period_and_platform_reports_are_written_in_every_format(
    run_cli: RunCli, folder: Path, options: tuple[str, ...], ending: str, begins: bytes
) -> None:
    """A case is a report on all hosts (period) or on one (platform), its format, and how its file
    begins.
    """
    file, fewest_bytes = folder / f"report.{ending}", 300
    assert run_cli(*PERIOD, *options, "--output", str(file)).status == 0
    assert file.read_bytes().startswith(begins)
    assert file.stat().st_size > fewest_bytes


def test_report_on_a_series_has_a_row_for_each_edition(run_cli: RunCli) -> None:
    printed = run_cli("report", "series", "births 2021", "--format", "csv").out
    assert [row.partition(",")[0] for row in printed.splitlines()] == ["release", "births-2016"]
    report = run_cli("report", "series", "Births 2016").out
    assert "Editions" in report
    refused = run_cli("report", "series", "Birth")
    assert refused.status == 1
    assert 'no series "Birth"' in refused.err


@pytest.mark.usefixtures("as_head")
def test_kept_period_report_is_signed_only_with_both_boxes_filled(
    run_cli: RunCli, folder: Path
) -> None:
    # `report period --keep` stores the report as a draft that people complete and sign.
    assert run_cli(*KEEP_REPORT).out == f"{KEPT_REPORT}: version 1, 2 to complete\n"
    sign = ("incident", "sign", KEPT_REPORT, "--format", "md", "--output", str(folder))
    assert run_cli(*sign).status == 1
    fill_box(run_cli, "P.nature", "Late by an error.")
    fill_box(run_cli, "P.actions", "A second check.")
    # Each box that was filled made a version.
    assert run_cli(*KEEP_REPORT).out == f"{KEPT_REPORT}: version 3, 0 to complete\n"
    assert run_cli(*sign).status == 0
    signed = (folder / KEPT_REPORT / "report.md").read_text(encoding="utf-8")
    assert all(
        words in signed
        for words in ("Late by an error.", "Office for National Statistics", "1 late")
    )


def test_period_report_written_again_keeps_what_people_wrote(run_cli: RunCli) -> None:
    """KEEP_REPORT stores the report.

    The second time, the report also counts an incident that was logged since.
    """
    run_cli(*KEEP_REPORT)
    fill_box(run_cli, "P.actions", "A second check.")
    run_cli(
        "incident",
        "add",
        "--release",
        "births-2016",
        "--what",
        "a leak",
        "--when",
        "2018-01-04",
    )
    run_cli(*KEEP_REPORT)
    report = run_cli("incident", "draft", KEPT_REPORT).out
    assert "1 incident logged by hand" in report
    assert "A second check." in report


def test_stored_period_report_is_a_closed_incident_owing_no_report(run_cli: RunCli) -> None:
    """`report period --keep` stores the report as an incident, so that people can complete and sign
    it. It is closed and owes no other report, so the board does not list it.
    """
    stored = run_cli(*KEEP_REPORT, "--json").json
    assert stored["closed"] is not None
    assert stored["report_owed"] is False
    assert stored["kind"] == "platform"  # the kind of an incident about several releases
    assert KEPT_REPORT not in run_cli("today").out


def test_people_can_add_a_note_to_a_stored_period_report(run_cli: RunCli) -> None:
    run_cli(*KEEP_REPORT)
    assert run_cli("incident", "note", KEPT_REPORT, "sent to the board").status == 0


def test_period_report_has_counts_mean_delay_and_breached_practices(run_cli: RunCli) -> None:
    report = run_cli(*PERIOD, "--json").json
    assert (report["counts"], report["punctuality"]["mean_delay"]) == ({"late": 1}, BIRTHS_DELAY)
    # In January 2018 edition 1.0 of the Code was in force. Its Protocol 2 is about release times.
    assert report["releases"][0]["practice"].startswith("Protocol 2")


def test_platform_report_names_its_host_and_lists_its_releases(run_cli: RunCli) -> None:
    """A platform report is a period report on the releases of one host, here stats.example."""
    assert run_cli(*PERIOD, "--host", "stats.example", "--json").json["host"] == "stats.example"
    (row,) = csv.DictReader(
        io.StringIO(run_cli(*PERIOD, "--host", "stats.example", "--format", "csv").out)
    )
    assert row["title"] == "Births 2016"


def test_a_report_that_cannot_be_written_is_an_environment_error(
    run_cli: RunCli, folder: Path
) -> None:
    result = run_cli(*PERIOD, "--output", str(folder / "none" / "report.md"))
    assert (result.status, result.err) == (
        3,
        (
            f"{folder}/none/report.md: cannot be written: No such file or directory: make its"
            " folder first\n"
        ),
    )

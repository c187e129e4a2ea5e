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
    RunCli,
    release_with_promise,
    write_store,
)
from tests.unit.monitor.cli.terminal import ROOT, run_at_terminal
from tests.worlds.instants import MINUTE, SECOND, SLOT
from tests.worlds.stores import a_store_file

DAY = ("--date", "2018-01-05")


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
    assert run_cli("ready", "--date", "2030-01-05").out == (
        "Saturday 5 January 2030: no slot is ahead\n"
    )


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


@pytest.mark.parametrize("verb", ["plan", "ready"])
def test_before_the_first_read_nothing_is_said_of_slots(
    run_cli: RunCli, folder: Path, verb: str
) -> None:
    a_store_file(folder / "store.db")
    unread = "no calendar has been read yet. Start the monitor: `ninethirty run` reads them first\n"
    assert run_cli(verb).out == unread


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


def test_published_release_is_planned_only_for_looks_after_publication(run_cli: RunCli) -> None:
    # births-2016 was published on 5 January 2018. On the next day its page is still looked at, in
    # the window `after`.
    (release,) = run_cli("plan", "--date", "2018-01-06", "--json").json["releases"]
    windows = [window["name"] for target in release["targets"] for window in target["windows"]]
    assert (release["due"], set(windows)) == (False, {"after"})


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


def test_exported_calendar_events_have_the_release_id_as_uid(run_cli: RunCli, folder: Path) -> None:
    result = run_cli("export", "--output", str(folder / "all.ics"))
    events = Calendar.from_ical((folder / "all.ics").read_bytes()).walk("VEVENT")
    assert (result.out, result.err) == ("", f"{folder}/all.ics: written\n")
    assert {str(event["uid"]): f"{event['dtstart'].dt:%F %R}" for event in events} == {
        "births-2016@ninethirty": "2018-01-05 09:30",
        "deaths-2029@ninethirty": "2030-01-04 09:30",
    }

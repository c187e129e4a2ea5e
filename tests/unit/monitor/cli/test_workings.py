"""check, store, channel, once, rehearse: the monitor's own workings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.probe import fact_lines
from monitor.clock import SystemClock
from monitor.look.fetch import Answer
from monitor.store.evidence.evidence import Evidence
from monitor.store.open import open_store
from monitor.store.rows import Heartbeat
from monitor.store.sql import migrate
from monitor.store.sql.driver_errors import MEND
from monitor.store.sql.engine import Store
from monitor.store.sql.tables import HEAD
from monitor.store.writer import Writer
from tests.contracts.later import BEFORE, NEXT

Ask = Callable[..., Any]
QUIET_DAY = """
title = "Nothing is promised"
from = 2018-01-05T09:00:00
until = 2018-01-05T09:01:00
[[expect]]
notices = {notices}
"""

CALENDAR = """
[[release]]
id = "soon"
title = "Soon"
producer = "ons"
url = "http://127.0.0.1:9/soon"
slot = {day}T23:59:59Z
"""


def add(folder: Path, text: str) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text() + text)


FOLDERS_ALONE = "WARNING: config.toml: channel: only folders are configured, so no one is notified\n"
SEEN = ["strangers see: whether the monitor is alive and ready", "people at this machine see: everything"]


def test_a_good_configuration_is_reported_as_in_order(ask: Ask, folder: Path) -> None:
    told = ask("check")
    assert (told.status, told.out.splitlines()[0]) == (0, f"{folder}/config.toml: in order, warnings: 1")
    assert told.err == FOLDERS_ALONE
    assert told.out.splitlines()[-2:] == SEEN
    assert ask("check", "--json").json == {
        "ok": True,
        "faults": [],
        "warnings": [FOLDERS_ALONE.strip().removeprefix("WARNING: ")],
        "will": {
            "days": 7,
            "due": {},
            "told": [f"notified of everything: desk (files in {folder}/outbox)"],
            "short": [],
        },
        "seen": SEEN,
        "on_call": {},
    }


def test_calendars_are_read_on_demand_with_progress(ask: Ask, folder: Path) -> None:
    assert ask("check", "--online").err == f"calendar mine: 1 entries\n{FOLDERS_ALONE}"
    (folder / "calendar.toml").write_text("[[release]")
    told = ask("check", "--online", "--json")
    assert (told.status, told.json["faults"][0][:37]) == (1, "calendar mine: calendar.toml: not TOM")
    assert ask("check", "--online").err.count("calendar mine: calendar.toml: not TOM") == 1


def test_faults_of_secrets_folders_and_store_are_reported_at_once(ask: Ask, folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "store.db").write_text("no database at all" * 100)
    add(folder, '[[channel]]\nname = "chat"\nkind = "apprise"\nurl = { env = "NINETHIRTY_TEST_NONE" }\n')
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("/outbox", "/file"))
    told = ask("check")
    assert told.status == 1
    assert told.err.splitlines() == [
        "config.toml: channel[2].url: the environment has no NINETHIRTY_TEST_NONE",
        f'config.toml: channel[1].folder: the folder cannot be written (got "{folder}/file")',
        f"config.toml: store.url: store sqlite:///{folder}/store.db: the file is not a database, or damaged: {MEND}",
    ]


def test_stores_of_older_and_newer_versions_are_reported_and_not_changed(ask: Ask, folder: Path) -> None:
    with closing(Store(f"sqlite:///{folder}/store.db", shape=NEXT)) as store:
        with store._engine.begin() as connection:
            migrate.downgrade(connection, BEFORE.head)
        older = f"store sqlite:///{folder}/store.db: its shape is {BEFORE.head}, this version needs {HEAD}: "
        older += "run `ninethirty store upgrade`, or start the monitor"
        told = ask("today")
        assert (told.status, told.err) == (3, older + "\n")
        told = ask("check")
        assert (told.status, f"WARNING: config.toml: store.url: {older}" in told.err.splitlines()) == (0, True)
        assert ask("store", "upgrade").out == "The store has the schema of this version.\n"
        assert ask("today").status == 0
        store.upgrade()
        newer = "its shape, 9001, is of a newer version: upgrade this one"
        assert f"config.toml: store.url: {newer}" in ask("check", "--json").json["warnings"]
        assert ask("store", "upgrade").out == "A newer version upgraded it to 9001. This version can still use it.\n"
        assert ask("store", "check", "--json").json["faults"] == []


def test_a_test_notice_goes_through_the_named_channel(ask: Ask, folder: Path) -> None:
    told = ask("channel", "test", "desk", "--json")
    assert (told.status, told.json["accepted"]) == (0, True)
    (text,) = folder.glob("outbox/*/*.txt")
    assert "TEST\n\nLATE: Test of a channel: there is no incident" in text.read_text()


def test_a_refusing_channel_ends_with_status_1(ask: Ask, folder: Path) -> None:
    (folder / "outbox").write_text("a file in the way")
    told = ask("channel", "test", "desk")
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith("desk: refused: ")


def test_an_unknown_channel_is_answered_with_the_nearest(ask: Ask) -> None:
    told = ask("channel", "test", "disk")
    assert (told.status, told.err) == (1, 'no channel "disk", did you mean "desk"?\n')


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_a_read_only_store_is_a_fault(ask: Ask, folder: Path) -> None:
    (folder / "store.db").chmod(0o444)
    told = ask("check")
    # A folder of a long name is cut.
    assert (told.status, told.err.partition(" (got")[0], told.err.count("\n")) == (
        1,
        "config.toml: store.url: the file cannot be written",
        1,
    )


@pytest.mark.parametrize("blocked", [False, True])
def test_check_creates_nothing_if_there_is_no_store_yet(ask: Ask, folder: Path, *, blocked: bool) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("/store.db", "/nope/deep down/store.db"))
    if blocked:
        (folder / "nope").write_text("no folder")
    told = ask("check")
    assert told.status == blocked
    assert ("store.url: the folder cannot be written" in told.err) is blocked
    assert (folder / "nope").exists() is blocked
    if blocked:
        assert f"{folder}/nope/deep down/store.db: its folder cannot be made" in ask("store", "check").err


def test_a_store_address_with_a_space_is_shown_as_configured(ask: Ask, folder: Path) -> None:
    config = folder / "config.toml"
    config.write_text(config.read_text().replace("/store.db", "/a store.db"))
    (folder / "a store.db").write_text("no database, but long enough to be taken for one" * 9)
    told = ask("store", "check")
    assert (told.status, told.err) == (
        3,
        f"store sqlite:///{folder}/a store.db: the file is not a database, or damaged: {MEND}\n",
    )


def test_a_store_is_checked_upgraded_and_backed_up_without_overwriting_a_backup(ask: Ask, folder: Path) -> None:
    assert ask("store", "check").out == "The store is whole, and so is its evidence.\n"
    assert ask("store", "upgrade", "--json").json == {"upgraded": True}
    assert ask("store", "backup", str(folder / "copy.db")).status == 0
    told = ask("store", "backup", str(folder / "copy.db"))
    assert (told.status, len(told.err.splitlines())) == (1, 1)


def test_store_check_reports_altered_or_lost_evidence(ask: Ask, folder: Path) -> None:
    asyncio.run(_kept(folder))
    assert ask("store", "check").status == 0
    (file,) = (folder / "evidence").glob("*.warc.gz")
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    told = ask("store", "check", "--json")
    assert (told.status, ["altered" in fault for fault in told.json["faults"]]) == (1, [True])
    file.unlink()
    told = ask("store", "check")
    assert (told.status, "edge" in told.out, "cannot be read" in told.out) == (1, True, True)


async def _kept(folder: Path) -> None:
    store, clock = open_store(f"sqlite:///{folder}/store.db"), SystemClock()
    store.upgrade()
    writer = Writer(store, clock)
    evidence = Evidence(folder / "evidence", store.evidence, writer, clock, "edge")
    evidence.keep(Answer("https://stats.example/a", 404, {}, b"Page not found", clock.now(), clock.now()), "a", "turn")
    await writer.close()
    store.close()


def beat(folder: Path, at: datetime, *, stopped: bool) -> None:
    store = open_store(f"sqlite:///{folder}/store.db")
    with store.transaction() as tx:
        tx.save_heartbeat(Heartbeat("edge", at, stopped=stopped))
    store.close()


def test_once_reads_looks_judges_and_stops_regularly(ask: Ask, folder: Path) -> None:
    day = SystemClock().now().date()
    calendar = CALENDAR.format(day=day)
    (folder / "calendar.toml").write_text(calendar)
    told = ask("once", "--json")
    assert told.status == 0
    assert [(row["id"], row["verdict"]) for row in told.json] == [("soon", "pending")]
    assert ask("once").status == 0


def test_once_refuses_a_store_on_which_a_daemon_of_its_name_runs(ask: Ask, folder: Path) -> None:
    beat(folder, SystemClock().now(), stopped=False)
    told = ask("once")
    assert (told.status, told.out) == (3, "")
    assert told.err.startswith('a monitor named "edge" is running on this store')
    beat(folder, SystemClock().now(), stopped=True)
    assert ask("once").status == 0


def test_a_rehearsal_with_an_unmet_expectation_prints_only_json_and_ends_with_status_1(ask: Ask, folder: Path) -> None:
    script = folder / "quiet.toml"
    for notices, status in ((0, 0), (1, 1)):
        script.write_text(QUIET_DAY.format(notices=notices))
        told = ask("rehearse", str(script), "--json")
        (line,) = told.lines
        assert (told.status, line["ok"], told.err) == (status, status == 0, "")


@pytest.mark.parametrize("count", [1, 3])
def test_a_script_that_cannot_be_played_is_explained_and_the_others_are_played(
    ask: Ask, folder: Path, count: int
) -> None:
    scripts = [folder / f"{name}.toml" for name in ("blocked", "one", "two")[:count]]
    for script in scripts:
        script.write_text(QUIET_DAY.format(notices=0).replace("Nothing", script.stem))
    (folder / "kept").mkdir()
    (folder / "kept" / "blocked").write_text("a file where the folder of this script belongs")
    reason = f"{folder}/kept/blocked: File exists"
    told = ask("rehearse", *map(str, scripts), "--keep", str(folder / "kept"), "--json")
    assert (told.status, told.err) == (1, "")
    lines = {line["title"]: line for line in told.lines}
    assert {title.partition(" ")[0]: line["ok"] for title, line in lines.items()} == {
        script.stem: script.stem != "blocked" for script in scripts
    }
    blocked = lines["blocked is promised"]
    assert blocked["reason"] == reason
    assert blocked["expect"] == [{"release": "", "part": None, "met": False, "why": "not played to its end"}]
    assert blocked.keys() == told.lines[-1].keys()
    told = ask("rehearse", *map(str, scripts), "--keep", str(folder / "kept"))
    assert told.status == 1
    assert f"blocked is promised\n  NOT PLAYED TO ITS END: {reason}\n" in told.out
    assert told.err.count("playing ") == (count if count > 1 else 0)


def test_a_rehearsal_can_be_kept_again_in_the_same_folder(ask: Ask, folder: Path) -> None:
    script = folder / "quiet.toml"
    script.write_text(QUIET_DAY.format(notices=0))
    for _ in range(2):
        assert ask("rehearse", str(script), "--keep", str(folder / "kept")).status == 0
    assert (folder / "kept" / "quiet" / "ninethirty.db").is_file()


def test_faults_of_all_scripts_are_reported_before_any_is_played(ask: Ask, folder: Path) -> None:
    for name in ("one", "two"):
        (folder / f"{name}.toml").write_text(f'titel = "{name}"\n')
    told = ask("rehearse", str(folder / "one.toml"), str(folder / "two.toml"))
    assert (told.status, told.out) == (1, "")
    assert {line.partition(":")[0] for line in told.err.splitlines()} == {"one.toml", "two.toml"}


@pytest.mark.parametrize("answer", ["--json", None])
def test_a_look_at_a_refused_address_proves_nothing(ask: Ask, answer: str | None) -> None:
    told = ask("probe", "http://127.0.0.1:9/", *([answer] if answer else []))
    assert told.status == 3
    assert "unknown" in told.out


def test_probe_prints_facts_as_lines_for_people() -> None:
    learnt = {
        "state": "present",
        "why": None,
        "specific": False,
        "bytes": 1,
        "proved": {"from": "09:30:00Z", "to": "09:30:01Z"},
        "headers": {"age": "3"},
        "found": [{"url": "https://stats.example/a.ods", "role": "data"}],
    }
    assert list(fact_lines(learnt)) == [
        "state: present",
        "specific: no",
        "bytes: 1",
        "proved from: 09:30:00Z",
        "proved to: 09:30:01Z",
        "headers age: 3",
        "found: data https://stats.example/a.ods",
    ]


def test_written_files_are_readable_only_by_the_service_account(ask: Ask, folder: Path) -> None:
    (folder / "store.db").unlink()
    before = os.umask(0o022)
    try:
        assert ask("store", "upgrade").status == 0
        assert ask("store", "backup", str(folder / "copy.db")).status == 0
        assert ask("channel", "test", "desk").status == 0
    finally:
        os.umask(before)
    written = [file for file in folder.rglob("*") if file.suffix in {".db", ".txt", ".json"} or ".db-" in file.name]
    assert {file.suffix for file in written} >= {".db", ".txt", ".json"}
    assert {file.stat().st_mode & 0o077 for file in written} == {0}

"""check, store, channel, once, rehearse: the monitor's own workings."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.cli.probe import fact_lines
from monitor.clock import SystemClock
from monitor.look.fetch import Answer
from monitor.store.evidence.evidence import Evidence
from monitor.store.open import open_store
from monitor.store.sql.driver_errors import MEND
from monitor.store.writer import Writer
from tests.unit.monitor.cli.conftest import RunCli, append_config, replace_in_config

QUIET_DAY = """
title = "{title}"
from = 2018-01-05T09:00:00
until = 2018-01-05T09:01:00
[[expect]]
notices = {notices}
"""

DUE_LATE_TODAY = """
[[release]]
id = "soon"
title = "Soon"
producer = "ons"
url = "http://127.0.0.1:9/soon"
slot = {today}T23:59:59Z
"""
WARNING_OF_ONLY_FOLDERS = (
    "WARNING: config.toml: channel: only folders are configured, so no one is notified\n"
)
NO_ONE_NEXT = "At the next slot (not known yet) no one is notified of a late release."
WHO_SEES_WHAT = [
    "strangers see: whether the monitor is alive and ready",
    "users of the machine who may write to the socket have every right",
    "people at this machine see: everything",
]


def test_configuration_that_notifies_no_one_gets_a_warning(run_cli: RunCli, folder: Path) -> None:
    """The only channel of this configuration writes notices to a folder, so no person gets them."""
    result = run_cli("check")
    assert (result.status, result.out.splitlines()[0]) == (
        0,
        f"{folder}/config.toml: in order, warnings: 1",
    )
    assert result.err == WARNING_OF_ONLY_FOLDERS
    # At its end, `check` also prints who sees what on the web pages, and who is notified next.
    assert result.out.splitlines()[-4:] == [*WHO_SEES_WHAT, NO_ONE_NEXT]


def test_check_prints_faults_warnings_and_plans_as_json(run_cli: RunCli, folder: Path) -> None:
    """`will` is what the monitor will do in the next 7 days: releases due, who is notified
    (`told`), and hosts with too small a budget (`short`). `seen` is who sees what on the web pages.
    """
    assert run_cli("check", "--json").json == {
        "ok": True,
        "faults": [],
        "warnings": [WARNING_OF_ONLY_FOLDERS.strip().removeprefix("WARNING: ")],
        "will": {
            "days": 7,
            "due": {},
            "told": [f"notified of everything: desk (files in {folder}/outbox)"],
            "short": [],
        },
        "seen": WHO_SEES_WHAT,
        "on_call": {},
        "next": NO_ONE_NEXT,
    }


def test_an_online_check_reads_every_calendar_and_counts_its_entries(run_cli: RunCli) -> None:
    assert (
        run_cli("check", "--online").err == f"calendar mine: 1 entries\n{WARNING_OF_ONLY_FOLDERS}"
    )


def test_an_online_check_reports_an_unreadable_calendar_once(run_cli: RunCli, folder: Path) -> None:
    unclosed = "[[release]"
    (folder / "calendar.toml").write_text(unclosed)
    fault = "calendar mine: calendar.toml: not TOML"
    result = run_cli("check", "--online", "--json")
    assert (result.status, result.json["faults"][0].startswith(fault)) == (1, True)
    assert run_cli("check", "--online").err.count(fault) == 1


def test_faults_of_secrets_folders_and_store_are_reported_at_once(
    run_cli: RunCli, folder: Path
) -> None:
    (folder / "file").write_text("")
    replace_in_config(folder, "/outbox", "/file")
    (folder / "store.db").write_text("no database at all" * 100)
    append_config(
        folder,
        '[[channel]]\nname = "chat"\nkind = "apprise"\nurl = { env = "NINETHIRTY_TEST_NONE" }\n',
    )
    result = run_cli("check")
    assert result.status == 1
    assert result.err.splitlines() == [
        "config.toml: channel[2].url: the environment has no NINETHIRTY_TEST_NONE",
        f'config.toml: channel[1].folder: the folder cannot be written (got "{folder}/file")',
        (
            f"config.toml: store.url: store sqlite:///{folder}/store.db: the file is not a"
            f" database, or damaged: {MEND}"
        ),
    ]


def set_schema(folder: Path, revision: str) -> None:
    """Let a store look as if the program of another revision had made it."""
    with closing(sqlite3.connect(folder / "store.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = ?", [revision])


def test_store_from_before_the_first_release_candidate_is_refused(
    run_cli: RunCli, folder: Path
) -> None:
    set_schema(folder, "0011")
    fault = (
        f"store sqlite:///{folder}/store.db: its shape, 0011, is from before version 1.0.0rc1,"
        " which can still upgrade it"
    )
    for verb in ("today", "store upgrade"):
        refused = run_cli(*verb.split())
        assert (refused.status, refused.err) == (3, fault + "\n")
    # `check` only warns, because it does not need the rows.
    check = run_cli("check")
    assert (check.status, f"WARNING: config.toml: store.url: {fault}" in check.err) == (0, True)


def test_store_of_this_version_needs_no_upgrade(run_cli: RunCli) -> None:
    assert run_cli("store", "upgrade").out == "The store has the schema of this version.\n"


@pytest.mark.parametrize("verb", ["today", "store upgrade", "replay"])
def test_a_store_of_a_newer_version_is_refused(run_cli: RunCli, folder: Path, verb: str) -> None:
    set_schema(folder, "9999")
    refused = run_cli(*verb.split())
    fault = "a newer version of ninethirty made it (its shape is 9999): upgrade this one"
    assert (refused.status, refused.err) == (3, f"store sqlite:///{folder}/store.db: {fault}\n")


def test_a_test_notice_goes_through_the_named_channel(run_cli: RunCli, folder: Path) -> None:
    result = run_cli("channel", "test", "desk", "--json")
    assert (result.status, result.json["accepted"]) == (0, True)
    (text,) = folder.glob("outbox/*/*.txt")
    assert "TEST\n\nLATE: Test of a channel: there is no incident" in text.read_text()


def test_channel_test_exits_with_status_1_if_the_channel_refuses(
    run_cli: RunCli, folder: Path
) -> None:
    (folder / "outbox").write_text("a file in the way")
    result = run_cli("channel", "test", "desk")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("desk: refused: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_a_read_only_store_is_a_fault(run_cli: RunCli, folder: Path) -> None:
    (folder / "store.db").chmod(0o444)
    result = run_cli("check")
    assert result.status == 1
    (fault,) = result.err.splitlines()
    assert fault.startswith("config.toml: store.url: the file cannot be written")


def test_check_creates_no_folder_for_a_new_store(run_cli: RunCli, folder: Path) -> None:
    replace_in_config(folder, "/store.db", "/new/deep down/store.db")
    result = run_cli("check")
    assert result.status == 0
    assert "store.url" not in result.err
    assert not (folder / "new").exists()


def test_a_store_whose_folder_is_a_file_is_a_fault(run_cli: RunCli, folder: Path) -> None:
    replace_in_config(folder, "/store.db", "/file/deep down/store.db")
    (folder / "file").write_text("no folder")
    result = run_cli("check")
    assert result.status == 1
    assert "store.url: the folder cannot be written" in result.err
    assert (
        f"{folder}/file/deep down/store.db: its folder cannot be made"
        in run_cli("store", "check").err
    )


def test_a_store_address_with_a_space_is_shown_as_configured(run_cli: RunCli, folder: Path) -> None:
    replace_in_config(folder, "/store.db", "/a store.db")
    (folder / "a store.db").write_text("no database, but long enough to be taken for one" * 9)
    result = run_cli("store", "check")
    assert (result.status, result.err) == (
        3,
        f"store sqlite:///{folder}/a store.db: the file is not a database, or damaged: {MEND}\n",
    )


def test_a_good_store_can_be_checked_and_upgraded(run_cli: RunCli) -> None:
    assert run_cli("store", "check").out == "The store is whole, and so is its evidence.\n"
    assert run_cli("store", "upgrade", "--json").json == {"upgraded": True}


def test_a_backup_is_never_overwritten(run_cli: RunCli, folder: Path) -> None:
    assert run_cli("store", "backup", str(folder / "copy.db")).status == 0
    result = run_cli("store", "backup", str(folder / "copy.db"))
    assert (result.status, len(result.err.splitlines())) == (1, 1)


def test_store_check_reports_altered_evidence(run_cli: RunCli, folder: Path) -> None:
    file = asyncio.run(keep_evidence(folder))
    assert run_cli("store", "check").status == 0
    data = bytearray(file.read_bytes())
    data[-20] ^= 1  # flips one bit of the response; any other byte of it would do
    file.write_bytes(data)
    result = run_cli("store", "check", "--json")
    (fault,) = result.json["faults"]
    assert result.status == 1
    assert "altered" in fault


def test_store_check_reports_lost_evidence_and_its_monitor(run_cli: RunCli, folder: Path) -> None:
    asyncio.run(keep_evidence(folder)).unlink()
    result = run_cli("store", "check")
    assert result.status == 1
    # The monitor "edge" kept the evidence.
    assert "edge" in result.out
    assert "cannot be read" in result.out


async def keep_evidence(folder: Path) -> Path:
    """Keep one response as evidence of the monitor "edge". Return the file that contains it."""
    store, clock = open_store(f"sqlite:///{folder}/store.db"), SystemClock()
    store.upgrade()
    writer = Writer(store, clock)
    evidence = Evidence(folder / "evidence", store.evidence, writer, clock, "edge")
    evidence.keep(
        Answer("https://stats.example/a", 404, {}, b"Page not found", clock.now(), clock.now()),
        "a",
        "turn",
    )
    await writer.close()
    store.close()
    (file,) = (folder / "evidence").glob("*.warc.gz")
    return file


def test_once_prints_the_verdicts_of_today_and_can_run_again(run_cli: RunCli, folder: Path) -> None:
    (folder / "calendar.toml").write_text(DUE_LATE_TODAY.format(today=SystemClock().now().date()))
    result = run_cli("once", "--json")
    assert result.status == 0
    # Its slot is the last second of today, so it is pending.
    assert [(release["id"], release["verdict"]) for release in result.json] == [("soon", "pending")]
    assert run_cli("once").out.startswith("1 release looked at: 1 pending\n")


def write_quiet_script(folder: Path, name: str, notices: int = 0) -> str:
    """Write a script, titled as named, that expects so many notices and sends none.

    Return its path.
    """
    script = folder / f"{name}.toml"
    script.write_text(QUIET_DAY.format(title=name, notices=notices))
    return str(script)


@pytest.mark.parametrize(("expected_notices", "is_met"), [(0, True), (1, False)])
def test_rehearsal_with_json_exits_1_if_an_expectation_is_unmet(
    run_cli: RunCli, folder: Path, expected_notices: int, *, is_met: bool
) -> None:
    """In a quiet script nothing happens, so it gives no notice. A script that expects none ends
    with status 0, and one that expects a notice with 1.
    """
    result = run_cli("rehearse", write_quiet_script(folder, "quiet", expected_notices), "--json")
    (outcome,) = result.lines
    assert (outcome["ok"], result.status, result.err) == (is_met, 0 if is_met else 1, "")


@pytest.fixture
def blocked_keep(folder: Path) -> Path:
    """Return a folder for kept rehearsals, where a file is in the way of the script `blocked`."""
    keep = folder / "kept"
    keep.mkdir()
    (keep / "blocked").write_text("a file where the folder of this script belongs")
    return keep


@pytest.mark.parametrize("playable_scripts", [[], ["one", "two"]], ids=["alone", "with others"])
def test_json_says_which_script_could_not_be_played(
    run_cli: RunCli, folder: Path, blocked_keep: Path, playable_scripts: list[str]
) -> None:
    """The script `blocked` needs a folder in `blocked_keep`, where a file is in the way. It is
    played alone, or with two scripts that can be played.
    """
    scripts = [write_quiet_script(folder, name) for name in ("blocked", *playable_scripts)]
    result = run_cli("rehearse", *scripts, "--keep", str(blocked_keep), "--json")
    assert (result.status, result.err) == (1, "")
    outcome_of = {outcome["title"]: outcome for outcome in result.lines}
    blocked = outcome_of.pop("blocked")
    assert blocked["reason"] == f"{blocked_keep}/blocked: File exists"
    # Each script expects a number of notices, which is about no release and no part. Here it could
    # not be checked.
    assert blocked["expect"] == [
        {"release": "", "part": None, "met": False, "why": "not played to its end"}
    ]
    assert set(outcome_of) == set(playable_scripts)
    for outcome in outcome_of.values():
        assert outcome["ok"] is True
        # Programs find the same keys in every outcome.
        assert outcome.keys() == blocked.keys()


@pytest.mark.parametrize("playable_scripts", [[], ["one", "two"]], ids=["alone", "with others"])
def test_people_see_which_script_could_not_be_played(
    run_cli: RunCli, folder: Path, blocked_keep: Path, playable_scripts: list[str]
) -> None:
    """The script `blocked` needs a folder in `blocked_keep`, where a file is in the way. It is
    played alone, or with two scripts that can be played.
    """
    scripts = [write_quiet_script(folder, name) for name in ("blocked", *playable_scripts)]
    result = run_cli("rehearse", *scripts, "--keep", str(blocked_keep))
    assert result.status == 1
    assert f"blocked\n  NOT PLAYED TO ITS END: {blocked_keep}/blocked: File exists\n" in result.out
    # If several scripts are played, one line reports the start of each. For a single script there
    # is none.
    assert result.err.count("playing ") == (len(scripts) if len(scripts) > 1 else 0)


def test_a_rehearsal_can_be_kept_again_in_the_same_folder(run_cli: RunCli, folder: Path) -> None:
    keep_quiet = ("rehearse", write_quiet_script(folder, "quiet"), "--keep", str(folder / "kept"))
    assert run_cli(*keep_quiet).status == 0
    assert run_cli(*keep_quiet).status == 0
    assert (folder / "kept" / "quiet" / "ninethirty.db").is_file()


def test_faults_of_all_scripts_are_reported_before_any_is_played(
    run_cli: RunCli, folder: Path
) -> None:
    for name in ("one", "two"):
        (folder / f"{name}.toml").write_text('titel = "a misspelt key"\n')
    result = run_cli("rehearse", str(folder / "one.toml"), str(folder / "two.toml"))
    assert (result.status, result.out) == (1, "")
    assert {line.partition(":")[0] for line in result.err.splitlines()} == {"one.toml", "two.toml"}


@pytest.mark.parametrize("options", [["--json"], []])
def test_look_at_this_machine_is_refused_and_proves_nothing(
    run_cli: RunCli, options: list[str]
) -> None:
    """`probe` makes one look at an address, here of this machine.

    A case is with or without `--json`.
    """
    result = run_cli("probe", "http://127.0.0.1:9/", *options)
    assert result.status == 3
    # Without a response it is unknown whether a release is there.
    assert "unknown" in result.out
    assert "proved from" not in result.out


def test_probe_prints_facts_as_lines_for_people() -> None:
    facts = {
        "state": "present",
        "why": None,
        "specific": False,
        "bytes": 1,
        "proved": {"from": "09:30:00Z", "to": "09:30:01Z"},
        "headers": {"age": "3"},
        "found": [{"url": "https://stats.example/a.ods", "role": "data"}],
    }
    # None is left out, a boolean is yes or no, and facts within facts are a line each.
    assert list(fact_lines(facts)) == [
        "state: present",
        "specific: no",
        "bytes: 1",
        "proved from: 09:30:00Z",
        "proved to: 09:30:01Z",
        "headers age: 3",
        "found: data https://stats.example/a.ods",
    ]


def test_written_files_are_readable_only_by_the_service_account(
    run_cli: RunCli, folder: Path
) -> None:
    (folder / "store.db").unlink()
    readable_by_all = 0o022
    before = os.umask(readable_by_all)
    try:
        assert run_cli("store", "upgrade").status == 0
        assert run_cli("store", "backup", str(folder / "copy.db")).status == 0
        assert run_cli("channel", "test", "desk").status == 0
    finally:
        os.umask(before)
    written = [
        file
        for file in folder.rglob("*")
        if file.suffix in {".db", ".txt", ".json"} or ".db-" in file.name
    ]
    assert {file.suffix for file in written} >= {".db", ".txt", ".json"}
    rights_of_others = 0o077
    assert all(file.stat().st_mode & rights_of_others == 0 for file in written)

"""Looks of a real process survive a kill while its store fails, and a start waits for the store."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.config.read import read_settings
from monitor.errors import EnvironmentFault
from monitor.look.sighting import State
from monitor.store.evidence.chain import verify_evidence
from monitor.store.open import StoreLock, open_store
from tests.unit.monitor.app.one_release import Publisher, configured, publishing
from tests.unit.monitor.app.process import alive, wait_for_log_line
from tests.unit.monitor.app.replaying import differences_in_replay

CLOCK = SystemClock()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with publishing() as server:
        yield server


def start_once_with_calendar(folder: Path, publisher: Publisher) -> tuple[Path, datetime]:
    """Run a monitor until it has read its calendar.

    Return its configuration and the slot of the release.

    The slot leaves room for another start, as long as one takes here.
    """
    (elsewhere := folder / "before").mkdir()
    began = CLOCK.now()
    run_until_calendar_read(configured(elsewhere, publisher, began + timedelta(hours=1)))
    slot = (CLOCK.now() + 2.5 * (CLOCK.now() - began) + timedelta(seconds=3)).replace(microsecond=0)
    config = configured(folder, publisher, slot)
    run_until_calendar_read(config)
    return config, slot


def run_until_calendar_read(config: Path) -> None:
    with alive(config) as child:
        wait_for_log_line(child, "calendar_read")
        stop_process(child)


def stop_process(child: subprocess.Popen[str]) -> None:
    child.send_signal(signal.SIGTERM)
    output = child.communicate(timeout=30)[0]
    assert child.returncode == 0, output


@contextmanager
def without_store(folder: Path) -> Iterator[None]:
    """Replace the store's folder with a file for the length of a block."""
    (folder / "store").rename(folder / "elsewhere")
    (folder / "store").touch()
    yield
    (folder / "store").unlink()
    (folder / "elsewhere").rename(folder / "store")


def wait_until(instant: datetime) -> None:
    while CLOCK.now() < instant:
        threading.Event().wait(0.1)


@contextmanager
def locked(store_file: Path) -> Iterator[None]:
    """Lock a store from another connection for the length of a block, so that the monitor cannot
    write to it.
    """
    with closing(sqlite3.connect(store_file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate(timeout=20)


def wait_for_new_evidence(store_file: Path, known_numbers: set[int]) -> set[int]:
    """Wait until the store has two records of evidence besides the known ones.

    Return the numbers of the new ones.
    """
    while len(new_numbers := evidence_numbers(store_file) - known_numbers) < 2:
        threading.Event().wait(0.1)
    return new_numbers


def replace_store(store_file: Path, copy: Path) -> None:
    # SQLite keeps its last writes in two other files, which belong to the replaced store.
    for ending in ("-wal", "-shm"):
        store_file.with_name(f"{store_file.name}{ending}").unlink(missing_ok=True)
    shutil.copyfile(copy, store_file)


def wait_until_present_is_spooled(spool: Path) -> None:
    while b'"state":"present"' not in spool.read_bytes():
        threading.Event().wait(0.1)


def publish_and_kill_once_seen(
    child: subprocess.Popen[str], publisher: Publisher, spools: Path
) -> datetime:
    """Publish the page.

    Kill the monitor once its spool has a look that found it. Return when it was published.
    """
    publisher.published_at = published_at = CLOCK.now()
    wait_for_log_line(child, "turned", state="present")
    (spool,) = spools.glob("*.spool.jsonl")
    wait_until_present_is_spooled(spool)
    kill(child)
    return published_at


def wait_for_late_notice(child: subprocess.Popen[str]) -> None:
    wait_for_log_line(child, "verdict", verdict="late", final=True)
    wait_for_log_line(child, "delivery", standing="sent")


def check_late_verdict_in_store(config: Path, slot: datetime, published_at: datetime) -> None:
    """Check that the store has one correct late verdict, one incident, its evidence, and that
    replay agrees.
    """
    settings = read_settings(config)
    with closing(open_store(settings.store.url)) as store:
        (row,) = store.verdicts.judged()
        assert (row.word, row.final) == ("late", True)
        truth = (published_at - slot).total_seconds()
        assert row.body["delay"]["min"] <= truth + 0.1
        assert row.body["delay"]["max"] >= truth
        notices = store.outbox.notices()
        assert [notice.kind for notice in notices].count("opened") == 1
        assert len({(notice.kind, notice.subject) for notice in notices}) == len(notices)
        assert differences_in_replay(store, settings) == {"claims": []}
        # The response that shows the published page was kept even if the process was killed.
        present_run = next(
            run for run in store.runs.of_release("claims") if run.state is State.PRESENT
        )
        assert present_run.evidence
        assert (store.check(), verify_evidence(store.evidence, Path(settings.evidence.folder))) == (
            [],
            [],
        )
    assert not list((config.parent / "spool").glob("*.spool.jsonl"))


@pytest.mark.slow
def test_monitor_that_starts_without_its_store_waits_for_it(
    tmp_path: Path, publisher: Publisher
) -> None:
    """A monitor sees that the page is absent after its slot, and is killed. The next one waits for
    the store, and proves the lateness with the looks of the first.
    """
    config, slot = start_once_with_calendar(tmp_path, publisher)
    with alive(config) as child:
        wait_for_log_line(child, "verdict", verdict="overdue", grade="report")
        kill(child)
    publisher.published_at = CLOCK.now()
    with ExitStack() as until_end:
        with without_store(tmp_path):
            child = until_end.enter_context(alive(config))
            wait_for_log_line(child, "waits_for_store")
        wait_for_late_notice(child)
        # The monitor has locked the file now, so no second one can run on it.
        with pytest.raises(EnvironmentFault, match="another monitor runs on"):
            StoreLock(read_settings(config).store.url).lock()
        stop_process(child)
    check_late_verdict_in_store(config, slot, publisher.published_at)


@pytest.mark.slow
def test_monitor_that_waits_for_its_store_can_be_stopped(
    tmp_path: Path, publisher: Publisher
) -> None:
    config, _slot = start_once_with_calendar(tmp_path, publisher)
    with without_store(tmp_path), alive(config) as child:
        wait_for_log_line(child, "waits_for_store")
        stop_process(child)


@pytest.mark.slow
def test_looks_made_while_the_store_refused_writes_survive_a_kill(
    tmp_path: Path, publisher: Publisher
) -> None:
    """While the store refuses writes, a monitor sees that the page is published late, and is
    killed. By the looks in its spool, the next monitor proves the lateness.
    """
    config, slot = start_once_with_calendar(tmp_path, publisher)
    file = tmp_path / "store" / "store.db"
    with alive(config) as child:
        wait_for_log_line(child, "calendar_read")
        # Another connection locks the store, so the monitor begins to spool its looks.
        with locked(file):
            wait_for_log_line(child, "store_failed")
            wait_for_log_line(child, "spool_begun")
            late = slot + timedelta(seconds=3)  # the configuration allows one second
            wait_until(late)
            # The page is published. Once a look has seen it, the monitor is killed.
            published_at = publish_and_kill_once_seen(child, publisher, tmp_path / "spool")
    # The store is no longer locked. The next monitor hands the spool in.
    with alive(config) as child:
        wait_for_log_line(child, "spool_handed_in")
        wait_for_late_notice(child)
        stop_process(child)
    check_late_verdict_in_store(config, slot, published_at)


@pytest.mark.slow
def test_spool_restores_evidence_missing_from_an_older_store_copy(
    tmp_path: Path, publisher: Publisher
) -> None:
    """New records of evidence are in the store and in the spool, but not in an older copy. The
    store is replaced by this copy. Then the spool brings the records back.
    """
    config, slot = start_once_with_calendar(tmp_path, publisher)
    store_file, copy = tmp_path / "store" / "store.db", tmp_path / "copy.db"
    shutil.copyfile(store_file, copy)
    numbers_in_copy = evidence_numbers(copy)
    with alive(config) as child:
        # The monitor stores evidence that the copy lacks.
        numbers_not_in_copy = wait_for_new_evidence(store_file, numbers_in_copy)
        with locked(store_file):
            # The monitor cannot write to its store any more. The spool also gets that evidence.
            wait_for_log_line(child, "spool_begun")
            wait_until(slot)
            publish_and_kill_once_seen(child, publisher, tmp_path / "spool")
    # The store is restored from the copy. At its next start, the monitor hands its spool in.
    replace_store(store_file, copy)
    with alive(config) as child:
        wait_for_log_line(child, "spool_handed_in")
        wait_for_log_line(child, "calendar_read")
        stop_process(child)
    assert numbers_not_in_copy <= evidence_numbers(store_file)
    with closing(open_store(f"sqlite:///{store_file}")) as store:
        assert (store.check(), verify_evidence(store.evidence, tmp_path / "evidence")) == ([], [])
        # The look at the published page, which only the spool had, has its evidence too.
        present_runs = [
            run for run in store.runs.of_release("claims") if run.state is State.PRESENT
        ]
        assert any(run.evidence for run in present_runs)


def evidence_numbers(store: Path) -> set[int]:
    """Return the numbers of the records of evidence in a store."""
    with closing(sqlite3.connect(store)) as asked:
        return {number for (number,) in asked.execute("SELECT number FROM evidence")}

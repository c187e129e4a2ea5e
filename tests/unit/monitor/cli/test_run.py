"""run as the first process of a container, which no signal ends that it does not handle."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from monitor.errors import EnvironmentFault
from monitor.store.evidence.folder import EvidenceFolder
from monitor.store.open import StoreLock, locked_store
from monitor.store.sql.engine import Store
from tests.unit.monitor.cli.conftest import RunCli
from tests.worlds.stores import a_store_file

EXIT_AT_SIGTERM = (
    "import signal; from monitor.cli.run import _exit_now; {first_statement};"
    " _exit_now(signal.SIGTERM, None)"
)
RAISE_SIGHUP_TWICE = """
import asyncio, signal
signal.signal(signal.SIGHUP, signal.{disposition})
from monitor.cli.run import handle_signals

async def raise_sighup_twice():
    stop, reloads = asyncio.Event(), []
    handle_signals(asyncio.get_running_loop(), stop, lambda: reloads.append("reload"))
    for _ in range(2):
        signal.raise_signal(signal.SIGHUP)
        for _ in range(5):
            await asyncio.sleep(0)
    print("reloads:", len(reloads), "stopped:", stop.is_set())

asyncio.run(raise_sighup_twice())
"""
RAISE_SIGTERM_TWICE = """
import asyncio, signal
from monitor.cli.run import handle_signals

async def raise_sigterm_twice():
    stop = asyncio.Event()
    handle_signals(asyncio.get_running_loop(), stop, lambda: None)
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)
        for _ in range(5):
            await asyncio.sleep(0)
        print("asked to stop:", stop.is_set(), flush=True)

asyncio.run(raise_sigterm_twice())
"""


@pytest.mark.parametrize(
    ("disposition", "reloads"), [("SIG_DFL", 2), ("SIG_IGN", 0)], ids=["usually", "under nohup"]
)
def test_sighup_reloads_except_under_nohup(disposition: str, reloads: int) -> None:
    """SIGHUP never stops the monitor. `nohup` starts it with the disposition SIG_IGN, which ignores
    the signal. So two signals make two reloads, or none under `nohup`.
    """
    code = RAISE_SIGHUP_TWICE.format(disposition=disposition)
    ended = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=30, capture_output=True, text=True
    )
    assert ended.stdout == f"reloads: {reloads} stopped: False\n"


def test_second_sigterm_ends_the_daemon_at_once() -> None:
    """The first signal only asks the daemon to stop.

    The second one ends the process before it can print again.
    """
    ended = subprocess.run(
        [sys.executable, "-c", RAISE_SIGTERM_TWICE],
        check=False,
        timeout=30,
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, "asked to stop: True\n")


def exit_status_at_sigterm(first_statement: str) -> int:
    """Return the exit status of a process that runs a statement and then `_exit_now`, the handler
    of SIGTERM.
    """
    code = EXIT_AT_SIGTERM.format(first_statement=first_statement)
    return subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode


def test_exit_at_sigterm_ends_the_process_by_that_signal() -> None:
    assert exit_status_at_sigterm(first_statement="pass") == -signal.SIGTERM


def test_process_that_sigterm_cannot_end_exits_with_status_143() -> None:
    # The first process of a container does not end by a signal. A process that blocks the signal
    # does not either.
    block_sigterm = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])"
    assert exit_status_at_sigterm(first_statement=block_sigterm) == 128 + signal.SIGTERM == 143


def test_a_second_monitor_on_one_store_file_is_refused(run_cli: RunCli, folder: Path) -> None:
    with (
        locked_store(f"sqlite:///{folder}/store.db"),
        closing(EvidenceFolder(folder / "evidence", "edge")),
    ):
        refused = run_cli("once")
    assert refused.status == 3
    assert f"another monitor runs on {folder}/store.db" in refused.err
    assert run_cli("once").status == 0


def test_a_store_file_created_later_is_locked_from_then_on(tmp_path: Path) -> None:
    first, second = (StoreLock(f"sqlite:///{tmp_path}/store.db") for _ in range(2))
    first.lock()  # locks nothing, because there is no file
    (tmp_path / "store.db").touch()
    first.lock()
    first.lock()  # is its own lock, so it is not refused
    with pytest.raises(EnvironmentFault, match=f"another monitor runs on {tmp_path}/store.db"):
        second.lock()
    first.release()


def test_lock_does_not_count_for_a_recreated_file(tmp_path: Path) -> None:
    first, second = (StoreLock(f"sqlite:///{tmp_path}/store.db") for _ in range(2))
    file = tmp_path / "store.db"
    file.touch()
    first.lock()
    file.unlink()
    file.touch()
    second.lock()  # locks the new file
    # The lock of `first` is on the removed file, so it has to lock the new one, and cannot.
    with pytest.raises(EnvironmentFault):
        first.lock()
    first.release()
    second.release()


def test_second_lock_of_one_file_ends_no_lock_of_sqlite(tmp_path: Path) -> None:
    """Otherwise another program that closes the store would delete its log of writes."""
    url = a_store_file(tmp_path / "store.db")
    with closing(Store.open_upgraded(url)), locked_store(url) as lock:
        lock.lock()
        reader = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT 1 FROM run')"
        subprocess.run([sys.executable, "-c", reader, str(tmp_path / "store.db")], check=True)
        assert (tmp_path / "store.db-wal").exists()

"""run as the first process of a container, which no signal ends that it does not handle."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.cli.main import status_of
from monitor.errors import EnvironmentFault
from monitor.store.open import StoreLock, locked_store
from tests.worlds.stores import a_store_file

EXIT_TWICE = "import signal; from monitor.cli.run import _exit_now; {first}; _exit_now(signal.SIGTERM, None)"
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


@pytest.mark.parametrize(("disposition", "reloads"), [("SIG_DFL", 2), ("SIG_IGN", 0)], ids=["usually", "under nohup"])
def test_each_sighup_reloads_except_under_nohup_and_stops_nothing(disposition: str, reloads: int) -> None:
    code = RAISE_SIGHUP_TWICE.format(disposition=disposition)
    ended = subprocess.run([sys.executable, "-c", code], check=True, timeout=30, capture_output=True, text=True)
    assert ended.stdout == f"reloads: {reloads} stopped: False\n"


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ("pass", -signal.SIGTERM),
        # The first process of a container does not end by a signal. A blocked signal has the same effect.
        ("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])", 128 + signal.SIGTERM),
    ],
    ids=["an ordinary process", "the first of a container"],
)
def test_a_second_signal_ends_the_daemon_at_once(first: str, status: int) -> None:
    ended = subprocess.run([sys.executable, "-c", EXIT_TWICE.format(first=first)], check=False, timeout=30)
    assert ended.returncode == status


def test_a_second_monitor_on_one_store_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = a_store_file(tmp_path / "store.db")
    (tmp_path / "calendar.toml").write_text("")
    config = tmp_path / "config.toml"
    config.write_text(
        f'[store]\nurl = "{url}"\n[evidence]\nfolder = "{tmp_path}/evidence"\n'
        f'[[calendar]]\nname = "own"\nkind = "toml"\nfile = "{tmp_path}/calendar.toml"\n'
    )
    with locked_store(url):
        assert status_of(["--config", str(config), "once"]) == 3
        assert f"another monitor runs on {tmp_path}/store.db" in capsys.readouterr().err
    assert status_of(["--config", str(config), "once"]) == 0


def test_a_store_file_created_later_is_locked_from_then_on(tmp_path: Path) -> None:
    first, second = (StoreLock(f"sqlite:///{tmp_path}/store.db") for _ in range(2))
    first.lock()  # locks nothing, because there is no file
    (tmp_path / "store.db").touch()
    first.lock()
    first.lock()  # is its own lock, so it is not refused
    with pytest.raises(EnvironmentFault, match=f"another monitor runs on {tmp_path}/store.db"):
        second.lock()
    first.release()


def test_a_lock_is_of_the_file_that_has_the_name_now(tmp_path: Path) -> None:
    first, second = (StoreLock(f"sqlite:///{tmp_path}/store.db") for _ in range(2))
    file = tmp_path / "store.db"
    file.touch()
    first.lock()
    file.unlink()
    file.touch()  # another file of the same name
    second.lock()
    with pytest.raises(EnvironmentFault):
        first.lock()
    first.release()
    second.release()

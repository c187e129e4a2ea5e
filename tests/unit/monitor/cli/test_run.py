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

ENDS = "import signal; from monitor.cli.run import _exit_now; {first}; _exit_now(signal.SIGTERM, None)"
HEARS = """
import asyncio, signal
signal.signal(signal.SIGHUP, signal.{first})
from monitor.cli.run import handle_signals

async def hung_up():
    stop, heard = asyncio.Event(), []
    handle_signals(asyncio.get_running_loop(), stop, lambda: heard.append("again"))
    for _ in range(2):
        signal.raise_signal(signal.SIGHUP)
        for _ in range(5):
            await asyncio.sleep(0)
    print(stop.is_set(), *heard)

asyncio.run(hung_up())
"""


@pytest.mark.parametrize(
    ("first", "told"), [("SIG_DFL", "False again again\n"), ("SIG_IGN", "False\n")], ids=["usually", "under nohup"]
)
def test_sighup_reloads_the_configuration_and_stops_nothing(first: str, told: str) -> None:
    heard = subprocess.run(
        [sys.executable, "-c", HEARS.format(first=first)], check=True, timeout=30, capture_output=True, text=True
    )
    assert heard.stdout == told


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ("pass", -signal.SIGTERM),
        # As good as being the first process: the signal is sent, and nothing comes of it.
        ("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])", 128 + signal.SIGTERM),
    ],
    ids=["an ordinary process", "the first of a container"],
)
def test_a_second_signal_ends_the_daemon_at_once(first: str, status: int) -> None:
    ended = subprocess.run([sys.executable, "-c", ENDS.format(first=first)], check=False, timeout=30)
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
    one, other = (StoreLock(f"sqlite:///{tmp_path}/store.db") for _ in range(2))
    one.lock()
    (tmp_path / "store.db").touch()
    one.lock()
    one.lock()
    with pytest.raises(EnvironmentFault, match=f"another monitor runs on {tmp_path}/store.db"):
        other.lock()
    # Whatever bears the name now is what must be held.
    (tmp_path / "store.db").unlink()
    (tmp_path / "store.db").touch()
    other.lock()
    with pytest.raises(EnvironmentFault):
        one.lock()
    one.release()
    other.release()

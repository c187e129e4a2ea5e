"""run as the first process of a container, which no signal ends that it does not handle."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

ENDS = "import signal; from monitor.cli.run import _now; {first}; _now(signal.SIGTERM, None)"


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

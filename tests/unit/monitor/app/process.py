"""The daemon as a process of its own, and what it logs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def until_said(child: subprocess.Popen[str], wanted: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 # any value of a log line
    """Read log lines until one says this; one that is not said within half a minute never is."""
    assert child.stdout is not None
    heard = []
    patience = threading.Timer(30, child.kill)
    patience.start()
    try:
        for line in child.stdout:
            said: dict[str, Any] = json.loads(line)
            if said["msg"] == wanted and all(said.get(key) == value for key, value in more.items()):
                return said
            heard.append(line)
    finally:
        patience.cancel()
    raise AssertionError(f"it never said {wanted} {more}, but:\n{''.join(heard[-20:])}")


@contextmanager
def alive(config: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the daemon; whatever happens, it is dead in the end."""
    command = [sys.executable, "-m", "monitor", "--config", str(config), "run"]
    # Under `nohup` it would ignore a hang-up, as it should.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        signal.signal(signal.SIGHUP, before)
        try:
            yield child
        finally:
            child.kill()

"""The daemon as a separate process, and its log."""

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


def wait_for_log_line(child: subprocess.Popen[str], message: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 # any value of a log line
    """Return the first log line with this message and these values.

    It must come within half a minute.
    """
    assert child.stdout is not None
    other_lines = []
    patience = threading.Timer(30, child.kill)
    patience.start()
    try:
        for line in child.stdout:
            line_json: dict[str, Any] = json.loads(line)
            if line_json["msg"] == message and all(
                line_json.get(key) == value for key, value in more.items()
            ):
                return line_json
            other_lines.append(line)
    finally:
        patience.cancel()
    raise AssertionError(
        f"no line has {message} {more}, but there are:\n{''.join(other_lines[-20:])}"
    )


@contextmanager
def alive(config: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the daemon as a process, and kill it at the end of the block."""
    command = [sys.executable, "-m", "monitor", "--config", str(config), "run"]
    # Under `nohup` it would ignore a hang-up, as it should.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        signal.signal(signal.SIGHUP, before)
        try:
            yield child
        finally:
            child.kill()

"""A terminal with somebody at it, for what the program asks of people only."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[4]


def run_at_terminal(config: Path, *arguments: str, typed: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run the program at a terminal where this is typed; returns what the screen shows."""
    near, far = pty.openpty()
    command = [sys.executable, "-m", "monitor", "--config", str(config), *arguments]
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=far, cwd=ROOT, env={**os.environ, **(env or {})}):
        os.close(far)
        os.write(near, typed.encode())
        shown = b""
        while part := _read(near):
            shown += part
        os.close(near)
    return shown.decode().replace("\r\n", "\n")


def answer_at_terminal(config: Path, *arguments: str, answers: Mapping[str, str]) -> str:
    """Run the program at a terminal, typing each answer once its question is shown; returns what the screen shows.

    What is typed before a hidden question is asked is thrown away, so it cannot be typed ahead.
    """
    near, far = pty.openpty()
    command = [sys.executable, "-m", "monitor", "--config", str(config), *arguments]
    # A session of its own, or it would ask at the terminal of whoever runs the tests.
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=far, cwd=ROOT, start_new_session=True):
        os.close(far)
        shown, left = b"", dict(answers)
        while part := _read(near):
            shown += part
            for question in [one for one in left if shown.endswith(one.encode())]:
                os.write(near, f"{left.pop(question)}\n".encode())
        os.close(near)
    return shown.decode().replace("\r\n", "\n")


def _read(near: int) -> bytes:
    try:
        return os.read(near, 4096)
    except OSError:
        # The other end was closed: the program has ended.
        return b""

"""A terminal with a person, for questions that the program asks only people."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[4]


def run_at_terminal(
    config: Path,
    *arguments: str,
    typed: str = "",
    answers: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run the program at a terminal, and return what the screen shows.

    `typed` is typed at the start. `answers` maps the end of each question to the answer that is
    typed after it. Use it for a hidden question, because the terminal discards everything typed
    before such a question.
    """
    near, far = pty.openpty()
    command = [sys.executable, "-m", "monitor", "--config", str(config), *arguments]
    variables = {**os.environ, **(env or {})}
    # Without a session of its own, it would ask at the terminal of the person who runs the tests.
    with subprocess.Popen(
        command, stdin=far, stdout=far, stderr=far, cwd=ROOT, env=variables, start_new_session=True
    ):
        os.close(far)
        os.write(near, typed.encode())
        shown, unanswered = b"", dict(answers or {})
        while part := _read(near):
            shown += part
            for question in [one for one in unanswered if shown.endswith(one.encode())]:
                os.write(near, f"{unanswered.pop(question)}\n".encode())
        os.close(near)
    return shown.decode().replace("\r\n", "\n")


def _read(near: int) -> bytes:
    try:
        return os.read(near, 4096)
    except OSError:
        # The other end was closed: the program has ended.
        return b""

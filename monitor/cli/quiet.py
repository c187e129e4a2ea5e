"""Log lines of verbs that a person runs: on standard error, and only those that matter."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hushed(level: str = "ERROR") -> Iterator[None]:
    """Keep log lines below a level to ourselves for the length of a block; standard output stays for the answer."""
    from monitor import logs

    listener = logs.set_up(level, sys.stderr, as_json=False)
    try:
        yield
    finally:
        listener.stop()

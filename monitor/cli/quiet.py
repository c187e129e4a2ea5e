"""Log lines of verbs that a person runs: on standard error, and only those that matter."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def hushed(secrets: Iterable[str] = ()) -> Iterator[None]:
    """Keep log lines but errors to ourselves for the length of a block; none of `secrets` is ever told."""
    from monitor import logs

    listener = logs.set_up("ERROR", sys.stderr, as_json=False, secrets=secrets)
    try:
        yield
    finally:
        listener.stop()

"""Memory that was freed, given back to the machine."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache


def give_back() -> None:
    """Let the machine have the pages of the heap that hold nothing any more; costs under half a millisecond.

    glibc returns of itself only what lies at the heap's end. A thousand first looks at once, the answers and records
    that wait for their commit included, leave holes of 1 to 3 MB before it which nothing fills until the next such
    burst. Where the C library has no such call, as musl's, this does nothing.
    """
    _own()(0)


def trimmer(library: object) -> Callable[[int], object]:
    """Return the call of a C library that does it, one that does nothing where there is none."""
    found: Callable[[int], object] | None = getattr(library, "malloc_trim", None)
    return found or (lambda _kept: None)


@lru_cache(maxsize=1)
def _own() -> Callable[[int], object]:
    return trimmer(ctypes.CDLL(None))

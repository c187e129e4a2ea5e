"""The heap of the C library, where a daemon lives for months: little kept in holes, and freed memory given back."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache

# As glibc's malloc.h numbers them.
_LARGE, _HEAPS = -3, -8
_LARGE_BYTES = 131_072


def settle() -> None:
    """Have all threads use one heap, and large blocks lie outside of it; for a daemon, before it has threads.

    Of itself glibc gives each thread a heap, and takes for small what is as large as the largest block yet freed.
    What drafts and batches leave behind then adds up to a third of a MB a day. The interpreter's lock lets one
    thread at a time allocate nearly always, so that none waits for the heap.
    """
    settle_in(ctypes.CDLL(None))


def give_back() -> None:
    """Let the machine have the pages of the heap that hold nothing any more; costs under half a millisecond.

    glibc returns of itself only what lies at the heap's end. A thousand first looks at once, the answers and records
    that wait for their commit included, leave holes of 1 to 3 MB before it which nothing fills until the next such
    burst. Where the C library has no such call, as musl's, this does nothing.
    """
    _own()(0)


def settle_in(library: object) -> None:
    """Tell a C library to; one that cannot be told is left alone."""
    choose: Callable[[int, int], object] | None = getattr(library, "mallopt", None)
    if choose is not None:
        choose(_HEAPS, 1)
        choose(_LARGE, _LARGE_BYTES)


def trimmer(library: object) -> Callable[[int], object]:
    """Return the call of a C library that does it, one that does nothing where there is none."""
    found: Callable[[int], object] | None = getattr(library, "malloc_trim", None)
    return found or (lambda _kept: None)


@lru_cache(maxsize=1)
def _own() -> Callable[[int], object]:
    return trimmer(ctypes.CDLL(None))

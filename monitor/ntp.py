"""What the machine itself says of its clock."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_ERROR = 5
_ROOM = 512


def adjtimex() -> int:
    """Return the kernel's state of the clock untouched (`adjtimex(2)`); below zero when it cannot be asked."""
    try:
        # A structure of zeros asks and sets nothing; the room is more than twice what any kernel fills.
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_ROOM)))
    except (OSError, AttributeError):
        return -1


def is_kept(ask: Callable[[], int] = adjtimex) -> bool | None:
    """Tell whether something (NTP, as a rule) keeps this machine's clock right; None where the system does not tell."""
    state = ask()
    return None if state < 0 else state != _ERROR


def kept_words(kept: bool | None) -> str:  # noqa: FBT001 # the answer itself
    """Return that in words, for the status page."""
    return {True: "yes", False: "no: nothing synchronises it", None: "the system does not tell"}[kept]

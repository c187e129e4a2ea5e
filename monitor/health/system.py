"""The machine: the heaps of C library and interpreter, the kernel's clock, what systemd is told (sd_notify(3))."""

from __future__ import annotations

import ctypes
import gc
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

# As glibc's malloc.h numbers them.
_LARGE, _HEAPS = -3, -8
_LARGE_BYTES = 131_072
_TURN = 0.001
"""Seconds for which a thread keeps the interpreter while others wait for it; five times as long of itself."""


def settle() -> None:
    """Make all threads share one heap, with large blocks outside it; called by a daemon before it starts threads.

    Of itself glibc gives each thread a heap, and takes for small what is as large as the largest block yet freed.
    What drafts and batches leave behind then adds up to a third of a MB a day. The interpreter's lock lets one
    thread at a time allocate nearly always, so that none waits for the heap.

    It also has them take turns sooner than of itself. Whoever asks the store or packs bytes lets that lock go at each
    step, and waits a whole turn of a busy loop to have it back: a commit of a second took ten while thousands of pages
    were read for the first time, until the store gave it up.
    """
    sys.setswitchinterval(_TURN)
    settle_in(ctypes.CDLL(None))


def hold_sweeps() -> None:
    """Search no more for rings of objects that nobody needs until `sweep_again`; called before a start.

    Nearly all that a start makes stays, and going through it again and again took a third of the start.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def sweep_again() -> None:
    """Search for such rings in what is made from now on.

    Modules, parts and what was read back stay for good: going through all of them would hold up the looks at hand.
    """
    gc.freeze()
    gc.enable()


def give_back() -> None:
    """Return unused pages of the heap to the machine; takes less than half a millisecond.

    glibc returns of itself only what lies at the heap's end. A thousand first looks at once, the answers and records
    that wait for their commit included, leave holes of 1 to 3 MB before it which nothing fills until the next such
    burst. Where the C library has no such call, as musl's, this does nothing.
    """
    _own()(0)


def settle_in(library: object) -> None:
    """Apply this to a C library; one without such settings is left alone."""
    choose: Callable[[int, int], object] | None = getattr(library, "mallopt", None)
    if choose is not None:
        choose(_HEAPS, 1)
        choose(_LARGE, _LARGE_BYTES)


def trimmer(library: object) -> Callable[[int], object]:
    """Return the function of a C library that does this, or one that does nothing."""
    found: Callable[[int], object] | None = getattr(library, "malloc_trim", None)
    return found or (lambda _kept: None)


@lru_cache(maxsize=1)
def _own() -> Callable[[int], object]:
    return trimmer(ctypes.CDLL(None))


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
    """Return in words, for the status page, whether something keeps the clock right."""
    return {
        True: "synchronised",
        False: "nothing synchronises it",
        None: "the system does not say if it is synchronised",
    }[kept]


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Sends states to the socket of systemd; says nothing without one.

    `watchdog` is how long systemd waits for a sign of life before it restarts us, None when it does not.
    """

    address: str = ""
    watchdog: timedelta | None = None

    def tell(self, state: str) -> None:
        """Send one state, such as `READY=1`. A service manager that is gone is no fault of ours."""
        if not self.address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as there:
            try:
                there.sendto(state.encode(), self.address.replace("@", "\0", 1) if self.is_abstract else self.address)
            except OSError:
                return

    @property
    def is_abstract(self) -> bool:
        """Tell whether the socket has no file."""
        return self.address.startswith("@")


SILENT = ServiceManager()


def service_manager(environment: Mapping[str, str], pid: int) -> ServiceManager:
    """Return the service manager that started the process `pid` with this environment."""
    micros = environment.get("WATCHDOG_USEC", "")
    ours = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = timedelta(microseconds=int(micros)) if micros.isdecimal() and int(micros) and ours else None
    return ServiceManager(environment.get("NOTIFY_SOCKET", ""), watchdog)

"""The machine below us: memory, the kernel's clock, and systemd (sd_notify(3))."""

from __future__ import annotations

import ctypes
import gc
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

_C_LIBRARY = ctypes.CDLL(None)
# Of glibc's malloc.h.
_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
_MMAP_THRESHOLD_BYTES = 131_072
_SWITCH_INTERVAL = 0.001
"""Seconds for which a thread keeps the interpreter while others wait (Python: 0.005)."""


def tune_process() -> None:
    """Make all threads share one heap and switch sooner. Call it before threads start.

    glibc gives each thread a heap, and keeps ever larger freed blocks in it: a third of a MB a day
    was not used again. One heap costs no time, because the interpreter's lock lets only one thread
    allocate.

    A thread that queries or compresses releases this lock at each step, and waits a whole interval
    to get it back: a commit of one second took ten, and timed out.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL)
    set_malloc_options(_C_LIBRARY)


def pause_garbage_collection() -> None:
    """Stop the cyclic collector until `resume_garbage_collection`, for a start.

    Nearly all objects of a start are kept, and collections took a third of its time.
    """
    gc.collect()
    gc.freeze()
    gc.disable()


def resume_garbage_collection() -> None:
    """Start the collector again, only for new objects. Collecting all of them would delay looks."""
    gc.freeze()
    gc.enable()


def return_free_memory(library: object = _C_LIBRARY) -> None:
    """Return unused pages of the heap to the machine, in less than half a millisecond.

    glibc returns only memory at the heap's end, below which a thousand first looks leave holes of 1
    to 3 MB. Libraries without `malloc_trim`, such as musl, are not changed.
    """
    trim: Callable[[int], object] | None = getattr(library, "malloc_trim", None)
    if trim is not None:
        trim(0)


def set_malloc_options(library: object) -> None:
    """Set one heap, and the limit for large blocks, in a library that has `mallopt`."""
    choose: Callable[[int, int], object] | None = getattr(library, "mallopt", None)
    if choose is not None:
        choose(_ARENA_MAX, 1)
        choose(_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)


_TIME_ERROR = 5
"""Of adjtimex(2) while the clock is not synchronised."""
_BUFFER_BYTES = 512


def adjtimex() -> int:
    """Return the kernel's state of the clock (`adjtimex(2)`), negative if it cannot be read."""
    try:
        # A structure of zeros only reads. The buffer is more than large enough.
        return int(_C_LIBRARY.adjtimex(ctypes.create_string_buffer(_BUFFER_BYTES)))
    except (OSError, AttributeError):
        return -1


def is_clock_synchronised(read_state: Callable[[], int] = adjtimex) -> bool | None:
    """Return whether something, usually NTP, synchronises this machine's clock, None if unknown."""
    state = read_state()
    return None if state < 0 else state != _TIME_ERROR


def clock_sync_text(is_synchronised: bool | None) -> str:  # noqa: FBT001 # the answer itself
    """Return the text of the status page for that."""
    if is_synchronised is None:
        return "the system does not say if it is synchronised"
    return "synchronised" if is_synchronised else "no service synchronises it"


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Sends states to systemd's socket at `address`, if there is one.

    systemd restarts us if it gets no watchdog message for `watchdog`.
    """

    address: str = ""
    watchdog: timedelta | None = None

    def notify(self, state: str) -> None:
        """Send one state, such as `READY=1`, if the socket is there."""
        if not self.address:
            return
        # An abstract socket's name begins with a zero byte, which systemd writes as "@".
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        with socket.socket(socket.AF_UNIX, kind) as sender, suppress(OSError):
            sender.sendto(state.encode(), address)


NO_SERVICE_MANAGER = ServiceManager()


def find_service_manager(environment: Mapping[str, str], pid: int) -> ServiceManager:
    """Return the service manager that started the process `pid` with this environment."""
    micros = environment.get("WATCHDOG_USEC", "")
    ours = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = (
        timedelta(microseconds=int(micros)) if micros.isdecimal() and int(micros) and ours else None
    )
    return ServiceManager(environment.get("NOTIFY_SOCKET", ""), watchdog)

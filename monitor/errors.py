"""The faults we raise, and what each means to a caller of the program.

NinethirtyError
├── UserFault            the person can mend it: configuration, script, calendar file, arguments
│   ├── BadInput         one or more faults in a file, all told at once
│   └── UnknownName      no release, calendar, channel or incident of that name
└── SurroundingsFault    the machine or network failed us
    ├── StoreFault       store unreachable, locked or full
    │   ├── StoreTooNew  a version made it beside which this one cannot work: no waiting mends that
    │   └── StoreTooOld  it lacks steps that this version needs, and whoever only asks takes none
    └── PortTaken        the address to listen on is in use
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class NinethirtyError(Exception):
    """Base of all faults that are ours. `str(fault)` is fit for a person: one line a fault."""


class UserFault(NinethirtyError):
    """Something a person gave us is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a file: `file: key: reason (got VALUE)`."""

    file: str
    key: str
    reason: str
    value: str | None = None

    def __str__(self) -> str:
        """Return the one line that people see."""
        place = f"{self.file}: {self.key}: " if self.key else f"{self.file}: "
        return f"{place}{self.reason}" + ("" if self.value is None else f" (got {self.value})")


class BadInput(UserFault):
    """A file with faults in it, every one of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Take all faults at once."""
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class UnknownName(UserFault):
    """A name given by a person that names nothing."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Return the fault for a name that names nothing, with the nearest one that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1) or [one for one in names if name and name in one][:1]
    return UnknownName(f'no {kind} "{name}"' + (f', did you mean "{near[0]}"?' if near else ""))


class Refused(UserFault):
    """Something that could be done, but not as things are now."""


class SurroundingsFault(NinethirtyError):
    """The machine, the disk or the network failed."""


class StoreFault(SurroundingsFault):
    """The store cannot be reached, read or written."""


class StoreSilent(StoreFault):
    """The store has taken a batch and neither committed nor refused it for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the store has not answered for {seconds:g} s")


class StoreTooNew(StoreFault):
    """A version of the program made the store beside which this one cannot work."""


class StoreTooOld(StoreFault):
    """The store lacks steps that this version needs."""


class PortTaken(SurroundingsFault):
    """The address to listen on is in use."""


EXIT_STATUS: dict[type[NinethirtyError], int] = {UserFault: 1, SurroundingsFault: 3}
HTTP_STATUS: dict[type[NinethirtyError], int] = {UnknownName: 404, Refused: 409, UserFault: 400, SurroundingsFault: 503}


def exit_status(fault: NinethirtyError) -> int:
    """Return the exit status of the program for a fault."""
    return next(status for kind, status in EXIT_STATUS.items() if isinstance(fault, kind))


def http_status(fault: NinethirtyError) -> int:
    """Return the HTTP status that tells a client of a fault."""
    return next(status for kind, status in HTTP_STATUS.items() if isinstance(fault, kind))

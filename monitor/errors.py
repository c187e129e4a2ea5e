"""The faults we raise, and what each means to a caller of the program.

NinethirtyError
├── UserFault            the person can mend it: configuration, script, calendar file, arguments
│   ├── BadInput         one or more faults in a file, all told at once
│   ├── UnknownName      no release, calendar, channel or incident of that name
│   └── Conflict         a write contradicts the store, most often because someone else wrote in between
└── SurroundingsFault    the machine or network failed us
    ├── StoreFault       store unreachable, locked or full
    │   ├── StoreTooNew  a version made it beside which this one cannot work: no waiting mends that
    │   └── StoreTooOld  it lacks steps that this version needs, and a program that only reads takes none
    └── PortTaken        the address to listen on is in use
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SHORTEST_WORD = 4
"""Characters of a word that can suggest a title. Shorter ones, such as "the", are in too many."""


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


class Conflict(UserFault):
    """A write contradicts what the store has, most often because someone else wrote in between."""


def unknown(kind: str, name: str, known: Iterable[str], titles: Mapping[str, str] | None = None) -> UnknownName:
    """Return the fault for a name that is not known, with the nearest known one.

    `titles` are other words for the same things, each with the name that it stands for.
    """
    names = {one.lower(): one for one in known} | {title.lower(): one for title, one in (titles or {}).items()}
    asked = name.lower().strip()
    holding = [text for text in sorted(names) if asked and (asked in text or "-".join(asked.split()) in text)]
    near = holding or difflib.get_close_matches(asked, names, n=1) or _sharing_a_word(asked, names)
    return UnknownName(f'no {kind} "{name}"' + (f', did you mean "{names[near[0]]}"?' if near else ""))


def _sharing_a_word(asked: str, texts: Iterable[str]) -> list[str]:
    words = [word for word in asked.split() if len(word) >= _SHORTEST_WORD]
    return [text for text in sorted(texts) if any(word in text for word in words)]


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

"""The faults that the program raises, with its exit status and HTTP status for each.

NinethirtyError
├── UserFault (the user can correct it)
│   ├── BadInput
│   ├── UnknownName
│   ├── NotAllowed
│   └── Conflict
└── EnvironmentFault (the machine or the network failed us)
    ├── StoreFault
    │   ├── StoreTooNew
    │   ├── StoreTooOld
    │   ├── StoreLed
    │   └── StoreDamaged
    └── PortTaken
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_SHORTEST_WORD = 4
"""Characters of a word that can suggest a title. Shorter ones, such as "the", are in too many."""
_MOST_LISTED = 12
"""A message lists the known names if there are no more than these."""


class NinethirtyError(Exception):
    """Base of all faults that the program raises.

    `str(fault)` is for users: one line for each fault.
    """


class UserFault(NinethirtyError):
    """The user's input is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a file: `file: key: reason (got VALUE)`."""

    file: str
    key: str
    reason: str
    value: str | None = None

    def __str__(self) -> str:
        """Return the line that users see."""
        place = f"{self.file}: {self.key}: " if self.key else f"{self.file}: "
        return f"{place}{self.reason}" + ("" if self.value is None else f" (got {self.value})")


class BadInput(UserFault):
    """A file has faults. `faults` are all of them."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Take all faults at once."""
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class UnknownName(UserFault):
    """The user gave a name that does not exist."""


class Conflict(UserFault):
    """A write contradicts what the store has, most often because someone else wrote in between."""


def why_unusable(exc: OSError, if_absent: str = "") -> str:
    """Return why a file cannot be read or written, and what to do about it.

    `if_absent` is the remedy if the file, or the folder of a new file, does not exist.
    """
    remedy = if_absent if isinstance(exc, FileNotFoundError) else ""
    if isinstance(exc, IsADirectoryError):
        remedy = "give a file, not a folder"
    return f"{exc.strerror}: {remedy}" if remedy else f"{exc.strerror}"


def unknown_name(
    kind: str,
    name: str,
    known: Iterable[str],
    titles: Mapping[str, str] | None = None,
    listed_by: str = "",
) -> UnknownName:
    """Return the fault for a `name` that is not `known`.

    It suggests a similar name, or else lists all if they are few.

    `kind` is the word for the thing, such as `release`. `titles` maps titles to names, so that a
    part of a title also suggests its name. `listed_by` is the command to see the names if there are
    too many to list.
    """
    names = {one.lower(): one for one in known} | {
        title.lower(): one for title, one in (titles or {}).items()
    }
    typed = name.lower().strip()
    containing = [
        text
        for text in sorted(names)
        if typed and (typed in text or "-".join(typed.split()) in text)
    ]
    similar = (
        containing
        or difflib.get_close_matches(typed, names, n=1)
        or _find_with_same_word(typed, names)
    )
    all_names = sorted(set(names.values()))
    if similar:
        advice = f', did you mean "{names[similar[0]]}"?'
    elif 0 < len(all_names) <= _MOST_LISTED:
        advice = f", write one of {', '.join(all_names)}"
    else:
        advice = f", see `{listed_by}`" if listed_by else ""
    return UnknownName(f'no {kind} "{name}"{advice}')


def _find_with_same_word(typed: str, texts: Iterable[str]) -> list[str]:
    """Return the texts that contain a long enough word of `typed`, sorted."""
    words = [word for word in typed.split() if len(word) >= _SHORTEST_WORD]
    return [text for text in sorted(texts) if any(word in text for word in words)]


class Refused(UserFault):
    """The action is possible, but not in the present state."""


class NotAllowed(UserFault):
    """The person has no right to the action or page."""


class EnvironmentFault(NinethirtyError):
    """The machine, the disk or the network failed."""


class StoreFault(EnvironmentFault):
    """The store cannot be reached, read or written."""


class StoreSilent(StoreFault):
    """The store got a batch, and has neither committed nor refused it for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the store has not answered for {seconds:g} s")


class Deposed(StoreFault):
    """Another monitor leads now, so this one may write no decision."""

    def __init__(self) -> None:
        super().__init__("another monitor leads now")


class NoLongerLeads(EnvironmentFault):
    """A monitor must begin again as a standby: another leads, or its configuration changed."""


class StoreTooNew(StoreFault):
    """A newer version of the program made the store, and this one cannot use it."""


class StoreTooOld(StoreFault):
    """The store needs a migration, and a command that only reads makes none."""


class StoreLed(StoreFault):
    """A monitor of an older version leads on the store, so it cannot be migrated yet."""


class StoreDamaged(StoreFault):
    """The store's file is not a database, or a damaged one."""


class PortTaken(EnvironmentFault):
    """The address to listen on is in use."""


EXIT_STATUS: dict[type[NinethirtyError], int] = {UserFault: 1, EnvironmentFault: 3}
HTTP_STATUS: dict[type[NinethirtyError], int] = {
    UnknownName: 404,
    Refused: 409,
    NotAllowed: 403,
    UserFault: 400,
    EnvironmentFault: 503,
}


def exit_status(fault: NinethirtyError) -> int:
    """Return the exit status of the program for a fault."""
    return next(status for kind, status in EXIT_STATUS.items() if isinstance(fault, kind))


def http_status(fault: NinethirtyError) -> int:
    """Return the HTTP status for a fault."""
    return next(status for kind, status in HTTP_STATUS.items() if isinstance(fault, kind))

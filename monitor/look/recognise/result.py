"""What a recogniser is given, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.look.fetch import Answer, Found
from monitor.look.sighting import State
from schedules.slot import Slot

NAMELESS = "a page without title and heading"
"""Why a page proves nothing that does not say what it is."""
NO_LONGER_AVAILABLE = "a notice that it is no longer available"
"""Why content is withdrawn; some sites say the same of what was never there."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the target besides its answer.

    `title` is that of the release, empty for a shared tripwire. `digest` is the SHA-256 of this body,
    `baseline` that of the body before the release (None: none yet). `was_missing` is True when the address
    has answered 404 before: what stands there now is new, whatever its title says. `slot` is the one in force.
    `file` is the file name extension of the target's address (lower case, "" where it has none), None for a page.
    `is_led_to` is True when the announcement itself has redirected to this page, which may have another title.
    `placeholder` identifies the words of the placeholder last seen here: "" after a restart, None where none was seen.
    `behind` is by how many seconds our clock may be behind, if it is known to be wrong. `alternatives` are the other
    addresses at which the release may be published: that they are listed does not show its page.
    """

    url: str
    title: str = ""
    digest: str = ""
    baseline: str | None = None
    was_missing: bool = False
    slot: Slot | None = None
    file: str | None = None
    is_led_to: bool = False
    placeholder: str | None = None
    behind: float = 0.0
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognised:
    """What an answer shows. `specific`, `found` and `version` are as in a sighting; `why` is in our own words.

    `placeholder` identifies the words of a page that stands in for its release, None for every other answer.
    """

    state: State
    specific: bool = False
    found: tuple[Found, ...] = ()
    why: str = ""
    version: str | None = None
    placeholder: str | None = None


Recogniser = Callable[[Answer, Context], Recognised]
"""Given a 2xx answer with a body. Pure; raises nothing for any body."""


def absent(why: str) -> Recognised:
    """Return that it is not out."""
    return Recognised(State.ABSENT, why=why)


def withdrawn(why: str) -> Recognised:
    """Return that it was out and has been taken back."""
    return Recognised(State.WITHDRAWN, why=why)


def unknown(why: str, found: tuple[Found, ...] = ()) -> Recognised:
    """Return that nothing is proved."""
    return Recognised(State.UNKNOWN, why=why, found=found)

"""The input and the result of a recogniser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.look.fetch import Answer, Found
from monitor.look.sighting import State
from schedules.slot import Slot

NAMELESS = "a page without title and heading"
"""Reason of an unknown: a page without a name may be anything."""
NO_JSON = "no JSON that can be read"


@dataclass(frozen=True, slots=True)
class Known:
    """Facts about a target from earlier looks, which also outlive a restart.

    `baseline` is the SHA-256 of the body before the release, for `changed`, None if there is none
    yet. `was_missing`: the address has answered 404 before, so its content is new, whatever its
    title. `placeholder` identifies the text of the last placeholder at this address: "" after a
    restart, None if there was none. `slot` is the slot in force.
    """

    baseline: str | None = None
    was_missing: bool = False
    placeholder: str | None = None
    slot: Slot | None = None

    def merge(self, stored: Known) -> Known:
        """Return these facts about a target together with `stored` ones, which the store kept over
        a restart.
        """
        return Known(
            baseline=stored.baseline or self.baseline,
            was_missing=stored.was_missing or self.was_missing,
            # The store keeps only whether there was a placeholder: "" or None. So ours is better,
            # if there is one.
            placeholder=stored.placeholder if self.placeholder is None else self.placeholder,
            slot=stored.slot,  # the slot in force now. None: no slot is in force any more
        )


@dataclass(frozen=True, slots=True)
class Context:
    """Facts about the target that its answer does not contain.

    `title` is the release's title, empty for a shared tripwire. `digest` is the SHA-256 of this
    body. `file` is the file name extension of the address in lower case, empty if it has none, None
    for a page. `is_led_to`: the announcement has redirected to this page, so its title may differ.
    `behind` is how many seconds our clock may be behind, if it is known to be wrong. `alternatives`
    are addresses of the release that are not those of its page. `similar_titles` are titles of
    other releases that may be confused with this one. `edition` is as in a `Target`.
    `is_redirected`: `url` is another address than the target's own.
    """

    url: str
    title: str = ""
    digest: str = ""
    known: Known = Known()
    file: str | None = None
    is_led_to: bool = False
    behind: float = 0.0
    alternatives: tuple[str, ...] = ()
    similar_titles: tuple[str, ...] = ()
    edition: str = ""
    is_redirected: bool = False


@dataclass(frozen=True, slots=True)
class Recognised:
    """The result of a recogniser.

    `specific`, `found` and `version` are as in a `Sighting`. `why` is the reason, or for an
    entry of a feed its address.

    `placeholder` identifies the text of a placeholder page. It is None for every other answer.
    `digest` is the SHA-256 of a page's text, if no title shows which edition it is.
    """

    state: State
    specific: bool = False
    found: tuple[Found, ...] = ()
    why: str = ""
    version: str | None = None
    placeholder: str | None = None
    digest: str | None = None


Recogniser = Callable[[Answer, Context], Recognised]
"""Reads a 2xx answer that has a body. Pure. Raises nothing for any body."""


def present(
    found: tuple[Found, ...] = (),
    *,
    specific: bool = False,
    why: str = "",
    version: str | None = None,
) -> Recognised:
    """Return the result that the target is present, with the addresses found."""
    return Recognised(State.PRESENT, specific, found, why, version)


def absent(why: str, found: tuple[Found, ...] = ()) -> Recognised:
    """Return the result that the target is absent, with the reason and the addresses found."""
    return Recognised(State.ABSENT, why=why, found=found)


def withdrawn(why: str) -> Recognised:
    """Return the result that the target was public and is withdrawn, with the reason."""
    return Recognised(State.WITHDRAWN, why=why)


def unknown(why: str, found: tuple[Found, ...] = ()) -> Recognised:
    """Return the result that the answer proves nothing, with the reason and the addresses found."""
    return Recognised(State.UNKNOWN, why=why, found=found)

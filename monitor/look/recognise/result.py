"""The input and the result of a recogniser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.look.fetch import Answer, Found
from monitor.look.sighting import State
from schedules.slot import Slot

NAMELESS = "a page without title and heading"
"""Reason of an unknown: it may be anything."""


@dataclass(frozen=True, slots=True)
class Known:
    """Facts about a target from earlier looks, kept over a restart.

    `baseline` is the SHA-256 of the body before the release, for `changed`. `was_missing`: the
    address answered 404 before, so its content is new. `had_page`: it has shown a page that proved
    something, this release or another edition. `placeholder` identifies the last placeholder's
    text: "" after a restart, None if there was none. `slot` is the release's in force.
    """

    baseline: str | None = None
    was_missing: bool = False
    had_page: bool = False
    placeholder: str | None = None
    slot: Slot | None = None

    def merge(self, stored: Known) -> Known:
        """Return these facts together with `stored` ones."""
        return Known(
            baseline=stored.baseline or self.baseline,
            was_missing=stored.was_missing or self.was_missing,
            had_page=stored.had_page or self.had_page,
            # The store keeps only "" or None.
            placeholder=stored.placeholder if self.placeholder is None else self.placeholder,
            slot=stored.slot,
        )


@dataclass(frozen=True, slots=True)
class Context:
    """Facts about the target that its answer does not contain.

    `title` is empty for a shared tripwire. `digest` is of this body. `file` is the address's
    extension in lower case, None for a page. `is_led_to`: the announcement redirects here, so the
    title may differ. `behind` is by how many seconds our clock may be behind. `edition` and
    `alternatives` are as in a `Target`. `similar_titles` are of other releases. `file_names` are
    the answer's as words, not that of the target's own address.
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
    file_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognised:
    """The result of a recogniser, with fields as in a `Sighting`.

    `why` is the reason, or the address of a feed's entry. `placeholder` identifies a placeholder's
    text. `digest` is that of a page's text, if no title shows the edition.
    """

    state: State
    specific: bool = False
    found: tuple[Found, ...] = ()
    why: str = ""
    version: str | None = None
    placeholder: str | None = None
    digest: str | None = None


Recogniser = Callable[[Answer, Context], Recognised]
"""Reads a 2xx answer with a body. Raises nothing."""


def present(
    found: tuple[Found, ...] = (),
    *,
    specific: bool = False,
    why: str = "",
    version: str | None = None,
) -> Recognised:
    """Return that the target is present."""
    return Recognised(State.PRESENT, specific, found, why, version)


def absent(why: str, found: tuple[Found, ...] = ()) -> Recognised:
    """Return that the target is absent."""
    return Recognised(State.ABSENT, why=why, found=found)


def withdrawn(why: str) -> Recognised:
    """Return that the target was public and is withdrawn."""
    return Recognised(State.WITHDRAWN, why=why)


def unknown(why: str, found: tuple[Found, ...] = ()) -> Recognised:
    """Return that the answer proves nothing."""
    return Recognised(State.UNKNOWN, why=why, found=found)

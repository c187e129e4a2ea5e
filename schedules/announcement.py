"""What one calendar says about one release at one read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schedules.slot import Slot


class State(StrEnum):
    """The standing a calendar gives an entry."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"


class Role(StrEnum):
    """What a part is to its users. An alternative never stops the clock."""

    PAGE = "page"
    ATTACHMENT = "attachment"
    HTML = "html"
    DATA = "data"
    ALTERNATIVE = "alternative"


class Address(StrEnum):
    """How the address of a landing page is known: a calendar named it, or it was made from the announcement's own.

    `LED_TO`: the announcement redirects there. `FOUND`: a listing showed it, and the page bears the release's title.
    """

    ANNOUNCED = "announced"
    GUESSED = "guessed"
    LED_TO = "led_to"
    FOUND = "found"


class Origin(StrEnum):
    """How a part is known.

    A calendar announced it, or the configuration adds it. `FOUND`: the page named it. `PREDICTED`: its address was
    made from an earlier edition's, or several of them linked to it. `ELSEWHERE`: a listing showed it. `LINKED`: the
    page links to it on another site; nobody looks there, but the editions to come are told by it.
    """

    ANNOUNCED = "announced"
    CONFIGURED = "configured"
    FOUND = "found"
    PREDICTED = "predicted"
    ELSEWHERE = "elsewhere"
    LINKED = "linked"


_ADDRESS_KNOWN = {
    Address.GUESSED: "guessed from its announcement's: absence there proves nothing",
    Address.LED_TO: "its announcement led there",
    Address.FOUND: "found by its title in a listing",
}
ORIGIN_KNOWN = {
    Origin.ANNOUNCED: "named by its calendar",
    Origin.CONFIGURED: "added in the configuration",
    Origin.FOUND: "named by its page",
    Origin.PREDICTED: "at an address made from earlier editions",
    Origin.ELSEWHERE: "shown by a listing",
    Origin.LINKED: "on another site, linked to by its page",
}
"""How a part is known, in words."""


def address_known(address: Address, *, is_seen: bool) -> str:
    """Return in words how the address of a page is known, which was seen there or not; empty if a calendar named it."""
    if address is Address.GUESSED and is_seen:
        return "guessed from its announcement's, and found there"
    return _ADDRESS_KNOWN.get(address, "")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a release that users expect, at one address.

    `recognise` names the recogniser that can tell whether it is out (`status`, `govuk`, `text:…`); None
    leaves the choice to the monitor.
    """

    id: str
    role: Role
    url: str
    recognise: str | None = None
    required: bool = True
    origin: Origin = Origin.ANNOUNCED


@dataclass(frozen=True, slots=True)
class Announcement:
    """One entry of one calendar at one read.

    `uid` is the calendar's own key for the entry. `url` is the landing page where the release will
    appear, `link` the entry's own page when it has one. `previous` is the slot the entry says it had
    before, `why` the reason it gives for a change. `published` is True when the calendar itself says
    the release is out, `address` how `url` is known. `others` are further producers, whose release it is as well.
    """

    uid: str
    title: str
    producer: str
    url: str
    slot: Slot
    state: State | None = None
    doubt: str | None = None
    parts: tuple[Part, ...] = ()
    recognise: str | None = None
    link: str = ""
    previous: Slot | None = None
    why: str = ""
    published: bool = False
    address: Address = Address.ANNOUNCED
    others: tuple[str, ...] = ()

    @property
    def producers(self) -> tuple[str, ...]:
        """Return everyone whose it is."""
        return (self.producer, *self.others)

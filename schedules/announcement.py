"""Entries of calendars, and their parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schedules.slot import Slot, slot_from_json
from schedules.times.json import fields_json

BY_HAND = "by-hand"
"""The calendar to which people add releases and addresses on the board. Every other overrules it.

It shows when a person wrote an entry, not when the producer announced it.
"""


class State(StrEnum):
    """Whether an entry stands, as far as its calendar's status was understood."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"
    CANCELLED = "cancelled"
    POSTPONED = "postponed"


class Role(StrEnum):
    """What users use a part for. An alternative never counts as the release."""

    PAGE = "page"
    ATTACHMENT = "attachment"
    HTML = "html"
    DATA = "data"
    ALTERNATIVE = "alternative"


class Address(StrEnum):
    """How the address of a landing page is known (`docs/decides.md#first-seen-is-an-interval`)."""

    ANNOUNCED = "announced"
    GUESSED = "guessed"
    LED_TO = "led_to"
    FOUND = "found"


class Origin(StrEnum):
    """How a part is known (`ORIGIN_KNOWN` says it in words).

    `PREDICTED`: also if the pages of several earlier editions linked to the address. `LINKED`: it
    is not polled, but predicts parts of later editions.
    """

    ANNOUNCED = "announced"
    CONFIGURED = "configured"
    FOUND = "found"
    PREDICTED = "predicted"
    ELSEWHERE = "elsewhere"
    LINKED = "linked"


_ADDRESS_KNOWN = {
    Address.GUESSED: "guessed from its announcement: absence there is no proof",
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


def address_known(address: Address, *, is_seen: bool) -> str:
    """Return in words how a page's address is known, "" if a calendar named it."""
    if address is Address.GUESSED and is_seen:
        return "guessed from its announcement, and found there"
    return _ADDRESS_KNOWN.get(address, "")


@dataclass(frozen=True, slots=True)
class Part:
    """A page or file of a release at one address. `recognise` None is the default recogniser."""

    id: str
    role: Role
    url: str
    recognise: str | None = None
    required: bool = True
    origin: Origin = Origin.ANNOUNCED

    def as_json(self) -> dict[str, Any]:
        """Return the part as JSON, without its origin: an entry only has announced parts."""
        return fields_json(self, "id", "role", "url", "recognise", "required")


@dataclass(frozen=True, slots=True)
class Announcement:
    """One entry of one calendar at one read."""

    uid: str
    """The calendar's own key."""
    title: str
    producer: str
    url: str
    """The release's landing page."""
    slot: Slot
    state: State | None = None
    """None without a status."""
    doubt: str | None = None
    """Why status or time may be read wrongly, such as `zone`, or None."""
    parts: tuple[Part, ...] = ()
    recognise: str | None = None
    link: str = ""
    """The entry's page in the calendar."""
    previous: Slot | None = None
    """The slot before a change."""
    why: str = ""
    """The reason of the change."""
    published: bool = False
    """Whether the calendar says that it is out."""
    address: Address = Address.ANNOUNCED
    others: tuple[str, ...] = ()
    """Further producers."""
    of: str = ""
    """The release of another calendar to which this only adds parts."""
    status: str = ""
    """The text of a status that says more than that the entry stands."""

    @property
    def producers(self) -> tuple[str, ...]:
        """Return all its producers, the main one first."""
        return (self.producer, *self.others)

    def as_json(self) -> dict[str, Any]:
        """Return what `calendar parse` and `calendar read` print, without empty `of`
        and `status`.
        """
        shown = fields_json(self, "uid", "title", "producer", "url", "slot", "state", "doubt")
        shown["reason"] = self.slot.reason
        shown |= fields_json(
            self,
            "parts",
            "recognise",
            "link",
            "previous",
            "why",
            "published",
            "address",
            "producers",
        )
        if self.of:
            shown["of"] = self.of
        if self.status:
            shown["status"] = self.status
        return shown


def announcement_from_json(data: Mapping[str, Any]) -> Announcement:
    """Return the announcement of this JSON.

    Raises KeyError if it lacks a field that every entry has, ValueError if a value is unknown.
    """
    state = data.get("state")
    previous = data.get("previous")
    parts = [
        Part(
            part["id"],
            Role(part["role"]),
            part["url"],
            part.get("recognise"),
            part.get("required", True),
        )
        for part in data.get("parts") or ()
    ]
    producer = data["producer"]
    producers = data.get("producers", ())
    return Announcement(
        uid=data["uid"],
        title=data["title"],
        producer=producer,
        url=data["url"],
        slot=slot_from_json(data["slot"]),
        state=State(state) if state else None,
        doubt=data.get("doubt"),
        parts=tuple(parts),
        recognise=data.get("recognise"),
        link=data.get("link", ""),
        previous=slot_from_json(previous) if previous else None,
        why=data.get("why", ""),
        published=data.get("published", False),
        address=Address(data.get("address", Address.ANNOUNCED)),
        others=tuple([other for other in producers if other != producer]),
        of=data.get("of", ""),
        status=data.get("status", ""),
    )

"""One edition of one statistical output by one producer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain

from pydantic import model_validator

from schedules.announcement import Address, Announcement, Part
from schedules.values import Table, refuse_any


class ReleaseMatch(Table):
    """Which releases. Every key given must match, and at least one is needed. `*` means any
    text.
    """

    producer: str | None = None
    """The id of a producer."""
    title: str | None = None
    """The release's title."""
    url: str | None = None
    """The page's address: as announced, as expected after that, or where it is found."""

    @model_validator(mode="after")
    def _matches_something(self) -> ReleaseMatch:
        if not self.model_fields_set:
            refuse_any([("", "must name a producer, a title or a url to match a release", None)])
        return self

    def fits(self, entry: Release | Announcement) -> bool:
        """Return whether a release or a calendar entry fits all patterns given: for producer, title
        and address.
        """
        # The address pattern may be that of the page (`url`), of its announcement (`link`), or the
        # one at which GOV.UK most likely publishes: `/government/statistics/announcements/x`
        # becomes `/government/statistics/x`.
        addresses = (entry.url, entry.link, entry.link.replace("/announcements/", "/"))
        values_by_pattern = (
            (self.producer, entry.producers),
            (self.title, (entry.title,)),
            (self.url, addresses),
        )
        given = [(pattern, values) for pattern, values in values_by_pattern if pattern is not None]
        return bool(given) and all(
            any(fnmatchcase(value, pattern) for value in values) for pattern, values in given
        )


@dataclass(frozen=True, slots=True)
class Release:
    """A release as joined across calendars.

    `id` is stable over reads and restarts. `parts` begin with the landing page (id `page`).
    `calendars` are those that announce it, the ruling one first. `joined_by` says why their entries
    are the same release. `joined_into` is the id of the release that all its entries turned out to
    be. From then on it is not shown, but keeps its promises. `address` is how `url` is known,
    `link` the announcement's own page. `others` are further producers. Their order means nothing,
    because it is that of the calendar.
    """

    id: str
    title: str
    producer: str
    url: str
    parts: tuple[Part, ...]
    calendars: tuple[str, ...] = ()
    joined_by: str = ""
    joined_into: str | None = None
    address: Address = Address.ANNOUNCED
    link: str = ""
    others: tuple[str, ...] = ()

    @property
    def producers(self) -> tuple[str, ...]:
        """Return all its producers, the main one first."""
        return (self.producer, *self.others)


def producers_of(entries: Iterable[Release | Announcement]) -> set[str]:
    """Return all producers of releases or calendar entries."""
    return set(chain.from_iterable(one.producers for one in entries))

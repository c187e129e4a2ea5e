"""One edition of one statistical output by one producer."""

from __future__ import annotations

from dataclasses import dataclass

from schedules.announcement import Address, Part


@dataclass(frozen=True, slots=True)
class Release:
    """A release as joined across calendars.

    `id` is stable over reads and restarts. `parts` holds the landing page first (id `page`) and then
    every other part known. `calendars` names the calendars that announce it, the ruling one first;
    `joined_by` says why their entries were taken for the same release. `joined_into` is the id of the release
    that all its entries were found to belong to: from then on it is shown nowhere, and kept for its promises.
    `address` tells how `url` is known, `link` is the announcement's own page where there is one. `others`
    are further producers, whose release it is as well; the order in which calendars name them means nothing.
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
        """Return everyone whose it is."""
        return (self.producer, *self.others)

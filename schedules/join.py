"""Announcements of several calendars → releases: which entries speak of one edition, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from schedules.address import canonical, repaired
from schedules.announcement import Address, Announcement, Part, Role
from schedules.identity import name_groups
from schedules.joinable import Joinable, Key
from schedules.matching import Group, JoinMatch, merge, shared_links, shared_titles
from schedules.release import Release
from schedules.titles import read_title


@dataclass(frozen=True, slots=True)
class Pin:
    """A person's word: what is announced at this address, or under this title, is the release `id`.

    Every key given must match; `producer` alone matches nothing.
    """

    id: str
    url: str = ""
    title: str = ""
    producer: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """A person's word: an entry that matches every key given is a release of its own."""

    calendar: str = ""
    url: str = ""
    title: str = ""
    producer: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How to join. `order` names calendars, the ruling one first; those not named come after, by name.

    `explicit` names the calendars whose entries carry ids a person gave (kinds toml and csv). Of several producers of
    a release the first in `whose` is told as its producer.
    """

    order: tuple[str, ...] = ()
    explicit: frozenset[str] = frozenset()
    pins: tuple[Pin, ...] = ()
    splits: tuple[Split, ...] = ()
    whose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """Releases by id, the release of each entry (calendar, uid), and entries that only a person can join."""

    releases: tuple[Release, ...]
    release_of: Mapping[Key, str]
    ambiguous: tuple[frozenset[Key], ...] = ()


NO_RULES = Rules()


def join(
    announced: Mapping[str, Sequence[Announcement]], rules: Rules = NO_RULES, known: Mapping[Key, str] | None = None
) -> Joined:
    """Join the entries of all calendars into releases; the order of calendars and entries does not matter.

    Entries are one release when a pin says so, when they share a canonical link, or when producer,
    normalised title and reference period are the same and their dates at most 7 days apart; never by
    title alone. Two candidates in one calendar: not joined, and named in `ambiguous`. `known` gives the
    ids of earlier joins by (calendar, uid); without it an id can change with the title of its release.
    """
    entries = _entries(announced, rules)
    groups = [Group((entry,)) for entry in entries]
    # Entries of one calendar are never bound to each other, so a lone calendar has nothing to compare.
    binders = (_shared_names, shared_links, shared_titles) if len(announced) > 1 else ()
    for bonds in binders:
        groups = merge(groups, bonds(groups))
    ids = name_groups(groups, known or {})
    made = [_release(group, ids[group.key], rules.whose) for group in groups]
    return Joined(
        releases=tuple(sorted(made, key=lambda release: release.id)),
        release_of={entry.key: ids[group.key] for group in groups for entry in group.entries},
        ambiguous=tuple(sorted({group.rivals for group in groups if group.rivals}, key=sorted)),
    )


def _entries(announced: Mapping[str, Sequence[Announcement]], rules: Rules) -> list[Joinable]:
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys((*rules.order, *sorted(announced))))}
    pins = _PinBook(rules.pins)
    # In a large calendar by itself, links and titles that nothing is compared with take most of the time.
    is_ruled = bool(rules.pins or rules.splits)
    make = Joinable.of if is_ruled or len(announced) > 1 else Joinable.alone_of
    found: dict[Key, Joinable] = {}
    for calendar, announcements in announced.items():
        for announcement in announcements:
            entry = make(calendar, ranks[calendar], announcement, is_explicit=calendar in rules.explicit)
            pin, alone = (pins.find(entry), _is_split(entry, rules.splits)) if is_ruled else (None, False)
            if pin or alone:
                entry = replace(entry, pin=pin, alone=alone)
            other = found.get(entry.key)
            # A calendar that uses one uid twice is doubted where it is read; here the earlier entry stands for both.
            if other is None or entry.rank < other.rank:
                found[entry.key] = entry
    return sorted(found.values(), key=lambda entry: entry.rank)


class _PinBook:
    """Pins by what they match."""

    def __init__(self, pins: Sequence[Pin]) -> None:
        self._by_link = {canonical(pin.url): pin for pin in pins if pin.url}
        self._by_title = {read_title(pin.title): pin for pin in pins if pin.title and not pin.url}

    def find(self, entry: Joinable) -> str | None:
        """Return the id an entry is pinned to, None without a pin."""
        linked = (self._by_link.get(link) for link in entry.links)
        candidates: Iterable[Pin | None] = (*linked, self._by_title.get(entry.title))
        return next((pin.id for pin in candidates if pin is not None and _suits(pin, entry)), None)


def _suits(pin: Pin, entry: Joinable) -> bool:
    same_title = not pin.title or read_title(pin.title) == entry.title
    return same_title and pin.producer in ("", *entry.announcement.producers)


def _is_split(entry: Joinable, splits: Sequence[Split]) -> bool:
    return any(
        (split.url or split.title)
        and split.calendar in ("", entry.calendar)
        and (not split.url or canonical(split.url) in entry.links)
        and (not split.title or read_title(split.title) == entry.title)
        and split.producer in ("", *entry.announcement.producers)
        for split in splits
    )


def _shared_names(groups: Sequence[Group]) -> list[JoinMatch]:
    """Return bonds between entries that a person gave one id, by a pin or in two calendars of their own."""
    named: dict[tuple[str, str], list[int]] = {}
    for index, group in enumerate(groups):
        for entry in group.entries:
            name = ("pin", entry.pin) if entry.pin else ("id", entry.given_id)
            if name[1]:
                named.setdefault((name[0], name[1]), []).append(index)
    return [JoinMatch(kind, tuple(members)) for (kind, _), members in named.items() if len(members) > 1]


def _release(group: Group, release_id: str, whose: Sequence[str]) -> Release:
    announced = [entry.announcement for entry in group.entries]
    first, named = announced[0], [each for each in announced if each.url]
    # What some calendar names goes before what was made from another's announcement.
    page = named[0] if named else None
    if len(named) > 1:
        page = next((each for each in named if each.address is not Address.GUESSED), page)
    producers = {one for each in announced for one in each.producers if one}
    producer = next((one for one in whose if one in producers), first.producer) if whose else first.producer
    link = next((repaired(each.link) for each in announced if each.link), "")
    url = link if page is None else repaired(page.url)
    return Release(
        id=release_id,
        title=" ".join(first.title.split()),
        producer=producer,
        url=url,
        parts=_parts(url, announced),
        calendars=tuple([entry.calendar for entry in group.entries]),
        joined_by=group.says(),
        address=Address.ANNOUNCED if page is None else page.address,
        link=link,
        others=tuple(sorted(producers - {producer})),
    )


def _parts(url: str, announcements: Sequence[Announcement]) -> tuple[Part, ...]:
    """Return the landing page first, then every announced part once, each under an id of its own."""
    recognise = next((each.recognise for each in announcements if each.recognise), None)
    page = Part("page", Role.PAGE, url, recognise)
    announced = [replace(part, url=repaired(part.url)) for each in announcements for part in each.parts]
    if not announced:
        return (page,)
    page = next((part for part in announced if part.role is Role.PAGE), page)
    parts = {"page": page if page.id == "page" else replace(page, id="page")}
    seen = {canonical(page.url)}
    for part in announced:
        if part.role is Role.PAGE or canonical(part.url) in seen:
            continue
        seen.add(canonical(part.url))
        free = _free_id(part.id, parts)
        parts[free] = replace(part, id=free)
    return tuple(parts.values())


def _free_id(wanted: str, taken: Mapping[str, Part]) -> str:
    if wanted not in taken:
        return wanted
    return next(name for number in range(2, len(taken) + 3) if (name := f"{wanted}-{number}") not in taken)

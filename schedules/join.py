"""Joins the announcements of all calendars into releases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from pydantic import model_validator

from schedules.address import canonical_address, last_segment, repair_address
from schedules.announcement import Address, Announcement, Part, Role
from schedules.matching import (
    Group,
    Joinable,
    JoinMatch,
    Key,
    match_by_link,
    match_by_title,
    merge_groups,
)
from schedules.release import Release, producers_of
from schedules.titles import Title, read_title, slug
from schedules.values import Name, Table, WebAddress, refuse_any


class _EntryPattern(Table):
    """Which entries are meant: those that match every key given.

    `producer` narrows and never matches by itself.
    """

    url: WebAddress | None = None
    """The announced address."""
    title: str = ""
    """The title with its period, whatever its dashes and case."""
    producer: str = ""
    """Only entries of this producer."""

    @model_validator(mode="after")
    def _matches_something(self) -> Self:
        if not (self.url or self.title):
            refuse_any([("", "needs a url or a title to match a release", None)])
        return self

    def fits(self, entry: Joinable) -> bool:
        """Return whether an entry has the given link, title and producer."""
        return (
            (not self.url or canonical_address(self.url) in entry.links)
            and (not self.title or read_title(self.title) == entry.title)
            and self.producer in ("", *entry.announcement.producers)
        )


class Pin(_EntryPattern):
    """Your decision that an announcement at this address, or with this title, is the release with
    this `id`.

    Give `url` or `title`. An announcement must match every key given. After a reload, its promises,
    looks and notices belong to the release. A new calendar entry with the same link keeps this
    `id`.
    """

    id: Name
    """The id of the release."""


class Split(_EntryPattern):
    """Your decision that an entry that matches every key is a release of its own.

    Give `url` or `title`.
    """

    calendar: str = ""
    """Only entries of this calendar."""


@dataclass(frozen=True, slots=True)
class JoinRules:
    """How to join.

    `order` names calendars, the ruling one first. Others follow, by name. People gave the ids of
    entries of `hand_kept` calendars (toml, csv). Of several producers, the first in
    `producer_order` is the release's.
    """

    order: tuple[str, ...] = ()
    hand_kept: frozenset[str] = frozenset()
    pins: tuple[Pin, ...] = ()
    splits: tuple[Split, ...] = ()
    producer_order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JoinResult:
    """Releases, the release id of each entry, and sets of entries that only a person can join."""

    releases: tuple[Release, ...]
    release_of: Mapping[Key, str]
    ambiguous: tuple[frozenset[Key], ...] = ()


NO_RULES = JoinRules()
_HASH_DIGITS = 6
# A GOV.UK slug ends with its period, so it must hardly ever be cut.
_LONGEST_ID = 200


def join_entries(
    announced: Mapping[str, Sequence[Announcement]],
    rules: JoinRules = NO_RULES,
    known: Mapping[Key, str] | None = None,
) -> JoinResult:
    """Join the entries of all calendars into releases, whatever their order.

    Entries are one release if a person says so (by id or added parts), if they share a link, or if
    producer, title and period are the same and dates at most 7 days apart. If a calendar has two
    candidates, they are `ambiguous` instead. `known` has the ids of earlier joins: without it, an
    id can change with its title.
    """
    known = known or {}
    groups = [Group((entry,)) for entry in _make_joinable(announced, rules)]
    # Entries of one calendar are never joined.
    if len(announced) > 1:
        groups = merge_groups(groups, _match_added_parts(groups, known))
        for find_matches in (_match_by_given_id, match_by_link, match_by_title):
            groups = merge_groups(groups, find_matches(groups))
    ids = _name_groups(groups, known)
    made = [
        _make_release(group, ids[group.key], preferred_producers=rules.producer_order)
        for group in groups
    ]
    release_of: dict[Key, str] = {}
    for group in groups:
        release_of |= dict.fromkeys(group.entry_keys, ids[group.key])
    return JoinResult(
        releases=tuple(sorted(made, key=lambda release: release.id)),
        release_of=release_of,
        ambiguous=tuple(sorted({group.rivals for group in groups if group.rivals}, key=sorted)),
    )


def _make_joinable(
    announced: Mapping[str, Sequence[Announcement]], rules: JoinRules
) -> list[Joinable]:
    """Return the entries of all calendars in order of rank, one for each key."""
    ranks = {
        name: rank for rank, name in enumerate(dict.fromkeys((*rules.order, *sorted(announced))))
    }
    pins = {(canonical_address(pin.url or ""), read_title(pin.title)): pin for pin in rules.pins}
    has_rules = bool(rules.pins or rules.splits)
    # Reading links and titles takes most of the time, and a single calendar without rules needs
    # neither.
    is_compared = has_rules or len(announced) > 1
    found: dict[Key, Joinable] = {}
    for calendar, announcements in announced.items():
        rank = ranks[calendar]
        has_given_id = calendar in rules.hand_kept
        for announcement in announcements:
            entry = Joinable.make(
                announcement, calendar, rank, has_given_id=has_given_id, is_compared=is_compared
            )
            if has_rules:
                is_split = any(
                    each.calendar in ("", calendar) and each.fits(entry) for each in rules.splits
                )
                entry = replace(entry, pin=_find_pin(entry, pins), is_split=is_split)
            other = found.get(entry.key)
            # Of several entries with one uid, the earliest counts.
            if other is None or entry.rank < other.rank:
                found[entry.key] = entry
    return sorted(found.values(), key=lambda entry: entry.rank)


def _find_pin(entry: Joinable, pins: Mapping[tuple[str, Title], Pin]) -> str | None:
    """Return the release id that a pin, by link and title, gives an entry, else None."""
    for link in (*entry.links, ""):
        for title in (entry.title, read_title("")):
            pin = pins.get((link, title))
            if pin is not None and pin.fits(entry):
                return pin.id
    return None


def _match_added_parts(groups: Sequence[Group], known: Mapping[Key, str]) -> list[JoinMatch]:
    """Return matches of entries by which a person adds parts (`of`) with the release's own entries.

    `known` has the releases of these from an earlier join.
    """
    entries = [(index, entry) for index, group in enumerate(groups) for entry in group.entries]
    with_added_parts = {entry.announcement.of for _, entry in entries if entry.announcement.of}
    groups_of: dict[str, list[int]] = {}
    for index, entry in entries:
        release_id = entry.announcement.of or known.get(entry.key, "")
        if release_id in with_added_parts:
            groups_of.setdefault(release_id, []).append(index)
    return [
        JoinMatch("added to it by hand", tuple(indices))
        for indices in groups_of.values()
        if len(indices) > 1
    ]


def _match_by_given_id(groups: Sequence[Group]) -> list[JoinMatch]:
    """Return matches between entries to which a person gave one id."""
    groups_of: dict[tuple[str, str], list[int]] = {}
    for index, group in enumerate(groups):
        for entry in group.entries:
            why, given_id = ("pin", entry.pin) if entry.pin else ("id", entry.given_id)
            if given_id:
                groups_of.setdefault((why, given_id), []).append(index)
    return [
        JoinMatch(why, tuple(indices))
        for (why, _), indices in groups_of.items()
        if len(indices) > 1
    ]


def _make_release(group: Group, release_id: str, preferred_producers: Sequence[str]) -> Release:
    """Return the release of a group, with title and producer of its highest entry.

    The first of `preferred_producers` that is named comes before that. The address is the first
    landing page, preferably not a guessed one, else the first page of an announcement itself.
    """
    announced = [entry.announcement for entry in group.entries]
    first = announced[0]
    producers = producers_of(announced) - {""}
    producer = next((name for name in preferred_producers if name in producers), first.producer)
    with_page = [each for each in announced if each.url]
    with_best_page = min(with_page, key=lambda each: each.address is Address.GUESSED, default=None)
    link = next((repair_address(each.link) for each in announced if each.link), "")
    url = link
    if with_best_page is not None:
        url = repair_address(with_best_page.url)
    return Release(
        id=release_id,
        title=" ".join(first.title.split()),
        producer=producer,
        url=url,
        parts=_collect_parts(url, announced),
        calendars=tuple([entry.calendar for entry in group.entries]),
        joined_by=group.describe_join(),
        address=Address.ANNOUNCED if with_best_page is None else with_best_page.address,
        link=link,
        others=tuple(sorted(producers - {producer})),
    )


def _collect_parts(url: str, announcements: Sequence[Announcement]) -> tuple[Part, ...]:
    """Return the landing page, as "page", then the other announced parts, each address once.

    An id that is taken gets a number.
    """
    recognise = next((each.recognise for each in announcements if each.recognise), None)
    page = Part("page", Role.PAGE, url, recognise)
    announced: list[Part] = []
    for each in announcements:
        announced += [replace(part, url=repair_address(part.url)) for part in each.parts]
    if not announced:
        return (page,)
    page = next((part for part in announced if part.role is Role.PAGE), page)
    parts = {"page": page if page.id == "page" else replace(page, id="page")}
    seen = {canonical_address(page.url)}
    for part in announced:
        if part.role is Role.PAGE or canonical_address(part.url) in seen:
            continue
        seen.add(canonical_address(part.url))
        free_id, number = part.id, 2
        while free_id in parts:
            free_id, number = f"{part.id}-{number}", number + 1
        parts[free_id] = replace(part, id=free_id)
    return tuple(parts.values())


def _name_groups(groups: Sequence[Group], known: Mapping[Key, str]) -> dict[Key, str]:
    """Return a unique id for each group: the pinned, `known`, given or made one that is free.

    Of the last two kinds, a taken id gets a hash at its end.
    """
    ids: dict[Key, str] = {}
    taken: set[str] = set()
    # An old entry that had the pinned id must keep it, even if a new one fits the pin too.
    had_pin: set[Key] = set()
    for group in groups:
        if any(each.pin and known.get(each.key) == each.pin for each in group.entries):
            had_pin.add(group.key)
    without_id = sorted(groups, key=lambda group: (group.key not in had_pin, group.entries[0].rank))
    # All groups get ids of one kind before any gets one of the next, so that a new group never
    # takes an old id. The flag adds the hash.
    kinds: tuple[tuple[Callable[[Group], list[str]], bool], ...] = (
        (lambda group: [entry.pin for entry in group.entries if entry.pin], False),
        (lambda group: [known[entry.key] for entry in group.entries if entry.key in known], False),
        (lambda group: [entry.given_id for entry in group.entries if entry.given_id], True),
        (_make_ids, True),
    )
    for find_ids, with_hash in kinds:
        for group in without_id:
            _assign_id(group, find_ids(group), ids, taken, with_hash=with_hash)
        without_id = [group for group in without_id if group.key not in ids]
    return ids


def make_id(url: str, producer: str, title: str) -> str:
    """Return the id that is made of a GOV.UK page's slug, else of producer and title."""
    if canonical_address(url).startswith("gov.uk/") and (
        name := slug(last_segment(url), _LONGEST_ID)
    ):
        return name
    return slug(f"{producer} {title}") or "release"


def _assign_id(
    group: Group, wanted: Iterable[str], ids: dict[Key, str], taken: set[str], *, with_hash: bool
) -> None:
    """Give a group the first `wanted` id that is free, or `with_hash` the first one."""
    for wanted_id in wanted:
        if wanted_id not in taken or with_hash:
            free_id = wanted_id
            if wanted_id in taken:
                digest = hashlib.sha256("\n".join(group.key).encode()).hexdigest()
                free_id = f"{wanted_id}-{digest[:_HASH_DIGITS]}"
            ids[group.key] = free_id
            taken.add(free_id)
            return


def _make_ids(group: Group) -> list[str]:
    first = group.entries[0].announcement
    urls = [entry.announcement.url for entry in group.entries if entry.announcement.url]
    return [make_id(urls[0] if urls else "", first.producer, first.title)]

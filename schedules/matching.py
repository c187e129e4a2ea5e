"""Matches between entries of different calendars, and the groups of entries that they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, combinations

from schedules.address import canonical_address
from schedules.announcement import Announcement
from schedules.called_off import CALLED_OFF, read_called_off
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.patterns import quick
from schedules.slot import first_day, last_day
from schedules.titles import Title, read_title

Key = tuple[str, str]
Rank = tuple[int, str, str, str, str]

# Entries without their own id have a hash as key, which must not become the id of a release.
MADE_ID = quick(r"[0-9a-f]{16,}(?:@.*)?")
"""An id that was made from an entry, perhaps with its month or period."""


@dataclass(frozen=True, slots=True)
class Joinable:
    """An announcement of a calendar.

    `rank` orders entries: by calendar, then by date, title, address and key. `links` are the
    canonical forms of its addresses, `days` the first and last local day of its slot. `given_id` is
    from a person, `pin` from the configuration. `is_split`: it is never joined.
    """

    key: Key
    rank: Rank
    announcement: Announcement
    links: tuple[str, ...]
    title: Title
    days: tuple[date, date] | None
    given_id: str = ""
    pin: str | None = None
    is_split: bool = False

    @property
    def calendar(self) -> str:
        """Return the calendar that shows the entry."""
        return self.key[0]

    @classmethod
    def make(
        cls,
        announcement: Announcement,
        calendar: str,
        calendar_rank: int,
        *,
        has_given_id: bool,
        is_compared: bool,
    ) -> Joinable:
        """Return an announcement as an entry of its calendar.

        Unless `is_compared`, links, title and days stay empty. `has_given_id`: people choose the
        uids of this calendar, except hashes, so entries with one uid are one release.
        """
        if announcement.state in CALLED_OFF or announcement.doubt == STATUS_DOUBT:
            # Its release keeps the title without "cancelled".
            bare_title, _ = read_called_off(announcement.title)
            announcement = replace(announcement, title=bare_title or announcement.title)
        first = first_day(announcement.slot)
        uid = announcement.uid
        links: dict[str, None] = {}
        title, days = read_title(""), None
        if is_compared:
            addresses = map(canonical_address, (announcement.url, announcement.link))
            links = dict.fromkeys(filter(None, addresses))
            title = read_title(announcement.title)
            last = last_day(announcement.slot)
            if first is not None and last is not None:
                days = (first, last)
        return cls(
            key=(calendar, uid),
            rank=(calendar_rank, str(first or ""), announcement.title, announcement.url, uid),
            announcement=announcement,
            links=tuple(links),
            title=title,
            days=days,
            given_id=uid if has_given_id and not MADE_ID.fullmatch(uid) else "",
        )


_DAYS_APART = 7
_MOST_ALIKE = 24
"""More groups with one title and near dates cannot be told apart."""


@dataclass(frozen=True, slots=True)
class JoinMatch:
    """Groups (by index) that belong together, and why.

    `ambiguous`: one calendar has two candidates.
    """

    why: str
    members: tuple[int, ...]
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one release, at most one of each calendar, in order of rank.

    `why` are the reasons for each join. Only a person can say whether `rivals` are the same
    release.
    """

    entries: tuple[Joinable, ...]
    why: tuple[str, ...] = ()
    rivals: frozenset[Key] = frozenset()

    @property
    def key(self) -> Key:
        """Return the key that identifies the group."""
        return self.entries[0].key

    @property
    def entry_keys(self) -> list[Key]:
        """Return the keys of the entries."""
        return [entry.key for entry in self.entries]

    @property
    def calendars(self) -> frozenset[str]:
        """Return the calendars of the entries."""
        return frozenset(entry.calendar for entry in self.entries)

    @property
    def is_split(self) -> bool:
        """Return whether the configuration keeps an entry of it from being joined."""
        return any(entry.is_split for entry in self.entries)

    def describe_join(self) -> str:
        """Return in words why these entries were joined, and which others may belong to them."""
        reasons = list(dict.fromkeys(self.why))
        if self.is_split:
            reasons.append("split by configuration")
        others = sorted(self.rivals.difference(self.entry_keys))
        if others:
            reasons.append(
                "ambiguous-join: " + ", ".join(f"{calendar} {uid}" for calendar, uid in others)
            )
        return "; ".join(reasons)


def merge_groups(groups: Sequence[Group], matches: Sequence[JoinMatch]) -> list[Group]:
    """Return the groups merged by these matches.

    Those that match ambiguously, or cannot be one release, become rivals instead.
    """
    if not matches:
        return list(groups)
    clear = [match for match in matches if not match.ambiguous]
    reasons_by_first_member: dict[int, set[str]] = {}
    for match in clear:
        reasons_by_first_member.setdefault(match.members[0], set()).add(match.why)
    new_rivals: dict[int, set[Key]] = {}  # by the index of a group
    for match in matches:
        if match.ambiguous:
            _make_rivals(groups, match.members, new_rivals)
    single_groups = ((index,) for index in range(len(groups)))
    merged: list[Group] = []
    for members in _find_connected([*single_groups, *(match.members for match in clear)]):
        can_be_one = len(members) == 1 or _can_be_one([groups[index] for index in members])
        if not can_be_one:
            _make_rivals(groups, members, new_rivals)
        with_rivals = [_add_rivals(groups[index], new_rivals.get(index)) for index in members]
        if can_be_one and len(members) > 1:
            new_reasons = set[str]()
            for index in members:
                new_reasons.update(reasons_by_first_member.get(index, ()))
            merged.append(_combine_groups(with_rivals, new_reasons))
        else:
            merged += with_rivals
    return merged


def _add_rivals(group: Group, rivals: set[Key] | None) -> Group:
    if rivals is None:
        return group
    return replace(group, rivals=group.rivals | rivals)


def _combine_groups(groups: Sequence[Group], new_reasons: Iterable[str]) -> Group:
    """Return one group with all entries, reasons (`new_reasons` too) and rivals of these."""
    entries, earlier_reasons = list[Joinable](), list[str]()
    for group in groups:
        entries += group.entries
        earlier_reasons += group.why
    entries.sort(key=lambda entry: entry.rank)
    rivals = frozenset[Key]().union(*(group.rivals for group in groups))
    return Group(tuple(entries), (*earlier_reasons, *sorted(new_reasons)), rivals)


def match_by_link(groups: Sequence[Group]) -> list[JoinMatch]:
    """Return matches between groups that share a link, except those that are split.

    If a calendar has several entries with one link (a page for every edition), titles must match
    too.
    """
    by_link: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        if not group.is_split:
            links = chain.from_iterable(entry.links for entry in group.entries)
            for link in dict.fromkeys(links):
                by_link.setdefault(link, []).append(index)
    found: list[JoinMatch] = []
    for members in by_link.values():
        if len(members) > 1:
            found += _match_linked(groups, members)
    return found


def match_by_title(groups: Sequence[Group]) -> list[JoinMatch]:
    """Return matches between groups with one producer and title, at most a week apart.

    A title contains its period, so two editions of a series never match. Nor do groups without a
    date, or split ones.
    """
    by_name: dict[tuple[str, Title], list[int]] = {}  # indices of groups by producer and title
    for index, group in enumerate(groups):
        if group.is_split or _known_days(group) is None:
            continue
        # A title that is only a period ("July 2026") names no series.
        names: list[tuple[str, Title]] = []
        for entry in group.entries:
            if entry.title.words:
                names += [(producer, entry.title) for producer in entry.announcement.producers]
        for name in dict.fromkeys(names):
            by_name.setdefault(name, []).append(index)
    found: list[JoinMatch] = []
    for members in by_name.values():
        if len(members) > 1:
            for cluster in _split_by_gap(groups, members):
                found += _match_near(groups, cluster)
    return found


def _find_connected(links: Iterable[Sequence[int]]) -> list[list[int]]:
    """Return the sets of indices that these links connect, directly or through others (union-find),
    in the order in which the links first name them.
    """
    parents: dict[int, int] = {}

    def find_root(index: int) -> int:
        while (parent := parents.setdefault(index, index)) != index:
            parents[index] = parents[parent]  # halves the path of later searches
            index = parents[index]
        return index

    for first, *others in links:
        root = find_root(first)
        for other in others:
            parents[find_root(other)] = root
    sets: dict[int, list[int]] = {}
    for index in parents:
        sets.setdefault(find_root(index), []).append(index)
    return list(sets.values())


def _can_be_one(groups: Sequence[Group]) -> bool:
    """Return whether groups can be one release: no calendar has two of their entries, and no two
    pins differ.
    """
    entries = list(chain.from_iterable(group.entries for group in groups))
    pins = {entry.pin for entry in entries if entry.pin}
    return len({entry.calendar for entry in entries}) == len(entries) and len(pins) <= 1


def _make_rivals(
    groups: Sequence[Group], members: Sequence[int], rivals: dict[int, set[Key]]
) -> None:
    """Add to the rivals of each of these groups the entries of all of them."""
    keys = set(chain.from_iterable(groups[index].entry_keys for index in members))
    for index in members:
        rivals.setdefault(index, set()).update(keys)


def _match_linked(groups: Sequence[Group], members: Sequence[int]) -> Iterator[JoinMatch]:
    if _can_be_one([groups[index] for index in members]):
        yield JoinMatch("link", tuple(members))
        return
    # Several releases with one page.
    same_title: dict[Title, list[int]] = {}
    for index in members:
        same_title.setdefault(groups[index].entries[0].title, []).append(index)
    for indices in same_title.values():
        alike = [groups[index] for index in indices]
        if len(set().union(*(group.calendars for group in alike))) > 1:
            is_ambiguous = not _can_be_one(alike)
            yield JoinMatch("link, title and period", tuple(indices), ambiguous=is_ambiguous)


def _known_days(group: Group) -> tuple[date, date] | None:
    """Return the first and last day of a group's slot, None if no entry has a readable date."""
    return next((entry.days for entry in group.entries if entry.days is not None), None)


def _is_near(group: Group, other: Group) -> bool:
    """Return whether the slots of two groups overlap or are at most a week apart."""
    days, other_days = _known_days(group), _known_days(other)
    if days is None or other_days is None:
        return False
    return (max(days[0], other_days[0]) - min(days[1], other_days[1])).days <= _DAYS_APART


def _split_by_gap(groups: Sequence[Group], members: Sequence[int]) -> Iterator[list[int]]:
    """Yield lists of dated groups in order. A gap of more than a week begins a new list."""
    dated = sorted(
        (days, index) for index in members if (days := _known_days(groups[index])) is not None
    )
    cluster: list[int] = []
    last_day = date.min
    for (first, last), index in dated:
        if cluster and (first - last_day).days > _DAYS_APART:
            yield cluster
            cluster = []
        cluster.append(index)
        last_day = max(last_day, last)
    yield cluster


def _match_near(groups: Sequence[Group], cluster: Sequence[int]) -> Iterator[JoinMatch]:
    """Yield the matches among groups of the same producer, title and period.

    Two match if no calendar shows both and they are at most a week apart. Those of a `cluster` can
    be further apart: 1, 6 and 11 May are one.
    """
    if len(set().union(*(groups[index].calendars for index in cluster))) == 1:
        return
    if len(cluster) > _MOST_ALIKE:  # too many to tell apart
        yield JoinMatch("", tuple(cluster), ambiguous=True)
        return
    near = [
        (one, other)
        for one, other in combinations(cluster, 2)
        if not groups[one].calendars & groups[other].calendars
        and _is_near(groups[one], groups[other])
    ]
    for connected in _find_connected(near):
        matching_pairs = sum(one in connected for one, _ in near)
        all_pairs = len(connected) * (len(connected) - 1) // 2
        # If A matches B and B matches C, but A does not match C, B could be joined with either.
        yield JoinMatch(
            "title, period, producer and date",
            tuple(connected),
            ambiguous=matching_pairs < all_pairs,
        )

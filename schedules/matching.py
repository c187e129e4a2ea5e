"""What binds entries of different calendars together, and groups of entries bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations

from schedules.joinable import Joinable, Key

_DAYS_APART = 7
# More than this many alike in one week cannot be told apart by title and date anyway.
_MOST_ALIKE = 24


@dataclass(frozen=True, slots=True)
class JoinMatch:
    """Groups (by index) that belong together, and why. `ambiguous`: they would, were there not two candidates."""

    why: str
    members: tuple[int, ...]
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one release, at most one of each calendar, in order of rank.

    `rivals` are entries that may be the same release, among which only a person can choose.
    """

    entries: tuple[Joinable, ...]
    why: tuple[str, ...] = ()
    rivals: frozenset[Key] = frozenset()

    @property
    def key(self) -> Key:
        """Return the key of the entry that speaks for the group."""
        return self.entries[0].key

    @property
    def calendars(self) -> frozenset[str]:
        """Return the calendars of the entries."""
        return frozenset(entry.calendar for entry in self.entries)

    @property
    def is_alone(self) -> bool:
        """Tell whether configuration keeps this entry by itself."""
        return any(entry.alone for entry in self.entries)

    def says(self) -> str:
        """Return in words why the entries were taken for one release, and what stayed unjoined."""
        if not (self.why or self.rivals or self.is_alone):
            return ""
        reasons = list(dict.fromkeys(self.why))
        if self.is_alone:
            reasons.append("split by configuration")
        others = sorted(self.rivals - {entry.key for entry in self.entries})
        if others:
            reasons.append("ambiguous-join: " + ", ".join(f"{calendar} {uid}" for calendar, uid in others))
        return "; ".join(reasons)


def merge(groups: Sequence[Group], matches: Iterable[JoinMatch]) -> list[Group]:
    """Merge bound groups; where matches would put two entries of one calendar together, none of them holds."""
    bound = list(matches)
    if not bound:
        return list(groups)
    roots = _roots(len(groups), (match for match in bound if not match.ambiguous))
    together: dict[int, list[int]] = {}
    for index, root in enumerate(roots):
        together.setdefault(root, []).append(index)
    reasons: dict[int, list[str]] = {}
    rivals: dict[int, set[Key]] = {}
    for match in bound:
        if match.ambiguous:
            _make_rivals(groups, match.members, rivals)
        else:
            reasons.setdefault(roots[match.members[0]], []).append(match.why)
    for members in together.values():
        if len(members) > 1 and not _can_be_one([groups[index] for index in members]):
            _make_rivals(groups, members, rivals)
    return list(_merged(groups, together, reasons, rivals))


def shared_links(groups: Sequence[Group]) -> list[JoinMatch]:
    """Return matches between groups that share a link.

    A link used by several entries of one calendar (a page that each edition takes over) binds only those
    of one title and period.
    """
    by_link: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        if not group.is_alone:
            for link in dict.fromkeys(link for entry in group.entries for link in entry.links):
                by_link.setdefault(link, []).append(index)
    return [match for members in by_link.values() if len(members) > 1 for match in _linked(groups, members)]


def shared_titles(groups: Sequence[Group]) -> list[JoinMatch]:
    """Return matches between groups of the same producer, title and period with dates at most a week apart."""
    alike: dict[object, list[int]] = {}
    for index, group in enumerate(groups):
        if not group.is_alone and _days(group) is not None:
            titled = (entry for entry in group.entries if entry.title.words)
            named = ((producer, entry.title) for entry in titled for producer in entry.announcement.producers)
            for name in dict.fromkeys(named):
                alike.setdefault(name, []).append(index)
    clusters = (cluster for members in alike.values() if len(members) > 1 for cluster in _weeks(groups, members))
    return [match for cluster in clusters for match in _dated(groups, cluster)]


def _roots(count: int, matches: Iterable[JoinMatch]) -> list[int]:
    parents = list(range(count))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    for match in matches:
        first, *others = (root(index) for index in match.members)
        for other in others:
            parents[root(other)] = root(first)
    return [root(index) for index in range(count)]


def _can_be_one(groups: Sequence[Group]) -> bool:
    count = sum(len(group.entries) for group in groups)
    calendars = {entry.calendar for group in groups for entry in group.entries}
    pins = {entry.pin for group in groups for entry in group.entries if entry.pin}
    return len(calendars) == count and len(pins) <= 1


def _make_rivals(groups: Sequence[Group], members: Sequence[int], rivals: dict[int, set[Key]]) -> None:
    keys = {entry.key for index in members for entry in groups[index].entries}
    for index in members:
        rivals.setdefault(index, set()).update(keys)


def _merged(
    groups: Sequence[Group], together: dict[int, list[int]], reasons: dict[int, list[str]], rivals: dict[int, set[Key]]
) -> Iterator[Group]:
    for root, members in together.items():
        if len(members) == 1 or not _can_be_one([groups[index] for index in members]):
            yield from (_doubted(groups[index], rivals.get(index)) for index in members)
            continue
        entries = sorted((entry for index in members for entry in groups[index].entries), key=lambda each: each.rank)
        why = [text for index in members for text in groups[index].why] + sorted(set(reasons.get(root, [])))
        doubts = frozenset[Key]().union(*(groups[index].rivals | rivals.get(index, set()) for index in members))
        yield Group(tuple(entries), tuple(why), doubts)


def _doubted(group: Group, rivals: set[Key] | None) -> Group:
    return replace(group, rivals=group.rivals | rivals) if rivals else group


def _linked(groups: Sequence[Group], members: Sequence[int]) -> Iterator[JoinMatch]:
    if _can_be_one([groups[index] for index in members]):
        yield JoinMatch("link", tuple(members))
        return
    editions: dict[object, list[int]] = {}
    for index in members:
        editions.setdefault(groups[index].entries[0].title, []).append(index)
    for edition in editions.values():
        if len({calendar for index in edition for calendar in groups[index].calendars}) > 1:
            fits = _can_be_one([groups[index] for index in edition])
            yield JoinMatch("link, title and period", tuple(edition), ambiguous=not fits)


def _days(group: Group) -> tuple[date, date] | None:
    return next((entry.days for entry in group.entries if entry.days is not None), None)


def _gap(one: Group, other: Group) -> int:
    """Return how many days lie between the slots of two groups, zero or less when they overlap."""
    mine, others = _days(one), _days(other)
    if mine is None or others is None:
        return _DAYS_APART + 1
    return (max(mine[0], others[0]) - min(mine[1], others[1])).days


def _weeks(groups: Sequence[Group], members: Sequence[int]) -> Iterator[list[int]]:
    """Yield runs of groups, in order of date, in which each begins at most a week after those before end."""
    dated = sorted((days, index) for index in members if (days := _days(groups[index])) is not None)
    run: list[int] = []
    until = date.min
    for (first, last), index in dated:
        if run and (first - until).days > _DAYS_APART:
            yield run
            run = []
        run.append(index)
        until = max(until, last) if len(run) > 1 else last
    yield run


def _dated(groups: Sequence[Group], cluster: Sequence[int]) -> Iterator[JoinMatch]:
    if len({calendar for index in cluster for calendar in groups[index].calendars}) == 1:
        return
    if len(cluster) > _MOST_ALIKE:
        yield JoinMatch("", tuple(cluster), ambiguous=True)
        return
    # Quadratic, but only among the few that share producer, title, period and week.
    near = [pair for pair in combinations(cluster, 2) if _may_pair(groups[pair[0]], groups[pair[1]])]
    for bound in _connected(near):
        pairs = sum(pair[0] in bound for pair in near)
        # Unless each could be joined to every other, one of them has two candidates.
        is_clear = pairs == len(bound) * (len(bound) - 1) // 2
        yield JoinMatch("title, period, producer and date", tuple(bound), ambiguous=not is_clear)


def _may_pair(one: Group, other: Group) -> bool:
    return not one.calendars & other.calendars and _gap(one, other) <= _DAYS_APART


def _connected(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    members = sorted({index for pair in pairs for index in pair})
    place = {index: number for number, index in enumerate(members)}
    roots = _roots(len(members), (JoinMatch("", (place[one], place[other])) for one, other in pairs))
    found: dict[int, list[int]] = {}
    for index, root in zip(members, roots, strict=True):
        found.setdefault(root, []).append(index)
    return list(found.values())

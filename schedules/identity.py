"""Stable, readable ids for releases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from schedules.address import canonical_address, last_segment
from schedules.matching import Group, Key
from schedules.titles import slug

_GOVUK = "gov.uk/"
_HASH_DIGITS = 6
# A GOV.UK slug ends with its period, so it must hardly ever be cut.
_LONGEST = 200


def name_groups(groups: Sequence[Group], known: Mapping[Key, str]) -> dict[Key, str]:
    """Return a unique id for each group, by its key.

    The first of these that exists: the id that the configuration pins, the id it had before (`known`), the id that a
    person gave it in a calendar, the last path segment of a www.gov.uk page, a slug of producer and title. If several
    groups want an id, the one that had it gets it, else the first in rank. The others get it with a hash of their key.
    """
    given: dict[Key, str] = {}
    taken: set[str] = set()
    # A new entry that leads to the page of a pinned id must not take that id from the entry that has it.
    keep = {group.key for group in groups for each in group.entries if each.pin and known.get(each.key) == each.pin}
    ordered = sorted(groups, key=lambda group: (group.key not in keep, group.entries[0].rank))
    # All groups get their pinned ids before any gets a known one, and so on. So a new group never takes an old id.
    wishes: tuple[tuple[Callable[[Group], list[str]], bool], ...] = (
        (lambda group: [entry.pin for entry in group.entries if entry.pin], False),
        (lambda group: [known[entry.key] for entry in group.entries if entry.key in known], False),
        (lambda group: [entry.given_id for entry in group.entries if entry.given_id], True),
        (_make_ids, True),
    )
    for wishes_of, may_vary in wishes:
        for group in ordered:
            _assign_id(group, wishes_of(group), given, taken, may_vary=may_vary)
        ordered = [group for group in ordered if group.key not in given]
    return given


def make_id(url: str, producer: str, title: str) -> str:
    """Return the id that a release with this landing page, producer and title gets if nothing else decides."""
    if canonical_address(url).startswith(_GOVUK) and (made := slug(last_segment(url), _LONGEST)):
        return made
    return slug(f"{producer} {title}") or "release"


def _assign_id(group: Group, wishes: Iterable[str], given: dict[Key, str], taken: set[str], *, may_vary: bool) -> None:
    """Give a group the first of its wishes that is free. If it `may_vary`, a taken one gets the hash of the key."""
    for wish in wishes:
        if wish not in taken or may_vary:
            digest = hashlib.sha256("\n".join(group.key).encode()).hexdigest()[:_HASH_DIGITS]
            given[group.key] = wish if wish not in taken else f"{wish}-{digest}"
            taken.add(given[group.key])
            return


def _make_ids(group: Group) -> list[str]:
    first = group.entries[0].announcement
    url = next((entry.announcement.url for entry in group.entries if entry.announcement.url), "")
    return [make_id(url, first.producer, first.title)]

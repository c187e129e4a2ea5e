"""Stable, readable ids for releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

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
    for wishes in (_pinned_ids, partial(_known_ids, known), _given_ids, _made_ids):
        for group in ordered:
            _assign_id(group, wishes(group), given, taken)
        ordered = [group for group in ordered if group.key not in given]
    return given


def make_id(url: str, producer: str, title: str) -> str:
    """Return the id that a release with this landing page, producer and title gets if nothing else decides."""
    if canonical_address(url).startswith(_GOVUK) and (made := slug(last_segment(url), _LONGEST)):
        return made
    return slug(f"{producer} {title}") or "release"


def _assign_id(group: Group, wishes: Iterable[tuple[str, bool]], given: dict[Key, str], taken: set[str]) -> None:
    for wish, may_vary in wishes:
        free = wish if wish not in taken else f"{wish}-{_hash(group.key)}" if may_vary else None
        if free is not None:
            given[group.key] = free
            taken.add(free)
            return


def _pinned_ids(group: Group) -> list[tuple[str, bool]]:
    return [(entry.pin, False) for entry in group.entries if entry.pin]


def _known_ids(ids: Mapping[Key, str], group: Group) -> list[tuple[str, bool]]:
    return [(ids[entry.key], False) for entry in group.entries if entry.key in ids]


def _given_ids(group: Group) -> list[tuple[str, bool]]:
    return [(entry.given_id, True) for entry in group.entries if entry.given_id]


def _made_ids(group: Group) -> list[tuple[str, bool]]:
    first = group.entries[0].announcement
    url = next((entry.announcement.url for entry in group.entries if entry.announcement.url), "")
    return [(make_id(url, first.producer, first.title), True)]


def _hash(key: Key) -> str:
    return hashlib.sha256("\n".join(key).encode()).hexdigest()[:_HASH_DIGITS]

"""Stable, readable ids for releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from schedules.address import canonical, last_segment
from schedules.joinable import Key
from schedules.matching import Group
from schedules.titles import slug

_GOVUK = "gov.uk/"
_HASH_DIGITS = 6
# A GOV.UK slug ends with its period, so it is hardly ever cut.
_LONGEST = 200


def name_groups(groups: Sequence[Group], known: Mapping[Key, str]) -> dict[Key, str]:
    """Return an id for each group, by its key; no id twice.

    In this order: the id configuration pins, the one it had before (`known`), the one a person gave in a
    calendar of their own, the last path segment of a www.gov.uk page, a slug of producer and title. Among
    groups that want one id the foremost keeps it; the others get a short hash of their key behind it.
    """
    given: dict[Key, str] = {}
    taken: set[str] = set()
    ordered = sorted(groups, key=lambda group: group.entries[0].rank)
    # All groups take their pinned ids before any takes a known one, and so on: a newcomer never drives out an old id.
    for wishes in (_pinned, partial(_known, known), _given, _made):
        for group in ordered:
            _give(group, wishes(group), given, taken)
        ordered = [group for group in ordered if group.key not in given]
    return given


def made_id(url: str, producer: str, title: str) -> str:
    """Return the id that a release of this landing page, producer and title would get by itself."""
    if canonical(url).startswith(_GOVUK) and (made := slug(last_segment(url), _LONGEST)):
        return made
    return slug(f"{producer} {title}") or "release"


def _give(group: Group, wishes: Iterable[tuple[str, bool]], given: dict[Key, str], taken: set[str]) -> None:
    for wish, may_vary in wishes:
        free = wish if wish not in taken else f"{wish}-{_hash(group.key)}" if may_vary else None
        if free is not None:
            given[group.key] = free
            taken.add(free)
            return


def _pinned(group: Group) -> list[tuple[str, bool]]:
    return [(entry.pin, False) for entry in group.entries if entry.pin]


def _known(ids: Mapping[Key, str], group: Group) -> list[tuple[str, bool]]:
    return [(ids[entry.key], False) for entry in group.entries if entry.key in ids]


def _given(group: Group) -> list[tuple[str, bool]]:
    return [(entry.given_id, True) for entry in group.entries if entry.given_id]


def _made(group: Group) -> list[tuple[str, bool]]:
    first = group.entries[0].announcement
    url = next((entry.announcement.url for entry in group.entries if entry.announcement.url), "")
    return [(made_id(url, first.producer, first.title), True)]


def _hash(key: Key) -> str:
    return hashlib.sha256("\n".join(key).encode()).hexdigest()[:_HASH_DIGITS]

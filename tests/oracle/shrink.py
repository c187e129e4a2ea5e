"""The smallest world that still finds the same: whatever can be left out of a find is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.oracle.world import Place, Release, World

Holds = Callable[[World], bool]


def shrunk(world: World, holds: Holds) -> World:
    """Return a world that `holds` still, from which nothing more can be left out; `world` itself holds."""
    for smaller in _smaller(world):
        if holds(smaller):
            return shrunk(smaller, holds)
    return world


def _smaller(world: World) -> Iterator[World]:
    if len(world.releases) > 1:
        yield from (replace(world, releases=(one,)) for one in world.releases)
    yield from (replace(world, faults=left) for left in _without(world.faults))
    if world.monitor:
        yield replace(world, monitor=())
    for place, release in enumerate(world.releases):
        for one in _smaller_release(release):
            yield replace(world, releases=(*world.releases[:place], one, *world.releases[place + 1 :]))


def _smaller_release(one: Release) -> Iterator[Release]:
    yield from (replace(one, parts=left) for left in _without(one.parts))
    yield from (replace(one, changes=left) for left in _without(one.changes))
    for key in ("organisations", "announced", "other_calendar", "known_from", "state"):
        empty = () if key == "organisations" else None
        if getattr(one, key) != empty:
            yield replace(one, **{key: empty})
    yield from (replace(one, page=page) for page in _smaller_place(one.page))


def _smaller_place(place: Place) -> Iterator[Place]:
    yield from (replace(place, shows=left) for left in _without(place.shows))
    yield from (replace(place, walls=left) for left in _without(place.walls))
    for key in ("cache", "latency", "etag"):
        plain = tuple(replace(show, **{key: type(getattr(show, key))()}) for show in place.shows)
        if plain != place.shows:
            yield replace(place, shows=plain)


def _without(items: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    yield from (items[:place] + items[place + 1 :] for place in range(len(items)))

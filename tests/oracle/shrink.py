"""Shrinks a world that shows an error: removes all parts of it that the error does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.oracle.world import Place, Release, World

WorldCondition = Callable[[World], bool]


def shrink_world(world: World, still_fails: WorldCondition) -> World:
    """Return a world for which `still_fails` is true and is false for each smaller one.

    It must be true for `world`.
    """
    for smaller in _smaller_worlds(world):
        if still_fails(smaller):
            return shrink_world(smaller, still_fails)
    return world


def _smaller_worlds(world: World) -> Iterator[World]:
    if len(world.releases) > 1:
        yield from (replace(world, releases=(one,)) for one in world.releases)
    yield from (replace(world, faults=left) for left in _without_one(world.faults))
    if world.monitor:
        yield replace(world, monitor=())
    for place, release in enumerate(world.releases):
        for one in _smaller_releases(release):
            yield replace(
                world, releases=(*world.releases[:place], one, *world.releases[place + 1 :])
            )


def _smaller_releases(one: Release) -> Iterator[Release]:
    yield from (replace(one, parts=left) for left in _without_one(one.parts))
    yield from (replace(one, changes=left) for left in _without_one(one.changes))
    for key in ("organisations", "announced", "other_calendar", "known_from", "state"):
        empty = () if key == "organisations" else None
        if getattr(one, key) != empty:
            yield replace(one, **{key: empty})
    yield from (replace(one, page=page) for page in _smaller_places(one.page))


def _smaller_places(place: Place) -> Iterator[Place]:
    yield from (replace(place, shows=left) for left in _without_one(place.shows))
    yield from (replace(place, walls=left) for left in _without_one(place.walls))
    for key in ("cache", "latency", "etag"):
        plain = tuple(replace(show, **{key: type(getattr(show, key))()}) for show in place.shows)
        if plain != place.shows:
            yield replace(place, shows=plain)


def _without_one(items: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    yield from (items[:place] + items[place + 1 :] for place in range(len(items)))

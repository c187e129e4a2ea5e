"""Kinds of trouble that random worlds contain beside what `scripts` draws, each drawn by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from urllib.parse import urlsplit

from tests.oracle.world import Place, Release, Wall, World, spans

_SHARE = 0.2
_WALLS = ((200, ""), (200, "Checking your browser before you go on"), (403, ""), (403, "Access to this page"))
_MOMENT = timedelta(seconds=1)


def with_kinds(made: World, always: str | None = None) -> World:
    """Return a world with each kind in one of five worlds; `always` is a kind that it contains in any case.

    Every kind draws from numbers of its own, so that a new kind leaves what the others do unchanged.
    """
    for name, add in KINDS.items():
        rng = Random(f"ninethirty {name} {made.seed}")  # noqa: S311 # no secret, and to be repeatable
        if rng.random() < _SHARE or name == always:
            made = add(rng, made)
    return made


def _with_release(made: World, before: Release, after: Release) -> World:
    return replace(made, releases=tuple(after if one is before else one for one in made.releases))


def _with_place(made: World, release: Release, before: Place, after: Place) -> World:
    parts = tuple(after if one is before else one for one in release.parts)
    page = after if before is release.page else release.page
    return _with_release(made, release, replace(release, page=page, parts=parts))


def _walls(rng: Random, made: World) -> World:
    """Return a world with a bot wall at one address, near a change of what the address shows.

    On GOV.UK it hides no publication as it happens: its search and its announcements would not wait for a wall.
    """
    release = rng.choice(made.releases)
    place = rng.choice(release.places)
    anchors = [release.slot, *(one.at for one in place.shows if one.at > made.begins)]
    begins = rng.choice(anchors) + timedelta(seconds=round(rng.uniform(-60, 90), 1))
    ends = begins + timedelta(seconds=rng.choice((4, 15, 60, 200, 600)))
    came = [span.begins for span in spans(place) if begins <= span.begins <= ends]
    if came and urlsplit(place.url).hostname == "www.gov.uk":
        begins, ends = came[-1] + _MOMENT, came[-1] + _MOMENT + (ends - begins)
        if any(begins <= span.begins <= ends for span in spans(place)):
            return made
    status, title = rng.choice(_WALLS)
    walled = replace(place, walls=(Wall(begins, ends, status, title),))
    made = replace(made, ends=max(made.ends, min(ends, made.ends + timedelta(seconds=120))))
    return _with_place(made, release, place, walled)


KINDS: dict[str, Callable[[Random, World], World]] = {
    "wall": _walls,
}

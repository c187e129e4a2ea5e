"""Describes a world in a few lines for a person. Times are in seconds from the first slot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tests.oracle.world import Place, Release, World


def outline(world: World) -> str:
    """Return a description of the releases, faults and troubles of a world, one a line."""
    return "\n".join(f"    {line}" for line in _describe_lines(world))


def _describe_lines(world: World) -> Iterator[str]:
    slot = world.releases[0].slot
    span = f"{_format_offset(world.begins, slot)} to {_format_offset(world.ends, slot)}"
    yield f"seed {world.seed}: {span}, 0 is {slot:%Y-%m-%d %H:%M}Z"
    for release in world.releases:
        yield from _describe_release(release, slot)
    if world.settings:
        yield f"settings {world.settings!r}"
    for fault in world.faults:
        age = f" age {fault.age:.0f} s" if fault.age else ""
        span = f"{_format_offset(fault.begins, slot)} to {_format_offset(fault.ends, slot)}"
        yield f"fault {fault.kind} of {fault.host or fault.url}: {span}{age}"
    for one in world.monitor:
        yield (
            f"monitor {one.kind} at"
            f" {_format_offset(one.begins, slot)}{f' by {one.offset} s' if one.offset else ''}"
        )


def _describe_release(one: Release, slot: datetime) -> Iterator[str]:
    told = {
        "state": one.state,
        "known from": one.known_from,
        "other calendar": one.other_calendar,
        "re-dated": one.redated,
        "cell": one.cell and f"{one.cell.status} {one.cell.time}",
    }
    more = "".join(
        f", {name} {_format_offset(value, slot)}" for name, value in told.items() if value
    )
    yield f"{one.id} {one.title!r}, slot {_format_offset(one.slot, slot)}{more}"
    for change in one.changes:
        what = change.state or (
            "gone" if change.gone else f"slot {_format_offset(change.slot, slot)}"
        )
        yield f"  change at {_format_offset(change.at, slot)}: {what}"
    if one.announced is not None:
        told = one.announced
        named = f"/{told.slug}" if told.slug else "with the same slug"
        title = f" as {told.title!r}" if told.title else ""
        yield (
            f"  announced {named}{title}, redirect after {told.redirect}, listed after"
            f" {told.listed} s"
        )
        yield from (
            f"  the guess shows {show.what} from {_format_offset(show.at, slot)}"
            for show in told.guess
        )
    for place in one.places:
        yield from _describe_place(place, slot)


def _describe_place(place: Place, slot: datetime) -> Iterator[str]:
    shows = "; ".join(
        f"{_format_offset(one.at, slot)} {one.what}"
        + (f" behind a cache of {one.cache:.0f} s" if one.cache else "")
        + (f" after {one.latency} s" if one.latency else "")
        + (f" as {one.title!r}" if one.what == "other" or one.words else "")
        + (f" with {one.words}" if one.words else "")
        + (f" by redirect to {one.location!r}" if one.location else "")
        for one in place.shows
    )
    for wall in place.walls:
        span = f"{_format_offset(wall.begins, slot)} to {_format_offset(wall.ends, slot)}"
        shows += f"; a wall ({wall.status} {wall.title!r}) from {span}"
    yield (
        f"  {place.id}{'' if place.required else ' (not required)'} {place.url.split('//')[1]}:"
        f" {shows or 'never'}"
    )


def _format_offset(value: datetime | str | None, slot: datetime) -> str:
    return f"{(value - slot).total_seconds():+.1f}" if isinstance(value, datetime) else str(value)

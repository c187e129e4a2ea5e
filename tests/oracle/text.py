"""A world as the text of a rehearsal script, with the world itself as a comment above it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32
from zoneinfo import ZoneInfo

from monitor.rehearse.publisher.calendar import CALENDAR_NAME, CALENDAR_URL
from tests.oracle.world import WORLD, Place, Release, Showing, Trouble, World

TRUTH = "# truth: "
OWN_CALENDAR = "https://diary.example.org/releases.toml"
CONFIG = f"""[[calendar]]
name = "govuk"
kind = "govuk"

[[calendar]]
name = "diary"
kind = "toml"
url = "{OWN_CALENDAR}"
"""
_SCRIPTED = f"""[[calendar]]
name = "{CALENDAR_NAME}"
kind = "toml"
url = "{CALENDAR_URL}"
"""
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_STATUS = {"gone": 410, "absent": 404}
_FRAME = """<!DOCTYPE html>
<html lang="en"><head><title>{title} - GOV.UK</title></head>
<body><main><h1>{title}</h1><p>{words}</p></main></body></html>
"""
_MISSING = _FRAME.format(title="Page not found", words="If you typed the web address, check it is correct.")
_PROMISES = (
    "This release is due on {day}.",
    "These statistics will be published on {day}.",
    "Coming soon. The figures are available from {day}.",
)
_UPKEEP = _FRAME.format(title="Sorry, the service is unavailable", words="We are carrying out maintenance. Try later.")
_BOT_WALL = "<script>document.cookie='seen=1';location.reload()</script>"
_AHEAD = timedelta(minutes=1)


def script_text(world: World) -> str:
    """Return the script that plays a world."""
    return "\n".join([TRUTH + WORLD.dump_json(world).decode(), "", *_lines(world)]) + "\n"


def world_of(text: str) -> World:
    """Return the world that a script was written from."""
    return WORLD.validate_json(text.splitlines()[0].removeprefix(TRUTH))


def config_of(world: World) -> str | None:
    """Return the configuration that a script needs beside it, None when it needs none."""
    if not any(one.other_calendar or one.redated for one in world.releases):
        return None
    scripted = (one for one in world.releases if one.redated is None)
    is_all_listed = all(urlsplit(one.page.url).hostname == "www.gov.uk" for one in scripted)
    return CONFIG if is_all_listed else f"{_SCRIPTED}\n{CONFIG}"


def write(world: World, folder: Path, name: str) -> Path:
    """Write a script, with its configuration, and return where it is."""
    path = folder / f"{name}.toml"
    path.write_text(script_text(world), encoding="utf-8")
    config = config_of(world)
    if config is not None:
        (folder / "diary.config").write_text(config, encoding="utf-8")
    return path


def _lines(world: World) -> Iterator[str]:
    yield f'title = "Oracle {world.seed}"'
    yield f"from = {_instant(world.begins)}"
    yield f"until = {_instant(world.ends)}"
    if config_of(world) is not None:
        yield 'config = "diary.config"'
    yield f"seed = {world.seed}"
    for release in world.releases:
        yield from _announced(release) if release.redated is None else ()
    # Two releases may have one page: it answers once.
    for url, (release, place) in {place.url: (one, place) for one in world.releases for place in one.places}.items():
        yield from _place(world, release, url, place)
    for release in world.releases:
        if release.announced is not None and release.announced.slug is not None:
            url = f"https://www.gov.uk/government/statistics/{release.announced.slug}"
            yield from _answers(world, release, url, release.announced.guess)
    yield from _diary(world)
    for fault in world.faults:
        yield from _fault(fault)
    for trouble in world.monitor:
        yield from _table("monitor", kind=trouble.kind, at=trouble.begins, offset=_seconds(trouble.offset))


def _announced(one: Release) -> Iterator[str]:
    announced = one.announced
    yield from _table(
        "release",
        id=one.id,
        title=one.title,
        producer=one.producer,
        url=one.page.url,
        slot=one.slot,
        state=one.state,
        known_from=one.known_from,
        announcement=announced and announced.slug,
        announcement_title=announced and announced.title,
        redirect_after=announced and _seconds(announced.redirect),
        listed_after=announced and _seconds(announced.listed),
        organisations=list(one.organisations) or None,
    )
    yield f"part = [{', '.join(_part(part) for part in one.parts)}]"
    for change in one.changes:
        told = {"slot": change.slot, "state": change.state, "gone": change.gone or None}
        yield from _table("change", release=one.id, at=change.at, **told)


def _place(world: World, one: Release, url: str, place: Place) -> Iterator[str]:
    # A file that nothing is told of comes with its page, where the script says nothing else.
    is_never = place is not one.page and not place.shows
    shown = replace(place, shows=(Showing(_EVER, "absent"),)) if is_never else place
    walled = [show for show in shown.shows if any(wall.begins <= show.at <= wall.ends for wall in place.walls)]
    yield from _answers(world, one, url, [show for show in shown.shows if show not in walled])
    yield from _walls(world, one, shown)


def _part(part: Place) -> str:
    told = {"id": part.id, "role": part.role, "url": part.url, "recognise": "status", "required": part.required}
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in told.items()) + " }"


def _answers(world: World, release: Release, url: str, shows: Iterable[Showing]) -> Iterator[str]:
    for one in shows:
        yield from _answer(world, release, url, one, one.at)


def _walls(world: World, release: Release, place: Place) -> Iterator[str]:
    """Yield the answers of each wall of an address, and after it what the address shows by then, without a cache."""
    for wall in place.walls:
        body = _FRAME.format(title=wall.title, words="Your browser is being checked.") if wall.title else _BOT_WALL
        yield from _table("answer", url=place.url, at=wall.begins, status=wall.status, body=body)
        before = [one for one in place.shows if one.at <= wall.ends]
        after = before[-1] if before else Showing(wall.ends, "absent")
        yield from _answer(world, release, place.url, replace(after, cache=0.0), wall.ends)


def _answer(world: World, release: Release, url: str, one: Showing, at: datetime) -> Iterator[str]:
    """Yield the answer of an address from `at` on. Its text is that of the showing, whenever that began."""
    yield from _table(
        "answer",
        url=url,
        at=at,
        status=_STATUS.get(one.what, 200),
        body=_body(world, release, one),
        edge_cache=_seconds(one.cache or None),
        latency=_seconds(one.latency or None),
        etag=one.etag or None,
    )


def _body(world: World, release: Release, one: Showing) -> str | None:
    if one.what == "missing":
        return _MISSING
    if one.what == "placeholder":
        return _placeholder(release, crc32(f"{release.id} {one.at}".encode()))
    if one.what == "upkeep":
        announces = (_placeholder(release, 0),) if _is_ahead(world, release, one) else ()
        nothing = (_UPKEEP, _BOT_WALL, *announces)
        return nothing[crc32(f"{release.id} {one.at}".encode()) % len(nothing)]
    # The script does not know the page of a release that only another calendar has.
    is_named = one.what == "other" or (one.what == "ours" and release.redated is not None)
    return _FRAME.format(title=one.title, words=f"{one.title}: figures.") if is_named else None


def _is_ahead(world: World, release: Release, one: Showing) -> bool:
    """Return whether a page is sure to be seen before every slot of its release: only then can it be a placeholder.

    A page at an address that nobody announced is first seen when something leads to it.
    """
    is_moved = release.changes or release.other_calendar is not None
    return not (is_moved or release.is_guessed) and max(one.at, world.begins) < release.slot - _AHEAD


def _placeholder(release: Release, number: int) -> str:
    day = release.slot.astimezone(ZoneInfo("Europe/London"))
    words = _PROMISES[number % len(_PROMISES)].format(day=f"{day.day} {day:%B %Y} at {day:%H:%M}")
    return _FRAME.format(title=release.title, words=words)


def _diary(world: World) -> Iterator[str]:
    told = [one for one in world.releases if one.other_calendar is not None or one.redated is not None]
    turns = [_EVER, *(one.redated for one in told if one.redated is not None)] if told else []
    for at in turns:
        body = "\n".join(line for one in told for line in _entry(one, at))
        yield from _table("answer", url=OWN_CALENDAR, at=at, body=body)
        yield 'headers = { "Content-Type" = "application/toml" }'


def _entry(one: Release, at: datetime) -> Iterator[str]:
    slot = one.other_calendar
    yield from _table("release", id=one.id, title=one.title, producer=one.producer, url=one.page.url, slot=slot)
    if one.redated is not None:
        here = one.slot.astimezone(ZoneInfo("Europe/London"))
        yield f"slot = {(here if at < one.redated else here.replace(tzinfo=UTC)).isoformat()}"
        yield f"part = [{', '.join(_part(part) for part in one.parts)}]"


def _fault(one: Trouble) -> Iterator[str]:
    yield "\n[[fault]]"
    yield from _pairs(kind=one.kind, host=one.host, url=one.url, until=one.ends, age=_seconds(one.age))
    yield f"from = {_instant(one.begins)}"


def _table(name: str, **pairs: object) -> Iterator[str]:
    yield f"\n[[{name}]]"
    yield from _pairs(**pairs)


def _pairs(**pairs: object) -> Iterator[str]:
    for key, value in pairs.items():
        if value is not None:
            yield f"{key} = {_value(value)}"


def _value(value: object) -> str:
    return _instant(value) if isinstance(value, datetime) else json.dumps(value, ensure_ascii=False)


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(seconds: float | str | None) -> str | None:
    """Return a length as scripts write it: whole seconds, or milliseconds."""
    if seconds is None or isinstance(seconds, str):
        return seconds
    return f"{round(seconds)}s" if float(seconds).is_integer() else f"{round(seconds * 1000)}ms"

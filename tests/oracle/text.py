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
from tests.oracle.world import WORLD, Cell, Place, Release, Showing, Trouble, World

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
_TABLE_CALENDAR = "https://table.example.org/releases.csv"
_TABLE_CONFIG = f"""
[[calendar]]
name = "table"
kind = "csv"
url = "{_TABLE_CALENDAR}"
"""
_CONTENT = (
    "<p>{words}</p><table><tr><th>Area</th><th>Number</th></tr><tr><td>North</td><td>1,204</td>"
    "</tr><tr><td>South</td><td>987</td></tr></table><p>Compared with a year earlier, the number"
    " rose by 3 per cent in the north and fell by 2 per cent in the south. The rise follows four"
    " years in which the numbers fell in every area. The south had the smallest number since the"
    " survey began, and the north the largest since 2019.</p>"
)
_OLD_ROWS = "area,year,number\nNorth,2019,1180\nSouth,2019,1002\n"
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
_TABLE = "<table><tr><th>Total</th><td>1,204</td></tr></table>"
_MISSING = _FRAME.format(
    title="Page not found", words="If you typed the web address, check it is correct."
)
_PROMISES = (
    "This release is due on {day}.",
    "These statistics will be published on {day}.",
    "Coming soon. The figures are available from {day}.",
)
_UPKEEP = _FRAME.format(
    title="Sorry, the service is unavailable", words="We are carrying out maintenance. Try later."
)
_BOT_WALL = "<script>document.cookie='seen=1';location.reload()</script>"
_AHEAD = timedelta(minutes=1)


def script_text(world: World) -> str:
    """Return the script that plays a world."""
    return "\n".join([TRUTH + WORLD.dump_json(world).decode(), "", *_script_lines(world)]) + "\n"


def read_world(text: str) -> World:
    """Return the world that a script was written from."""
    return WORLD.validate_json(text.splitlines()[0].removeprefix(TRUTH))


def script_config(world: World) -> str | None:
    """Return the configuration that the script of a world needs. None if it needs none."""
    is_plain = not any(
        one.other_calendar or one.redated or one.cell is not None for one in world.releases
    )
    if is_plain and not world.settings:
        return None
    scripted = (one for one in world.releases if _is_in_script(one))
    is_all_listed = all(urlsplit(one.page.url).hostname == "www.gov.uk" for one in scripted)
    table = _TABLE_CONFIG if any(one.cell is not None for one in world.releases) else ""
    calendars = CONFIG if is_all_listed else f"{_SCRIPTED}\n{CONFIG}"
    return calendars + table + (f"\n{world.settings}" if world.settings else "")


def _is_in_script(release: Release) -> bool:
    """Return whether the script announces a release. Otherwise only a calendar of ours does."""
    return release.redated is None and release.cell is None


def write_script(world: World, folder: Path, name: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(script_text(world), encoding="utf-8")
    config = script_config(world)
    if config is not None:
        (folder / "diary.config").write_text(config, encoding="utf-8")
    return path


def _script_lines(world: World) -> Iterator[str]:
    yield f'title = "Oracle {world.seed}"'
    yield f"from = {_toml_instant(world.begins)}"
    yield f"until = {_toml_instant(world.ends)}"
    if script_config(world) is not None:
        yield 'config = "diary.config"'
    yield f"seed = {world.seed}"
    for release in world.releases:
        yield from _release_lines(release) if _is_in_script(release) else ()
    # Two releases may have one page: it answers once.
    for url, (release, place) in {
        place.url: (one, place) for one in world.releases for place in one.places
    }.items():
        yield from _place_lines(world, release, url, place)
    for release in world.releases:
        if release.announced is not None and release.announced.slug is not None:
            url = f"https://www.gov.uk/government/statistics/{release.announced.slug}"
            yield from _answer_lines(world, release, url, release.announced.guess)
    yield from _diary_lines(world)
    yield from _table_calendar_lines(world)
    for fault in world.faults:
        yield from _fault_lines(fault)
    for trouble in world.monitor:
        yield from _table_lines(
            "monitor", kind=trouble.kind, at=trouble.begins, offset=_toml_seconds(trouble.offset)
        )


def _release_lines(one: Release) -> Iterator[str]:
    announced = one.announced
    yield from _table_lines(
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
        redirect_after=announced and _toml_seconds(announced.redirect),
        listed_after=announced and _toml_seconds(announced.listed),
        organisations=list(one.organisations) or None,
    )
    yield f"part = [{', '.join(_part_toml(part) for part in one.parts)}]"
    for change in one.changes:
        told = {"slot": change.slot, "state": change.state, "gone": change.gone or None}
        yield from _table_lines("change", release=one.id, at=change.at, **told)


def _place_lines(world: World, one: Release, url: str, place: Place) -> Iterator[str]:
    # A script without answers for a file would publish it with its page.
    is_never = place is not one.page and not place.shows
    shown = replace(place, shows=(Showing(_EVER, "absent"),)) if is_never else place
    walled = [
        show
        for show in shown.shows
        if any(wall.begins <= show.at <= wall.ends for wall in place.walls)
    ]
    yield from _answer_lines(world, one, url, [show for show in shown.shows if show not in walled])
    yield from _wall_lines(world, one, shown)


def _part_toml(part: Place) -> str:
    told = {
        "id": part.id,
        "role": part.role,
        "url": part.url,
        "recognise": "status",
        "required": part.required,
    }
    return "{ " + ", ".join(f"{key} = {_toml_value(value)}" for key, value in told.items()) + " }"


def _answer_lines(
    world: World, release: Release, url: str, shows: Iterable[Showing]
) -> Iterator[str]:
    shows = list(shows)
    is_redirected = any(one.location for one in shows)
    for one in shows:
        yield from _one_answer_lines(world, release, url, one, one.at)
        if is_redirected and not one.location:
            yield from _table_lines("answer", url=f"{url}/latest", at=one.at, status=404)


def _wall_lines(world: World, release: Release, place: Place) -> Iterator[str]:
    """Yield the answers of each bot wall of an address, and then the content at its end, without a
    cache.
    """
    for wall in place.walls:
        body = (
            _FRAME.format(title=wall.title, words="Your browser is being checked.")
            if wall.title
            else _BOT_WALL
        )
        yield from _table_lines(
            "answer", url=place.url, at=wall.begins, status=wall.status, body=body
        )
        before = [one for one in place.shows if one.at <= wall.ends]
        after = before[-1] if before else Showing(wall.ends, "absent")
        yield from _one_answer_lines(
            world, release, place.url, replace(after, cache=0.0), wall.ends
        )


def _one_answer_lines(
    world: World, release: Release, url: str, one: Showing, at: datetime
) -> Iterator[str]:
    """Yield the answer of an address from `at` on, with the content of `one`, which may have begun
    earlier.
    """
    if one.location:
        yield from _table_lines(
            "answer", url=f"{url}/latest", at=at, body=_body(world, release, one)
        )
    is_old_file = one.what == "other" and url.endswith(".csv")
    yield from _table_lines(
        "answer",
        url=url,
        at=at,
        status=302 if one.location else _STATUS.get(one.what, 200),
        body=_OLD_ROWS if is_old_file else _body(world, release, one),
        edge_cache=_toml_seconds(one.cache or None),
        latency=_toml_seconds(one.latency or None),
        etag=one.etag or None,
    )
    if one.location:
        yield f"headers = {{ Location = {_toml_value(one.location)} }}"


def _body(world: World, release: Release, one: Showing) -> str | None:
    if one.what == "missing":
        return _MISSING
    if one.what == "placeholder":
        return _placeholder(release, crc32(f"{release.id} {one.at}".encode()))
    if one.what == "upkeep":
        announces = (
            (_placeholder(release, 0),) if _is_seen_before_slots(world, release, one) else ()
        )
        nothing = (_UPKEEP, _BOT_WALL, *announces)
        return nothing[crc32(f"{release.id} {one.at}".encode()) % len(nothing)]
    if one.what == "ours" and one.words:
        return _FRAME.replace("<p>{words}</p>", _CONTENT).format(
            title=one.title, words=" ".join(one.words)
        )
    # The script does not know the page of a release that only another calendar has.
    is_unknown = not _is_in_script(release) or bool(one.location)
    is_named = one.what == "other" or (one.what == "ours" and is_unknown)
    if not is_named:
        return None
    page = _FRAME.format(title=one.title, words=f"{one.title}: figures.")
    return page.replace("</main>", f"{_TABLE}</main>")


def _is_seen_before_slots(world: World, release: Release, one: Showing) -> bool:
    """Return whether looks surely see a page before each slot of its release.

    Only then can it be a placeholder.

    A page at a guessed address is seen only after something leads to it.
    """
    is_moved = release.changes or release.other_calendar is not None
    return (
        not (is_moved or release.is_guessed) and max(one.at, world.begins) < release.slot - _AHEAD
    )


def _placeholder(release: Release, number: int) -> str:
    day = release.slot.astimezone(ZoneInfo("Europe/London"))
    words = _PROMISES[number % len(_PROMISES)].format(day=f"{day.day} {day:%B %Y} at {day:%H:%M}")
    return _FRAME.format(title=release.title, words=words)


def _diary_lines(world: World) -> Iterator[str]:
    told = [
        one for one in world.releases if one.other_calendar is not None or one.redated is not None
    ]
    turns = [_EVER, *(one.redated for one in told if one.redated is not None)] if told else []
    for at in turns:
        body = "\n".join(line for one in told for line in _diary_entry_lines(one, at))
        yield from _table_lines("answer", url=OWN_CALENDAR, at=at, body=body)
        yield 'headers = { "Content-Type" = "application/toml" }'


def _diary_entry_lines(one: Release, at: datetime) -> Iterator[str]:
    slot = one.other_calendar
    yield from _table_lines(
        "release", id=one.id, title=one.title, producer=one.producer, url=one.page.url, slot=slot
    )
    if one.redated is not None:
        here = one.slot.astimezone(ZoneInfo("Europe/London"))
        yield f"slot = {(here if at < one.redated else here.replace(tzinfo=UTC)).isoformat()}"
        yield f"part = [{', '.join(_part_toml(part) for part in one.parts)}]"


def _table_calendar_lines(world: World) -> Iterator[str]:
    rows = [
        f'{one.id},"{one.title}",{one.producer},{one.page.url},{_cell_day(one)},'
        f"{_cell_time(one, one.cell)},{one.cell.status}"
        for one in world.releases
        if one.cell is not None
    ]
    if rows:
        body = "\n".join(["id,title,producer,url,date,time,state", *rows]) + "\n"
        yield from _table_lines("answer", url=_TABLE_CALENDAR, at=_EVER, body=body)
        yield 'headers = { "Content-Type" = "text/csv" }'


def _cell_day(one: Release) -> str:
    return f"{one.slot.astimezone(ZoneInfo('Europe/London')):%Y-%m-%d}"


def _cell_time(one: Release, cell: Cell) -> str:
    return cell.time or f"{one.slot.astimezone(ZoneInfo('Europe/London')):%H:%M}"


def _fault_lines(one: Trouble) -> Iterator[str]:
    yield "\n[[fault]]"
    yield from _pair_lines(
        kind=one.kind, host=one.host, url=one.url, until=one.ends, age=_toml_seconds(one.age)
    )
    yield f"from = {_toml_instant(one.begins)}"


def _table_lines(name: str, **pairs: object) -> Iterator[str]:
    yield f"\n[[{name}]]"
    yield from _pair_lines(**pairs)


def _pair_lines(**pairs: object) -> Iterator[str]:
    for key, value in pairs.items():
        if value is not None:
            yield f"{key} = {_toml_value(value)}"


def _toml_value(value: object) -> str:
    return (
        _toml_instant(value)
        if isinstance(value, datetime)
        else json.dumps(value, ensure_ascii=False)
    )


def _toml_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _toml_seconds(seconds: float | str | None) -> str | None:
    """Return a length as scripts write it: whole seconds, or milliseconds."""
    if seconds is None or isinstance(seconds, str):
        return seconds
    return f"{round(seconds)}s" if float(seconds).is_integer() else f"{round(seconds * 1000)}ms"

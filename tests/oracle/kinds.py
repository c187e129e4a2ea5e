"""Kinds of trouble that are added to the random worlds of `scripts`, each drawn independently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tests.oracle import written
from tests.oracle.names import slug_of
from tests.oracle.world import (
    Announced,
    Change,
    Place,
    Release,
    Showing,
    Wall,
    World,
    spans,
    with_place,
    with_release,
)

_SHARE = 0.2
_WALLS = (
    (200, ""),
    (200, "Checking your browser before you go on"),
    (403, ""),
    (403, "Access to this page"),
)
_LONDON = ZoneInfo("Europe/London")
_MOMENT, _AHEAD, _LONG_AGO = timedelta(seconds=1), timedelta(seconds=90), timedelta(days=2)


def add_kinds(made: World, always: str | None = None) -> World:
    """Return the world with kinds of trouble added: each in one of five worlds, and `always` in any
    case.

    Each kind has its own random numbers, so that adding a kind does not change the others.
    """
    for name, add in KINDS.items():
        rng = Random(f"ninethirty {name} {made.seed}")  # noqa: S311 # no secret, and to be repeatable
        is_drawn = rng.random() < _SHARE
        if is_drawn or name == always:
            made = add(rng, made)
    return made


def _add_wall(rng: Random, made: World) -> World:
    """Return the world with a bot wall at one address, near a change of its content.

    On GOV.UK the wall begins after a publication, because search and announcements would show it
    despite the wall.
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
    return with_place(made, release, place, walled)


def _add_missing_page(rng: Random, made: World) -> World:
    """Return the world with one address that answers 200 and a "Page not found" page instead of
    each 404.
    """
    release = rng.choice(made.releases)
    place = rng.choice(release.places)
    shows = tuple(
        replace(one, what="missing") if one.what == "absent" else one for one in place.shows
    )
    begins = (
        ()
        if shows and shows[0].at <= made.begins
        else (Showing(made.begins - _LONG_AGO, "missing"),)
    )
    return with_place(made, release, place, replace(place, shows=(*begins, *shows)))


def _add_placeholder(rng: Random, made: World) -> World:
    """Return the world with a placeholder at the release's own address until other content replaces
    it.

    Only releases that do not move get one, long before the slot. Otherwise its text would not show
    a placeholder.
    """
    release = rng.choice(made.releases)
    first = release.page.shows[0].at if release.page.shows else made.ends
    is_moved = (
        release.changes
        or release.other_calendar
        or release.known_from
        or release.state
        or release.is_guessed
    )
    if is_moved or min(first, release.slot) - made.begins < _AHEAD:
        return made
    shows = (Showing(made.begins - _LONG_AGO, "placeholder"), *release.page.shows)
    return with_place(made, release, release.page, replace(release.page, shows=shows))


def _add_file(rng: Random, made: World) -> World:
    """Return the world with a file that appears about when its page does, and may be removed
    again.
    """
    release = rng.choice(made.releases)
    came = [span.begins for span in spans(release.page)]
    name = rng.choice(("tables.xlsx", "data.csv", "report.pdf", "tables.ods"))
    on_govuk = urlsplit(release.page.url).hostname == "www.gov.uk"
    root = "https://assets.publishing.service.gov.uk/media" if on_govuk else release.page.url
    first = (came[-1] if came else release.slot) + timedelta(
        seconds=rng.choice((-40.0, -3.0, 0.0, 1.5, 12.0, 75.0, 200.0))
    )
    shows = [Showing(first, "ours", release.title)] if came or rng.random() < 0.3 else []
    if shows and rng.random() < 0.2:
        shows.append(
            Showing(
                first + timedelta(seconds=rng.choice((20, 80, 140))), rng.choice(("gone", "absent"))
            )
        )
    role = "attachment" if name.endswith("pdf") else "data"
    file = Place(
        "file", role, f"{root}/{release.id}/{name}", required=rng.random() < 0.7, shows=tuple(shows)
    )
    made = replace(made, ends=max([made.ends, *(one.at + timedelta(seconds=20) for one in shows)]))
    return with_release(made, release, replace(release, parts=(*release.parts, file)))


def _add_edge_cache(rng: Random, made: World) -> World:
    """Return the world with an edge that keeps old answers of one address for minutes."""
    release = rng.choice(made.releases)
    place = rng.choice(release.places)
    lasts = rng.choice((45.0, 120.0, 300.0, 600.0))
    shows = tuple(replace(one, cache=rng.choice((0.0, lasts, lasts))) for one in place.shows)
    more = timedelta(seconds=min(lasts, 240.0) if rng.random() < 0.6 else 0.0)
    return with_place(
        replace(made, ends=made.ends + more), release, place, replace(place, shows=shows)
    )


def _add_alternative(rng: Random, made: World) -> World:
    """Return the world with an alternative address that has the release before, with or after its
    page.
    """
    release = rng.choice(made.releases)
    on_govuk = urlsplit(release.page.url).hostname == "www.gov.uk"
    root = (
        "https://www.gov.uk/government/publications" if on_govuk else "https://reports.example.org"
    )
    anchors = [release.slot, *(span.begins for span in spans(release.page))]
    first = rng.choice(anchors) + timedelta(seconds=round(rng.uniform(-120, 90), 1))
    shows = [Showing(first, "ours", release.title)]
    if rng.random() < 0.35:
        away = rng.choice(("absent", "gone", "upkeep", "missing"))
        shows.append(Showing(first + timedelta(seconds=rng.choice((3, 30, 100))), away))
    other = Place(
        "report", "alternative", f"{root}/{release.id}-report", required=False, shows=tuple(shows)
    )
    return with_release(made, release, replace(release, parts=(*release.parts, other)))


def _replace_entry(rng: Random, made: World) -> World:
    """Return the world with an entry that leaves its calendar: removed, renamed, split or
    merged.
    """
    release = rng.choice(made.releases)
    if release.changes or release.other_calendar or release.known_from or release.state:
        return made
    lead = max((release.slot - made.begins).total_seconds(), 60.0)
    at = release.slot + timedelta(
        seconds=round(rng.choice((-rng.uniform(0.05, 0.95) * lead, rng.uniform(5, 90))), 1)
    )
    manner = rng.choice(("vanished", "successor", "split", "merged"))
    series, period = release.title.split(": ")
    titles = {
        "vanished": (),
        "successor": (f"{series} in England and Wales: {period}",),
        "split": (f"{series} in England: {period}", f"{series} in Wales: {period}"),
        "merged": (f"{series} and Example benefits: {period}",),
    }[manner]
    # A page that was out before the edit has the earlier entry's title.
    is_free = not any(one.what == "ours" and one.at <= at for one in release.page.shows)
    is_same_page = is_free and (manner == "successor" or (bool(titles) and rng.random() < 0.5))
    new = tuple(
        _new_entry(release, number, title, at, is_same_page=is_same_page and number == 1)
        for number, title in enumerate(titles, 1)
    )
    dropped = replace(release, changes=(Change(at, gone=True),), is_succeeded=is_same_page)
    if manner == "successor":
        dropped = replace(dropped, title=f"{series} in England: {period}")
    made = with_release(made, release, dropped)
    if manner == "merged":
        other = _new_entry(release, 9, f"Example benefits: {period}", None, is_same_page=False)
        new = (replace(other, changes=(Change(at, gone=True),)), *new)
    return replace(made, releases=(*made.releases, *new))


def _new_entry(
    of: Release, number: int, title: str, at: datetime | None, *, is_same_page: bool
) -> Release:
    """Return a new entry for the release `of`, on the same page or on its own page with the same
    times.
    """
    slug = slug_of(title)
    root = of.page.url.rpartition("/")[0]
    series, of_series = title.partition(": ")[0], of.title.partition(": ")[0]
    titles = {"ours": title}
    shows = tuple(
        replace(one, title=titles.get(one.what, one.title.replace(f"{of_series}: ", f"{series}: ")))
        for one in of.page.shows
    )
    page = replace(of.page, url=of.page.url if is_same_page else f"{root}/{slug}", shows=shows)
    is_led_to = is_same_page and urlsplit(page.url).hostname == "www.gov.uk"
    told = Announced(slug=slug) if is_led_to else None
    return Release(
        f"entry-{number}",
        title,
        of.producer,
        of.slot,
        page,
        # A new entry of the same page has the parts that were found there.
        parts=of.parts if is_same_page else (),
        known_from=at,
        organisations=of.organisations,
        announced=told,
    )


def _drop_zone_offset(rng: Random, made: World) -> World:
    """Return the world with a calendar that drops the offset of its zone, so that the same text is
    another instant.
    """
    release = rng.choice(made.releases)
    is_told = release.changes or release.other_calendar or release.known_from or release.state
    is_winter = not release.slot.astimezone(_LONDON).utcoffset()
    # The script answers with web pages for such a release, so it must have no files.
    if is_told or is_winter or release.parts or urlsplit(release.page.url).hostname == "www.gov.uk":
        return made
    lead = max((release.slot - made.begins).total_seconds(), 60.0)
    at = release.slot - timedelta(seconds=round(rng.uniform(0.05, 0.95) * lead, 1))
    return with_release(made, release, replace(release, redated=at))


KINDS: dict[str, Callable[[Random, World], World]] = {
    "missing": _add_missing_page,
    "placeholder": _add_placeholder,
    "file": _add_file,
    "edge": _add_edge_cache,
    "alternative": _add_alternative,
    "wall": _add_wall,
    "entry": _replace_entry,
    "re-date": _drop_zone_offset,
    "sibling": written.add_sibling,
    "edition": written.add_edition,
    "file in place": written.add_file_in_place,
    "title": written.add_title_variant,
    "prose": written.add_prose,
    "redirect": written.add_redirect,
    "status cell": written.add_status_cell,
    "zone cell": written.add_zone_cell,
    "clock step": written.add_clock_step,
    "settings": written.add_settings,
}

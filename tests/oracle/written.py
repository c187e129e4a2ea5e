"""Changes to a random world in what publishers write: words, titles, files, cells, redirects.

Each function returns the world with one such change, or the same world if it has no place for it.
The world also says what is right, whatever the monitor reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tests.oracle.names import PERIODS, slug_of
from tests.oracle.world import (
    Cell,
    Place,
    Release,
    Showing,
    Trouble,
    World,
    spans,
    with_place,
    with_release,
)

_LONDON = ZoneInfo("Europe/London")
_LONG_AGO, _AHEAD = timedelta(days=2), timedelta(seconds=90)
_HOUR = timedelta(hours=1)
_SENTENCES = (
    "The next release will be published on {later}.",
    "Figures for Wales are not yet published.",
    "A dashboard is coming soon.",
    "The methodology will be available from {later}.",
    "The previous edition has been withdrawn.",
    "Revised figures are due on {later} at 9:30am.",
    "These statistics were due to be published on {today}.",
    "Data for earlier years are no longer available.",
    "This release replaces the provisional figures, which are not available any more.",
    "Sign in to get the underlying data.",
    "Publication of the tables by area has been postponed to {later}.",
    "The survey of {past} was cancelled.",
)
_LABELS = (
    "Official statistics: {title}",
    "{title} - official statistics",
    "{title} (accredited official statistics)",
    "Statistical release: {title}",
)
_SIBLINGS = (
    "{series} in Wales: {period}",
    "{series}, women: {period}",
    "{series} (provisional): {period}",
    "{series} methodology: {period}",
    "{series} by local authority: {period}",
)
_NO_PROMISE = (
    "on hold",
    "Cancelled - will be included in the next quarterly release",
    "Postponed to 3 December",
    "withdrawn",
    "Suspended pending review",
    "Delayed until further notice",
    "not going ahead",
    "see note 4",
)
_SETTINGS = (
    "[watch]\norigin_view = false\n",
    '[watch.slot]\nfrom = "60s"\nuntil = "2m"\nevery = "1s"\n',
    '[watch.near]\nfrom = "30m"\nevery = "20s"\n',
    '[watch.overdue]\nfree_every = "5s"\n',
    '[clock]\nunproven_offset = "10s"\n',
)
_LOCATIONS = (" {url} ", "{path}", "//{rest}", "{backslashes}", "{url}#content")


def _draw_own_page(rng: Random, made: World) -> Release | None:
    """Return a release whose page is its producer's own, and no other release's."""
    pages = [one.page.url for one in made.releases]
    own = [
        one
        for one in made.releases
        if urlsplit(one.page.url).hostname != "www.gov.uk" and pages.count(one.page.url) == 1
    ]
    return rng.choice(own) if own else None


def _rewrite_page(made: World, release: Release, change: Callable[[Showing], Showing]) -> World:
    """Return the world with `change` made to each answer of the release's page that shows it."""
    shows = (change(one) if one.what == "ours" else one for one in release.page.shows)
    page = replace(release.page, shows=tuple(shows))
    return with_place(made, release, release.page, page)


def add_prose(rng: Random, made: World) -> World:
    """Let a page that is the release also write about other editions, parts and dates."""
    release = _draw_own_page(rng, made)
    if release is None:
        return made
    here = release.slot.astimezone(_LONDON)
    later = here + timedelta(days=rng.choice((1, 7, 28, 91)))
    days = {"today": _day_text(rng, here), "later": _day_text(rng, later), "past": "2020"}
    drawn = rng.sample(_SENTENCES, rng.randint(1, 4))
    words = tuple(sentence.format(**days) for sentence in drawn)
    return _rewrite_page(made, release, lambda one: replace(one, words=words))


def _day_text(rng: Random, day: datetime) -> str:
    return rng.choice((f"{day:%A} {day.day} {day:%B}", f"{day.day} {day:%B %Y}", f"{day:%d/%m/%Y}"))


def add_title_variant(rng: Random, made: World) -> World:
    """Give a page that is the release a title with a label, or with one wrong letter in a word."""
    release = _draw_own_page(rng, made)
    if release is None:
        return made
    title = (
        rng.choice(_LABELS).format(title=release.title)
        if rng.random() < 0.6
        else _misspell_title(rng, release.title)
    )
    words = ("The figures are in the table.",)
    return _rewrite_page(
        made, release, lambda one: replace(one, title=title, words=one.words or words)
    )


def _misspell_title(rng: Random, title: str) -> str:
    """Return a title with one letter of its series, inside a word of six letters, exchanged."""
    series, colon, period = title.partition(":")
    long = [word for word in series.split() if len(word) >= 6]
    word = rng.choice(long)
    place = rng.randrange(2, len(word) - 1)
    wrong = "x" if word[place] != "x" else "z"
    return series.replace(word, word[:place] + wrong + word[place + 1 :], 1) + colon + period


def add_sibling(rng: Random, made: World) -> World:
    """Show a release of another place, group, stage or kind at the address until the release comes,
    or for ever.
    """
    release = rng.choice(made.releases)
    series, _, period = release.title.partition(": ")
    is_known = {one.title for one in made.releases}
    title = rng.choice(_SIBLINGS).format(series=series, period=period)
    shows = release.page.shows
    names_its_place_twice = title.count("Wales") > 1
    is_shared = sum(one.page.url == release.page.url for one in made.releases) > 1
    if (
        names_its_place_twice
        or is_shared
        or title in is_known
        or (shows and shows[0].at <= made.begins)
    ):
        return made
    before = Showing(made.begins - _LONG_AGO, "other", title)
    page = replace(release.page, shows=(before, *shows))
    return with_place(made, release, release.page, page)


def add_file_in_place(rng: Random, made: World) -> World:
    """Add a file whose address every edition uses, with the last edition until the new one comes."""
    release = rng.choice(made.releases)
    if any(place.role == "data" for place in release.parts) or release.redated:
        return made
    came = [span.begins for span in spans(release.page)]
    on_govuk = urlsplit(release.page.url).hostname == "www.gov.uk"
    root = "https://assets.publishing.service.gov.uk/media" if on_govuk else release.page.url
    past = f"{release.title.partition(':')[0]}: 2019"
    shows = [Showing(made.begins - _LONG_AGO, "other", past)]
    if came:
        lag = timedelta(seconds=rng.choice((0.0, 0.0, 2.0, 30.0, 100.0)))
        shows.append(Showing(came[-1] + lag, "ours", release.title))
    file = Place("set", "data", f"{root}/{release.id}/latest.csv", shows=tuple(shows))
    made = replace(made, ends=max([made.ends, *(one.at + _AHEAD for one in shows)]))
    return with_release(made, release, replace(release, parts=(*release.parts, file)))


def add_edition(rng: Random, made: World) -> World:
    """Add another edition of a series, due at the same time, which may never come out."""
    release = rng.choice(made.releases)
    series, _, period = release.title.partition(": ")
    titles = {one.title for one in made.releases}
    others = [f"{series}: {new}" for new, _ in PERIODS if f"{series}: {new}" not in titles]
    is_plain = not (release.announced or release.changes or release.redated)
    if not period or not others or not is_plain or len(made.releases) > 2:
        return made
    title = rng.choice(others)
    url = f"{release.page.url.rpartition('/')[0]}/{slug_of(title)}"
    if url in {place.url for one in made.releases for place in one.places}:
        return made
    came = release.slot + timedelta(seconds=rng.choice((0.5, 2, 20, 90)))
    shows = (Showing(came, "ours", title),) if rng.random() < 0.6 else ()
    page = Place("page", "page", url, shows=shows)
    other = Release(f"edition-{release.id}", title, release.producer, release.slot, page)
    return replace(made, releases=(*made.releases, other), ends=max(made.ends, came + _AHEAD))


def add_redirect(rng: Random, made: World) -> World:
    """Let a page redirect to the release, with an address as browsers accept it."""
    release = _draw_own_page(rng, made)
    if release is None or release.page.walls:
        return made
    parts = urlsplit(release.page.url)
    target = f"{release.page.url}/latest"
    location = rng.choice(_LOCATIONS).format(
        url=target,
        path=f"{parts.path}/latest",
        rest=target.partition("//")[2],
        backslashes=target.replace("/", "\\"),
    )
    return _rewrite_page(made, release, lambda one: replace(one, location=location))


def add_status_cell(rng: Random, made: World) -> World:
    """Give an entry a status in words by which it does not stand."""
    status = rng.choice(_NO_PROMISE)
    return _add_cell(rng, made, lambda _: Cell(status, "", stands=False))


def add_zone_cell(rng: Random, made: World) -> World:
    """Write the time of an entry with the zone of the other season, such as BST in winter."""

    def write(release: Release) -> Cell:
        here = release.slot.astimezone(_LONDON)
        is_summer = bool(here.utcoffset())
        time = f"{here:%H:%M} {'GMT' if is_summer else 'BST'}"
        other = release.slot + (_HOUR if is_summer else -_HOUR)
        return Cell("confirmed", time, readings=(other,))

    return _add_cell(rng, made, write)


def _add_cell(rng: Random, made: World, write: Callable[[Release], Cell]) -> World:
    release = _draw_own_page(rng, made)
    if release is None:
        return made
    is_told = release.changes or release.other_calendar or release.known_from or release.state
    if is_told or release.redated or release.parts or release.cell:
        return made
    return with_release(made, release, replace(release, cell=write(release)))


def add_clock_step(rng: Random, made: World) -> World:
    """Make the clock of the monitor wrong for a while: before, over or after a slot."""
    if any(one.kind == "clock" for one in made.monitor):
        return made
    slot = made.releases[0].slot
    lead = max((slot - made.begins).total_seconds() - 1, 1.0)
    anchor = rng.choice((-0.8 * lead, -4.0, -1.0, 5.0, 30.0))
    begins = max(slot + timedelta(seconds=anchor), made.begins + timedelta(seconds=1))
    ends = begins + timedelta(seconds=rng.choice((1.0, 3.0, 20.0, 90.0)))
    offset = float(rng.choice((-1, 1)) * rng.choice((1, 5, 40, 600, 3600)))
    step = (Trouble("clock", begins, offset=offset), Trouble("clock", ends, offset=0.0))
    monitor = tuple(sorted((*made.monitor, *step), key=lambda one: one.begins))
    return replace(made, monitor=monitor, ends=max(made.ends, ends + _AHEAD))


def add_settings(rng: Random, made: World) -> World:
    """Change settings of the monitor."""
    chosen = rng.sample(_SETTINGS, rng.randint(1, 2))
    return replace(made, settings="\n".join(sorted(chosen)))

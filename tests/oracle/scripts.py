"""Draws random worlds.

Each dimension is drawn independently, so that faults combine in ways that no one chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from tests.oracle.kinds import add_kinds
from tests.oracle.names import Title, draw_other_slug, draw_producers, draw_title
from tests.oracle.troubles import draw_faults, draw_monitor_troubles
from tests.oracle.world import Announced, Change, Place, Release, Showing, World

_LONDON = ZoneInfo("Europe/London")
_GOVUK = "https://www.gov.uk/government/statistics"
_ASSETS = "https://assets.publishing.service.gov.uk/media"
_OWN = "https://figures.example.org/releases"
_LONG_AGO = timedelta(days=2)

Stay = tuple[float, float | None]
"""A time in which a release is public, in seconds from its slot.

The end is None if it stays public.
"""


@dataclass(frozen=True)
class Setting:
    """The slot, start and site that all releases of one world share."""

    slot: datetime
    begins: datetime
    is_govuk: bool

    @property
    def lead(self) -> float:
        return (self.slot - self.begins).total_seconds()

    def at(self, seconds: float) -> datetime:
        return self.slot + timedelta(milliseconds=round(seconds * 1000))


def random_world(seed: int, kind: str | None = None) -> World:
    """Return the world of a seed, always the same one. It contains `kind` if one is given."""
    rng = Random(f"ninethirty {seed}")  # noqa: S311 # no secret, and to be repeatable
    slot = _draw_slot(rng)
    lead = rng.choices((330, 420, 780, 2400, 4200, -40, -240), (6, 5, 4, 1.5, 0.5, 0.4, 0.4))[0]
    setting = Setting(slot, slot - timedelta(seconds=lead), rng.random() < 0.7)
    taken: set[str] = set()
    count = rng.choices((1, 2, 3, 7), (7, 2, 0.8, 0.2))[0]
    releases = tuple(
        _draw_release(rng, setting, place, draw_title(rng, taken)) for place in range(1, count + 1)
    )
    if rng.random() < 0.15 and kind is None:
        # An easy world without faults, in which a cautious verdict counts as timid.
        plain = replace(releases[0], parts=())
        return World(seed, setting.begins, _draw_end(rng, setting, (plain,)), (plain,))
    ends = _draw_end(rng, setting, releases)
    made = World(seed, setting.begins, ends, releases)
    made = replace(made, faults=draw_faults(rng, made, slot))
    return add_kinds(replace(made, monitor=draw_monitor_troubles(rng, made, slot)), kind)


def _draw_slot(rng: Random) -> datetime:
    day = date(2026, 1, 12) + timedelta(days=rng.randrange(300))
    hour, minute = rng.choices(((9, 30), (7, 0), (12, 0), (14, 0)), (7, 1, 1, 1))[0]
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=_LONDON).astimezone(UTC)


def _draw_release(rng: Random, setting: Setting, place: int, name: Title) -> Release:
    stays = _draw_stays(rng, setting)
    who = draw_producers(rng)
    slug, announced = _draw_announcement(rng, setting, name)
    url = f"{_GOVUK}/{slug}" if setting.is_govuk else f"{_OWN}/{slug}"
    page = Place("page", "page", url, shows=_draw_shows(rng, setting, stays, name))
    one = Release(
        id=f"release-{place}",
        title=name.title,
        producer=who[0],
        slot=setting.slot,
        page=page,
        parts=_draw_parts(rng, setting, stays, name),
        organisations=who if setting.is_govuk and len(who) > 1 else (),
        announced=announced,
    )
    return _draw_promise(rng, setting, one)


def _draw_stays(rng: Random, setting: Setting) -> list[Stay]:
    """Return when a page is public: for example promptly, late, never, early for good or only for a
    while.
    """
    lead = max(setting.lead, 0.0)
    prompt = round(rng.triangular(0, 25, 2), rng.choice((0, 3)))
    late = round(rng.uniform(61, 170), rng.choice((0, 3)))
    manners: dict[str, list[Stay]] = {
        "prompt": [(prompt, None)],
        "brink": [(round(rng.uniform(48, 72), 3), None)],
        "late": [(late, None)],
        "never": [],
        "just early": [(-round(rng.uniform(0.3, 25), 1), None)],
        "early": [(-round(rng.uniform(5, lead * 0.9 + 10), 3), None)],
        "for a while": _for_a_while(rng, lead, rng.choice((prompt, late))),
        "taken away": [(prompt, prompt + round(rng.uniform(90, 150), 1))],
    }
    return rng.choices(list(manners.values()), (32, 6, 16, 6, 12, 9, 12, 6))[0]


def _for_a_while(rng: Random, lead: float, again: float) -> list[Stay]:
    """Return an early exposure that ends before the slot or just after it, and then the release
    itself.
    """
    begins = -rng.uniform(20, lead * 0.9 + 30)
    length = rng.uniform(2, -begins) if rng.random() < 0.8 else -begins + rng.uniform(3, 30)
    ends = round(begins + length, 3)
    return [(round(begins, 3), ends), (again if ends < 0 else ends + 100, None)]


def _draw_shows(
    rng: Random, setting: Setting, stays: Sequence[Stay], name: Title
) -> tuple[Showing, ...]:
    """Return what the page's address answers over time: the release in its stays, and other content
    in between.
    """
    cache = rng.choice((5.0, 10.0, 30.0, 60.0, 120.0)) if rng.random() < 0.22 else 0.0
    latency = round(rng.uniform(0.02, 0.9), 2) if rng.random() < 0.2 else 0.0
    etag = rng.random() < 0.2
    before = rng.choices(("absent", "other", "upkeep"), (86, 9, 5))[0]
    told: list[Showing] = []
    if before != "absent":
        told.append(Showing(setting.begins - _LONG_AGO, before, name.earlier))
    for begins, ends in stays:
        told.append(Showing(setting.at(begins), "ours", name.title, cache, latency, etag))
        if ends is not None:
            gone = rng.choice(("gone", "absent", "other", "upkeep"))
            told.append(Showing(setting.at(ends), gone, name.earlier, rng.choice((0.0, cache))))
    return (*_draw_decoy(rng, setting, stays, name), *told) if before == "absent" else tuple(told)


def _draw_decoy(
    rng: Random, setting: Setting, stays: Sequence[Stay], name: Title
) -> tuple[Showing, ...]:
    """Return content that is published in error at the address before the release.

    Empty in most worlds.
    """
    first = stays[0][0] if stays else 240.0
    if rng.random() > 0.1 or first < -20:
        return ()
    what = rng.choice(("other", "upkeep", "gone"))
    begins = rng.uniform(-40, min(first, 0.0) - 1 if what == "gone" else first - 1)
    told = [
        Showing(
            setting.at(round(begins, 3)),
            what,
            rng.choice((name.earlier, "Example of another kind: 2026")),
        )
    ]
    if what == "gone":
        # A 410 follows only content that was public.
        told.insert(
            0, Showing(setting.at(round(begins - rng.uniform(0.3, 20), 3)), "ours", name.title)
        )
    if rng.random() < 0.5:
        told.append(Showing(setting.at(round(rng.uniform(begins + 0.5, first - 0.2), 3)), "absent"))
    return tuple(told)


def _draw_parts(
    rng: Random, setting: Setting, stays: Sequence[Stay], name: Title
) -> tuple[Place, ...]:
    found = []
    first = stays[-1][0] if stays else None
    if rng.random() < 0.25:
        root = _ASSETS if setting.is_govuk else _OWN
        url = f"{root}/{name.slug[::-1]}/tables.ods"
        lag = rng.choices((0.0, 2.0, 20.0, 90.0, 170.0, -8.0), (3, 3, 2, 2, 1, 1))[0]
        shows = (
            ()
            if first is None
            else (Showing(setting.at(round(first + lag, 3)), "ours", name.title),)
        )
        found.append(Place("tables", "data", url, required=rng.random() < 0.8, shows=shows))
    if rng.random() < 0.12:
        root = (
            "https://www.gov.uk/government/news" if setting.is_govuk else "https://news.example.org"
        )
        start = round(rng.uniform(-60, 100), 3)
        shows = (Showing(setting.at(start), "ours", name.title),)
        found.append(
            Place("news", "alternative", f"{root}/{name.slug}", required=False, shows=shows)
        )
    return tuple(found)


def _draw_announcement(rng: Random, setting: Setting, name: Title) -> tuple[str, Announced | None]:
    """Return the publication's slug, and its announcement if that differs from the plain case."""
    if not setting.is_govuk or rng.random() < 0.25:
        return name.slug, None
    redirect = (
        "never"
        if rng.random() < 0.15
        else round(rng.choice((0.5, 1, 2, 3, 8, 25)) * rng.uniform(0.7, 1.1), 1)
    )
    told = Announced(redirect=redirect, listed=float(rng.choice((2, 15, 30, 45, 60))))
    manner = rng.choices(("same", "other slug", "re-used", "reworded"), (40, 35, 15, 10))[0]
    if manner == "same":
        return name.slug, told
    if manner == "other slug":
        return draw_other_slug(rng, name), replace(told, slug=name.slug)
    if manner == "re-used":
        past = name.slug.replace(_slug(name.period), _slug(name.past))
        there = (
            (Showing(setting.begins - _LONG_AGO, "other", name.earlier),)
            if rng.random() < 0.6
            else ()
        )
        return name.slug, replace(told, slug=past, guess=there)
    other = f"{name.title.split(':')[0]} statistics, {name.period}"
    return name.slug, replace(told, slug=_slug(other), title=other)


def _slug(text: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in text.lower()).split())


def _draw_promise(rng: Random, setting: Setting, one: Release) -> Release:
    """Return the release with what its calendars announce over time: a change, a second calendar,
    or neither.
    """
    slot, lead = setting.slot, max(setting.lead, 60.0)
    ahead = setting.at(-round(rng.uniform(3, lead * 0.95), 1))
    later = slot + timedelta(minutes=rng.choice((28, 60, 1440)))
    differs = timedelta(minutes=rng.choice((-150, -2, 0, 2, 30)))
    confirmed = (Change(ahead, state="confirmed"),) if rng.random() < 0.5 else ()
    after = setting.at(round(rng.uniform(5, 150), 1))
    manners = {
        "plain": one,
        "postponed": _postpone_release(rng, setting, one),
        "postponed after": replace(one, changes=(Change(after, slot=slot + timedelta(days=1)),)),
        "forward": replace(one, slot=later, changes=(Change(ahead, slot=slot),)),
        "cancelled": replace(
            one, changes=(Change(rng.choice((ahead, setting.at(90))), state="cancelled"),)
        ),
        "vanished": replace(one, changes=(Change(ahead, gone=True),)),
        "provisional": replace(one, state="provisional", changes=confirmed),
        "late known": replace(
            one, known_from=rng.choice((ahead, setting.at(round(rng.uniform(-200, 60)))))
        ),
        "two calendars": replace(one, other_calendar=slot + differs),
    }
    return rng.choices(list(manners.values()), (78, 3, 3, 4, 2, 3, 2, 3, 2))[0]


def _postpone_release(rng: Random, setting: Setting, one: Release) -> Release:
    lead = max(setting.lead, 60.0)
    before = (setting.slot - timedelta(seconds=rng.uniform(0.1, 0.6) * lead)).replace(
        second=0, microsecond=0
    )
    told = before - timedelta(seconds=round(rng.uniform(2, 0.35 * lead)))
    return replace(one, slot=before, changes=(Change(told, slot=setting.slot),))


def _draw_end(rng: Random, setting: Setting, releases: Sequence[Release]) -> datetime:
    """Return the end of a world, at least 15 s after its last change."""
    told = [one.at for release in releases for place in release.places for one in place.shows]
    told += [change.at for release in releases for change in release.changes]
    last = max([setting.at(75), setting.begins + timedelta(seconds=60), *told])
    return last + timedelta(seconds=rng.choice((15, 40, 75, 130)))

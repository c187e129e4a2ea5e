"""Titles, periods, slugs and producers of random releases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

_SERIES = (
    "Example claims",
    "Example rents",
    "Example inspections and outcomes",
    "Example deaths registered weekly",
    "Example road casualties",
    "Example pupils and their characteristics",
    "Example energy prices",
)
PERIODS = (
    ("July to September 2026", "April to June 2026"),
    ("October 2026", "September 2026"),
    ("2025/26", "2024/25"),
    ("quarter 3 2026", "quarter 2 2026"),
    ("31 March 2026", "28 February 2026"),
    ("week ending 6 November 2026", "week ending 30 October 2026"),
    ("2026", "2025"),
)
_PRODUCERS = (
    "department-for-example",
    "example-office",
    "example-inspectorate",
    "northern-ireland-example-agency",
    "ministry-of-examples",
)


@dataclass(frozen=True)
class Title:
    """The title and period of a release, and those of its previous edition."""

    title: str
    earlier: str
    period: str
    past: str

    @property
    def slug(self) -> str:
        return slug_of(self.title)


def slug_of(title: str) -> str:
    """Return a title as it appears in an address: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def draw_title(rng: Random, taken: set[str]) -> Title:
    """Return a title that no other release of the world has."""
    while True:
        series, (period, past) = rng.choice(_SERIES), rng.choice(PERIODS)
        if f"{series}: {period}" not in taken:
            taken.add(f"{series}: {period}")
            return Title(f"{series}: {period}", f"{series}: {past}", period, past)


def draw_producers(rng: Random) -> tuple[str, ...]:
    """Return one to three producers. Three in five releases have several."""
    return tuple(rng.sample(_PRODUCERS, rng.choice((1, 1, 2, 2, 3))))


def draw_other_slug(rng: Random, name: Title) -> str:
    """Return a slug that differs from the one the announcement suggests, in a manner seen on real
    publications.
    """
    words = name.slug.split("-")
    manners = (
        f"{name.slug}--2",
        "-".join(word[:4] if len(word) > 7 else word for word in words),
        f"{'-'.join(words[1:])}-statistics",
        f"{name.slug}-official-statistics",
    )
    return rng.choice([slug for slug in manners if slug != name.slug])

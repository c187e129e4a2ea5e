"""Real publication days that were once judged wrongly, each played through the real daemon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.config.settings import ProducerSettings, Settings
from tests.oracle.oracle import find_discrepancies
from tests.oracle.player import play_world
from tests.oracle.world import Announced, Change, Content, Place, Release, Showing, Trouble, World

pytestmark = pytest.mark.slow

SLOT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
SITE, OWN = "https://www.gov.uk/government/statistics", "https://figures.example.org/releases"
TITLE, SLUG = "Example claims: October 2026", "example-claims-october-2026"
LATER = "example-claims-october-2026-statistics"

WATCHED = Settings(
    producer=[ProducerSettings(id="example-office", name="Example Office", hosts=["www.gov.uk"])]
)


def at(second: float) -> datetime:
    return SLOT + timedelta(seconds=second)


def shows(*turns: tuple[float, Content]) -> tuple[Showing, ...]:
    titles: Mapping[str, str] = {"other": "Example claims: September 2026"}
    return tuple(Showing(at(second), what, titles.get(what, TITLE)) for second, what in turns)


def claims(*turns: tuple[float, Content], url: str = f"{SITE}/{SLUG}", **more: Any) -> Release:  # noqa: ANN401
    page = Place("page", "page", url, shows=shows(*turns))
    return Release("claims", TITLE, "example-office", SLOT, page, **more)


def elsewhere(*turns: tuple[float, Content], **announced: Any) -> Release:  # noqa: ANN401
    return claims(*turns, url=f"{SITE}/{LATER}", announced=Announced(SLUG, **announced))


def day(release: Release, begins: float = -420, ends: float = 300, **more: Any) -> World:  # noqa: ANN401
    return World(0, at(begins), at(ends), (release,), **more)


def unreadable(begins: float, ends: float) -> tuple[Trouble, ...]:
    return (Trouble("503", at(begins), at(ends), url="https://www.gov.uk/api/search.json"),)


NEWS = Place(
    "news",
    "alternative",
    "https://www.gov.uk/government/news/claims",
    required=False,
    shows=shows((2, "ours")),
)
FORWARD = (Change(at(-2100), slot=at(-1680)),)
FIRMED: dict[str, Any] = {"state": "provisional", "changes": (Change(at(-60), state="confirmed"),)}
CONFIRMED_SOONER = {"changes": (Change(at(-173), state="confirmed"),)}
RE_TIMED = (Change(at(-60), slot=at(1800), state="confirmed"),)
DOUBT = {"promise_in_doubt"}
CASES: dict[str, tuple[World, set[str], set[str]]] = {
    "another slug than announced": (day(elsewhere((2, "ours"))), {"on_time"}, set()),
    "its redirect comes late": (
        day(elsewhere((2, "ours"), redirect=200.0)),
        {"unproven", "on_time"},
        set(),
    ),
    "its redirect never comes": (
        day(elsewhere((2, "ours"), redirect="never")),
        {"unproven", "on_time"},
        set(),
    ),
    "late at another slug": (day(elsewhere((200, "ours"))), {"late"}, {"late"}),
    "its guess bears another edition": (
        day(elsewhere((2, "ours"), guess=shows((-1_700_000, "other")))),
        {"on_time"},
        set(),
    ),
    "its guess bears another edition for good": (
        day(elsewhere(guess=shows((-1_700_000, "other"))), ends=420),
        {"overdue"},
        set(),
    ),
    "a news page first": (day(claims((250, "ours"), parts=(NEWS,))), {"late"}, {"elsewhere_first"}),
    "brought forward and out before it is read": (
        day(claims((-1678, "ours"), url=f"{OWN}/{SLUG}", changes=FORWARD), -2220, -1500),
        {"on_time", "unproven"},
        {"brought_forward"},
    ),
    "its calendar unreadable since long before": (
        day(claims((2, "ours")), -3600, faults=unreadable(-3500, 400)),
        {"unproven"},
        DOUBT,
    ),
    "late while its calendar is unreadable": (
        day(claims((200, "ours")), -3600, faults=unreadable(-3500, 400)),
        {"unproven"},
        DOUBT,
    ),
    "two calendars that differ": (
        day(claims((2, "ours"), other_calendar=at(-9000)), -9300),
        {"on_time", "unproven"},
        {"calendars_disagree"},
    ),
    "out forty days early at its guess": (
        day(claims((-3_455_000, "ours"), (-3_448_000, "absent")), -3_456_000, -3_447_000),
        {"early"},
        {"early_exposure"},
    ),
    "published in error and gone between two looks": (
        day(claims((-207.9, "ours"), (-207.6, "gone")), -600, 40),
        {"early"},
        {"early_exposure"},
    ),
    "out for a while before it is confirmed": (
        day(
            claims(
                (-320, "ours"),
                (-80, "other"),
                (150, "ours"),
                url=f"{OWN}/{SLUG}",
                **(FIRMED | CONFIRMED_SOONER),
            ),
            -780,
        ),
        {"unproven"},
        DOUBT,
    ),
    "confirmed just before its slot": (
        day(claims((87, "ours"), **FIRMED), ends=700),
        {"unproven"},
        DOUBT,
    ),
    "confirmed just before its slot, as its calendar still shows": (
        day(claims((87, "ours"), url=f"{OWN}/{SLUG}", **FIRMED), ends=700),
        {"unproven", "late"},
        set(),
    ),
    "confirmed just before its slot, and still absent": (
        day(claims(url=f"{OWN}/{SLUG}", **FIRMED), ends=700),
        {"unproven", "overdue"},
        set(),
    ),
    "confirmed for another time just before its slot": (
        day(
            claims((87, "ours"), url=f"{OWN}/{SLUG}", state="provisional", changes=RE_TIMED),
            ends=700,
        ),
        {"unproven"},
        DOUBT,
    ),
    "confirmed just before its slot, and out on the minute": (
        day(claims((2, "ours"), **FIRMED), ends=700),
        {"on_time"},
        set(),
    ),
    "provisional, and out some minutes later": (
        day(claims((87, "ours"), url=f"{OWN}/{SLUG}", state="provisional"), ends=700),
        {"on_time"},
        set(),
    ),
    "early while its calendar is unreadable": (
        day(claims((-200, "ours")), -3600, faults=unreadable(-3500, 400)),
        {"unproven"},
        DOUBT,
    ),
    "of several organisations": (
        day(claims((2, "ours"), organisations=("department-of-samples", "example-office"))),
        {"on_time"},
        set(),
    ),
}


def test_an_unreadable_calendar_is_read_only_a_few_times_before_a_doubt_is_reported() -> None:
    world, _, _ = CASES["early while its calendar is unreadable"]
    told = play_world(world, WATCHED)
    assert told.json["requests"]["www.gov.uk"] < 2 * told.json["looks"]
    in_doubt = [
        one for one in told.notices if one["kind"] == "calendar" and "in doubt" in one["subject"]
    ]
    assert [notice["at"] < "2026-03-04T09:27" for notice in in_doubt] == [True]


@pytest.mark.parametrize("name", CASES)
def test_a_real_publication_day_is_judged_as_it_was(name: str) -> None:
    world, words, kinds = CASES[name]
    told = play_world(world, None if world.releases[0].other_calendar else WATCHED)
    assert [
        str(one) for one in find_discrepancies(world, told) if one.level == "contradiction"
    ] == []
    (body,) = [one for one in told.json["releases"] if one["id"] == world.releases[0].id]
    assert body["verdict"] in words, body["unproven_because"]
    assert kinds <= {found["kind"] for found in body["findings"]}

"""Worlds vary what publishers write, and the oracle knows what is right of it."""

from __future__ import annotations

import csv
import tomllib
from typing import Any

import pytest

from tests.oracle.kinds import KINDS
from tests.oracle.scripts import random_world
from tests.oracle.test_what_the_oracle_denies import a_claim, a_world, at, what_is_found
from tests.oracle.text import read_world, script_config, script_text
from tests.oracle.world import Cell, Place, Showing, World, with_place

URL = "https://figures.example.org/releases/example-claims"
ZONE = Cell("confirmed", "09:30 BST", readings=(at(-3600),))
WRITTEN = (
    "sibling",
    "edition",
    "file in place",
    "title",
    "prose",
    "redirect",
    "status cell",
    "zone cell",
    "clock step",
    "settings",
)


@pytest.mark.parametrize("kind", WRITTEN)
def test_every_kind_of_writing_changes_some_worlds_which_survive_their_scripts(kind: str) -> None:
    worlds = [(random_world(seed), random_world(seed, kind)) for seed in range(60)]
    changed = [world for usual, world in worlds if world != usual]
    assert changed
    assert kind in KINDS
    assert [read_world(script_text(world)) for world in changed] == changed


def test_a_true_page_has_its_sentences_and_its_figures() -> None:
    words = ("Figures for Wales are not yet published.", "A dashboard is coming soon.")
    [answer] = answers(with_showing(words=words, title="Example claims - official statistics"))
    assert all(sentence in answer["body"] for sentence in words)
    assert "<h1>Example claims - official statistics</h1>" in answer["body"]
    assert "1,204" in answer["body"]


def test_a_redirect_is_written_as_drawn_and_leads_to_the_content() -> None:
    location = f" {URL}/latest ".replace("/", "\\")
    target, redirect = answers(with_showing(location=location, title="Example claims"))
    assert target["url"] == f"{URL}/latest"
    assert "Example claims" in target["body"]
    assert (redirect["status"], redirect["headers"]) == (302, {"Location": location})


def test_a_table_writes_status_and_time_of_a_release_that_no_other_calendar_has() -> None:
    world = a_world((2, "ours"), cell=Cell("on hold", "09:30 BST", stands=False))
    table = next(each for each in answers(world) if each["url"].endswith(".csv"))
    [row] = csv.DictReader(table["body"].splitlines())
    assert (row["id"], row["date"], row["time"]) == ("claims", "2026-03-04", "09:30 BST")
    assert row["state"] == "on hold"
    assert "release" not in tomllib.loads(script_text(world))
    assert 'name = "table"' in (script_config(world) or "")


@pytest.mark.parametrize(
    ("cell", "verdict", "first", "found"),
    [
        (Cell("on hold", "", stands=False), "late", (99.5, 100.5), {"verdict late"}),
        (Cell("on hold", "", stands=False), "unproven", (99.5, 100.5), set()),
        (Cell("on hold", "", stands=False), "cancelled", (None, None), {"verdict cancelled"}),
        (Cell("Cancelled - see note", "", stands=False), "cancelled", (None, None), set()),
        (ZONE, "unproven", (99.5, 100.5), set()),
        (ZONE, "late", (99.5, 100.5), set()),
    ],
)
def test_what_may_be_said_of_a_late_page_that_a_table_announced(
    cell: Cell, verdict: str, first: tuple[float | None, float | None], found: set[str]
) -> None:
    assert what_is_found(a_world((100, "ours"), cell=cell), a_claim(verdict, first)) == found


def test_a_slot_with_two_readings_is_neither_on_time_nor_early_if_one_of_them_denies_it() -> None:
    in_time = a_world((2, "ours"), cell=ZONE)
    assert "verdict on_time" in what_is_found(in_time, a_claim("on_time", (1.5, 2.5)))
    between = a_world((-200, "ours"), cell=ZONE)
    early = a_claim("early", (-200.5, -199.5), exposures=[])
    assert "verdict early" in what_is_found(between, early)


def with_showing(**written: Any) -> World:  # noqa: ANN401  # any field of a showing
    world = a_world((2, "ours"))
    [release] = world.releases
    [shown] = release.page.shows
    shows = (Showing(shown.at, "ours", **written),)
    page = Place("page", "page", URL, shows=shows)
    return with_place(world, release, release.page, page)


def answers(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(script_text(world))["answer"]
    return found

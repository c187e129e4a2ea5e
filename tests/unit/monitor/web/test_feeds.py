"""Badges and the feed, which are the same for all viewers."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import feedparser
import pytest

from tests.unit.monitor.web.board import TITLE, Board, a_board
from tests.worlds.instants import after_slot

SVG = "{http://www.w3.org/2000/svg}"


async def read_badge(board: Board) -> tuple[str, str]:
    """Return the heading and the figures of the badge of ofqual."""
    answer = await board.client.get("/badges/ofqual.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    heading, figures = (one.text or "" for one in ET.fromstring(answer.text).iter(f"{SVG}text"))  # noqa: S314 # our own
    return heading, figures


def add_releases_of_ofqual(board: Board, *verdicts: str) -> None:
    """Add `old-0`, `old-1`… with these final verdicts to the early one that the board has."""
    board.add_final_releases(*(("ofqual", verdict, number + 2) for number, verdict in enumerate(verdicts)))


async def test_badge_counts_releases_on_time_without_cancelled_and_unproven_ones(board: Board) -> None:
    add_releases_of_ofqual(board, "on_time", "on_time", "late", "unproven", "cancelled")
    heading, figures = await read_badge(board)
    assert (heading, figures) == ("ofqual: on time in 12 months", "50 %, 2 of 4")


async def test_badge_of_an_unknown_producer_is_not_found(board: Board) -> None:
    board.queries.producers = {"ofqual": "Ofqual <&>"}
    assert await board.status_of("/badges/nobody.svg") == 404


async def test_badge_is_made_again_after_ten_minutes(board: Board) -> None:
    assert (await read_badge(board))[1] == "0 %, 0 of 1"
    add_releases_of_ofqual(board, "on_time")
    assert (await read_badge(board))[1] == "0 %, 0 of 1"
    board.clock.seconds += 600
    assert (await read_badge(board))[1] == "50 %, 1 of 2"


async def test_badge_leaves_out_a_release_whose_slot_is_ahead(board: Board) -> None:
    add_releases_of_ofqual(board, "on_time", "late")
    board.move_slot("old-1", after_slot(86400))
    # Of the early one of the board and the one on time, one is on time.
    assert (await read_badge(board))[1] == "50 %, 1 of 2"


async def test_feed_lists_changes_newest_first_with_unique_ids(board: Board) -> None:
    answer = await board.client.get("/atom.xml")
    assert answer.headers["content-type"] == "application/atom+xml"
    result = feedparser.parse(answer.content)
    assert (result.bozo, result.feed.title) == (False, "ninethirty: promised statistics")
    assert [one.title for one in result.entries] == [
        f"OVERDUE by at least 6 min 40 s: {TITLE}",
        "EARLY: Example prices: monthly",
    ]
    assert [one.link for one in result.entries] == ["http://127.0.0.1/releases/r", "http://127.0.0.1/releases/early"]
    assert len({one.id for one in result.entries}) == 2
    assert result.feed.updated == result.entries[0].updated


@pytest.mark.parametrize("title", ["<b>&amp;</b> ]]>", 'it\'s "quoted"', "two\nlines\x00"])
async def test_hostile_title_is_escaped_in_the_feed(board: Board, title: str) -> None:
    (event, *_) = board.store.verdicts.events(release="r")
    with board.store.transaction() as tx:
        tx.add_event(replace(event, id="x", at=after_slot(500), body=event.body | {"title": title}))
    result = feedparser.parse((await board.client.get("/atom.xml")).content)
    assert result.bozo is False
    assert "<script" not in result.entries[0].title


async def test_feed_is_the_same_for_staff_and_strangers(board: Board) -> None:
    for_staff = await board.client.get("/atom.xml")
    for_strangers = await board.client.get("/atom.xml", headers={"X-Forwarded-For": "192.0.2.9"})
    assert for_staff.content == for_strangers.content


@pytest.mark.parametrize("path", ["/atom.xml", "/badges/ofqual.svg"])
async def test_feed_and_badge_of_a_closed_board_are_refused(path: str) -> None:
    async with a_board(public=False) as board:
        assert await board.status_of(path) == 401

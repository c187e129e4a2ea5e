"""Badges and the feed, which are the same for all viewers."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import feedparser
import pytest

from monitor.store.rows import Judged
from tests.unit.monitor.web.board import TITLE, Board, a_board
from tests.worlds.instants import after_slot

SVG = "{http://www.w3.org/2000/svg}"


def add(board: Board, *words: str) -> None:
    """Store an earlier release of ofqual with each of these verdicts, all final."""
    row = board.store.verdicts.judged_one("r")
    assert row is not None
    with board.store.transaction() as tx:
        for number, word in enumerate(words):
            name, slot = f"old-{number}", after_slot(-86400 * (number + 2))
            body = row.body | {"id": name, "verdict": word, "slot": row.body["slot"] | {"start": slot.isoformat()}}
            tx.save_judged(Judged(name, "ofqual", slot, word, "none", final=True, at=slot, body=body))


async def words_of(board: Board, producer: str = "ofqual") -> list[str]:
    answer = await board.client.get(f"/badges/{producer}.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    return [one.text or "" for one in ET.fromstring(answer.text).iter(f"{SVG}text")]  # noqa: S314 # our own


async def test_badge_shows_share_and_count_of_settled_releases() -> None:
    async with a_board() as board:
        add(board, "on_time", "on_time", "late", "unproven", "cancelled")
        assert await words_of(board) == ["ofqual: on time in 12 months", "50 %, 2 of 4"]
        board.queries.producers = {"ofqual": "Ofqual <&>"}
        assert (await board.client.get("/badges/nobody.svg")).status_code == 404


async def test_badge_is_made_again_after_ten_minutes() -> None:
    async with a_board() as board:
        assert (await words_of(board))[1] == "0 %, 0 of 1"
        add(board, "on_time")
        assert (await words_of(board))[1] == "0 %, 0 of 1"
        board.clock.seconds += 600
        assert (await words_of(board))[1] == "50 %, 1 of 2"


async def test_badge_leaves_out_unsettled_and_future_releases() -> None:
    async with a_board() as board:
        add(board, "on_time", "late")
        row = board.store.verdicts.judged_one("old-1")
        assert row is not None
        ahead = row.body["slot"] | {"start": after_slot(86400).isoformat()}
        with board.store.transaction() as tx:
            tx.save_judged(replace(row, body=row.body | {"slot": ahead}))
        assert (await words_of(board))[1] == "50 %, 1 of 2"


async def test_feed_lists_changes_newest_first_with_unique_ids() -> None:
    async with a_board() as board:
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
async def test_hostile_title_is_escaped_in_the_feed(title: str) -> None:
    async with a_board() as board:
        (event, *_) = board.store.verdicts.events(release="r")
        with board.store.transaction() as tx:
            tx.add_event(replace(event, id="x", at=after_slot(500), body=event.body | {"title": title}))
        result = feedparser.parse((await board.client.get("/atom.xml")).content)
    assert result.bozo is False
    assert "<script" not in result.entries[0].title


async def test_feeds_are_the_same_for_staff_and_refused_if_the_board_is_closed() -> None:
    async with a_board() as board:
        mine = await board.client.get("/atom.xml")
        theirs = await board.client.get("/atom.xml", headers={"X-Forwarded-For": "192.0.2.9"})
        assert mine.content == theirs.content
    async with a_board(public=False) as board:
        for path in ("/atom.xml", "/badges/ofqual.svg"):
            assert (await board.client.get(path)).status_code == 401

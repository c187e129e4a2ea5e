"""The search over the releases of all days."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schedules.times.json import instant_json
from tests.unit.monitor.web.board import Board
from tests.unit.monitor.web.people import signed_in_board
from tests.unit.monitor.web.test_month import save_release_due
from tests.worlds.releases import a_release


def save_due(board: Board, name: str, in_days: float, **changes: Any) -> None:  # noqa: ANN401 # of the JSON
    """Store a release titled by its name, and that it is due in so many days."""
    with board.store.transaction() as tx:
        tx.save(a_release(id=name, title=name))
    save_release_due(board, name, board.clock.now() + timedelta(days=in_days), **changes)


def titles_found(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/releases/[^"]*">([^<]*)</a>', page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("malpractice", ["Malpractice for GCSE and A level: summer 2017 exam series"]),
        ("monthly%20EXAMPLE", ["Example prices: monthly"]),
        ("ofqual%20PRICES", ["Example prices: monthly"]),
        ("prices%20yearly", []),
    ],
)
async def test_search_finds_releases_with_all_words_in_title_or_producer(
    board: Board, query: str, found: list[str]
) -> None:
    page = await board.read_page(f"/search?q={query}")
    assert titles_found(page) == found
    assert ("No release of any day" in page) is (not found)


async def test_search_finds_all_days_the_latest_first(board: Board) -> None:
    save_due(board, "Roads: 2016", in_days=-400)
    save_due(board, "Roads: 2019", in_days=400)
    save_due(board, "Roads: 2018", in_days=0)
    page = await board.read_page("/search?q=roads")
    assert titles_found(page) == ["Roads: 2019", "Roads: 2018", "Roads: 2016"]


async def test_search_reads_titles_again_after_five_minutes(board: Board) -> None:
    assert titles_found(await board.read_page("/search?q=new")) == []
    save_due(board, "new", in_days=3)
    assert titles_found(await board.read_page("/search?q=new")) == []
    board.clock.seconds += 5 * 60
    assert titles_found(await board.read_page("/search?q=new")) == ["new"]


async def test_search_for_strangers_never_reveals_an_early_release(users: Path) -> None:
    async with signed_in_board(users) as board:
        board.queries.public = True
        now = board.clock.now()
        seen, not_ended = {"after": None, "by": instant_json(now)}, {"after": None, "by": None}
        exposure = {"part": "page", "from": seen, "to": not_ended, "seconds": None, "open": True}
        save_due(board, "marks", in_days=40, verdict="early", exposures=[exposure])
        assert "early" in await board.read_page("/search?q=marks")
        board.client.cookies.clear()
        if_out = await board.read_page("/search?q=marks")
        save_due(board, "marks", in_days=40)
        assert await board.read_page("/search?q=marks") == if_out
    assert titles_found(if_out) == ["marks"]


async def test_every_page_has_the_search_and_markup_in_it_is_text(board: Board) -> None:
    for path in ("/", "/incidents", "/history", "/calendar", "/releases/r", "/search"):
        assert 'action="/search"' in await board.read_page(path)
    assert "<b>x" not in await board.read_page("/search?q=%3Cb%3Ex")


async def test_search_shows_the_fifty_latest_at_most(board: Board) -> None:
    for number in range(60):
        save_due(board, f"many {number}", in_days=-number)
    page = await board.read_page("/search?q=many")
    assert titles_found(page) == [f"many {number}" for number in range(50)]
    assert "The latest 50 releases with “many”" in page

"""The board shows due releases that are not seen yet, the result of the last look, and other addresses."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from monitor.judge.as_json import release_json
from monitor.web.fragments import render_day_parts, render_now, render_row
from monitor.web.pages import millis, short_length
from tests.unit.monitor.web.board import a_board
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run
from tests.worlds.releases import NEWS
from tests.worlds.verdicts import judged


def words(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


async def test_a_release_that_is_due_shows_for_how_long_and_what_the_last_look_got() -> None:
    failed = replace(a_run("page", UNKNOWN, 0, 12), status=503, looks=12)
    body = release_json(judged(12, {"page": [a_run("page", ABSENT, -3600, -1), failed]}))
    async with a_board() as board:
        row = render_row(board.queries, body)
        parts = render_day_parts(board.queries, [body], after_slot(12), counting=True)
        stream = render_day_parts(board.queries, [body], after_slot(13))["headline"]
    assert stream == render_day_parts(board.queries, [body], after_slot(14))["headline"]
    assert "due, not seen yet (12 s)" in words(row)
    assert "503, 12 looks" in words(row)
    assert words(parts["headline"]) == "1 release due at 9.30am: 1 not seen yet ( 12 s )"
    assert "1 due" in words(parts["counts"])


async def test_the_top_of_the_board_shows_how_long_a_release_is_due_and_links_to_it() -> None:
    failed = replace(a_run("page", UNKNOWN, 0, 12), status=503, looks=12)
    body = release_json(judged(12, {"page": [a_run("page", ABSENT, -3600, -1), failed]}))
    async with a_board() as board:
        page = render_day_parts(board.queries, [body], after_slot(12), {body["id"]: after_slot(10)}, counting=True)[
            "now"
        ]
        stream = render_day_parts(board.queries, [body], after_slot(12))["now"]
    assert "due, not seen yet 12 s since 09:30 GMT Last look: 503, 12 looks. last looked 2 s ago" in words(page)
    assert f'href="{body["url"]}"' in page
    # On a stream, the script of the page counts.
    assert "12 s since" not in words(stream)
    assert f'data-since="{millis(after_slot(0))}"' in stream


async def test_the_first_band_says_where_an_overdue_release_is_public_and_drops_it_when_it_is_final() -> None:
    news = [a_run("news", ABSENT, -3600, 1259), a_run("news", PRESENT, 1260, 4700)]
    body = release_json(judged(4700, {"page": [a_run("page", ABSENT, -3600, 4700)], "news": news}, NEWS))
    async with a_board() as board:
        now = render_now(board.queries, [body], {}, after_slot(4700))
        settled = render_now(board.queries, [body | {"final": True}], {}, after_slot(4700))
    assert "overdue 1 h 18 min since 09:30 GMT Out elsewhere since 09:51 GMT: news" in words(now)
    assert f'href="{NEWS.url}"' in now
    assert words(settled) == ""


async def test_the_first_band_lists_twelve_releases_and_counts_the_others() -> None:
    body = release_json(judged(400, {"page": [a_run("page", ABSENT, -3600, 400)]}))
    async with a_board() as board:
        now = render_now(board.queries, [body | {"id": f"r{number}"} for number in range(15)], {}, after_slot(400))
    assert now.count("<li>") == 12
    assert "3 more below." in words(now)


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (12, 15, "12 s to 15 s"),
        (299, 299, "4 min 59 s"),
        (2282, 2285, "38 min to 39 min"),
        (4680, None, "at least 1 h 18 min"),
    ],
)
def test_lists_show_lengths_over_five_minutes_in_minutes(least: float, most: float | None, expected: str) -> None:
    assert short_length({"min": least, "max": most}) == expected


async def test_reason_is_shown_under_the_title_of_its_release() -> None:
    body = release_json(judged(12, {"page": [a_run("page", ABSENT, -3600, -1)]}))
    async with a_board() as board:
        row = render_row(board.queries, body | {"due": None, "verdict": "unproven", "unproven_because": "a blind span"})
    assert "a blind span" in row.partition('<th scope="row">')[2].partition("</th>")[0]


async def test_an_overdue_release_shows_where_users_can_get_it_with_its_link() -> None:
    news = [a_run("news", ABSENT, -3600, 1259), a_run("news", PRESENT, 1260, 4700)]
    body = release_json(judged(4700, {"page": [a_run("page", ABSENT, -3600, 4700)], "news": news}, NEWS))
    async with a_board() as board:
        row = render_row(board.queries, body)
    assert "out elsewhere since 09:51 GMT: news" in words(row)
    assert f'href="{NEWS.url}"' in row

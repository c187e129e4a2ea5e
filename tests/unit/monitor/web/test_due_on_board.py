"""The board shows due releases that are not seen yet, the result of the last look, and other
addresses.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from monitor.judge.as_json import release_json
from monitor.web.fragments import render_day_parts, render_row, select_attention
from monitor.web.pages import least_length, millis
from tests.unit.monitor.web.board import Board
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run
from tests.worlds.releases import NEWS
from tests.worlds.verdicts import judged


def text_of(html: str) -> str:
    """Return the text of HTML, with a space in place of each tag."""
    return " ".join(re.sub("<[^>]*>", " ", html).split())


def parts_for_page(board: Board, release: dict[str, Any], *, now: datetime) -> dict[str, str]:
    """Return the parts of the board, by name, as a page has them: with all durations up to
    `now`.
    """
    return render_day_parts(board.queries, [release], now, counted_at=now)


def parts_without_durations(
    board: Board, release: dict[str, Any], *, now: datetime
) -> dict[str, str]:
    """Return the parts as an open board reads them again: its script counts the durations."""
    return render_day_parts(board.queries, [release], now, counted_at=None)


def due_for_12_s_with_twelve_503s() -> dict[str, Any]:
    failed = replace(a_run("page", UNKNOWN, 0, 12), status=503, looks=12)
    return release_json(judged(12, {"page": [a_run("page", ABSENT, -3600, -1), failed]}))


def overdue_but_in_the_news() -> dict[str, Any]:
    """Return the JSON of a release whose page is absent for 4700 s, but which a news page shows
    since 1260 s.
    """
    news = [a_run("news", ABSENT, -3600, 1259), a_run("news", PRESENT, 1260, 4700)]
    return release_json(
        judged(4700, {"page": [a_run("page", ABSENT, -3600, 4700)], "news": news}, NEWS)
    )


async def test_due_release_shows_duration_and_result_of_last_look(board: Board) -> None:
    body = due_for_12_s_with_twelve_503s()
    row = render_row(board.queries, body, None, None)
    parts = parts_for_page(board, body, now=after_slot(12))
    assert "due, not seen yet (12 s)" in text_of(row)
    assert "503, 12 looks" in text_of(row)
    # A space is in the place of each tag.
    assert text_of(parts["headline"]) == "1 release due at 9.30am: 1 not seen yet after 12 s"


async def test_headline_without_durations_does_not_change_each_second(board: Board) -> None:
    release = due_for_12_s_with_twelve_503s()
    headline = parts_without_durations(board, release, now=after_slot(13))["headline"]
    headline_a_second_later = parts_without_durations(board, release, now=after_slot(14))[
        "headline"
    ]
    assert headline == headline_a_second_later


async def test_row_of_a_due_release_links_to_its_announced_page(board: Board) -> None:
    release = due_for_12_s_with_twelve_503s()
    row = render_row(board.queries, release, after_slot(10), after_slot(12))
    assert "last looked 2 s ago" in text_of(row)
    assert f'href="{release["url"]}"' in row


async def test_open_board_gets_the_due_time_instead_of_a_duration(board: Board) -> None:
    release = due_for_12_s_with_twelve_503s()
    headline = parts_without_durations(board, release, now=after_slot(12))["headline"]
    # The script of the page counts the seconds from this time on.
    slot_in_milliseconds = millis(after_slot(0))
    assert f'data-since="{slot_in_milliseconds}"' in headline
    assert "12 s" not in text_of(headline)


def test_list_has_twenty_releases_at_most_and_none_with_a_final_verdict() -> None:
    """Without an open incident, a final verdict needs no one."""
    body = release_json(judged(400, {"page": [a_run("page", ABSENT, -3600, 400)]}))
    many = [body | {"id": f"r{number}"} for number in range(25)]
    assert len(select_attention(many, [], sees_all=True).rows) == 20
    assert select_attention([body | {"final": True}], [], sees_all=True).rows == []


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (12, 15, "at least 12 s"),
        (299, 299, "4 min 59 s"),
        (2282, 2285, "at least 38 min"),
        (3600, 3660, "at least 1 h"),
        (4680, None, "at least 1 h 18 min"),
        (0, 15, "at most 15 s"),
        (None, 15, "at most 15 s"),
        (None, None, ""),
    ],
)
def test_lists_show_lengths_from_five_minutes_in_minutes(
    least: float | None, most: float | None, expected: str
) -> None:
    """A length has bounds in seconds. What is proved is rounded outward."""
    assert least_length({"min": least, "max": most}) == expected


async def test_unproven_release_shows_the_reason_with_its_title(board: Board) -> None:
    unproven = {"due": None, "verdict": "unproven", "unproven_because": "a blind span"}
    row = render_row(board.queries, due_for_12_s_with_twelve_503s() | unproven, None, None)
    # The heading of the row has the title.
    assert "a blind span" in row.partition('<th scope="row">')[2].partition("</th>")[0]


async def test_overdue_release_links_to_where_users_can_get_it(board: Board) -> None:
    """Its page is absent, but since 09:51 a news page (NEWS) has shown it.

    So its row links to the news page.
    """
    row = render_row(board.queries, overdue_but_in_the_news(), None, None)
    assert "out elsewhere since 09:51 GMT: news" in text_of(row)
    assert f'href="{NEWS.url}"' in row


async def test_reason_of_a_failed_look_is_a_sentence_with_the_key_that_cures_it(
    board: Board,
) -> None:
    refused = replace(a_run("page", UNKNOWN, 0, 12), why="refused_address", looks=12)
    body = release_json(judged(12, {"page": [a_run("page", ABSENT, -3600, -1), refused]}))
    row = text_of(render_row(board.queries, body, None, None))
    assert "not allowed, see allow and ports in [network], 12 looks" in row
    assert "refused_address" not in row

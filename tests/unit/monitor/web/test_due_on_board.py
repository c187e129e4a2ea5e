"""The board shows what is due and not seen yet, what the last look got, and where else users can get it."""

from __future__ import annotations

import re
from dataclasses import replace

from monitor.judge.as_json import release_json
from monitor.web.fragments import pieces, row_part
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
        row = row_part(board.queries, body)
        parts = pieces(board.queries, [body], after_slot(12))
    assert "due, not seen yet (12 s)" in words(row)
    assert "503, 12 looks" in words(row)
    assert parts["headline"] == "1 release due at 9.30am: 1 not seen yet"
    assert "1 due" in words(parts["counts"])


async def test_an_overdue_release_shows_where_users_can_get_it_with_its_link() -> None:
    news = [a_run("news", ABSENT, -3600, 1259), a_run("news", PRESENT, 1260, 4700)]
    body = release_json(judged(4700, {"page": [a_run("page", ABSENT, -3600, 4700)], "news": news}, NEWS))
    async with a_board() as board:
        row = row_part(board.queries, body)
    assert "out elsewhere since 09:51 GMT: news" in words(row)
    assert f'href="{NEWS.url}"' in row

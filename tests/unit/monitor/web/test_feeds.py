"""Badges and the feed, which are the same for all viewers."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import feedparser
import httpx
import pytest

from monitor.store.rows import SessionUse
from tests.unit.monitor.web.board import TITLE, Board, a_board
from tests.unit.monitor.web.people import (
    HEAD,
    SESSION_COOKIE,
    VIEWER,
    hidden_field,
    rewrite_file,
    signed_in_board,
    users_file,
)
from tests.worlds.instants import after_slot

SVG, ATOM = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/2005/Atom}"


async def read_badge(board: Board) -> tuple[str, str]:
    answer = await board.client.get("/badges/ofqual.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    heading, figures = (one.text or "" for one in ET.fromstring(answer.text).iter(f"{SVG}text"))  # noqa: S314 # our own
    return heading, figures


async def test_badge_counts_releases_on_time_without_cancelled_and_unproven_ones(
    board: Board,
) -> None:
    for verdict in ("on_time", "on_time", "late", "unproven", "cancelled"):
        board.add_past_release("ofqual", verdict, days_ago=2)
    board.queries.producers = {"ofqual": "Ofqual <&>"}
    heading, figures = await read_badge(board)
    # Three of the five count. The fourth one that counts is the release of the board, which was
    # early.
    assert (heading, figures) == ("Ofqual <&>: on time in 12 months", "50 %, 2 of 4")


async def test_badge_is_made_again_after_ten_minutes(board: Board) -> None:
    """The badge is a small picture with the share of releases that were on time.

    It is kept for ten minutes.
    """
    of_the_early_one, of_both = "0 %, 0 of 1", "50 %, 1 of 2"
    assert (await read_badge(board))[1] == of_the_early_one
    board.add_past_release("ofqual", "on_time", days_ago=2)
    assert (await read_badge(board))[1] == of_the_early_one
    board.clock.seconds += 600
    assert (await read_badge(board))[1] == of_both


async def test_badge_leaves_out_a_release_whose_slot_is_ahead(board: Board) -> None:
    release = board.add_past_release("ofqual", "on_time", days_ago=2)
    board.move_slot(release, after_slot(86400))  # tomorrow
    # Only the release of the board is counted, which was early.
    assert (await read_badge(board))[1] == "0 %, 0 of 1"


async def test_feed_lists_changes_newest_first_with_unique_ids(board: Board) -> None:
    answer = await board.client.get("/atom.xml")
    assert answer.headers["content-type"] == "application/atom+xml"
    result = feedparser.parse(answer.content)
    # `bozo` is whether the feed is malformed.
    assert (result.bozo, result.feed.title) == (False, "ninethirty: promised statistics")
    # The board has two changes: a release that is absent for 400 s, and one that was out early.
    assert [entry.title for entry in result.entries] == [
        f"OVERDUE by at least 6 min 40 s: {TITLE}",
        "EARLY: Example prices: monthly",
    ]
    assert [entry.link for entry in result.entries] == [
        "http://127.0.0.1/releases/r",
        "http://127.0.0.1/releases/early",
    ]
    assert len({entry.id for entry in result.entries}) == 2
    assert result.feed.updated == result.entries[0].updated


@pytest.mark.parametrize(
    ("title", "title_in_feed"),
    [
        ("<b>&amp;</b> ]]>", "<b>&amp;</b> ]]>"),
        ('it\'s "quoted"', 'it\'s "quoted"'),
        ("two\nlines\x00", "two lines"),
    ],
)
async def test_hostile_title_is_one_escaped_line_in_the_feed(
    board: Board, title: str, title_in_feed: str
) -> None:
    """A case is a title with HTML, quotes or control characters: a line break becomes a space, and
    a NUL is removed.
    """
    (event, *_) = board.store.verdicts.events(release="r")
    with board.store.transaction() as tx:
        tx.add(replace(event, id="x", at=after_slot(500), body=event.body | {"title": title}))
    # The title of an entry is a verdict with a delay in seconds, " s: ", and the title of the
    # release.
    feed = ET.fromstring(await board.read_page("/atom.xml"))  # noqa: S314 # our own
    assert feed.findtext(f"{ATOM}entry/{ATOM}title", "").partition(" s: ")[2] == title_in_feed


async def test_feed_leaves_out_a_release_whose_slot_is_ahead(board: Board) -> None:
    board.move_slot("early", after_slot(86400))  # tomorrow
    of_a_stranger = {"X-Forwarded-For": "192.0.2.9"}
    for headers in ({}, of_a_stranger):
        feed = feedparser.parse((await board.client.get("/atom.xml", headers=headers)).content)
        assert [entry.link for entry in feed.entries] == ["http://127.0.0.1/releases/r"]


@pytest.mark.parametrize("path", ["/atom.xml", "/badges/ofqual.svg"])
async def test_feed_and_badge_of_a_closed_board_are_refused(path: str) -> None:
    """On a closed board, only people who sign in may read."""
    async with a_board(public=False) as board:
        assert await board.status_of(path) == 401


async def make_secret_address(board: Board) -> str:
    """Make a secret address of the calendar, and return its path and query."""
    guard = hidden_field(await board.client.get("/account"), "guard")
    page = await board.client.post("/account/feeds", data={"guard": guard})
    found = re.search(r"https://board.gov.example(/calendar.ics[^<]*)<", page.text)
    assert found is not None
    return html.unescape(found[1])


def without_session(board: Board) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(board.app)
    return httpx.AsyncClient(transport=transport, base_url="http://board.example")


@pytest.mark.parametrize("name", [VIEWER, HEAD])
async def test_secret_address_opens_calendar_and_feed_only(users: Path, name: str) -> None:
    async with signed_in_board(users, name) as board, without_session(board) as outlook:
        calendar = await make_secret_address(board)
        query = calendar.partition("?")[2]
        statuses = {
            path: (await outlook.get(f"{path}?{query}")).status_code
            for path in ("/calendar.ics", "/calendar.csv", "/atom.xml", "/", "/status", "/account")
        }
        opened = {path for path, status in statuses.items() if status == 200}
        assert opened == {"/calendar.ics", "/calendar.csv", "/atom.xml"}
        assert (await outlook.get("/calendar.ics?key=wrong")).status_code == 401
        # Its key is no session of a browser, and the key of a browser is none of a calendar.
        key = query.removeprefix("key=")
        cookie = {"Cookie": f"{SESSION_COOKIE}={key}"}
        assert (await outlook.get("/api/v1/releases", headers=cookie)).status_code == 401
        of_browser = board.client.cookies[SESSION_COOKIE]
        assert (await outlook.get(f"/calendar.ics?key={of_browser}")).status_code == 401


async def test_secret_address_of_staff_shows_what_a_viewer_sees(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board, without_session(board) as outlook:
        address = await make_secret_address(board)
        board.clock.at = after_slot(-3600)
        assert "www.gov.uk" in await board.read_page("/calendar.ics")
        assert "www.gov.uk" not in (await outlook.get(address)).text


async def test_each_person_has_one_secret_address_and_ends_it(users: Path) -> None:
    async with signed_in_board(users) as board, without_session(board) as outlook:
        first, second = await make_secret_address(board), await make_secret_address(board)
        assert (await outlook.get(first)).status_code == 401
        board.clock.seconds += 400 * 86400  # it does not end by itself
        assert (await outlook.get(second)).status_code == 200
        stored = [one for one in board.store.sessions.sessions() if one.use is SessionUse.FEEDS]
        assert second.partition("=")[2] not in str(stored)
        assert board.queries.sessions is not None
        (address,) = stored
        session = await board.queries.sessions.find_session(
            second.partition("=")[2], SessionUse.FEEDS
        )
        assert session is not None
        await board.queries.sessions.kept.end(address.key_hash, session.actor, address.account)
        assert (await outlook.get(second)).status_code == 401


async def test_secret_address_ends_with_the_line_of_its_person(tmp_path: Path) -> None:
    users = users_file(tmp_path)
    async with signed_in_board(users) as board, without_session(board) as outlook:
        address = await make_secret_address(board)
        rewrite_file(users, "# no one any more\n")
        assert (await outlook.get(address)).status_code == 401


async def test_access_log_has_no_secret_address(
    users: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with signed_in_board(users) as board, without_session(board) as outlook:
        address = await make_secret_address(board)
        await outlook.get(address)
    assert address.partition("=")[2] not in capsys.readouterr().out

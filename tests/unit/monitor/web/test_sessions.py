"""Sessions in the store: they outlive a restart, and are listed and ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from monitor.errors import StoreFault
from monitor.store.kept_sessions import CHECKED_EVERY, KeptSessions, hash_key
from monitor.store.rows import Actor
from monitor.store.writer import Writer
from monitor.web.sessions import Sessions
from monitor.web.users import Users
from tests.unit.monitor.web.board import Board, StoppedClock, a_board
from tests.unit.monitor.web.people import (
    HEAD,
    SESSION_COOKIE,
    VIEWER,
    hidden_field,
    sign_in,
    signed_in_board,
)
from tests.worlds.instants import after_slot
from tests.worlds.sessions import a_session
from tests.worlds.stores import CutStore, a_store_file


def restart(board: Board, users: Path) -> httpx.AsyncClient:
    """Return the same browser at a new process of the monitor, or at its standby."""
    board.queries.sessions = Sessions(
        Users(users), board.kept_sessions(), board.queries.throttle, ""
    )
    transport = httpx.ASGITransport(board.remake_app())
    cookies = {SESSION_COOKIE: board.client.cookies[SESSION_COOKIE]}
    return httpx.AsyncClient(transport=transport, base_url="http://board.example", cookies=cookies)


async def end_session(board: Board, key_hash: str) -> int:
    """Send the button that ends a session. Return the status of the answer."""
    guard = hidden_field(await board.client.get("/account"), "guard")
    form = {"guard": guard, "session": key_hash}
    return (await board.client.post("/account/end", data=form)).status_code


async def test_restart_signs_no_one_out_and_forms_stay_valid(users: Path) -> None:
    async with signed_in_board(users) as board:
        guard = hidden_field(await board.client.get("/account"), "guard")
        async with restart(board, users) as browser:
            assert (await browser.get("/status")).status_code == 200
            form = {"guard": guard}
            path = f"{board.incident_page}/acknowledge"
            assert (await browser.post(path, data=form)).status_code == 303
    assert board.acknowledged_by() == ["duty statistician"]


async def test_store_has_only_the_hash_of_a_key(users: Path) -> None:
    async with signed_in_board(users) as board:
        key = board.client.cookies[SESSION_COOKIE]
        (stored,) = board.store.sessions.sessions()
        assert stored.key_hash == hash_key(key)
        assert key not in str(stored)
        assert (stored.account, stored.right) == ("user:anne", "duty")


async def test_session_ended_elsewhere_opens_nothing_a_few_seconds_later(users: Path) -> None:
    async with signed_in_board(users) as board:
        (stored,) = board.store.sessions.sessions()
        with board.store.transaction() as tx:
            tx.drop_sessions([stored.key_hash], board.clock.now())
        board.clock.seconds += CHECKED_EVERY
        assert await board.status_of("/status") in {303, 401}


async def test_person_ends_an_own_session_at_once_and_no_other(users: Path) -> None:
    async with signed_in_board(users) as board:
        (own,) = board.store.sessions.sessions()
        with board.store.transaction() as tx:
            tx.save(a_session(board.clock.now(), "user:hope"))
        other = hash_key("user:hope 0")
        assert other not in await board.read_page("/account")
        assert await end_session(board, other) == 404
        assert await end_session(board, own.key_hash) == 303
        assert await board.status_of("/status") in {303, 401}
        assert [one.account for one in board.store.sessions.sessions()] == ["user:hope"]


async def test_head_lists_and_ends_the_sessions_of_others_as_an_act(users: Path) -> None:
    async with signed_in_board(users, HEAD) as board:
        with board.store.transaction() as tx:
            tx.save(a_session(board.clock.now(), "user:anne"))
        other = hash_key("user:anne 0")
        assert other in await board.read_page("/account")
        assert await end_session(board, other) == 303
        (act,) = board.store.verdicts.acts("user:anne")
        assert (act.account, act.what) == ("user:hope", "session_ended")


async def test_session_is_ended_only_with_the_guard(users: Path) -> None:
    async with signed_in_board(users) as board:
        (own,) = board.store.sessions.sessions()
        for path in ("/account/end", "/account/feeds"):
            form = {"guard": "x", "session": own.key_hash}
            assert (await board.client.post(path, data=form)).status_code == 403
        assert board.store.sessions.sessions() == [own]


async def test_account_is_shown_only_to_people_who_are_signed_in(users: Path) -> None:
    async with a_board(public=True, users=users, base="http://board.example") as board:
        assert await board.status_of("/account") == 403
        await sign_in(board, VIEWER)
        assert "user:vic" in await board.read_page("/account")


async def test_use_of_a_session_is_written_every_quarter_of_an_hour(users: Path) -> None:
    async with signed_in_board(users) as board:
        seen = set()
        for _ in range(40):
            board.clock.seconds += 60
            await board.client.get("/")
            seen.add(board.store.sessions.sessions()[0].seen)
        assert len(seen) == 3


async def test_account_keeps_its_twenty_last_used_sessions(users: Path) -> None:
    async with signed_in_board(users) as board:
        kept = board.kept_sessions()
        for number in range(22):
            board.clock.seconds += 1
            await kept.open(a_session(board.clock.now(), "user:hope", number))
        stored = [one for one in board.store.sessions.sessions() if one.account == "user:hope"]
        assert [one.key_hash for one in stored] == [
            hash_key(f"user:hope {number}") for number in range(2, 22)
        ]


async def test_sessions_that_ended_are_deleted_at_the_next_sign_in(users: Path) -> None:
    async with signed_in_board(users) as board:
        board.clock.seconds += 13 * 3600
        await sign_in(board, HEAD)
        assert [one.account for one in board.store.sessions.sessions()] == ["user:hope"]


@dataclass(frozen=True)
class CutSessions:
    """Sessions in a store that a test can cut off."""

    store: CutStore
    clock: StoppedClock
    writer: Writer
    kept: KeptSessions


@pytest.fixture
async def cut(tmp_path: Path) -> AsyncIterator[CutSessions]:
    store, clock = CutStore(a_store_file(tmp_path / "store.db")), StoppedClock(after_slot(0))
    writer = Writer(store, clock)
    kept = KeptSessions(store, writer, clock)
    yield CutSessions(store, clock, writer, kept)
    kept.close()
    writer.abandon()


async def test_viewers_sign_no_staff_out_even_if_the_store_fails_then(
    cut: CutSessions, tmp_path: Path
) -> None:
    """Only a thousand copies are kept in memory. Those of viewers go first."""
    head = a_session(cut.clock.now(), "user:hope", right="head")
    await cut.kept.open(head)
    viewers = [
        a_session(cut.clock.now(), f"user:v{number}", right="viewer") for number in range(1010)
    ]
    await asyncio.gather(*map(cut.kept.open, viewers))
    cut.store.close()
    (tmp_path / "store.db").unlink()  # from now on it answers no query
    cut.clock.seconds += CHECKED_EVERY
    assert await cut.kept.find(head.key_hash) == head
    assert await cut.kept.find(viewers[0].key_hash) is None


async def test_session_ended_while_the_store_fails_is_not_forgotten_for_others(
    cut: CutSessions,
) -> None:
    session = a_session(cut.clock.now(), "user:anne")
    await cut.kept.open(session)
    cut.store.is_cut = True
    with pytest.raises(StoreFault):
        await cut.kept.end(session.key_hash, Actor("user:anne", "duty officer"), "user:anne")
    viewers = [
        a_session(cut.clock.now(), f"user:v{number}", right="viewer") for number in range(1010)
    ]
    await asyncio.gather(*map(cut.kept.open, viewers))
    cut.store.is_cut = False
    cut.clock.seconds += 3600
    assert await cut.kept.find(session.key_hash) is None
    await cut.writer.write(lambda _tx: None)  # made after those that wait
    assert cut.store.sessions.session(session.key_hash) is None


async def test_people_sign_in_and_out_while_the_store_fails(cut: CutSessions) -> None:
    cut.store.is_cut = True
    session = a_session(cut.clock.now(), "user:anne")
    await cut.kept.open(session)
    cut.clock.seconds += 3600
    assert await cut.kept.find(session.key_hash) == session
    with pytest.raises(StoreFault):
        await cut.kept.end(session.key_hash, Actor("user:anne", "duty officer"), "user:anne")
    assert await cut.kept.find(session.key_hash) is None


async def test_session_opened_while_the_store_fails_is_stored_and_can_be_ended_then(
    cut: CutSessions,
) -> None:
    standby = KeptSessions(cut.store, cut.writer, cut.clock)
    cut.store.is_cut = True
    session = a_session(cut.clock.now(), "user:anne")
    await cut.kept.open(session)
    cut.store.is_cut = False
    await cut.writer.write(lambda _tx: None)  # made after those that wait
    assert await cut.kept.list_sessions("user:anne") == [session]
    await standby.end(session.key_hash, Actor("user:hope", "head"), "user:anne")
    cut.clock.seconds += CHECKED_EVERY
    assert await cut.kept.find(session.key_hash) is None
    standby.close()

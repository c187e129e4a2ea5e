from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Protocol

import pytest

from monitor.look.fetch import Answer, Failure, Fetcher, Reason, Request
from tests.unit.monitor.look.publisher import BASE, CLOCK, fetcher_for, full_response, publishing
from tests.worlds.fetcher import Reply, ScriptedFetcher


class World(Protocol):
    """A way to put replies in the world and get a fetcher that sees them."""

    def __call__(self, replies: dict[str, Reply]) -> Awaitable[Fetcher]: ...


@pytest.fixture(params=["scripted", "http"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    replies: dict[str, Reply] = {}

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = publisher.heads[-1].decode().split("\r\n")
        reply = replies.get(BASE + head[0].split(" ")[1], Reply(404, b"Not Found"))
        if reply.fails:
            writer.close()
            return
        conditional = reply.etag is not None and f"If-None-Match: {reply.etag}" in head
        headers = [f"{name}: {value}" for name, value in reply.headers.items()]
        headers += [f"ETag: {reply.etag}"] if reply.etag else []
        body = b"" if conditional else reply.body
        writer.write(
            full_response(
                body, "304 Not Modified" if conditional else f"{reply.status} Said", *headers
            )
        )

    async def scripted(table: dict[str, Reply]) -> Fetcher:
        return ScriptedFetcher(CLOCK, table)

    if request.param == "scripted":
        yield scripted
        return
    async with publishing(handle) as publisher, fetcher_for(publisher) as fetcher:

        async def served(table: dict[str, Reply]) -> Fetcher:
            replies.update(table)
            return fetcher

        yield served


async def test_an_answer_carries_status_headers_in_lower_case_and_body(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"figures", {"X-Cache": "MISS"})})
    answer = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.headers["x-cache"], answer.whole) == (
        200,
        b"figures",
        "MISS",
        True,
    )


async def test_the_instants_bracket_the_request(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"figures")})
    before = datetime.now(UTC)
    answer = await fetcher.fetch(Request(f"{BASE}/a"))
    assert before <= answer.sent <= answer.received <= datetime.now(UTC)


async def test_an_address_nobody_knows_is_not_found(world: World) -> None:
    answer = await (await world({})).fetch(Request(f"{BASE}/none"))
    assert isinstance(answer, Answer)
    assert answer.status == 404


async def test_a_known_tag_is_answered_with_not_modified(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"figures", etag='"1"')})
    first = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(first, Answer)
    again = await fetcher.fetch(Request(f"{BASE}/a", etag=first.headers["etag"]))
    assert isinstance(again, Answer)
    assert (again.status, again.body) == (304, b"")


async def test_a_body_over_its_cap_is_a_failure(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"x" * 100_001)})
    failure = await fetcher.fetch(Request(f"{BASE}/a", cap=100_000))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TOO_LARGE


async def test_a_body_over_its_cap_is_cut_where_the_start_is_enough(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"x" * 300_000)})
    answer = await fetcher.fetch(Request(f"{BASE}/a", cap=1000, may_cut=True))
    assert isinstance(answer, Answer)
    assert (len(answer.body), answer.whole) == (1000, False)


async def test_a_body_of_just_its_cap_is_whole(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(200, b"x" * 1000)})
    answer = await fetcher.fetch(Request(f"{BASE}/a", cap=1000, may_cut=True))
    assert isinstance(answer, Answer)
    assert answer.whole


async def test_a_redirect_is_answered_and_not_followed(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(301, b"", {"Location": "http://127.0.0.1/loop"})})
    answer = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["location"]) == (301, "http://127.0.0.1/loop")


async def test_a_connection_that_closes_without_an_answer_is_a_reset(world: World) -> None:
    fetcher = await world({f"{BASE}/a": Reply(fails=Reason.RESET)})
    failure = await fetcher.fetch(Request(f"{BASE}/a"))
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.RESET
    assert failure.sent <= failure.received


async def test_many_requests_at_once_are_all_answered(world: World) -> None:
    fetcher = await world({f"{BASE}/{n}": Reply(200, str(n).encode()) for n in range(40)})
    answers = await asyncio.gather(*(fetcher.fetch(Request(f"{BASE}/{n}")) for n in range(40)))
    assert [answer.body for answer in answers if isinstance(answer, Answer)] == [
        str(n).encode() for n in range(40)
    ]

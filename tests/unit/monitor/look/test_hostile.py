"""Costly bodies: small ones are read at once, others by a worker that can be stopped.

Each input is a page built to take long to read.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.hostile_inputs import Hostile, inputs
from monitor.clock import VirtualClock
from monitor.look.fetch import Answer
from monitor.look.interpret import PAGE_CAP, Interpreter
from monitor.look.reading import NO_WORKER, SMALL_BODY, TOO_COSTLY, BodyReader, is_costly, read_body
from monitor.look.recognise.result import Context
from monitor.look.sandbox.process import NoWorker, Worker, start_worker
from monitor.look.sandbox.workers import Workers
from monitor.look.sighting import State
from monitor.plan.targets import Target, View
from tests.unit.monitor.look.processes import process_ids

NOW = datetime(2026, 7, 23, 9, 30, tzinfo=UTC)
PAGES = [
    each for each in inputs() if not each.is_calendar and each.raw is None and each.status == 200
]
MOST_SECONDS = 0.5
TARGET = Target(
    "r/page/edge",
    "r",
    "page",
    View.EDGE,
    "https://a.example/",
    "a.example",
    "govuk",
    "Births: July 2026",
)


def answer(each: Hostile, size: int) -> Answer:
    headers = {
        name.lower(): text for name, text in each.headers if name.lower() != "content-encoding"
    }
    return Answer("https://a.example/", 200, headers, each.body()[:size], NOW, NOW, whole=False)


@pytest.mark.parametrize("hostile_input", PAGES, ids=lambda each: each.name)
def test_small_bodies_are_read_in_a_fraction_of_a_second(hostile_input: Hostile) -> None:
    """An input is cut to 16,384 bytes (SMALL_BODY). Bodies up to that size are read at once, and not by a
    worker process that could be stopped. So that must be quick for any bytes.
    """
    small = answer(hostile_input, SMALL_BODY)
    recogniser = hostile_input.reader
    if is_costly(recogniser, small):
        pytest.skip(
            "a worker reads this input although it is small, because this recogniser may take long"
        )
    began = time.process_time()
    read_body(recogniser, small, Context(small.url, title="Births: July 2026"))
    assert time.process_time() - began < MOST_SECONDS


@pytest.mark.parametrize("hostile_input", PAGES, ids=lambda each: each.name)
def test_every_body_that_is_not_small_is_left_to_worker(hostile_input: Hostile) -> None:
    """If it is longer than 16,384 bytes (SMALL_BODY), it counts as costly. Then only a worker
    process reads it, which can be stopped.
    """
    recogniser, whole = hostile_input.reader, answer(hostile_input, PAGE_CAP)
    assert is_costly(recogniser, whole) or len(whole.body) <= SMALL_BODY


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


def costly_page() -> Answer:
    return answer(next(each for each in PAGES if each.name == "attributes"), PAGE_CAP)


def answer_with(body: bytes, content_type: str = "text/html") -> Answer:
    return Answer(
        "https://a.example/", 200, {"content-type": content_type}, body, sent=NOW, received=NOW
    )


async def test_too_costly_page_is_unknown_and_reported() -> None:
    """This page has an element with 80,000 attributes, which is too costly to read. So the look is
    unknown. The function `on_costly` is called with the host of the page.
    """
    costly_hosts: list[str] = []
    workers = Workers(1, on_costly=costly_hosts.append)
    interpreter = Interpreter(reader=BodyReader(workers, VirtualClock(NOW)))
    sighting = await interpreter.interpret(TARGET, costly_page())
    workers.close()
    assert (sighting.state, sighting.why) == (State.UNKNOWN, TOO_COSTLY)
    assert costly_hosts == ["a.example"]


@pytest.mark.slow
async def test_costly_page_stops_reading_of_target_for_5_s(workers: Workers) -> None:
    """The recogniser is a CSS selector that compares each element with all those before it. First
    the page has 100,000 elements, which takes too long. So pages of this target are not read for 5
    s. Meanwhile the page becomes small.
    """
    clock, target = VirtualClock(NOW), replace(TARGET, recognise="css:a ~ a ~ b")
    interpreter = Interpreter(reader=BodyReader(workers, clock))
    await interpreter.interpret(target, answer_with(b"<a></a>" * 100_000))
    small = answer_with(b"<a></a><a></a><b></b>")
    # After 4 s the small page is not read yet, after 6 s it is.
    clock.offset = timedelta(seconds=4)
    assert (await interpreter.interpret(target, small)).why == TOO_COSTLY
    clock.offset = timedelta(seconds=6)
    assert (await interpreter.interpret(target, small)).state is State.PRESENT


async def test_page_without_a_worker_is_unknown_until_one_starts() -> None:
    """A worker is a process that reads large pages. Its first start fails, so a page is unknown.
    Its second start succeeds, and the same page is present. The host is not reported as costly,
    because the fault is ours.
    """
    costly_hosts: list[str] = []
    starts = iter([False, True])

    def start(megabytes: int) -> Worker:
        if not next(starts):
            raise NoWorker("no process: Resource temporarily unavailable")
        return start_worker(megabytes)

    clock = VirtualClock(NOW)
    workers = Workers(1, on_costly=costly_hosts.append, start=start)
    interpreter = Interpreter(reader=BodyReader(workers, clock))
    # A worker reads each page that is longer than SMALL_BODY.
    page = answer_with(b"<title>Births: July 2026</title>" + b"<p>Figures</p>" * SMALL_BODY)
    target = replace(TARGET, recognise="status")
    sighting = await interpreter.interpret(target, page)
    assert (sighting.state, sighting.why, costly_hosts) == (State.UNKNOWN, NO_WORKER, [])
    await workers.try_start()
    assert (await interpreter.interpret(target, page)).state is State.PRESENT
    workers.close()


async def test_deeply_nested_answer_is_refused_without_starting_a_worker() -> None:
    """This answer is a thousand JSON lists, each inside another. It counts as too costly, and its
    host is reported. But it is short, so no worker process (for large answers) needs to start to
    find that.
    """
    costly_hosts: list[str] = []
    workers = Workers(1, on_costly=costly_hosts.append)
    deep = answer_with(b"[" * 1000, content_type="application/json")
    sighting = await Interpreter(reader=BodyReader(workers, VirtualClock(NOW))).interpret(
        TARGET, deep
    )
    assert sighting.why == TOO_COSTLY
    assert costly_hosts == ["a.example"]
    assert process_ids(workers) == []
    workers.close()


async def test_worker_gives_same_sighting_as_reading_at_once(workers: Workers) -> None:
    """A worker is a process that reads bodies of more than 16,384 bytes.

    Without a worker, they are read at once.
    """
    page = (
        b"<title>Births: July 2026</title><h1>Births: July 2026</h1>"
        + b"<a href='/x.csv'>Figures</a>" * 900
    )
    large = Answer(
        "https://www.gov.uk/x", 200, {"content-type": "text/html"}, page, sent=NOW, received=NOW
    )
    assert is_costly("govuk", large)  # so a worker reads it
    by_worker = await Interpreter(reader=BodyReader(workers, VirtualClock(NOW))).interpret(
        TARGET, large
    )
    at_once = Interpreter().interpret_now(TARGET, large)
    assert by_worker == at_once
    # The page is recognised as this edition by its title.
    assert by_worker.specific

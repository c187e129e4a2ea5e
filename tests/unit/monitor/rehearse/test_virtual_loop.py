from __future__ import annotations

import asyncio
import re
import subprocess
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from monitor.clock import SystemClock, VirtualClock
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.rehearse.virtual_loop import (
    Deadlock,
    JumpingLoop,
    TimeStoppingFetcher,
    get_jumping_loop,
    run_virtually,
)
from monitor.threads import waiting_for_child
from tests.worlds.virtual import virtually

NINE = datetime(2018, 1, 5, 9, tzinfo=UTC)


@virtually
async def test_three_days_of_sleep_take_no_real_time(clock: VirtualClock) -> None:
    began, began_in_real_time = clock.now(), SystemClock().monotonic()
    await clock.sleep(86_400 * 3)
    assert clock.now() == began + timedelta(days=3)
    # Even a busy machine needs less than an hour.
    assert SystemClock().monotonic() - began_in_real_time < 3600


@virtually
async def test_tasks_wake_in_the_order_of_their_timers(clock: VirtualClock) -> None:
    woken: list[tuple[float, float]] = []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic()))

    await asyncio.gather(*(sleeper(seconds) for seconds in (3.5, 0.25, 7200, 1)))
    assert woken == [(0.25, 0.25), (1, 1), (3.5, 3.5), (7200, 7200)]


@virtually
async def test_time_is_stopped_while_a_thread_runs(clock: VirtualClock) -> None:
    """Virtual time jumps to the next timer whenever no task can run. A thread sleeps in real
    time.
    """
    # If time were not stopped, it would jump to this timer at 5 s.
    ticker = asyncio.create_task(clock.sleep(5))
    await asyncio.to_thread(time.sleep, 0.05)
    assert clock.monotonic() == 0
    ticker.cancel()


def test_executor_shutdown_waits_for_threads_beyond_its_timeout() -> None:
    finished = threading.Event()

    def work() -> None:
        time.sleep(0.05)  # real time
        finished.set()

    with closing(JumpingLoop()) as loop:
        loop.run_in_executor(None, work)
        # A timeout is in virtual time, which could jump to its end at once. So the loop ignores it.
        loop.run_until_complete(loop.shutdown_default_executor(timeout=0.001))
        assert finished.is_set()
        assert loop.time() == 0


@virtually
async def test_no_timeout_fires_during_real_io_while_time_is_stopped(clock: VirtualClock) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    with get_jumping_loop().time_stopped("real I/O"):
        # If virtual time ran, it would jump to this timeout before the server answers.
        async with asyncio.timeout(0.5):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            writer.write(b"hello\n")
            assert await reader.readline() == b"hello\n"
    writer.close()
    server.close()
    assert clock.monotonic() == 0


@virtually
async def test_time_can_be_resumed_for_the_reason_it_stopped(clock: VirtualClock) -> None:
    """While virtual time is stopped, no sleep in it ends."""
    loop, reason = get_jumping_loop(), "request"
    with loop.time_stopped(reason):
        # In this block time runs again.
        with loop.time_resumed(reason):
            await clock.sleep(10)
        assert clock.monotonic() == 10


def test_resuming_time_for_one_reason_leaves_it_stopped_for_another() -> None:
    """Virtual time is stopped for two reasons and resumed for one of them.

    A sleep that never ends is a `Deadlock`.
    """

    async def scenario(clock: VirtualClock) -> None:
        loop = get_jumping_loop()
        with loop.time_stopped("b"), loop.time_stopped("a"), loop.time_resumed("a"):
            # Time is still stopped for "b", so this sleep never ends.
            await clock.sleep(10)

    with pytest.raises(Deadlock, match=r"waiting for b$"):
        run_virtually(scenario, patience=0.05)


def test_stop_of_time_that_ends_while_suspended_is_not_restored() -> None:
    """Virtual time is stopped while there is a reason. `time_resumed` suspends a stop inside a
    block, and restores it at the end of the block. But a stop that is ended inside the block is not
    restored.
    """

    async def scenario(_: VirtualClock) -> None:
        loop = get_jumping_loop()
        loop.stop_time("first")
        with loop.time_resumed("first"):
            loop.resume_time("first")  # ends the stop for good
            with loop.time_stopped("other"):
                # The end of the first stop did not end another one.
                assert loop.stop_reasons() == ("other",)
        assert loop.stop_reasons() == ()

    run_virtually(scenario)


def test_waiting_for_a_future_without_result_is_a_deadlock() -> None:
    """No timer is set to which virtual time could jump.

    So after 0.05 real seconds (`patience`) the loop gives up.
    """

    async def scenario(_: VirtualClock) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match=r"waiting for an event, with no timer set$"):
        run_virtually(scenario, patience=0.05)


def test_deadlock_names_the_line_of_a_waiting_thread() -> None:
    """A thread waits for an event that never comes. After 0.05 real seconds (`patience`) without
    progress, the loop raises `Deadlock`. Its text names the function and line where the thread
    waits.
    """
    freed = threading.Event()

    def wait_for_ever() -> None:
        freed.wait()

    async def scenario(_: VirtualClock) -> None:
        try:
            await asyncio.to_thread(wait_for_ever)
        finally:
            freed.set()

    with pytest.raises(Deadlock) as fault:
        run_virtually(scenario, patience=0.05)
    # The 0.05 s are written as 0 s.
    place = r"wait_for_ever \(test_virtual_loop.py:\d+\)"
    assert re.fullmatch(
        rf"deadlock: no progress for 0 s, waiting for thread \w+ in {place}", str(fault.value)
    )


def test_a_thread_that_uses_the_cpu_is_not_a_deadlock() -> None:
    def compute() -> float:
        began = time.thread_time()
        while time.thread_time() - began < 0.7:
            pass
        return time.thread_time() - began

    async def scenario(_: VirtualClock) -> float:
        return await asyncio.to_thread(compute)

    # The thread computes for longer than the patience, which is the time without progress that
    # makes a deadlock.
    assert run_virtually(scenario, patience=0.3) >= 0.7


def test_waiting_for_a_child_process_is_not_a_deadlock() -> None:
    def wait_for_child() -> int:
        with subprocess.Popen(["sleep", "0.3"]) as child:
            return child.wait()

    async def scenario(_: VirtualClock) -> int:
        # This tells the loop about the wait. The thread could do so itself, but a busy machine may
        # start it late.
        with waiting_for_child():
            return await asyncio.to_thread(wait_for_child)

    # The loop raises `Deadlock` if a thread waits for longer than the patience, unless it waits for
    # a child process.
    exit_status = run_virtually(scenario, patience=0.05)
    assert exit_status == 0


def test_speed_makes_time_a_multiple_of_real_time() -> None:
    async def scenario(clock: VirtualClock) -> float:
        await clock.sleep(10)
        return clock.monotonic()

    began = SystemClock().monotonic()
    # 10 virtual seconds take 10 / 200 = 0.05 real seconds, and on a busy machine somewhat more.
    assert 10 <= run_virtually(scenario, speed=200) < 30
    assert SystemClock().monotonic() - began >= 0.05


@virtually
async def test_a_timeout_uses_virtual_time(clock: VirtualClock) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(12):
            # No one sets the result of this future, so the timeout ends the wait, after 12 virtual
            # seconds.
            await asyncio.get_running_loop().create_future()
    assert clock.monotonic() == 12


class RecordingFetcher:
    """A fetcher that records the reasons for which time was stopped during its request."""

    def __init__(self, outcome: Answer | Failure) -> None:
        self.outcome = outcome
        self.stop_reasons_during_request: tuple[str, ...] = ()
        self.is_closed = False

    async def fetch(self, request: Request) -> Answer | Failure:
        assert request.url.startswith(self.outcome.url)
        self.stop_reasons_during_request = get_jumping_loop().stop_reasons()
        return self.outcome

    async def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    "outcome",
    [
        Answer("https://a.example/x", 200, {}, b"", NINE, NINE),
        Failure("https://a.example/x", Reason.TIMEOUT, "read", NINE, NINE),
    ],
)
def test_time_stopping_fetcher_stops_time_during_its_request(outcome: Answer | Failure) -> None:
    """Virtual time is stopped during a request, with the address (without its query) as the reason.
    After the answer or failure it runs again, because there is no reason any more.
    """

    async def scenario(_: VirtualClock) -> None:
        # The inner fetcher makes the request. It records for which reasons time is stopped
        # meanwhile.
        inner = RecordingFetcher(outcome)
        returned = await TimeStoppingFetcher(inner).fetch(Request("https://a.example/x?bust=1"))
        assert returned is outcome
        assert inner.stop_reasons_during_request == ("request a.example/x",)
        reasons_after_request = get_jumping_loop().stop_reasons()
        assert reasons_after_request == ()

    run_virtually(scenario)


async def test_closing_a_time_stopping_fetcher_closes_its_fetcher() -> None:
    inner = RecordingFetcher(Failure("https://a.example/x", Reason.TIMEOUT, "read", NINE, NINE))
    await TimeStoppingFetcher(inner).close()
    assert inner.is_closed


def test_get_jumping_loop_is_refused_in_an_ordinary_loop() -> None:
    async def scenario() -> None:
        get_jumping_loop()

    with pytest.raises(TypeError, match="only in virtual time"):
        asyncio.run(scenario())


def test_the_time_of_a_new_loop_is_zero() -> None:
    with closing(JumpingLoop()) as loop:
        assert loop.time() == 0.0

"""Worker processes: limited in time and memory, and a costly host delays only itself."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from monitor.clock import VirtualClock
from monitor.look.fetch import Answer
from monitor.look.recognise.result import Context
from monitor.look.sandbox.process import NoWorker, TooCostly, Worker, WorkerFault, start_worker, wait_for_message
from monitor.look.sandbox.workers import Workers
from monitor.look.sighting import State
from tests.unit.monitor.look.processes import process_ids

NO_FAULT = ""
"""Reported after a start that succeeded. `START_FAULT` is reported after one that failed."""
START_FAULT = "PermissionError: [Errno 1] Operation not permitted"
NOW = datetime(2026, 7, 23, 9, 30, tzinfo=UTC)
COSTLY_SELECTOR, COSTLY_PAGE = "css:a ~ a ~ b", b"<html><body>" + b"<a></a>" * 20_000 + b"</body></html>"


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


async def recognise_in(workers: Workers, name: str, body: bytes, host: str = "a.example", seconds: int = 5) -> State:
    answer = Answer("https://a.example/", 200, {"content-type": "text/html"}, body, NOW, NOW)
    seen = await workers.run("recognise", host, name, answer, Context(answer.url), seconds=seconds)
    return State(seen.state)


async def test_task_runs_in_another_process(workers: Workers) -> None:
    assert await recognise_in(workers, "css:h1", b"<h1>Births</h1>") is State.PRESENT
    assert process_ids(workers)
    assert os.getpid() not in process_ids(workers)


async def test_no_process_starts_before_the_first_task(workers: Workers) -> None:
    assert process_ids(workers) == []


@pytest.mark.slow
async def test_task_that_overruns_is_stopped_and_next_one_runs(workers: Workers) -> None:
    # The selector compares each of 20,000 elements with all those before it.
    with pytest.raises(TooCostly):
        await recognise_in(workers, COSTLY_SELECTOR, COSTLY_PAGE, seconds=1)
    assert await recognise_in(workers, "css:h1", b"<h1>Births</h1>") is State.PRESENT


@dataclass
class SlowWorker:
    """A worker, and its own pipe, that sends a message after so many polls, each of a second.

    If it `computes`, it uses processor time between them.
    """

    polls_before_message: int
    computes: bool
    ticks: int = 0

    @property
    def pipe(self) -> SlowWorker:
        return self

    def poll(self, _seconds: float) -> bool:
        self.polls_before_message -= 1
        return self.polls_before_message < 0

    def processor_ticks(self) -> int:
        self.ticks += self.computes
        return self.ticks


def test_worker_that_computes_is_waited_for_on_a_busy_machine() -> None:
    """The message comes after 100 s, but only seconds in which the worker uses no processor time count."""
    assert wait_for_message(cast("Worker", SlowWorker(polls_before_message=100, computes=True)), seconds=22.0)


def test_idle_worker_is_waited_for_until_its_time_is_over() -> None:
    assert wait_for_message(cast("Worker", SlowWorker(polls_before_message=22, computes=False)), seconds=22.0)
    assert not wait_for_message(cast("Worker", SlowWorker(polls_before_message=100, computes=False)), seconds=22.0)


def test_processor_time_of_a_worker_is_read_from_the_system() -> None:
    worker = start_worker(megabytes=64)
    # To start, it has imported what reads pages.
    assert worker.processor_ticks() > 0
    worker.kill()


async def test_task_cannot_exceed_its_memory() -> None:
    workers = Workers(1, megabytes=32)
    # The body is a list of a million objects, which need more memory when they are read.
    with pytest.raises(TooCostly):
        await workers.run("strip", "a.example", b"[" + b"{}," * 1_000_000 + b"{}]", seconds=20)
    workers.close()


async def test_host_with_costly_text_delays_only_itself(workers: Workers) -> None:
    """Each of these tasks would use the whole 2 s. There are two workers, and a host gets only one at a time."""
    slow = [
        asyncio.create_task(recognise_in(workers, COSTLY_SELECTOR, COSTLY_PAGE, host="slow.example", seconds=2))
        for _ in range(3)
    ]
    await asyncio.sleep(0)
    assert await recognise_in(workers, "css:h1", b"<h1>Births</h1>", host="healthy.example") is State.PRESENT
    assert not any(task.done() for task in slow)
    # Tasks that have not ended fail when the workers are closed.
    workers.close()
    faults = await asyncio.gather(*slow, return_exceptions=True)
    assert all(isinstance(fault, NoWorker) for fault in faults)


async def test_failed_reader_is_reported_and_its_process_ended(workers: Workers) -> None:
    # The reader fails, because it needs bytes and gets None.
    with pytest.raises(WorkerFault, match="TypeError"):
        await workers.run("strip", "a.example", None, seconds=5)
    assert process_ids(workers) == []


async def test_stop_unused_stops_worker_without_task_since_last_call(workers: Workers) -> None:
    await recognise_in(workers, "css:h1", b"<h1>Births</h1>")
    workers.stop_unused()  # there was a task before this call
    assert len(process_ids(workers)) == 1
    workers.stop_unused()  # there was none since the last call
    assert process_ids(workers) == []


async def test_closing_leaves_no_process_behind(workers: Workers) -> None:
    await recognise_in(workers, "css:h1", b"<h1>Births</h1>")
    (pid,) = process_ids(workers)
    workers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(NoWorker):
        await recognise_in(workers, "css:h1", b"<h1>Births</h1>")


async def test_bodies_beyond_16_waiting_mb_are_refused_and_hosts_reported(workers: Workers) -> None:
    reported_hosts: list[str] = []
    workers.on_costly = reported_hosts.append
    megabyte = 1_000_000

    def queue_body_of_a_megabyte(host: str) -> asyncio.Task[object]:
        # Each body counts as one byte more than its size.
        return asyncio.create_task(workers.run("strip", host, b"{}", seconds=5, size=megabyte - 1))

    hosts = ["h0.example", "h1.example", "h2.example", "h3.example"]
    # All bodies are queued before the first one is read: 4 of each host, which is 16 MB.
    accepted = [queue_body_of_a_megabyte(host) for _ in range(4) for host in hosts]
    refused = [queue_body_of_a_megabyte(host) for host in hosts]
    # A host without a body in the queue may still add one.
    accepted.append(queue_body_of_a_megabyte("other.example"))
    await asyncio.gather(*accepted)
    outcomes = await asyncio.gather(*refused, return_exceptions=True)
    assert all(isinstance(outcome, TooCostly) for outcome in outcomes)
    assert reported_hosts == hosts


class StandingClock(VirtualClock):
    """A clock that stands still until a test moves it."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Machine:
    """A machine on which workers start only if it `can_start_workers`, and what a pool of workers there reports."""

    can_start_workers: bool = False
    clock: StandingClock = field(default_factory=lambda: StandingClock(NOW))
    fault_of_each_start: list[str] = field(default_factory=list)
    unread_hosts: list[str] = field(default_factory=list)
    costly_hosts: list[str] = field(default_factory=list)

    def start(self, megabytes: int) -> Worker:
        if not self.can_start_workers:
            raise NoWorker(START_FAULT)
        return start_worker(megabytes)

    def workers(self) -> Workers:
        return Workers(
            1,
            clock=self.clock,
            on_costly=self.costly_hosts.append,
            on_attempt=lambda _began, fault: self.fault_of_each_start.append(fault),
            on_unread=lambda host, _began: self.unread_hosts.append(host),
            start=self.start,
        )


async def test_worker_that_does_not_start_is_not_the_hosts_fault() -> None:
    """A host counts as costly if its answers take too much time or memory. This one does not."""
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    with pytest.raises(NoWorker, match="this monitor has no worker to read it: PermissionError"):
        await recognise_in(workers, "css:h1", b"<h1>Births</h1>", host="a.example")
    assert machine.fault_of_each_start == [START_FAULT]
    assert (machine.unread_hosts, machine.costly_hosts) == (["a.example"], [])
    workers.close()


async def test_failed_start_is_repeated_after_one_second_then_two() -> None:
    """A worker, which reads answers, cannot be started. The pauses between tries are 1 s and 2 s. Five answers come."""
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    seconds_of_answers, seconds_of_starts = (0.0, 0.5, 1.0, 1.9, 3.0), []
    for second in seconds_of_answers:
        machine.clock.seconds = second
        starts_before = len(machine.fault_of_each_start)
        with pytest.raises(NoWorker):
            await recognise_in(workers, "css:h1", b"<h1>Births</h1>", host="a.example")
        if len(machine.fault_of_each_start) > starts_before:
            seconds_of_starts.append(second)
    assert seconds_of_starts == [0.0, 0.0 + 1, 1.0 + 2]
    assert machine.fault_of_each_start == [START_FAULT, START_FAULT, START_FAULT]
    # None of the answers was read, in a pause or not.
    assert machine.unread_hosts == ["a.example"] * len(seconds_of_answers)
    workers.close()


async def test_worker_starts_for_answer_a_second_after_failed_start() -> None:
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    with pytest.raises(NoWorker):
        await recognise_in(workers, "css:h1", b"<h1>Births</h1>")
    machine.can_start_workers = True
    machine.clock.seconds = 1.0  # the end of the pause after a failed start
    assert await recognise_in(workers, "css:h1", b"<h1>Births</h1>") is State.PRESENT
    assert machine.fault_of_each_start == [START_FAULT, NO_FAULT]
    workers.close()


async def test_idle_worker_shows_that_fault_of_another_is_over() -> None:
    """Each start reports its fault, or none. After a failed start, `try_start` is called until no fault is left."""
    second_start_has_begun, start_numbers, reported_faults = threading.Event(), count(1), list[str]()

    # Two tasks start two workers at once, in two threads. Only the first start succeeds.
    def start(megabytes: int) -> Worker:
        number = next(start_numbers)
        if number == 1:
            # Until then, the second task must not find an idle worker.
            second_start_has_begun.wait()
            return start_worker(megabytes)
        second_start_has_begun.set()
        # This start must be the last one to end, so that its fault is the one that counts.
        while not process_ids(workers):
            os.sched_yield()
        raise NoWorker(START_FAULT)

    workers = Workers(2, on_attempt=lambda _began, fault: reported_faults.append(fault), start=start)
    tasks = [recognise_in(workers, "css:h1", b"<h1>Births</h1>", host) for host in ("a.example", "b.example")]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {State, NoWorker}
    assert reported_faults == [NO_FAULT, START_FAULT]
    # The first worker is idle now. So this starts none, and reports that there is no fault.
    await workers.try_start()
    assert reported_faults == [NO_FAULT, START_FAULT, NO_FAULT]
    starts_made = next(start_numbers) - 1
    assert starts_made == 2
    workers.close()


async def test_try_start_makes_first_start_only_if_it_is_eager() -> None:
    """`try_start` repeats a start that failed. With `eager`, it also makes the first one."""
    machine = Machine(can_start_workers=True)
    workers = machine.workers()
    await workers.try_start()
    assert machine.fault_of_each_start == []
    await workers.try_start(eager=True)
    assert machine.fault_of_each_start == [NO_FAULT]
    workers.close()


async def test_try_start_repeats_failed_start_until_a_worker_runs() -> None:
    """`try_start` repeats a start of a worker that failed. With `eager`, it also makes the first start."""
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    await workers.try_start(eager=True)
    await workers.try_start()
    assert machine.fault_of_each_start == [START_FAULT, START_FAULT]
    # After two failed starts, workers can be started, and the third start succeeds.
    machine.can_start_workers = True
    await workers.try_start(eager=True)
    assert machine.fault_of_each_start == [START_FAULT, START_FAULT, NO_FAULT]
    # A worker runs now, so these start none.
    await workers.try_start(eager=True)
    await workers.try_start(eager=True)
    assert len(machine.fault_of_each_start) == 3
    assert len(process_ids(workers)) == 1
    workers.close()


async def test_worker_that_died_while_idle_is_replaced_without_blame() -> None:
    """A host would count as costly if the worker had died during a task for it."""
    machine = Machine(can_start_workers=True)
    workers = machine.workers()
    await recognise_in(workers, "css:h1", b"<h1>Births</h1>")
    (pid,) = process_ids(workers)
    os.kill(pid, signal.SIGKILL)
    # Wait until it is dead, but leave its exit status to the pool.
    await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert await recognise_in(workers, "css:h1", b"<h1>Births</h1>") is State.PRESENT
    assert machine.costly_hosts == []
    workers.close()


def test_process_that_may_open_no_more_files_starts_no_worker() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The list contains one file more: the directory, which is open only while it is read.
    open_files = len(list(Path("/proc/self/fd").iterdir())) - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, hard))
    try:
        with pytest.raises(NoWorker, match="Too many open files"):
            start_worker(megabytes=64)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

"""Worker processes: limited in time and memory, and a costly host delays only itself.

`try_start` repeats a start of a worker process that failed.
"""

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

import pytest

from monitor.clock import VirtualClock
from monitor.look.fetch import Answer
from monitor.look.recognise.result import Context
from monitor.look.sandbox.process import (
    NoWorker,
    Patience,
    TooCostly,
    Worker,
    WorkerFault,
    start_worker,
)
from monitor.look.sandbox.workers import Workers
from monitor.look.sighting import State
from tests.unit.monitor.look.processes import process_ids
from tests.worlds.calendars import calendar_settings

NO_FAULT = ""
"""Reported after a start that succeeded. `START_FAULT` is reported after one that failed."""
START_FAULT = "PermissionError: [Errno 1] Operation not permitted"
NOW = datetime(2026, 7, 23, 9, 30, tzinfo=UTC)
COSTLY_SELECTOR, COSTLY_PAGE = (
    "css:a ~ a ~ b",
    b"<html><body>" + b"<a></a>" * 20_000 + b"</body></html>",
)


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


async def recognise_in(
    workers: Workers, name: str, body: bytes, host: str = "a.example", seconds: int = 5
) -> State:
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
    """A task reads a page in a worker process. It may use one second of processor time.

    This selector would use far more. It compares each of 20,000 elements with all those before it.
    """
    with pytest.raises(TooCostly):
        await recognise_in(workers, COSTLY_SELECTOR, COSTLY_PAGE, seconds=1)
    assert await recognise_in(workers, "css:h1", b"<h1>Births</h1>") is State.PRESENT


def test_worker_that_computes_is_waited_for_on_a_busy_machine() -> None:
    """A worker may be idle for 22 s and compute for 3 s. On a busy machine, it computes for a
    hundredth of a second in each of 100 s. It is waited for.
    """
    patience = Patience(idle_seconds=22.0, busy_seconds=3.0)
    assert not any(patience.is_over(ticks, elapsed=1.0) for ticks in range(100))


def test_idle_worker_is_waited_for_until_its_time_is_over() -> None:
    patience = Patience(idle_seconds=22.0, busy_seconds=3.0)
    over = [patience.is_over(ticks=5, elapsed=1.0) for _second in range(22)]
    assert over == [False] * 21 + [True]


def test_worker_that_computes_longer_than_its_limit_is_given_up() -> None:
    """The system ends a worker at its limit, unless hostile bytes have made it lift the limit."""
    patience = Patience(idle_seconds=22.0, busy_seconds=3.0)
    ticks_per_second = os.sysconf("SC_CLK_TCK")
    over = [patience.is_over(second * ticks_per_second, elapsed=1.0) for second in range(4)]
    assert over == [False, False, False, True]


def test_processor_time_of_a_worker_is_read_from_the_system() -> None:
    worker = start_worker(megabytes=64)
    # At its start, it has imported the modules that read pages. That took some processor time.
    assert worker.processor_ticks() > 0
    worker.kill()


async def test_task_cannot_exceed_its_memory() -> None:
    """The task "strip" reads a JSON body. This one is small, but is a list of a million objects.

    To read them takes more than the 32 MB that a task may use.
    """
    workers = Workers(1, megabytes=32)
    with pytest.raises(TooCostly):
        await workers.run("strip", "a.example", b"[" + b"{}," * 1_000_000 + b"{}]", seconds=20)
    workers.close()


async def test_host_with_costly_text_delays_only_itself(workers: Workers) -> None:
    """There are two worker processes. Three tasks of one host would each use a worker for 2 s.

    But only one task of a host runs at a time. So a task of another host runs at once, in the other
    worker.
    """
    slow = [
        asyncio.create_task(
            recognise_in(workers, COSTLY_SELECTOR, COSTLY_PAGE, host="slow.example", seconds=2)
        )
        for _ in range(3)
    ]
    await asyncio.sleep(0)  # let these tasks begin
    assert (
        await recognise_in(workers, "css:h1", b"<h1>Births</h1>", host="healthy.example")
        is State.PRESENT
    )
    assert not any(task.done() for task in slow)
    # Tasks that have not ended fail when the workers are closed.
    workers.close()
    faults = await asyncio.gather(*slow, return_exceptions=True)
    assert all(isinstance(fault, NoWorker) for fault in faults)


async def test_task_that_raises_is_reported_and_its_process_ended(workers: Workers) -> None:
    # The reader of GOV.UK takes the first page of several, and there is none.
    settings = calendar_settings("govuk")
    with pytest.raises(WorkerFault, match="IndexError"):
        await workers.run("more", "a.example", settings, None, (), NOW, seconds=5)
    assert process_ids(workers) == []


async def test_stop_unused_stops_worker_without_task_since_last_call(workers: Workers) -> None:
    await recognise_in(workers, "css:h1", b"<h1>Births</h1>")
    workers.stop_unused()  # there was a task before this call
    assert len(process_ids(workers)) == 1
    workers.stop_unused()  # there was none since the last call
    assert process_ids(workers) == []


async def test_closing_leaves_no_process_behind(workers: Workers) -> None:
    await recognise_in(workers, "css:h1", b"<h1>Births</h1>")  # starts a process
    (pid,) = process_ids(workers)
    workers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)  # only asks whether the process exists
    with pytest.raises(NoWorker):
        await recognise_in(workers, "css:h1", b"<h1>Births</h1>")


async def test_bodies_beyond_16_waiting_mb_are_refused_and_hosts_reported(workers: Workers) -> None:
    """Bodies wait until a worker process reads them.

    Together, they may have 16 MB. Four hosts queue 4 MB each.

    If one of these hosts queues another body, it is refused, and the host is reported as costly.
    A host without a waiting body may still queue one.
    """
    reported_hosts: list[str] = []
    workers.on_costly = reported_hosts.append
    megabyte = 1_000_000

    def queue_body_of_a_megabyte(host: str) -> asyncio.Task[object]:
        # Each body counts as one byte more than its size.
        return asyncio.create_task(workers.run("strip", host, b"{}", seconds=5, size=megabyte - 1))

    hosts = ["h0.example", "h1.example", "h2.example", "h3.example"]
    # All bodies are queued before the first one is read.
    accepted = [queue_body_of_a_megabyte(host) for _ in range(4) for host in hosts]
    refused = [queue_body_of_a_megabyte(host) for host in hosts]
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
    """A machine on which workers start only if it `can_start_workers`, and what a pool of workers
    there reports.
    """

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
    """An answer of a host cannot be read, because no worker process can be started.

    The answer is reported as unread. But the host is not reported as costly, because its answer is
    not the cause.
    """
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    with pytest.raises(NoWorker, match="this monitor has no worker to read it: PermissionError"):
        await recognise_in(workers, "css:h1", b"<h1>Births</h1>", host="a.example")
    assert machine.fault_of_each_start == [START_FAULT]
    assert machine.unread_hosts == ["a.example"]
    assert machine.costly_hosts == []
    workers.close()


async def test_calendar_without_a_worker_leaves_no_look_of_its_host_unread() -> None:
    """Looks at small pages of the host go on. A local file has no host that could be reported."""
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    settings = calendar_settings("toml", "https://a.example/x.toml")
    for host in ("a.example", ""):
        with pytest.raises(NoWorker):
            await workers.run("read", host, settings, None, (), NOW, seconds=5, is_look=False)
    assert (machine.unread_hosts, machine.costly_hosts) == ([], [])
    workers.close()


async def test_failed_start_is_repeated_after_one_second_then_two() -> None:
    """Five answers come. To read one, a worker process must be started, but each start fails.

    After a failed start there is a pause, in which no start is tried. The first pause is 1 s, the
    second 2 s. So only the answers at 0, 1 and 3 s cause a start. None of the five is read.
    """
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
    assert machine.unread_hosts == ["a.example"] * len(seconds_of_answers)
    workers.close()


async def test_worker_starts_for_answer_a_second_after_failed_start() -> None:
    """At second 0, an answer must be read, but no worker process can be started.

    After that, one could be.

    The next start is only tried after a pause of one second. So an answer at second 1 is read.
    """
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    with pytest.raises(NoWorker):
        await recognise_in(workers, "css:h1", b"<h1>Births</h1>")
    machine.can_start_workers = True
    machine.clock.seconds = 1.0
    assert await recognise_in(workers, "css:h1", b"<h1>Births</h1>") is State.PRESENT
    assert machine.fault_of_each_start == [START_FAULT, NO_FAULT]
    workers.close()


async def test_idle_worker_shows_that_fault_of_another_is_over() -> None:
    """Two tasks start two worker processes at once, in two threads.

    The first start succeeds, the second fails.

    Each start reports its fault, or none. The fault of the second is reported last, so it seems to
    go on. Then `try_start` finds the first worker idle. It starts no other, and reports that there
    is no fault.
    """
    second_start_has_begun, start_numbers, reported_faults = (
        threading.Event(),
        count(1),
        list[str](),
    )

    def start(megabytes: int) -> Worker:
        number = next(start_numbers)
        if number == 1:
            # Until the second start begins, the first must not end. Its idle worker would make the
            # second needless.
            second_start_has_begun.wait()
            return start_worker(megabytes)
        second_start_has_begun.set()
        # The second start ends last: once the first worker runs.
        while not process_ids(workers):
            os.sched_yield()
        raise NoWorker(START_FAULT)

    workers = Workers(
        2, on_attempt=lambda _began, fault: reported_faults.append(fault), start=start
    )
    tasks = [
        recognise_in(workers, "css:h1", b"<h1>Births</h1>", host)
        for host in ("a.example", "b.example")
    ]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {State, NoWorker}
    assert reported_faults == [NO_FAULT, START_FAULT]
    await workers.try_start()
    assert reported_faults == [NO_FAULT, START_FAULT, NO_FAULT]
    starts_made = next(start_numbers) - 1
    assert starts_made == 2
    workers.close()


async def test_try_start_makes_first_start_only_if_it_is_eager() -> None:
    """With `eager`, it also makes the first start.

    Each start reports its fault, or that there was none.
    """
    machine = Machine(can_start_workers=True)
    workers = machine.workers()
    await workers.try_start()
    assert machine.fault_of_each_start == []  # no start was made
    await workers.try_start(eager=True)
    assert machine.fault_of_each_start == [NO_FAULT]
    workers.close()


async def test_try_start_repeats_failed_start_until_a_worker_runs() -> None:
    """With `eager`, it also makes the first start.

    The first two starts fail. Then workers can be started, and the third start succeeds. As a
    worker runs now, further calls of `try_start` start none.
    """
    machine = Machine(can_start_workers=False)
    workers = machine.workers()
    await workers.try_start(eager=True)
    await workers.try_start()
    assert machine.fault_of_each_start == [START_FAULT, START_FAULT]
    machine.can_start_workers = True
    await workers.try_start(eager=True)
    assert machine.fault_of_each_start == [START_FAULT, START_FAULT, NO_FAULT]
    await workers.try_start(eager=True)
    await workers.try_start(eager=True)
    assert len(machine.fault_of_each_start) == 3
    assert len(process_ids(workers)) == 1
    workers.close()


async def test_worker_that_died_while_idle_is_replaced_without_blame() -> None:
    """A worker process has read an answer. Then it is killed, while it has no task.

    The next answer is read by another worker. The host is not reported as costly.
    That happens only if a worker dies during a task.
    """
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
    """The system limits how many files a process may have open.

    Here the limit is set to those that are open now.

    A worker process needs a pipe, which counts as files. So none is started, and the error says
    why.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The list contains one file more: the directory, which is open only while it is read.
    open_files = len(list(Path("/proc/self/fd").iterdir())) - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, hard))
    try:
        with pytest.raises(NoWorker, match="Too many open files"):
            start_worker(megabytes=64)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

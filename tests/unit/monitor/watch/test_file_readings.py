"""Which files are read inside, and when again. What is kept of each."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from monitor.files.facts import FileSign, NotRead
from monitor.judge.policy import Policies, Policy
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.look.interpret import FILE_CAP
from monitor.look.sandbox.process import NoWorker, Patience, TooCostly, Worker
from monitor.look.sandbox.workers import Workers
from monitor.plan.targets import Target, View, targets_of
from monitor.watch.file_readings import FileReadings
from monitor.watch.planner import WatchRules
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.announcement import Part, Role
from schedules.contract.verdict import FindingKind
from tests.unit.monitor.watch.fake_poller import StandingClock
from tests.worlds.files import csv_file
from tests.worlds.instants import MINUTE, after_slot
from tests.worlds.looks import PRESENT, a_run, a_sighting
from tests.worlds.releases import a_promise, a_release
from tests.worlds.workers import WorkerHere, workers_here

URL = "https://files.example/tables.csv"
FILE = Part("data", Role.DATA, URL)
CLEAN, DRAFT = csv_file([["Area", "Births"]]), csv_file([["DRAFT"], ["Area", "Births"]])
LONG = CLEAN + b"Wales,1\r\n" * 10_000
IS_DRAFT = (FileSign(FindingKind.MARKED_DRAFT, "draft"),)
assert len(LONG) > FILE_CAP


class BusyWorker(WorkerHere):
    """A worker that reaches its limit with each file."""

    def exchange(self, message: bytes, _patience: Patience) -> bytes:
        del message
        raise TooCostly("no end within its time")


def start_none(_megabytes: int) -> Worker:
    raise NoWorker("no process")


@dataclass
class FakeWatch:
    """One watched release. `noted` is what was read inside its files."""

    releases: dict[str, WatchedRelease]
    rules: WatchRules = field(default_factory=WatchRules)
    noted: list[object] = field(default_factory=list)

    def note_inside(self, _target: Target, _digest: str, inside: object) -> None:
        self.noted.append(inside)


@dataclass
class Reading:
    """Gives looks to `FileReadings`. `whole` is what its own requests get."""

    workers: Workers = field(default_factory=workers_here)
    whole: bytes | Reason = b""
    policy: Policy = field(default_factory=Policy)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        release = a_release(FILE)
        self.watched = WatchedRelease(release, (a_promise(),), monitor="m")
        self.watch = FakeWatch(
            {release.id: self.watched}, WatchRules(policies=Policies(self.policy))
        )
        self.clock = StandingClock(after_slot(10))
        self.files = FileReadings(
            cast("Watch", self.watch), self.workers, self.clock, self.send, lambda _title: ()
        )
        targets = (each for each in targets_of(release) if each.part == FILE.id)
        self.target = next(each for each in targets if each.view is View.EDGE)

    async def send(self, request: Request) -> Answer | Failure:
        self.requests.append(request)
        if isinstance(self.whole, Reason):
            return Failure(URL, self.whole, "", after_slot(11), after_slot(11))
        return an_answer(self.whole)

    async def look(self, body: bytes, *, status: int = 200) -> list[object]:
        """Make a look that gets this body, and return all that was read until now."""
        answer = replace(an_answer(body), status=status)
        if len(body) > FILE_CAP:
            answer = replace(answer, body=body[:FILE_CAP], whole=False)
        self.files.consider(self.target, a_sighting(PRESENT, digest=answer.digest), answer)
        await self.files.finish()
        return self.watch.noted


def an_answer(body: bytes) -> Answer:
    headers = {"content-length": str(len(body))}
    return Answer(URL, 200, headers, body, after_slot(10), after_slot(10))


async def test_short_file_is_read_from_the_look_itself() -> None:
    reading = Reading()
    assert await reading.look(DRAFT) == [IS_DRAFT]
    assert reading.requests == []


async def test_each_content_is_read_once() -> None:
    reading = Reading()
    for body in (CLEAN, CLEAN, DRAFT, CLEAN):
        await reading.look(body)
    assert reading.watch.noted == [(), IS_DRAFT]


async def test_content_that_was_read_before_a_restart_is_not_read_again() -> None:
    reading = Reading()
    digest = an_answer(CLEAN).digest
    run = a_run(reading.target.id, PRESENT, 1, 2, digest=digest, inside=NotRead("it is damaged"))
    reading.watched.load_runs([run])
    assert await reading.look(CLEAN) == []


async def test_file_of_many_contents_is_read_eight_times() -> None:
    reading = Reading()
    for number in range(12):
        await reading.look(CLEAN + b"%d,1\r\n" % number)
    assert len(reading.watch.noted) == 8


async def test_other_looks_and_unwanted_files_are_not_read() -> None:
    assert await Reading().look(DRAFT, status=404) == []
    assert await Reading(policy=Policy(file_findings=())).look(DRAFT) == []
    forgotten = Reading()
    forgotten.watch.releases.clear()
    assert await forgotten.look(DRAFT) == []


async def test_long_file_is_requested_whole() -> None:
    reading = Reading(whole=LONG)
    assert await reading.look(LONG) == [()]
    (request,) = reading.requests
    assert (request.url, request.cap) == (URL, 16_000_000)


async def test_file_that_changed_meanwhile_is_read_a_minute_later() -> None:
    reading = Reading(whole=LONG + b"Wales,2\r\n")
    assert await reading.look(LONG) == []
    reading.whole = LONG
    assert await reading.look(LONG) == []
    reading.clock.at += MINUTE + timedelta(seconds=1)
    assert await reading.look(LONG) == [()]


@pytest.mark.parametrize("failed", [Reason.TIMEOUT, Reason.RESET])
async def test_failed_request_is_made_again_a_minute_later(failed: Reason) -> None:
    reading = Reading(whole=failed)
    assert await reading.look(LONG) == []
    reading.whole = LONG
    reading.clock.at += MINUTE + timedelta(seconds=1)
    assert await reading.look(LONG) == [()]


async def test_file_is_read_once_a_worker_runs() -> None:
    reading = Reading(workers=Workers(1, start=start_none))
    assert await reading.look(CLEAN) == []
    assert reading.watched.file_reads[FILE.id, an_answer(CLEAN).digest] == after_slot(70)


async def test_file_that_could_not_be_read_is_no_clean_one() -> None:
    damaged = await Reading().look(CLEAN + b"\0")
    too_large = await Reading(whole=Reason.TOO_LARGE).look(LONG)
    busy = Workers(1, start=lambda _: BusyWorker(cast("subprocess.Popen[bytes]", None)))
    too_costly = await Reading(workers=busy).look(CLEAN)
    assert damaged == [NotRead("no text")]
    assert too_large == [NotRead("it is larger than 16 MB")]
    assert too_costly == [NotRead("no end within its time")]

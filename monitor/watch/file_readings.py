"""Has files read that users could get: once for each content that a file had."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from itertools import chain

import structlog

from monitor.clock import Clock
from monitor.files.compare import Expectation, find_signs
from monitor.files.facts import FileFacts, NotRead
from monitor.files.inspect import READERS
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.look.interpret import FILE_CAP
from monitor.look.sandbox.process import NoWorker, ReadFault
from monitor.look.sandbox.workers import Workers
from monitor.look.sighting import Sighting
from monitor.plan.targets import Target, extension_of
from monitor.threads import Tasks
from monitor.watch.release import WatchedRelease
from monitor.watch.watch import Watch
from schedules.in_force import slot_in_force
from schedules.times.zone import local_date

_log = structlog.get_logger(__name__)
LARGEST_FILE = 16_000_000
"""Larger files are not read."""
_TOO_LARGE = "it is larger than 16 MB"
READ_SECONDS = 1
"""Limit of processor seconds for one file. A worker gets up to one more."""
_MOST_CONTENTS = 8
"""The most contents of one part that are read: some files are made anew for each request."""
_RETRY_AFTER = timedelta(minutes=1)
_READABLE = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)


@dataclass(frozen=True, slots=True)
class FileReadings:
    """Reads files in the confined workers, one at a time, and adds the signs to their runs.

    A look has the first bytes of a file. If there are more, `send` requests the whole file, in the
    turn of its host. `similar_titles` returns the titles that may be confused with one.
    """

    watch: Watch
    workers: Workers
    clock: Clock
    send: Callable[[Request], Awaitable[Answer | Failure]]
    similar_titles: Callable[[str], tuple[str, ...]]
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _tasks: Tasks = field(default_factory=Tasks)

    def consider(self, target: Target, sighting: Sighting, outcome: Answer | Failure) -> None:
        """Begin to read a file in the background if a look got content that was not read yet."""
        if not target.is_file or sighting.digest is None or isinstance(outcome, Failure):
            return
        watched = self.watch.releases.get(target.release)
        now = self.clock.now()
        if watched is None or outcome.status not in _READABLE:
            return
        key = target.part, sighting.digest
        again = watched.file_reads.get(key, now)
        if again is None or now < again or extension_of(target.url) not in READERS:
            return
        if not self.watch.rules.policies.of(watched.release).file_findings:
            return
        contents = [part for part, _ in watched.file_reads if part == target.part]
        if key not in watched.file_reads and len(contents) >= _MOST_CONTENTS:
            return
        watched.file_reads[key] = None
        runs = chain.from_iterable(watched.runs.values())
        # A run may have the signs already, as after a restart.
        if not any(run.digest == sighting.digest and run.inside is not None for run in runs):
            self._tasks.start(self._read_file(watched, target, sighting.digest, outcome))

    async def finish(self) -> None:
        """Wait until all files that were considered are read."""
        await self._tasks.finish()

    async def _read_file(
        self, watched: WatchedRelease, target: Target, digest: str, answer: Answer
    ) -> None:
        async with self._turn:
            facts = await self._read_facts(target, digest, answer)
        if facts is None:
            watched.file_reads[target.part, digest] = self.clock.now() + _RETRY_AFTER
            return
        expected = self._make_expectation(watched)
        if facts.fault:
            self.watch.note_inside(target, digest, NotRead(facts.fault))
        elif expected is not None:
            self.watch.note_inside(target, digest, find_signs(facts, expected))

    async def _read_facts(self, target: Target, digest: str, answer: Answer) -> FileFacts | None:
        """Return the facts of a file, None if it cannot be read now."""
        whole: Answer | Failure = answer
        if not answer.whole or answer.status != HTTPStatus.OK:
            whole = await self.send(Request(answer.url, cap=LARGEST_FILE))
        if isinstance(whole, Failure):
            is_too_large = whole.reason is Reason.TOO_LARGE
            return FileFacts(fault=_TOO_LARGE) if is_too_large else None
        cut = replace(whole, body=whole.body[:FILE_CAP], whole=len(whole.body) <= FILE_CAP)
        if whole.status != HTTPStatus.OK or cut.digest != digest:
            return None
        return await self._read_inside(target, whole.body)

    async def _read_inside(self, target: Target, body: bytes) -> FileFacts | None:
        """Return what a worker reads, None if there is no worker."""
        try:
            facts: FileFacts = await self.workers.run(
                "inspect",
                target.host,
                body,
                extension_of(target.url),
                seconds=READ_SECONDS,
                size=len(body),
            )
        except NoWorker:
            return None
        except ReadFault as exc:
            _log.warning("file_not_read", target=target.id, fault=str(exc))
            return FileFacts(fault=str(exc))
        return facts

    def _make_expectation(self, watched: WatchedRelease) -> Expectation | None:
        """Return what a file of a release should be, None if it has no slot."""
        release = watched.release
        now = self.clock.now()
        notice_days = self.watch.rules.policies.of(release).short_notice.days
        in_force = slot_in_force(release, watched.promises, now, notice_days)
        slot, begins = in_force.slot, in_force.slot_begins
        if slot is None or begins is None:
            return None
        day = local_date(begins, slot.timezone)
        return Expectation(release.title, day, self.similar_titles(release.title))

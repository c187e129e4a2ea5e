"""Read what other monitors on the same store saw of a release, before a verdict on it is recorded."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from monitor.errors import StoreFault
from monitor.judge.runs import Blind, Run
from monitor.plan.targets import release_from_id
from monitor.store.members import Members
from monitor.store.sql.engine import Store
from monitor.threads import Ask, Tasks
from monitor.watch.release import WatchedRelease
from schedules.promise import Promise

_BLIND_SPANS_BACK = timedelta(days=1)
_PORTION = 200
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _StoredKnowledge:
    """The runs and promises that the store has for some releases, by id, and the latest blind spans."""

    runs: dict[str, list[Run]]
    promises: dict[str, list[Promise]]
    blind: list[Blind]


_Answer = asyncio.Future[_StoredKnowledge]


@dataclass(slots=True)
class OtherMonitors:
    """Reads other monitors' looks from the store.

    One query runs at a time, and all calls that come while it runs share the next. Otherwise, in a busy minute or
    after a start, many queries would queue and look as if the store did not answer. Other monitors' blind spans are
    passed to `add_blind_spans`.
    """

    store: Store
    ask: Ask
    members: Members
    add_blind_spans: Callable[[Iterable[Blind]], object]
    _waiting: dict[str, list[_Answer]] = field(default_factory=dict)
    _is_reading: bool = False
    _now: datetime = _LONG_AGO
    _tasks: Tasks = field(default_factory=Tasks)

    async def merge_into(self, watched: WatchedRelease, now: datetime) -> None:
        """Add the runs and promises that other monitors stored for a release. Raises `StoreFault`."""
        name, answer = watched.release.id, asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(answer)
        self._now = max(self._now, now)
        if not self._is_reading:
            self._is_reading = True
            self._tasks.start(self._answer_all())
        seen: _StoredKnowledge = await answer
        watched.merge_promises(seen.promises.get(name, ()))
        watched.replace_other_runs(seen.runs.get(name, ()))

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                await self._answer_calls({name: self._waiting.pop(name) for name in [*islice(self._waiting, _PORTION)]})
        finally:
            self._is_reading = False

    async def _answer_calls(self, asked: dict[str, list[_Answer]]) -> None:
        """Read these releases from the store, and answer the calls for them, or pass on its fault."""
        try:
            seen = await self.ask(partial(self._read_store, list(asked), self._now))
        except StoreFault as fault:
            # All calls that still wait would fail in the same way, only later.
            waiting, self._waiting = self._waiting, {}
            _fail_all([*asked.values(), *waiting.values()], fault)
        except Exception as fault:  # noqa: BLE001 # a fault with one release must not stop the others
            if len(asked) == 1:
                _fail_all(asked.values(), fault)
                return
            for name, answers in asked.items():
                await self._answer_calls({name: answers})
        else:
            self.add_blind_spans(seen.blind)
            for answer in (answer for answers in asked.values() for answer in answers if not answer.done()):
                answer.set_result(seen)

    def _read_store(self, releases: Sequence[str], now: datetime) -> _StoredKnowledge:
        runs: dict[str, list[Run]] = defaultdict(list)
        promises: dict[str, list[Promise]] = defaultdict(list)
        for run in self.store.runs.of_releases(releases):
            runs[release_from_id(run.target)].append(run)
        for promise in self.store.ledger.promises(releases):
            promises[promise.release].append(promise)
        return _StoredKnowledge(runs, promises, self.store.runs.blind(now - _BLIND_SPANS_BACK, now))


def _fail_all(asked: Iterable[list[_Answer]], fault: Exception) -> None:
    for answer in (answer for answers in asked for answer in answers if not answer.done()):
        answer.set_exception(fault)

"""What other monitors on the same store saw of a release: read before anybody is told what one of them thinks of it."""

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

_LATELY = timedelta(days=1)
_AT_ONCE = 200
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store knows of some releases: runs and promises by release, and the blind spans of all."""

    runs: dict[str, list[Run]]
    promises: dict[str, list[Promise]]
    blind: list[Blind]


_Answer = asyncio.Future[_Seen]


@dataclass(slots=True)
class OtherMonitors:
    """Other monitors, as the store knows them.

    One question is put at a time, and all who come meanwhile share the next: at a busy minute, or after a start, many
    would wait in line for the store, and be taken for those that it does not answer. Blind spans that they had are
    told to `learn`.
    """

    store: Store
    ask: Ask
    members: Members
    learn: Callable[[Iterable[Blind]], object]
    _asked: dict[str, list[_Answer]] = field(default_factory=dict)
    _is_asking: bool = False
    _now: datetime = _LONG_AGO
    _tasks: Tasks = field(default_factory=Tasks)

    async def take_in(self, watched: WatchedRelease, now: datetime) -> None:
        """Take in what the others saw and learnt of a release. Raises `StoreFault`."""
        name, answer = watched.release.id, asyncio.get_running_loop().create_future()
        self._asked.setdefault(name, []).append(answer)
        self._now = max(self._now, now)
        if not self._is_asking:
            self._is_asking = True
            self._tasks.start(self._answer_all())
        seen: _Seen = await answer
        watched.take_promises(seen.promises.get(name, ()))
        watched.take_others(seen.runs.get(name, ()))

    async def _answer_all(self) -> None:
        try:
            while self._asked:
                await self._answer_some({name: self._asked.pop(name) for name in [*islice(self._asked, _AT_ONCE)]})
        finally:
            self._is_asking = False

    async def _answer_some(self, asked: dict[str, list[_Answer]]) -> None:
        try:
            seen = await self.ask(partial(self._read, list(asked), self._now))
        except StoreFault as fault:
            # Whoever waits still would be told the same, and only later.
            waiting, self._asked = self._asked, {}
            _end([*asked.values(), *waiting.values()], fault)
        except Exception as fault:  # noqa: BLE001 # what is wrong with one release must not keep the others from being judged
            if len(asked) == 1:
                _end(asked.values(), fault)
                return
            for name, answers in asked.items():
                await self._answer_some({name: answers})
        else:
            self.learn(seen.blind)
            for answer in (answer for answers in asked.values() for answer in answers if not answer.done()):
                answer.set_result(seen)

    def _read(self, releases: Sequence[str], now: datetime) -> _Seen:
        runs: dict[str, list[Run]] = defaultdict(list)
        promises: dict[str, list[Promise]] = defaultdict(list)
        for run in self.store.runs.of_releases(releases):
            runs[release_from_id(run.target)].append(run)
        for promise in self.store.ledger.promises(releases):
            promises[promise.release].append(promise)
        return _Seen(runs, promises, self.store.runs.blind(now - _LATELY, now))


def _end(asked: Iterable[list[_Answer]], fault: Exception) -> None:
    for answer in (answer for answers in asked for answer in answers if not answer.done()):
        answer.set_exception(fault)

"""Read what other monitors on the same store saw of a release, before a verdict on it is
recorded.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from monitor.errors import StoreFault
from monitor.judge.runs import Blind, Run
from monitor.plan.proof import NEVER
from monitor.store.members import Members
from monitor.store.sql.engine import Store
from monitor.threads import Ask, Tasks
from monitor.watch.release import WatchedRelease, group_by_release
from schedules.promise import Promise

_BLIND_SPANS_BACK = timedelta(days=1)
_PORTION = 200


@dataclass(frozen=True, slots=True)
class _StoredKnowledge:
    """The runs and promises that the store has for some releases, by id, and the latest blind
    spans.
    """

    runs: dict[str, list[Run]]
    promises: dict[str, list[Promise]]
    blind: list[Blind]


_PendingCall = asyncio.Future[_StoredKnowledge]
"""A call of `merge_into` that waits for what the store has."""


@dataclass(slots=True)
class OtherMonitors:
    """Reads other monitors' looks from the store. Passes their blind spans to `add_blind_spans`.

    One query runs at a time, and all calls that come while it runs share the next. Otherwise, in a
    busy minute or after a start, many queries would queue and look as if the store did not answer.
    """

    store: Store
    ask: Ask
    members: Members
    add_blind_spans: Callable[[Iterable[Blind]], object]
    _waiting: dict[str, list[_PendingCall]] = field(default_factory=dict)
    _is_reading: bool = False
    _now: datetime = NEVER  # the latest `now` of all calls
    _tasks: Tasks = field(default_factory=Tasks)

    async def merge_into(self, watched: WatchedRelease, now: datetime) -> None:
        """Read what other monitors stored for a release, and add their runs and promises to it.

        Raises `StoreFault`.
        """
        name, call = watched.release.id, asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append(call)
        self._now = max(self._now, now)
        if not self._is_reading:
            self._is_reading = True
            self._tasks.start(self._read_for_all_calls())
        stored: _StoredKnowledge = await call
        watched.merge_promises(stored.promises.get(name, ()))
        watched.replace_other_runs(stored.runs.get(name, ()))

    async def _read_for_all_calls(self) -> None:
        """Read the releases that calls of `merge_into` wait for, a portion at a time, until no call
        waits.
        """
        try:
            while self._waiting:  # calls by release
                portion = list(islice(self._waiting, _PORTION))
                await self._read_for_calls(
                    {release: self._waiting.pop(release) for release in portion}
                )
        finally:
            self._is_reading = False

    async def _read_for_calls(self, calls: dict[str, list[_PendingCall]]) -> None:
        """Read the releases of `calls` together, or after a fault one by one.

        Give each call its result or fault.
        """
        try:
            stored = await self.ask(partial(self._read_store, list(calls), self._now))
        except StoreFault as fault:
            # All calls that still wait would fail in the same way, only later.
            waiting, self._waiting = self._waiting, {}
            _fail_calls([*calls.values(), *waiting.values()], fault)
        except Exception as fault:  # noqa: BLE001 # a fault with one release must not stop the others
            if len(calls) == 1:
                _fail_calls(calls.values(), fault)
                return
            for name, calls_for_one in calls.items():
                await self._read_for_calls({name: calls_for_one})
        else:
            self.add_blind_spans(stored.blind)
            for call in (call for group in calls.values() for call in group if not call.done()):
                call.set_result(stored)

    def _read_store(self, releases: Sequence[str], now: datetime) -> _StoredKnowledge:
        promises: dict[str, list[Promise]] = defaultdict(list)
        for promise in self.store.ledger.promises(releases):
            promises[promise.release].append(promise)
        runs = group_by_release(self.store.runs.of_releases(releases))
        return _StoredKnowledge(runs, promises, self.store.runs.blind(now - _BLIND_SPANS_BACK, now))


def _fail_calls(groups: Iterable[list[_PendingCall]], fault: Exception) -> None:
    for call in (call for group in groups for call in group if not call.done()):
        call.set_exception(fault)

"""Releases judged as looks come in, and what is news written down: each release by itself, whatever the store does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.judge.findings.platform import BEHIND, Settled, settled, with_platform
from monitor.judge.judge import judge
from monitor.judge.verdict import Verdict, Word
from monitor.ledger.promise_check import PromiseCheck
from monitor.threads import Tasks, in_turns
from monitor.watch.blind_spans import BlindSpans
from monitor.watch.judging_queue import JudgingQueue
from monitor.watch.other_monitors import OtherMonitors
from monitor.watch.planner import Planner, WatchRules
from monitor.watch.record_verdict import Recorder
from monitor.watch.release import WatchedRelease

_AGAIN = timedelta(seconds=1)
_AFTER_A_FAULT = timedelta(minutes=1)


@dataclass(slots=True)
class Judging:
    """Keeps the verdicts of these releases true; `others` are monitors on the same store.

    While our clock was `set_wrong` a moment ago nothing is judged by it.

    Verdicts are in memory at once. What people are told of them waits for the store, release by release.
    """

    clock: Clock
    releases: Mapping[str, WatchedRelease]
    planner: Planner
    recorder: Recorder
    rules: WatchRules
    queue: JudgingQueue
    blind: BlindSpans
    others: OtherMonitors | None
    _: KW_ONLY
    set_wrong: Callable[[], bool] = lambda: False
    check: PromiseCheck = field(default_factory=PromiseCheck)
    _tasks: Tasks = field(default_factory=Tasks)
    # Whose verdict is being written down, and whether it was judged again meanwhile.
    _under_way: dict[str, bool] = field(default_factory=dict)

    def reconfigure(self, rules: WatchRules, recorder: Recorder) -> None:
        """Judge by other rules from now on, and write down by another recorder."""
        self.rules, self.recorder = rules, recorder

    async def run(self) -> None:
        """Judge what has changed or is due to be judged again, until cancelled."""
        while True:
            due = await self.queue.next(self.releases)
            while self.set_wrong():
                await self.clock.sleep(_AGAIN / timedelta(seconds=1))
            async for release in in_turns(due, self.clock):
                if (watched := self.releases.get(release)) is not None:
                    self._judge_on(watched)
            # Where one judgement calls for another without end, looks and the store still have their turn.
            await asyncio.sleep(0)

    async def judge_all(self, releases: Iterable[str]) -> None:
        """Judge these releases and write down every verdict that changed."""
        for release in releases:
            watched = self.releases.get(release)
            if watched is not None and (news := self._judge(watched)) is not None:
                await news

    def _judge_on(self, watched: WatchedRelease) -> None:
        """Judge a release; what is news waits for the store by itself, and holds up no other release."""
        name = watched.release.id
        if name in self._under_way:
            self._requeue_same_slot(watched, self._judge_and_replan(watched, self.clock.now()))
            self._under_way[name] = True
        elif (news := self._judge(watched)) is not None:
            self._under_way[name] = False
            self._tasks.start(self._record_in_background(name, news))

    async def _record_in_background(self, release: str, news: Awaitable[None]) -> None:
        try:
            await news
        except Exception:  # what is wrong with one release must not end the watch over all others
            self.queue.at(self.clock.now() + _AFTER_A_FAULT, release)
            raise
        finally:
            if self._under_way.pop(release):
                self.queue.soon(release)

    def _judge(self, watched: WatchedRelease) -> Coroutine[Any, Any, None] | None:
        """Judge a release; return what writes down that its verdict is another, None when it is not."""
        now = self.clock.now()
        verdict = self._judge_and_replan(watched, now)
        if watched.planning_only_until is not None and now < watched.planning_only_until:
            self.queue.at(watched.planning_only_until, watched.release.id)
            return None
        watched.planning_only_until = None
        is_news = self.recorder.is_news(watched, verdict, self.blind.spans)
        if is_news and self.others is not None:
            return self._with_others(self.others, watched, now)
        if self._defer_for_calendar_read(watched, verdict) or not is_news:
            return None
        return self._record(watched, verdict, now)

    async def _with_others(self, others: OtherMonitors, watched: WatchedRelease, now: datetime) -> None:
        """Judge a release again by what other monitors saw too, which may prove what we could not."""
        if not await self._merge_other_monitors(others, watched, now):
            return
        if self.set_wrong():
            self.queue.soon(watched.release.id)
            return
        now, known = self.clock.now(), (watched.others, watched.promises)
        verdict = self._judge_and_replan(watched, now)
        if self._defer_for_calendar_read(watched, verdict):
            return
        await self._record(watched, verdict, now)
        # Two that write at once know nothing of each other's looks; whoever wrote last finds both.
        if await self._merge_other_monitors(others, watched, now) and (watched.others, watched.promises) != known:
            self.queue.soon(watched.release.id)

    async def _merge_other_monitors(self, others: OtherMonitors, watched: WatchedRelease, now: datetime) -> bool:
        try:
            await others.take_in(watched, now)
        except StoreFault:
            # It is news again, and asked anew, whatever was written of it.
            watched.last_recorded = None
            self.queue.at(now + _AGAIN, watched.release.id)
            return False
        return True

    def _defer_for_calendar_read(self, watched: WatchedRelease, verdict: Verdict) -> bool:
        """Tell whether a verdict waits for its calendars to be read again; else others of its slot learn of it."""
        again = self.check.defer_for_calendar_read(watched, verdict, partial(self.queue.soon, watched.release.id))
        if again is not None:
            self.queue.at(again, watched.release.id)
        if not watched.waits:
            self._requeue_same_slot(watched, verdict)
        return watched.waits

    def _requeue_same_slot(self, watched: WatchedRelease, verdict: Verdict) -> None:
        """Have others of its slot judged again, once for each change: two that ring each other must come to an end."""
        before, watched.last_propagated = watched.last_propagated, verdict
        for name in sharing_the_slot(self.releases, before, verdict):
            self.queue.soon(name)

    async def _record(self, watched: WatchedRelease, verdict: Verdict, now: datetime) -> None:
        if not await self.recorder.record(watched, verdict, self.blind.spans, now):
            self.queue.at(now + _AGAIN, watched.release.id)

    def _judge_and_replan(self, watched: WatchedRelease, now: datetime) -> Verdict:
        """Judge a release, and look at it from now on as that calls for."""
        verdict = watched.verdict = self.verdict(watched, now)
        watched.final_since = (watched.final_since or now) if verdict.final else None
        self.planner.replan(watched)
        if verdict.revisit is not None:
            self.queue.at(verdict.revisit, watched.release.id)
        return verdict

    def verdict(self, watched: WatchedRelease, now: datetime) -> Verdict:
        """Return what is proved of a release as of now."""
        policy = self.rules.policies.of(*watched.release.producers)
        others, blind = (one.published for one in self.releases.values() if one is not watched), self.blind.spans
        out = (one for one in others if one is not None)
        verdict = judge(watched.release, watched.promises, watched.runs, blind, policy, now, published=out)
        return with_platform(verdict, others_settled(self.releases, verdict))


def others_settled(releases: Mapping[str, WatchedRelease], verdict: Verdict) -> list[Settled]:
    """Return how all other releases stand, where one that is behind must be held against them."""
    if verdict.word not in BEHIND:
        return []
    others = (watched for name, watched in releases.items() if name != verdict.release)
    known = (watched.verdict for watched in others if watched.planning_only_until is None)
    return [settled(other) for other in known if other is not None]


def sharing_the_slot(releases: Mapping[str, WatchedRelease], before: Verdict | None, verdict: Verdict) -> Iterator[str]:
    """Yield the releases to be judged again, since one of their instant falls behind or is found not to.

    One that turns out on time tells against the platform, which only those that are behind rest on.
    """
    was, now = before.word if before is not None else Word.PENDING, verdict.word
    crossed, in_time = (was in BEHIND) is not (now in BEHIND), (was is Word.ON_TIME) is not (now is Word.ON_TIME)
    if not (crossed or in_time) or verdict.slot is None:
        return
    for name, other in releases.items():
        known = other.verdict
        promised = known.slot if known is not None else None
        if name == verdict.release or known is None or promised is None or promised.instant != verdict.slot.instant:
            continue
        if crossed or known.word in BEHIND:
            yield name

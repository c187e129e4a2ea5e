"""Builds verdicts on a release from looks. A number is an instant in seconds after the slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

from monitor.judge.explain.explain import Explanation, explain
from monitor.judge.judge import ReleaseCase
from monitor.judge.policy import Policies, Policy
from monitor.judge.runs import Blind, Run, Runs
from monitor.judge.verdict import Verdict
from monitor.judge.witnesses import Publication
from schedules.announcement import Part
from schedules.contract.verdict import Finding, FindingKind
from schedules.promise import Promise
from schedules.release import Release
from tests.worlds.instants import after_slot
from tests.worlds.looks import ABSENT, PRESENT, Looks, RegularLooks, Turn, a_run, target_id
from tests.worlds.releases import a_promise, a_release

Seen = Sequence[Turn] | Mapping[str, Sequence[Turn] | Sequence[Run] | RegularLooks | Looks]
"""What was seen of each target by name; of the page alone, what it answered from when on, looked at
every second.
"""


def runs_seen(now: float, seen: Seen, every: float = 1.0) -> dict[str, list[Run]]:
    """Return the runs of every target by its id, as far as they had come at `now`."""
    by_name = seen if isinstance(seen, Mapping) else {"page": seen} if seen else {}
    return {target_id(name): _runs(name, each, now, every) for name, each in by_name.items()}


def _runs(
    name: str, each: Sequence[Turn] | Sequence[Run] | RegularLooks | Looks, now: float, every: float
) -> list[Run]:
    if isinstance(each, RegularLooks | Looks):
        return each.runs(name, now)
    if not each or isinstance(each[0], Run):
        return list(each)
    return RegularLooks(each, every).runs(name, now)


@dataclass(frozen=True)
class Case:
    """All facts of a verdict.

    `release` replaces the usual release, which has `parts` besides its page.
    """

    now: float
    seen: Seen = ()
    parts: Sequence[Part] = ()
    promises: Sequence[Promise] = field(default_factory=lambda: [a_promise()])
    blind: Sequence[Blind] = ()
    policy: Policy = field(default_factory=Policy)
    release: Release | None = None
    every: float = 1.0
    published: Sequence[Publication] = ()

    def _release_case(self) -> ReleaseCase:
        release = self.release or a_release(*self.parts)
        runs = runs_seen(self.now, self.seen, self.every)
        return ReleaseCase(release, self.promises, runs, self.blind, lambda: self.published)

    def verdict(self) -> Verdict:
        return self._release_case().judge(Policies(self.policy), after_slot(self.now))

    def explanation(self) -> Explanation:
        return explain(self.verdict(), self._release_case(), self.policy)


def judge(  # all facts behind a verdict
    release: Release,
    promises: Sequence[Promise],
    runs: Runs,
    blind: Sequence[Blind],
    policy: Policy,
    now: datetime,
) -> Verdict:
    """Return the verdict on a release as of `now`."""
    return ReleaseCase(release, promises, runs, blind).judge(Policies(policy), now)


def judged(now: float, seen: Seen = (), *parts: Part, **more: object) -> Verdict:
    """Return the verdict at `now`.

    More keywords: `promises`, `blind`, `policy`, `release`, `every`, `published`.
    """
    return Case(now, seen, parts, **more).verdict()


def explained(now: float, seen: Seen = (), *parts: Part, **more: object) -> Explanation:
    """Return the explanation of the verdict that `judged` gives."""
    return Case(now, seen, parts, **more).explanation()


@cache
def a_late_verdict(now: float, release: str = "r", seconds_late: float = 1200.0) -> Verdict:
    """Return the verdict at `now` on a release whose page appeared late by so many seconds."""
    page = f"{release}/page/edge"
    runs = [a_run(page, ABSENT, -3600, min(now, seconds_late))]
    if now > seconds_late:
        runs.append(a_run(page, PRESENT, seconds_late + 1, now))
    return judged(
        now, {page: runs}, promises=[a_promise(release=release)], release=a_release(id=release)
    )


def found(verdict: Verdict, kind: FindingKind) -> list[Finding]:
    """Return the findings of one kind."""
    return [each for each in verdict.findings if each.kind is kind]


def kinds(verdict: Verdict) -> list[FindingKind]:
    """Return the kind of every finding."""
    return [each.kind for each in verdict.findings]

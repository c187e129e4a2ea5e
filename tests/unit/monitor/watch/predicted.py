"""Releases whose parts are expected by earlier editions: what was judged of those, and a watch that stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.store.rows import Judged
from monitor.watch.predicted_addresses import Edition
from monitor.watch.release import WatchedRelease
from schedules.announcement import Origin, Part, Role
from schedules.regular_series import Series
from schedules.release import Release
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, RegularLooks
from tests.worlds.releases import a_promise, a_release

SITE = "https://stats.example"
PREDICTED_FILE = Part("expected-1", Role.DATA, f"{SITE}/trade-april-2017.csv", required=False, origin=Origin.PREDICTED)


def part(url: str, name: str = "found-1", role: Role = Role.DATA) -> Part:
    return Part(name, role, url, required=False)


def release(title: str = "UK trade: April 2017", url: str = f"{SITE}/trade/april-2017", *parts: Part) -> Release:
    return Release("r", title, "ons", url, (Part("page", Role.PAGE, url), *parts))


def verdict_with_prediction(now: float, *states: tuple[float, State]) -> Verdict:
    """Return the verdict at an instant on a release that came on time, with these states at its predicted file."""
    stories = {
        "page/edge": RegularLooks([(-120, ABSENT), (1, PRESENT)], specific=True),
        "expected-1/edge": RegularLooks(states),
    }
    runs = {f"r/{view}": story.runs(view, now) for view, story in stories.items()}
    return judge(a_release(PREDICTED_FILE), [a_promise()], runs, [], Policy(), after_slot(now))


@dataclass
class StandingClock:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds


def judged_row(title: str, name: str, *parts: dict[str, object]) -> Judged:
    body = {"title": title, "url": f"{SITE}/{name}", "parts": list(parts)}
    return Judged(name, "ofqual", SLOT - timedelta(days=30), "on_time", "none", final=True, at=SLOT, body=body)


def part_row(name: str, url: str, by: str | None = "2017-12-05T09:30:00.000Z") -> dict[str, object]:
    return {"id": name, "role": "data", "url": url, "required": False, "first_seen": {"after": None, "by": by}}


async def ask(question: Callable[[], dict[Series, list[Edition]]]) -> dict[Series, list[Edition]]:
    return question()


@dataclass
class WatchStub:
    """Stands in for the watch, and keeps the parts that were added to each release."""

    releases: dict[str, WatchedRelease]
    added: list[tuple[str, list[Part]]] = field(default_factory=list)

    def add_parts(self, name: str, parts: list[Part]) -> None:
        self.added.append((name, parts))

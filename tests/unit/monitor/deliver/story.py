"""One release that misses its slot, told step by step, and what it takes to tell people of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from alerts.channel import Channel
from monitor.clock import Clock
from monitor.deliver.facts import Measured
from monitor.deliver.outbox import Outbox
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecord
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.judge.runs import Run
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.store.interface import Store
from monitor.store.writer import Writer
from schedules.announcement import Part, Role
from schedules.announcement import State as Standing
from schedules.promise import Promise
from schedules.release import Release
from schedules.slot import Precision, Slot

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
URL = "https://www.gov.uk/government/statistics/malpractice"
STEPS = (-600, 120, 400, 1300, 1800)
"""Seconds from the slot at which the release is judged: pending, overdue, overdue and worse, out at last, final."""


def at(seconds: float) -> datetime:
    return SLOT + timedelta(seconds=seconds)


def a_release(name: str = "r", title: str = "Malpractice") -> Release:
    return Release(name, title, "ofqual", URL, (Part("page", Role.PAGE, URL, "status"),), ("govuk",))


def a_promise(name: str = "r") -> Promise:
    return Promise(
        name,
        "govuk",
        Slot(Precision.INSTANT, instant=SLOT),
        Standing.CONFIRMED,
        at(-86400 * 40),
        confirmed_at=at(86400),
    )


def a_run(name: str, state: State, begins: float, ends: float) -> Run:
    first, last = at(begins), at(ends)
    return Run(f"{name}/page/edge", state, first, last, begin=first, end=last, looks=10)


@cache
def a_verdict(now: float, name: str = "r", out: float = 1200.0) -> Verdict:
    """Return the verdict `now` seconds after the slot on a release that comes out `out` seconds after it."""
    runs = [a_run(name, State.ABSENT, -3600, min(now, out))]
    if now > out:
        runs.append(a_run(name, State.PRESENT, out + 1, now))
    return judge(a_release(name), [a_promise(name)], {f"{name}/page/edge": runs}, [], Policy(), at(now))


def rules_with(*channels: Channel) -> ReportingRules:
    return ReportingRules(channels=[channel.name for channel in channels])


async def record(writer: Writer, events: VerdictRecord, verdict: Verdict, now: datetime) -> None:
    await writer.write(lambda tx: events.record(tx, verdict, Measured(), now))


async def directly(question: Callable[[], object]) -> object:
    """Ask the store at once, without a thread."""
    return question()


def an_outbox(
    store: Store, writer: Writer, channels: Sequence[Channel], clock: Clock, told: list[tuple[str, str]], seed: int = 1
) -> Outbox:
    rng = Random(seed)  # noqa: S311 # spreads retries, guards nothing
    return Outbox(
        store,
        writer,
        channels,
        clock,
        directly,
        rng=rng,
        told=lambda name, outcome: told.append((name, outcome)),
    )

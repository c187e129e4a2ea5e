"""A day on which a platform fails: its verdicts as they are made, and all messages sent about
them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.by_hand import acknowledge_incident
from alerts.incident import Incident
from alerts.platform import platform_id
from alerts.rota import Rota
from alerts.routes import Route
from monitor.clock import VirtualClock
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.reminders import Reminders
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.findings.platform import add_platform_finding, slot_verdict
from monitor.rehearse.virtual_loop import run_virtually
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import a_channel, an_outbox, query_at_once, record_verdict
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.releases import a_promise, a_release
from tests.worlds.routes import a_route
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict
from tests.worlds.virtual import Test, asking_for

PRODUCERS = ("dfe", "dfe", "dfe", "ofqual", "ofqual", "ofqual", "ons", "ons")
PRODUCERS_BY_RELEASE = {f"r{place}": producer for place, producer in enumerate(PRODUCERS)}
PUBLISHED_AT = {name: 1200.0 + 900 * place for place, name in enumerate(PRODUCERS_BY_RELEASE)}
"""Seconds after the slot at which each release is published: r0 after 20 minutes, each other 15
minutes later.
"""
A_MINUTE_LATE, FIVE_MINUTES_LATE = 61, 301
"""Seconds after the slot. Then an overdue release gets the grade note, and later the grade
report.
"""
PLATFORM_INCIDENT = platform_id("www.gov.uk", SLOT)
ROUTES = (
    a_route("mail", "pager", "hook"),
    a_route("dfe", producer="dfe"),
    a_route("ons", producer="ons"),
)
FOLDING = frozenset({"mail", "pager", "dfe", "ons"})


@dataclass
class Day:
    """Eight releases with one slot on one host, and the channels that get messages about them."""

    clock: VirtualClock
    store: TemporaryStore = field(default_factory=TemporaryStore)
    routes: Sequence[Route] = ROUTES
    folding: frozenset[str] = FOLDING
    rotas: Mapping[str, Rota] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.store.transaction() as tx:
            tx.save(*(a_release(id=name) for name in PRODUCERS_BY_RELEASE))
            tx.add_promises(replace(a_promise(), release=name) for name in PRODUCERS_BY_RELEASE)
        self.channels = {
            name: a_channel(self.clock, name) for name in (*sorted(self.folding), "hook")
        }
        names, rotas = sorted(self.channels), dict(self.rotas)
        self.rules = ReportingRules(
            channels=names,
            routes=self.routes,
            folding=self.folding,
            pagers=["pager"],
            rotas=rotas,
            hooks=["hook"],
        )
        self.writer = Writer(self.store, self.clock)
        self.recorder = VerdictRecorder(self.rules)
        options = OutboxOptions(rules=self.rules)
        self.outbox: Outbox = an_outbox(
            self.store, self.writer, list(self.channels.values()), self.clock, options
        )
        self.reminders = Reminders(
            self.store,
            self.writer,
            self.clock,
            self.rules,
            remind_after=timedelta(minutes=15),
            remind_every=timedelta(minutes=30),
            current_incidents=CurrentIncidents(
                self.store, lambda _read, _release, _now: None, self.recorder
            ),
            ask=query_at_once,
            wake=self.outbox.wake,
            record_given_up=lambda _deliveries: None,
            record_owed=lambda _reports, _oldest_age, _actions: None,
        )

    async def judge_at(
        self, seconds: float, names: Sequence[str] = tuple(PRODUCERS_BY_RELEASE)
    ) -> None:
        """Judge these releases so many seconds after the slot, twice, because the last may change
        the first.
        """
        await self.run_until(seconds)
        verdicts = {name: a_late_verdict(seconds, name, PUBLISHED_AT[name]) for name in names}
        for name, verdict in verdicts.items():
            verdicts[name] = replace(
                verdict, producer=PRODUCERS_BY_RELEASE[name], title=f"Title {name}"
            )
        known: list[str] = []
        for name in (*names, *names):
            known.append(name)
            others = [slot_verdict(verdicts[other]) for other in known if other != name]
            found = add_platform_finding(verdicts[name], others)
            recorded = await record_verdict(self.writer, self.recorder, found, self.clock.now())
            self.reminders.wake_for_notices(recorded)

    def acknowledge(self, incident: Incident, role: str) -> None:
        with self.store.transaction() as tx:
            tx.save(acknowledge_incident(incident, role, self.clock.now()))

    async def run_until(self, seconds: float) -> None:
        """Let time pass to so many seconds after the slot; send all reminders and messages due
        meanwhile.
        """
        while self.clock.now() < after_slot(seconds):
            await self.reminders.remind()
            for name in self.channels:
                await self.outbox.send_due(name)
            await self.clock.sleep(
                min(20.0, (after_slot(seconds) - self.clock.now()).total_seconds())
            )

    def subjects(self, name: str) -> list[str]:
        return [message.subject for message in self.channels[name].messages.values()]

    def kinds(self, name: str) -> list[str]:
        return [message.kind for message in self.channels[name].messages.values()]

    def platform_incident(self) -> Incident:
        found = self.store.verdicts.incident(PLATFORM_INCIDENT)
        assert found is not None
        return found


def play_day(
    story: Callable[[Day], Awaitable[None]],
    make_day: Callable[[VirtualClock], Day] = Day,
    begins: datetime = after_slot(60),  # noqa: B008 # an instant does not change
) -> None:
    """Run a story of a day, by default from a minute after the slot."""

    async def run_story(clock: VirtualClock) -> None:
        day = make_day(clock)
        await story(day)
        day.writer.abandon()

    run_virtually(run_story, begins)


def with_day(test: Test) -> Callable[..., None]:
    """Run a coroutine as a test. Its `day` begins a minute after the slot."""
    return asking_for(lambda: play_day(lambda day: test(day=day)), test, given=("day",))

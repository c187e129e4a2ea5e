"""A day on which a platform fails, as its verdicts come in, and everything that people are told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from alerts.incident import Incident
from alerts.platform import platform_id
from alerts.rota import Rota
from alerts.routes import Route
from monitor.clock import VirtualClock
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.facts import Measurement
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.reminders import Reminders, ReminderTimes
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.findings.platform import settled, with_platform
from monitor.store.writer import Writer
from tests.unit.monitor.deliver.outbox import an_outbox, directly, recording
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.releases import a_promise, a_release
from tests.worlds.routes import a_route
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict

WHOSE = {f"r{place}": ("dfe", "dfe", "dfe", "ofqual", "ofqual", "ofqual", "ons", "ons")[place] for place in range(8)}
OUT = {name: 1200.0 + 900 * place for place, name in enumerate(WHOSE)}
NAME = platform_id("www.gov.uk", SLOT)
ROUTES = (a_route("mail", "pager", "hook"), a_route("dfe", producer="dfe"), a_route("ons", producer="ons"))
FOLDING = frozenset({"mail", "pager", "dfe", "ons"})


@dataclass
class Day:
    """A day on which a platform fails, as its verdicts come in."""

    clock: VirtualClock
    store: TemporaryStore = field(default_factory=TemporaryStore)
    routes: Sequence[Route] = ROUTES
    folding: frozenset[str] = FOLDING
    rotas: Mapping[str, Rota] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.store.transaction() as tx:
            tx.save_releases(a_release(id=name) for name in WHOSE)
            tx.add_promises(replace(a_promise(), release=name) for name in WHOSE)
        self.channels = {name: recording(self.clock, name) for name in (*sorted(self.folding), "hook")}
        names, rotas = sorted(self.channels), dict(self.rotas)
        self.rules = ReportingRules(
            channels=names, routes=self.routes, folding=self.folding, pagers=["pager"], rotas=rotas, hooks=["hook"]
        )
        self.writer = Writer(self.store, self.clock)
        self.events = VerdictRecorder(self.store, self.rules)
        options = OutboxOptions(rules=self.rules)
        self.outbox: Outbox = an_outbox(self.store, self.writer, list(self.channels.values()), self.clock, options)
        self.reminders = Reminders(
            self.store,
            self.writer,
            self.clock,
            self.rules,
            ReminderTimes(),
            current_incidents=CurrentIncidents(self.store.verdicts, lambda _release, _now: None, self.events),
            ask=directly,  # type: ignore[arg-type] # answers at once
            wake=self.outbox.wake,
        )

    async def judged(self, seconds: float, names: Sequence[str] = tuple(WHOSE)) -> None:
        """Judge all at an instant, twice: what the last one shows tells of the first one too."""
        await self.on_to(seconds)
        verdicts = {
            name: replace(a_late_verdict(seconds, name, OUT[name]), producer=WHOSE[name], title=f"Title {name}")
            for name in names
        }
        known: list[str] = []
        for name in (*names, *names):
            known.append(name)
            others = [settled(verdicts[other]) for other in known if other != name]
            found, now = with_platform(verdicts[name], others), self.clock.now()
            self.reminders.wake_for_notices(
                await self.writer.write(
                    lambda tx, found=found, now=now: self.events.record(tx, found, Measurement(), now)
                )
            )

    async def on_to(self, seconds: float) -> None:
        """Let time pass, with reminders and everything that falls due meanwhile sent."""
        while self.clock.now() < after_slot(seconds):
            await self.reminders.remind()
            for name in self.channels:
                await self.outbox.send_due(name)
            await self.clock.sleep(min(20.0, (after_slot(seconds) - self.clock.now()).total_seconds()))

    def got(self, name: str) -> list[str]:
        return [message.subject for message in self.channels[name].messages.values()]

    def kinds(self, name: str) -> list[str]:
        return [message.kind for message in self.channels[name].messages.values()]

    def platform(self) -> Incident:
        found = self.store.verdicts.incident(NAME)
        assert found is not None
        return found

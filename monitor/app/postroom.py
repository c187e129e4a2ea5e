"""Settings to what brings notices to people and hears what they say: the outbox, and the reminders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from alerts.channel import Channel
from monitor.app.options import policies_of
from monitor.app.options_of_people import digesting_of, endings_of, links_of
from monitor.clock import Clock
from monitor.config.settings import Settings
from monitor.deliver.outbox import Outbox, OutboxOptions
from monitor.deliver.reminders import Attendant, Reminding
from monitor.deliver.rules import ReportingRules
from monitor.health.metrics import Metrics
from monitor.store.interface import Store
from monitor.store.lease import Leaseholder
from monitor.store.open import is_shared
from monitor.store.writer import Writer
from monitor.threads import Ask
from monitor.watch.rejudge import facts_of

_TURN = timedelta(seconds=10)
"""How long a killed process keeps the outbox from another; where a store is shared, how often that one looks."""


@dataclass(frozen=True, slots=True)
class Postroom:
    """Makes both from the same things. `seed` fixes every random choice, None leaves them to chance."""

    settings: Settings
    store: Store
    writer: Writer
    clock: Clock
    reporting: ReportingRules
    channels: Sequence[Channel]
    metrics: Metrics
    ask: Ask
    seed: int | None

    def outbox(self) -> Outbox:
        """Return what sends the outbox."""
        return Outbox(
            self.store,
            self.writer,
            self.channels,
            endings_of(self.settings, self.channels),
            self.clock,
            self.ask,
            rng=Random(self.seed),  # noqa: S311 # spreads retries, guards nothing
            told=lambda channel, outcome: self.metrics.notices.labels(channel, outcome).inc(),
            customs=self._customs(),
        )

    def attendant(self, ring: Callable[[], None]) -> Attendant:
        """Return who takes what people say; `ring` says that the outbox has something new."""
        alert, vantage, policies = self.settings.alert, self.settings.watch.vantage, policies_of(self.settings)
        return Attendant(
            self.store,
            self.writer,
            self.clock,
            self.reporting,
            Reminding(alert.remind_after, alert.remind_every),
            ask=self.ask,
            ring=ring,
            given_up=self.metrics.given_up.set,
            afresh=lambda release, now: facts_of(self.store, policies, vantage, release, now),
        )

    def _customs(self) -> OutboxOptions:
        # Of this process alone: two monitors of one name must not both believe to hold the outbox.
        mark = Random(self.seed).getrandbits(32)  # noqa: S311 # tells processes apart, guards nothing
        shared = is_shared(self.settings.store.url)
        return OutboxOptions(
            links=links_of(self.settings),
            templates=self.reporting.templates,
            digesting=digesting_of(self.settings),
            holder=Leaseholder(f"{self.settings.watch.vantage} {mark:08x}", _TURN),
            **({"idle": _TURN} if shared else {}),
        )

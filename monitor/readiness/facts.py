"""The facts from which readiness is assessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.rota import Rota
from monitor.judge.runs import Blind, Run
from monitor.look.forecast import SlotForecast
from monitor.store.rows import Act, Heartbeat, Lease
from schedules.in_force import InForce
from schedules.release import Release


@dataclass(frozen=True, slots=True)
class DueRelease:
    """A release with a slot that is still ahead.

    `release` has all watched parts. The promise must have been shown within `confirmed_within`.
    `public` are the addresses with an open exposure. `last_runs` is the newest run of each of its
    targets. `ticks` are acts upon it, oldest first.
    """

    release: Release
    promised: InForce
    slot: datetime
    confirmed_within: timedelta
    public: tuple[str, ...] = ()
    last_runs: tuple[Run, ...] = ()
    ticks: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host with parts of the releases.

    `answered` is when it last answered usably. `failed` is when a later look failed, and `why` the
    reason. `forecasts` are the slots for which its budget, `rate` looks a second, is scarce.
    `certificate_ends` is None if it is not known.
    """

    host: str
    rate: float
    last_slot: datetime
    answered: datetime | None = None
    failed: datetime | None = None
    why: str = ""
    forecasts: tuple[SlotForecast, ...] = ()
    certificate_ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class CalendarFacts:
    """A configured calendar, with its last usable read and the age from which that is stale."""

    name: str
    last_usable: datetime | None
    stale_after: timedelta


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A channel, with when it last took a delivery, and when one was last given up."""

    name: str
    delivered: datetime | None = None
    given_up: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProducerFacts:
    """A producer, with the keys of its `report` table that are not set."""

    id: str
    name: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts about the releases of some slots, and about what they share.

    `blind` are recent blind spans of whole monitors. `takes_acknowledgements` is whether notices
    have a link with which their readers can acknowledge. `names` are the leases on the names of
    monitors that share the store.
    """

    timezone: str
    releases: tuple[DueRelease, ...]
    hosts: tuple[HostFacts, ...] = ()
    calendars: tuple[CalendarFacts, ...] = ()
    monitors: tuple[Heartbeat, ...] = ()
    blind: tuple[Blind, ...] = ()
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    channels: tuple[ChannelFacts, ...] = ()
    producers: tuple[ProducerFacts, ...] = ()
    takes_acknowledgements: bool = False
    names: tuple[Lease, ...] = ()

"""Assess people and their channels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain

from alerts.rota import Rota
from monitor.readiness.facts import ChannelFacts, Facts, ProducerFacts
from monitor.readiness.line import Area, Line, Readiness
from schedules.times.words import moment

_AROUND_SLOT = timedelta(minutes=10)
"""Someone must be on call from so long before a slot until so long after it."""
_USED_WITHIN = timedelta(days=31)
"""A channel that took nothing for so long may have lost its access without anyone noticing."""


def assess_people(facts: Facts, now: datetime) -> Iterator[Line]:
    """Yield whether people are on call, reached, able to acknowledge, and named for reports."""
    slots = sorted({due.slot for due in facts.releases})
    for rota in facts.rotas.values():
        yield _assess_rota(rota, slots, now, facts.timezone)
    if not facts.rotas:
        yield Line(
            Area.PEOPLE,
            "on_call",
            "rota",
            Readiness.NOT_KNOWN,
            "no rota is configured, so it is not known who is on call",
            "Add a `[[rota]]`.",
        )
    for channel in facts.channels:
        yield _assess_channel(channel, now, facts.timezone)
    if not facts.channels:
        reason, todo = "no channel is configured, so no one is notified", "Add a `[[channel]]`."
        yield Line(Area.PEOPLE, "channel", "channels", Readiness.NOT_READY, reason, todo)
    yield _assess_acknowledgement(is_possible=facts.takes_acknowledgements)
    for producer in facts.producers:
        yield _assess_producer(producer)


def _assess_rota(rota: Rota, slots: list[datetime], now: datetime, zone: str) -> Line:
    uncovered = [slot for slot in slots if rota.gaps(slot - _AROUND_SLOT, slot + _AROUND_SLOT)]
    if uncovered:
        times = ", ".join(moment(slot, zone, now) for slot in uncovered)
        return Line(
            Area.PEOPLE,
            "on_call",
            rota.name,
            Readiness.NOT_READY,
            f"no one is on call around {times}",
            "Add a shift to the rota.",
        )
    roles = dict.fromkeys(chain.from_iterable(map(rota.on_call, slots)))
    reason = f"on call: {' and '.join(roles)}"
    return Line(Area.PEOPLE, "on_call", rota.name, Readiness.READY, reason)


def _assess_channel(channel: ChannelFacts, now: datetime, zone: str) -> Line:
    delivered, given_up = channel.delivered, channel.given_up
    todo = f"Run `ninethirty channel test {channel.name}`."
    if given_up is not None and (delivered is None or given_up > delivered):
        state = Readiness.NOT_READY
        reason = f"a delivery was given up at {moment(given_up, zone, now)}"
    elif delivered is None:
        state, reason = Readiness.NOT_KNOWN, "has taken no delivery yet"
    else:
        is_recent = now - delivered <= _USED_WITHIN
        state = Readiness.READY if is_recent else Readiness.NOT_KNOWN
        reason = f"last delivery {moment(delivered, zone, now)}"
        todo = "" if is_recent else todo
    return Line(Area.PEOPLE, "channel", channel.name, state, reason, todo)


def _assess_acknowledgement(*, is_possible: bool) -> Line:
    if is_possible:
        reason = "notices have a link to acknowledge"
        return Line(Area.PEOPLE, "acknowledge", "notices", Readiness.READY, reason)
    return Line(
        Area.PEOPLE,
        "acknowledge",
        "notices",
        Readiness.NOT_READY,
        "no link of a notice lets its reader acknowledge",
        "Set `public_url` in `[web]`, and `link_key` or `users_file`.",
    )


def _assess_producer(producer: ProducerFacts) -> Line:
    if not producer.missing:
        reason = "its report has a Head of Profession, a contact and a recipient"
        return Line(Area.PEOPLE, "producer", producer.name, Readiness.READY, reason)
    return Line(
        Area.PEOPLE,
        "producer",
        producer.name,
        Readiness.NOT_READY,
        f"its report lacks: {', '.join(producer.missing)}",
        f"Set them in the table `report` of the producer {producer.id}.",
    )

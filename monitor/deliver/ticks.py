"""Ticks as acts: what was prepared before a slot, by which account, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from alerts.incident import Entry
from alerts.ticks import PAST, Tick
from monitor.store.rows import Act, Actor

_PREFIX = "ticked_"


def make_tick(actor: Actor, tick: Tick, release: str, now: datetime) -> Act:
    """Return the act by which an actor ticks something about a release."""
    return actor.act(f"{_PREFIX}{tick}", release, now)


def select_ticks(acts: Iterable[Act]) -> Iterator[tuple[Tick, Act]]:
    """Yield those of these acts that tick something, with what they tick."""
    for act in acts:
        if act.what.startswith(_PREFIX):
            yield Tick(act.what.removeprefix(_PREFIX)), act


def entries_of_ticks(acts: Iterable[Act]) -> tuple[Entry, ...]:
    """Return the ticks among these acts as entries of an incident, in the past tense."""
    return tuple(Entry(act.at, act.role, PAST[tick]) for tick, act in select_ticks(acts))

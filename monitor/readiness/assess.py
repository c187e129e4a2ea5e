"""Assess whether everything is ready for the slots of releases. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from monitor.readiness.facts import DueRelease, Facts
from monitor.readiness.hosts import assess_hosts
from monitor.readiness.leaks import assess_leaks
from monitor.readiness.line import Line, sort_lines
from monitor.readiness.monitors import assess_monitors
from monitor.readiness.people import assess_people
from monitor.readiness.promises import assess_address, assess_promise
from monitor.readiness.ticks import assess_ticks


def assess_readiness(facts: Facts, now: datetime) -> tuple[Line, ...]:
    """Return a line for each check, what is not ready first.

    Without a release there is nothing to be ready for, so no line.
    """
    if not facts.releases:
        return ()
    zone = facts.timezone
    of_releases = chain.from_iterable(_assess_release(due, now, zone) for due in facts.releases)
    shared = (
        *assess_hosts(facts, now),
        *assess_monitors(facts, now),
        *assess_people(facts, now),
    )
    return sort_lines((*of_releases, *shared))


def _assess_release(due: DueRelease, now: datetime, zone: str) -> Iterator[Line]:
    yield from assess_promise(due, now, zone)
    yield assess_address(due)
    yield assess_leaks(due, now, zone)
    yield from assess_ticks(due, now, zone)

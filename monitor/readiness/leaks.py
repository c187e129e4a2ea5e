"""Assess whether anything of a release is public before its slot."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.look.sighting import State
from monitor.plan.targets import View, parse_target_id
from monitor.readiness.facts import DueRelease
from monitor.readiness.line import Area, Line, Readiness
from schedules.announcement import Origin
from schedules.times.words import count, moment

_FRESH = timedelta(minutes=30)
"""Far from the slot a page is looked at every five minutes, and a scarce budget spreads these."""
_PAGE = ("page", View.EDGE)


def assess_leaks(due: DueRelease, now: datetime, zone: str) -> Line:
    """Return whether the last looks showed page, files and listings of a release to be absent."""
    state, reason, todo = _assess_looks(due, now, zone)
    return Line(Area.LEAKS, "absent", due.release.title, state, reason, todo, due.release.id)


def _assess_looks(due: DueRelease, now: datetime, zone: str) -> tuple[Readiness, str, str]:
    if due.public:
        return (
            Readiness.NOT_READY,
            f"public now: {' '.join(due.public)}",
            "Remove it, then follow the steps of its incident.",
        )
    runs = due.last_runs
    if not runs:
        todo = "Looks begin some days before the slot. Check then that a monitor runs."
        return Readiness.NOT_KNOWN, "not looked at yet", todo
    present = [run for run in runs if run.state in (State.PRESENT, State.WITHDRAWN)]
    if present:
        places = " ".join(dict.fromkeys(run.address or run.target for run in present))
        return (
            Readiness.NOT_KNOWN,
            f"something is at {places}, and no look shows whether it is this edition",
            "Open it, and check that it is the edition before.",
        )
    unproved = [run for run in runs if run.state is State.UNKNOWN]
    unproved_page = [run for run in unproved if parse_target_id(run.target)[1:] == _PAGE]
    if unproved_page or len(unproved) == len(runs):
        why = (unproved_page or unproved)[-1].why
        return (
            Readiness.NOT_KNOWN,
            f"no look proves that it is absent: {why}",
            "Open its address, and check that it is not out.",
        )
    absent = [run for run in runs if run.state is State.ABSENT]
    last = moment(max(run.last_received for run in absent), zone, now)
    fresh = [run for run in absent if now - run.last_received <= _FRESH]
    if not fresh:
        return (
            Readiness.NOT_KNOWN,
            f"last seen absent at {last}",
            "Check that a monitor is running.",
        )
    reason = f"{len(fresh)} of {len(runs)} looks show it absent, at {last}"
    return Readiness.READY, reason + _describe_predicted(due), ""


def _describe_predicted(due: DueRelease) -> str:
    """Return how many files were predicted so lately that they had no look yet."""
    looked_at = {parse_target_id(run.target)[1] for run in due.last_runs}
    parts = [part for part in due.release.parts if part.origin is Origin.PREDICTED]
    number = len([part for part in parts if part.id not in looked_at])
    if not number:
        return ""
    return f"; no look yet at {count(number, 'predicted file')}"

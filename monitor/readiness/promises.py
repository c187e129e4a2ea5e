"""Assess whether the promise of a release is certain, and its address known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from monitor.look.redirect import OTHER_HOST
from monitor.readiness.facts import DueRelease
from monitor.readiness.line import Area, Line, Readiness
from schedules.announcement import Address, Origin, State
from schedules.change import is_cancelled, is_standing
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.promise import Promise
from schedules.slot import Precision
from schedules.times.words import count, instant_text, moment


def assess_promise(due: DueRelease, now: datetime, zone: str) -> Iterator[Line]:
    """Yield a line for each doubt about a promise, or one that it stands."""
    promise, title = due.promised.promise, due.release.title
    if promise is None:
        return
    doubts = [
        *_find_doubts(due, promise, now, zone),
        *_find_contradictions(due, promise, now, zone),
    ]
    for check, state, reason, todo in doubts:
        yield Line(Area.PROMISE, check, title, state, reason, todo, due.release.id)
    if not doubts:
        shown = moment(promise.confirmed_at or promise.learnt, zone, now)
        reason = f"{promise.calendar} showed {instant_text(due.slot, zone)} at {shown}"
        yield Line(Area.PROMISE, "promise", title, Readiness.READY, reason, release=due.release.id)


_Doubt = tuple[str, Readiness, str, str]
"""The name of a check, its state, the reason, and what to do."""


def _find_doubts(due: DueRelease, promise: Promise, now: datetime, zone: str) -> Iterator[_Doubt]:
    """Yield what is uncertain about the text of the promise itself."""
    calendar = promise.calendar
    if not is_standing(promise) and not is_cancelled(promise):
        reason = f'{calendar} shows the status "{promise.status or promise.state}"'
        yield "status", Readiness.NOT_READY, reason, "Ask the producer whether the date stands."
    if promise.slot.doubt or promise.doubt not in (None, STATUS_DOUBT):
        readings = " or ".join(moment(each, zone, now) for each in promise.slot.choices())
        means = f", which can mean {readings}" if readings else ""
        reason = f'{calendar} shows "{promise.slot.raw}"{means}'
        todo = "Say on the page of the release which time is meant."
        yield "reading", Readiness.NOT_READY, reason, todo
    if promise.state is State.PROVISIONAL:
        reason = f"{calendar} still shows the time as provisional"
        todo = "Confirm the date in the calendar."
        yield "provisional", Readiness.NOT_READY, reason, todo
    if promise.slot.precision is not Precision.INSTANT:
        reason = f"{calendar} shows no time of day"
        todo = "Publish the time in the calendar. Without it no delay in minutes can be proved."
        yield "time", Readiness.NOT_KNOWN, reason, todo
    short = due.promised.short_notice
    if short is not None:
        what = short.what.value.replace("_", " ")
        reason = f"{what} with {count(short.days, 'day')} of notice"
        todo = "Publish the reason for the short notice."
        yield "short_notice", Readiness.NOT_READY, reason, todo


def _find_contradictions(
    due: DueRelease, promise: Promise, now: datetime, zone: str
) -> Iterator[_Doubt]:
    """Yield what later reads, or other calendars, show instead of the promise."""
    calendar, shown_at = promise.calendar, promise.confirmed_at or promise.learnt
    promised = _slot_text(promise, zone)
    if promise.unlisted is not None:
        since = moment(promise.unlisted.since, zone, now)
        reason = f"{calendar} has not shown it since {since}"
        todo = "Ask the producer whether it was moved or renamed."
        yield "listed", Readiness.NOT_READY, reason, todo
    elif now - shown_at > due.confirmed_within:
        reason = f"{calendar} last showed the promise at {moment(shown_at, zone, now)}"
        todo = f"Run `ninethirty calendar read {calendar}` and correct the fault that it prints."
        yield "confirmed", Readiness.NOT_READY, reason, todo
    for other in due.promised.disagreements:
        reason = f"{calendar} shows {promised}, but {other.calendar} {_slot_text(other, zone)}"
        todo = "Correct the calendar that is wrong."
        yield "agreement", Readiness.NOT_READY, reason, todo
    for other in due.promised.possible_changes:
        reason = f"{calendar} now shows {_slot_text(other, zone)}, perhaps a change of {promised}"
        todo = "Ask the producer which time counts."
        yield "changed", Readiness.NOT_READY, reason, todo


def _slot_text(promise: Promise, zone: str) -> str:
    if is_cancelled(promise):
        return "it as cancelled"
    instant = promise.slot.instant
    return promise.slot.raw or "no time" if instant is None else instant_text(instant, zone)


def assess_address(due: DueRelease) -> Line:
    """Return whether the addresses of a release and its files are known."""
    release = due.release
    predicted = [part.url for part in release.parts if part.origin is Origin.PREDICTED]
    state, reason, todo = Readiness.READY, f"announced: {release.url}", ""
    if any(run.why == OTHER_HOST for run in due.last_runs):
        state, reason = Readiness.NOT_READY, f"{release.url} or a file redirects to another host"
        todo = "Correct the address, or add the other one in a `[[part]]`."
    elif not release.url:
        state, reason = Readiness.NOT_KNOWN, "no calendar names the address of its page"
        todo = "Add the address in a `[[part]]`."
    elif release.address is Address.GUESSED:
        state = Readiness.NOT_KNOWN
        reason = f"{release.url} is guessed from its announcement, so absence there is no proof"
        todo = "Add the address in a `[[part]]` if you know it."
    elif predicted:
        reason = f"{release.url}, and {count(len(predicted), 'file')} at predicted addresses"
    return Line(Area.ADDRESS, "address", release.title, state, reason, todo, release.id)

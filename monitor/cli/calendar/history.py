"""`ninethirty calendar history`: show every promise for a release, and where and when it was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from alerts.claim import NO_PROOF, Claim, claim_json
from monitor.cli import complete
from monitor.cli.common import Context, as_json, print_result, release_of, table_lines
from monitor.cli.terminal import page_output
from schedules.as_json import slot_json
from schedules.times.json import instant_json
from schedules.times.words import stamp

if TYPE_CHECKING:
    from schedules.ledger_event import LedgerEvent
    from schedules.promise import Promise
    from schedules.release import Release


@click.command("history")
@click.argument("release", shell_complete=complete.releases)
@as_json
@click.pass_obj
@page_output
def show_history(context: Context, *, release: str, as_json: bool) -> None:
    """Print the history of RELEASE: every promise, where and when it was read, and what changed.

    Example: ninethirty calendar history malpractice-2017
    """
    from monitor.watch.rejudge import titles_of_release
    from schedules.history import release_history

    with context.store() as store:
        found = release_of(store.ledger, release)
        promises, titles = store.ledger.promises([release]), titles_of_release(store.ledger, found)
        incidents = [one.id for one in store.verdicts.incidents_of(release)]
        claims = store.ledger.claims(url=found.url) if found.url else []
    events = release_history(found, promises, context.now(), titles=titles)
    body = {
        "release": found.id,
        "title": found.title,
        "producer": found.producer,
        "calendar": list(found.calendars),
        "joined_by": found.joined_by,
        "joined_into": found.joined_into,
        "promises": [_promise_json(promise) for promise in promises],
        "events": [_event_json(event) for event in events],
        "claims": [claim_json(one) for one in claims],
        "incidents": incidents,
    }
    lines = [*_history_lines(found, promises, events), *_incident_and_claim_lines(incidents, claims)]
    print_result(body, lines, as_json=as_json)


def _promise_json(promise: Promise) -> dict[str, Any]:
    return {
        "calendar": promise.calendar,
        "slot": slot_json(promise.slot),
        "state": promise.state.value if promise.state else None,
        "learnt": instant_json(promise.learnt),
        "unlearnt": instant_json(promise.unlearnt),
        "confirmed_at": instant_json(promise.confirmed_at),
        "why": promise.why,
        "doubt": promise.doubt,
    }


def _event_json(event: LedgerEvent) -> dict[str, Any]:
    return {
        "what": event.what.value,
        "at": instant_json(event.at),
        "since": instant_json(event.since),
        "calendar": event.calendar,
        "before": slot_json(event.before) if event.before else None,
        "after": slot_json(event.after) if event.after else None,
        "detail": event.detail,
    }


def _history_lines(release: Release, promises: Sequence[Promise], events: Sequence[LedgerEvent]) -> Iterator[str]:
    """Yield title and address of a release, a table of its promises, and a line for each change."""
    from monitor.deliver.facts import slot_text

    yield f"{release.title} ({release.producer})"
    yield f"{release.url}"
    if release.joined_by:
        yield f"Joined: {release.joined_by}"
    if release.joined_into is not None:
        yield f"Its entries now belong to {release.joined_into}: see `ninethirty explain {release.joined_into}`"
    yield ""
    rows = [
        [stamp(one.learnt), one.calendar, one.state.value if one.state else "-", slot_text(one.slot)]
        for one in promises
    ]
    yield from table_lines(rows, ["READ AT", "CALENDAR", "STATE", "PROMISED"])
    yield ""
    for event in events:
        # A change happened at some time between two reads. The later read is when it was first known.
        after = slot_text(event.after) if event.after else ""
        details = ", ".join(part for part in (after, event.detail) if part)
        yield f"{stamp(event.at)}  {event.calendar}  {event.what.value}" + (f": {details}" if details else "")


def _incident_and_claim_lines(incidents: Sequence[str], claims: Sequence[Claim]) -> Iterator[str]:
    """Yield the ids of a release's incidents, and what the public record claims about it."""
    if incidents:
        yield from ("", f"Incidents: {', '.join(incidents)}")
    if claims:
        yield from ("", f"Claimed in the public record. {NO_PROOF}")
    yield from (f"  first published {stamp(one.at)}, read {stamp(one.read)} at {one.source}" for one in claims)

"""`ninethirty incident list` and `show`: what happened, who took charge of it, and what to do
next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import click

from alerts.actions import describe_action
from alerts.by_hand import has_time_of_day
from alerts.draft.edits import list_open_fields
from alerts.draft.report import report_from_json
from alerts.incident import Incident, steps_for_incident
from alerts.steps import numbered_steps
from monitor.cli.common import Context, bullet_lines, check_producer, json_verb, table_lines
from monitor.cli.complete import incidents, producer_option
from monitor.cli.dates import DAY
from monitor.cli.incident.store import current_incident, current_incidents
from monitor.cli.terminal import page_output
from monitor.cli.text import headline
from monitor.cli.today import judged_now
from monitor.deliver.incident_json import delay_of, incident_json
from monitor.deliver.owed import is_owed
from monitor.deliver.platform import related_incidents
from monitor.store.rows import Draft
from schedules.times.interval import Bounds
from schedules.times.words import lengths, stamp
from schedules.times.zone import LONDON, span_of

_SHOWN_WORDS = ("what", "when", "until", "due", "page", "url", "cause", "assigned")


@click.command("list")
@click.option(
    "--open", "only_open", is_flag=True, help="Only open incidents, and those that owe a report."
)
@producer_option
@click.option("--from", "first", type=DAY, help="First day of occurrence.")
@click.option("--to", "last", type=DAY, help="Last day of occurrence.")
@json_verb
@page_output
def list_incidents(
    context: Context,
    *,
    only_open: bool,
    producer: str | None,
    first: date | None,
    last: date | None,
) -> None:
    """List incidents, the newest first.

    With --open, only those that are not closed or that owe a report.

    Example: ninethirty incident list --open --producer ofqual
    """
    with context.store() as store:
        found = store.verdicts.incidents(*span_of(first, last, context.settings.timezone))
        current, now = current_incidents(context, store), context.now()
        chosen = []
        for stored in reversed(found):
            drafts = store.verdicts.drafts(stored.id)
            is_chosen = not only_open or stored.closed is None or is_owed(stored, drafts)
            if is_chosen and producer in (None, *stored.producers):
                chosen.append((current.refresh(stored, now), drafts))
        # programs get an empty list for an unknown one
        if producer and not chosen and not context.as_json:
            check_producer(context, store, producer)
    heads = ["OCCURRED", "GRADE", "KIND", "HOW LATE", "STATUS", "DRAFT", "INCIDENT", "TITLE"]
    lines = (
        table_lines([incident_row(*each) for each in chosen], heads) if chosen else "No incidents."
    )
    context.print_result([incident_json(incident, drafts) for incident, drafts in chosen], lines)


@click.command("show")
@click.argument("incident", shell_complete=incidents)
@json_verb
@page_output
def show_incident(context: Context, *, incident: str) -> None:
    """Show an INCIDENT with its timeline, and what to do next.

    Example: ninethirty incident show malpractice-2017-2018-01-05
    """
    with context.store() as store:
        known = current_incident(context, store, incident)
        drafts, judged = store.verdicts.drafts(incident), judged_now(context, store, known.release)
        related = [one.id for one in related_incidents(store.verdicts, known)]
    lines = incident_lines(known, drafts, judged, related, context.name_of(known.producer))
    context.print_result(incident_json(known, drafts) | {"related": related}, lines)


def incident_row(incident: Incident, drafts: Sequence[Draft]) -> list[str]:
    """Return an incident as the cells of one row of a list."""
    # Cut before the seconds and the zone: `5 Jan 2018 09:30`.
    occurred = _say_when_it_occurred(incident).rsplit(":", 1)[0]
    signed = " signed" if any(draft.signed for draft in drafts) else ""
    drafted = f"{drafts[-1].form} v{drafts[-1].version}{signed}" if drafts else "-"
    late = lengths(delay_of(incident) or Bounds(), parts=2, tenths=False, unknown="-")
    status = status_text(incident, drafts)
    return [
        occurred,
        incident.grade,
        incident.kind.value,
        late,
        status,
        drafted,
        incident.id,
        incident.title,
    ]


def _say_when_it_occurred(incident: Incident) -> str:
    """Return the local time at which an incident occurred, or only the day if a person logged no
    time.
    """
    return stamp(incident.occurred).rsplit(" ", 0 if has_time_of_day(incident) else 2)[0]


def status_text(incident: Incident, drafts: Sequence[Draft]) -> str:
    """Return the status of an incident: open, in hand (acknowledged), report owed or closed."""
    if incident.closed is not None:
        return "report owed" if is_owed(incident, drafts) else "closed"
    return "open" if incident.acknowledged is None else "in hand"


def incident_lines(
    incident: Incident,
    drafts: Sequence[Draft],
    body: Mapping[str, Any] | None,
    related: Sequence[str] = (),
    producer: str = "",
) -> Iterator[str]:
    """Yield the lines on one incident.

    `body` is the JSON of its release as last judged (None: no release).

    `related` are the ids of incidents of the same platform fault, `producer` is the name of the
    incident's producer.
    """
    owed = ", report owed" if is_owed(incident, drafts) else ""
    yield f"{incident.kind.value.upper()}, grade {incident.grade}, {_open_text(incident)}{owed}"
    yield f"{incident.title} ({producer or incident.producer})"
    yield ""
    yield f"  Incident  {incident.id}"
    yield f"  Occurred  {_say_when_it_occurred(incident)}, opened {stamp(incident.opened)}"
    if body is not None:
        yield f"  Release   {incident.release}: {headline(body)}"
        yield f"  Address   {body['url']}"
    shown = ((key, " ".join(incident.words.get(key, "").split())) for key in _SHOWN_WORDS)
    yield from (f"  {key.capitalize():<9} {text}" for key, text in shown if text)
    yield f"  Draft     {_draft_text(drafts)}"
    if related:
        yield from ("", "Delayed by the same platform fault", *bullet_lines(related))
    if incident.actions:
        yield from ("", "Actions")
        yield from bullet_lines(
            f"{number}. {describe_action(one, LONDON)}"
            for number, one in enumerate(incident.actions, 1)
        )
    yield from ("", "Timeline")
    yield from bullet_lines(
        f"{stamp(entry.at)}  {entry.by}: {entry.text}" for entry in incident.timeline_by_time
    )
    yield from _next_steps(incident, drafts)


def _open_text(incident: Incident) -> str:
    """Return in words when an incident was closed, or else who acknowledged it."""
    if incident.closed is not None:
        return f"closed {stamp(incident.closed)}"
    taken = incident.acknowledged
    return "not acknowledged" if taken is None else f"acknowledged by the {taken.by}"


def _draft_text(drafts: Sequence[Draft]) -> str:
    """Describe the last of a draft's versions: form, edition, author and signature.

    `none` without a draft.
    """
    if not drafts:
        return "none"
    last = drafts[-1]
    signed = next((draft for draft in reversed(drafts) if draft.signed), None)
    signature = f", signed off as version {signed.version}" if signed else ", not signed"
    amended = " and amended since" if signed and signed.version < last.version else ""
    edition = f" of the Code's edition {last.edition}" if last.edition else ""
    return f"form {last.form}{edition}, version {last.version} by {last.by}{signature}{amended}"


def _next_steps(incident: Incident, drafts: Sequence[Draft]) -> Iterator[str]:
    """Yield what to do next: the steps that are not done, then the boxes to complete."""
    report = report_from_json(drafts[-1].facts) if drafts else None
    done = {step.id for step in report.steps if step.done} if report is not None else set()
    # A closed incident needs no immediate steps, only its report.
    if incident.closed is None and (
        steps := [step for step in steps_for_incident(incident) if step.id not in done]
    ):
        yield ""
        yield from numbered_steps(steps)
    if report is not None and (boxes := list_open_fields(report)):
        yield from ("", f"To complete in the draft ({len(boxes)})")
        yield from bullet_lines(f"{report.label_of(name)} [{name}]" for name in boxes)
        yield f'  ninethirty incident draft {incident.id} --field {boxes[0]} --text "..."'

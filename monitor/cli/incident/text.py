"""One incident as the person who has it reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monitor.cli.common import items
from monitor.cli.text import headline
from monitor.deliver.incident_json import delay_of
from monitor.deliver.owed import is_owed
from schedules.times.interval import Bounds
from schedules.times.words import lengths, stamp
from schedules.times.zone import LONDON

if TYPE_CHECKING:
    from alerts.incident import Incident
    from monitor.store.rows import Draft


_TOLD = ("what", "when", "until", "url", "cause", "assigned")


def incident_row(incident: Incident, drafts: Sequence[Draft]) -> list[str]:
    """Return an incident as the cells of one line of a list."""
    occurred = stamp(incident.occurred).rsplit(":", 1)[0]
    drafted = f"{drafts[-1].form} v{drafts[-1].version}{' signed' if is_signed(drafts) else ''}" if drafts else "-"
    late = lengths(delay_of(incident) or Bounds(), parts=2, tenths=False, unknown="-")
    told = [incident.grade, incident.kind.value, late, standing(incident, drafts), drafted, incident.id, incident.title]
    return [occurred, *told]


def standing(incident: Incident, drafts: Sequence[Draft]) -> str:
    """Return whether somebody has it, its report is owed, or it is closed."""
    if incident.closed is not None:
        return "report owed" if is_owed(incident, drafts) else "closed"
    return "open" if incident.acknowledged is None else "in hand"


def is_signed(drafts: Sequence[Draft]) -> bool:
    """Tell whether any version was signed off."""
    return any(draft.signed for draft in drafts)


def incident_lines(
    incident: Incident,
    drafts: Sequence[Draft],
    body: Mapping[str, Any] | None,
    related: Sequence[str] = (),
    producer: str = "",
) -> Iterator[str]:
    """Yield the lines on one incident; `body` is the JSON of its release as last judged, None for none.

    `related` are the incidents that the same fault of the platform made, `producer` is what its producer is called.
    """
    owed = ", report owed" if is_owed(incident, drafts) else ""
    yield f"{incident.kind.value.upper()}, grade {incident.grade}, {_standing(incident)}{owed}"
    yield f"{incident.title} ({producer or incident.producer})"
    yield ""
    yield f"  Incident  {incident.id}"
    yield f"  Occurred  {stamp(incident.occurred)}, opened {stamp(incident.opened)}"
    if body is not None:
        yield f"  Release   {incident.release}: {headline(body)}"
        yield f"  Address   {body['url']}"
    said = ((key, " ".join(incident.words.get(key, "").split())) for key in _TOLD)
    yield from (f"  {key.capitalize():<9} {text}" for key, text in said if text)
    yield f"  Draft     {_draft(drafts)}"
    if related:
        yield from ("", "Held up together with it, by one fault of the platform", *items(related))
    if incident.actions:
        from alerts.actions import describe_action

        yield from ("", "Actions")
        yield from items(f"{number}. {describe_action(one, LONDON)}" for number, one in enumerate(incident.actions, 1))
    yield from ("", "Timeline")
    yield from items(f"{stamp(entry.at)}  {entry.by}: {entry.text}" for entry in incident.timeline_by_time)
    yield from _next(incident, drafts)


def _standing(incident: Incident) -> str:
    if incident.closed is not None:
        return f"closed {stamp(incident.closed)}"
    taken = incident.acknowledged
    return "not acknowledged" if taken is None else f"acknowledged by the {taken.by}"


def _draft(drafts: Sequence[Draft]) -> str:
    if not drafts:
        return "none"
    last = drafts[-1]
    signed = next((draft for draft in reversed(drafts) if draft.signed), None)
    told = f", signed off as version {signed.version}" if signed else ", not signed"
    amended = " and amended since" if signed and signed.version < last.version else ""
    edition = f" of the Code's edition {last.edition}" if last.edition else ""
    return f"form {last.form}{edition}, version {last.version} by {last.by}{told}{amended}"


def _next(incident: Incident, drafts: Sequence[Draft]) -> Iterator[str]:
    from alerts.draft.edits import to_complete
    from alerts.draft.report import report_from_json
    from alerts.incident import steps_for_incident
    from alerts.steps import numbered_steps

    report = report_from_json(drafts[-1].facts) if drafts else None
    done = {step.id for step in report.steps if step.done} if report is not None else set()
    # What was to be done at once is past once the incident is closed; its report remains.
    if incident.closed is None and (steps := [step for step in steps_for_incident(incident) if step.id not in done]):
        yield ""
        yield from numbered_steps(steps)
    if report is not None and (boxes := to_complete(report)):
        yield from ("", f"To complete in the draft ({len(boxes)})")
        yield from items(f"{report.name_of(name)} [{name}]" for name in boxes)
        yield f'  ninethirty incident draft {incident.id} --field {boxes[0]} --text "..." --by ROLE'

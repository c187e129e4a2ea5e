"""`ninethirty incident list` and `show`: what happened, who took charge of it, and what to do
next.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import click
import httpx

from alerts.actions import describe_action
from alerts.incident import Action
from monitor.cli.client import open_api, refuse_unknown
from monitor.cli.common import (
    Context,
    json_stamp,
    json_verb,
    section_lines,
    table_lines,
)
from monitor.cli.complete import incident_argument, producer_option
from monitor.cli.dates import period_options
from monitor.cli.explain import headline
from monitor.cli.terminal import page_output
from schedules.times.interval import Bounds
from schedules.times.json import Json, bounds_from_json, instant_from_json
from schedules.times.words import lengths
from schedules.times.zone import LONDON

_SHOWN_WORDS = ("what", "when", "until", "due", "page", "url", "cause", "assigned")


@click.command("list")
@click.option(
    "--open",
    "only_open",
    is_flag=True,
    help="Only those that need action: open, with a report owed or an overdue action.",
)
@producer_option
@period_options("occurrence")
@json_verb
@page_output
def list_incidents(
    context: Context, /, *, only_open: bool, producer: str | None, **days: date | None
) -> None:
    """List incidents, the newest first.

    With --open, only those that are not closed, owe a report, or have an overdue action.

    Example: ninethirty incident list --open --producer ofqual
    """
    only = {"producer": producer, "open": "true" if only_open else None}
    with open_api(context) as api:
        listed = api.list_pages("/incidents", "incidents", **days, **only, drafts="true")
        refuse_unknown(context, api, producer, listed)
    heads = ["OCCURRED", "GRADE", "KIND", "HOW LATE", "STATUS", "DRAFT", "INCIDENT", "TITLE"]
    rows = [incident_row(one) for one in listed]
    context.print_result(listed, table_lines(rows, heads, if_empty="No incidents."))


@click.command("show")
@incident_argument
@json_verb
@page_output
def show_incident(context: Context, *, incident: str) -> None:
    """Show an INCIDENT with its timeline, and what to do next.

    Example: ninethirty incident show malpractice-2017-2018-01-05
    """
    with open_api(context) as api:
        known = api.get(f"/incidents/{incident}")
        judged = None
        if known["release"] and not context.as_json:
            judged = api.get_unless(httpx.codes.NOT_FOUND, f"/releases/{known['release']}")
    lines = incident_lines(known, judged, context.name_of(known["producer"]))
    context.print_result(known, lines)


def incident_row(incident: Json) -> list[str]:
    """Return an incident as the cells of one row of a list."""
    # Cut before the seconds and the zone: `5 Jan 2018 09:30`.
    occurred = _say_when_it_occurred(incident).rsplit(":", 1)[0]
    drafts = incident["drafts"]
    signed = ""
    if any(draft["signed"] for draft in drafts):
        signed = " signed"
    drafted = "-"
    if drafts:
        drafted = f"{drafts[-1]['form']} v{drafts[-1]['version']}{signed}"
    delay = bounds_from_json(incident["delay"]) or Bounds()
    late = lengths(delay, parts=2, tenths=False, unknown="-")
    return [
        occurred,
        incident["grade"],
        incident["kind"],
        late,
        status_text(incident),
        drafted,
        incident["id"],
        incident["title"],
    ]


def _say_when_it_occurred(incident: Json) -> str:
    """Return the local time at which an incident occurred, or only the day if a person logged no
    time.
    """
    at = json_stamp(incident["occurred"])
    return at.rsplit(" ", 0 if incident["has_time"] else 2)[0]


def status_text(incident: Json) -> str:
    """Return the status of an incident: open, in hand (acknowledged), report owed or closed."""
    if incident["closed"] is None:
        return "open" if incident["acknowledged"] is None else "in hand"
    return "report owed" if incident["report_owed"] else "closed"


def incident_lines(incident: Json, body: Json | None, producer: str) -> Iterator[str]:
    """Yield the lines on one incident.

    `body` is the JSON of its release (None: no release), `producer` is the name of the incident's
    producer.
    """
    owed = ", report owed" if incident["report_owed"] else ""
    opened = json_stamp(incident["opened"])
    yield f"{incident['kind'].upper()}, grade {incident['grade']}, {_progress_text(incident)}{owed}"
    yield f"{incident['title']} ({producer})"
    yield ""
    yield f"  Incident  {incident['id']}"
    yield f"  Occurred  {_say_when_it_occurred(incident)}, opened {opened}"
    if body is not None:
        yield f"  Release   {incident['release']}: {headline(body)}"
        yield f"  Address   {body['url']}"
    for key in _SHOWN_WORDS:
        if text := " ".join(incident["words"].get(key, "").split()):
            yield f"  {key.capitalize():<9} {text}"
    yield f"  Draft     {_draft_text(incident['drafts'])}"
    yield from section_lines("Delayed by the same platform fault", incident["related"])
    actions = enumerate(incident["actions"], 1)
    yield from section_lines("Actions", (f"{no}. {_action_text(one)}" for no, one in actions))
    timeline = incident["timeline"]
    entries = (f"{json_stamp(one['at'])}  {one['by']}: {one['text']}" for one in timeline)
    yield from section_lines("Timeline", entries)
    if incident["to_do"]:
        yield from ("", *incident["to_do"])
    if boxes := incident["to_complete"]:
        labels = (f"{box['label']} [{box['id']}]" for box in boxes)
        yield from section_lines(f"To complete in the draft ({len(boxes)})", labels)
        yield f'  ninethirty incident draft {incident["id"]} --field {boxes[0]["id"]} --text "..."'


def _action_text(one: Json) -> str:
    done = None
    if one["done"]:
        done = instant_from_json(one["done"])
    due = date.fromisoformat(one["due"])
    return describe_action(Action(one["text"], one["owner"], due, done, one["done_by"]), LONDON)


def _progress_text(incident: Json) -> str:
    """Return in words when an incident was closed, else who acknowledged it, if someone has."""
    if incident["closed"] is not None:
        return f"closed {json_stamp(incident['closed'])}"
    taken = incident["acknowledged"]
    if taken is None:
        return "not acknowledged"
    return f"acknowledged by the {taken['by']}"


def _draft_text(drafts: list[Json]) -> str:
    """Describe the last of a draft's versions: form, edition, author and signature.

    `none` without a draft.
    """
    if not drafts:
        return "none"
    last = drafts[-1]
    signed = next((draft for draft in reversed(drafts) if draft["signed"]), None)
    signature = ", not signed"
    if signed:
        signature = f", signed off as version {signed['version']}"
    amended = ""
    if signed and signed["version"] < last["version"]:
        amended = " and amended since"
    edition = ""
    if last["edition"]:
        edition = f" of the Code's edition {last['edition']}"
    form = f"form {last['form']}{edition}"
    return f"{form}, version {last['version']} by {last['by']}{signature}{amended}"

"""The verb `ninethirty explain`, and the text about one release for a person on call: the verdict
first, then what was promised and what was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from alerts.finding import ROLE_NAMES, part_label
from alerts.status import describe_exposure_end
from monitor.cli.client import get_json
from monitor.cli.common import Context, json_verb, section_lines
from monitor.cli.complete import release_argument
from monitor.cli.dates import INSTANT
from monitor.cli.terminal import page_output
from monitor.judge.as_json import (
    address_note,
    is_unseen_alternative,
    last_look_text,
    lateness_text,
    length_text,
    slot_text,
    status_in_capitals,
    status_text,
)
from monitor.judge.as_text import exposure_text
from monitor.judge.explain.explain import FACT_HEADINGS
from schedules.announcement import Origin
from schedules.times.json import Json, instant_from_json, interval_from_json
from schedules.times.words import interval_text, stamp
from schedules.times.zone import LONDON


@click.command("explain")
@release_argument
@click.option("--at", type=INSTANT, metavar="T", help="Judge at this time; default now.")
@json_verb
@page_output
def command(context: Context, *, release: str, at: datetime | None) -> None:
    """Show the verdict on RELEASE with each fact behind it, and what would change it.

    Example: ninethirty explain malpractice-2017 --at 2018-01-05T10:00:00Z
    """
    body = get_json(context, f"/releases/{release}/explanation", at=at)
    lines = [*release_lines(body, context.name_of(body["producer"]))]
    lines += _explanation_lines(body["explanation"])
    context.print_result(body, lines)


def _explanation_lines(explanation: Json) -> Iterator[str]:
    for kind, heading in FACT_HEADINGS.items():
        texts = [fact["text"] for fact in explanation["facts"] if fact["kind"] == kind]
        yield from section_lines(heading, texts)
    yield from section_lines("What would change the verdict", explanation["would_change"])
    if explanation["records"]:
        yield from ("", f"Evidence: {', '.join(explanation['records'])}")


def release_lines(body: Json, producer: str) -> Iterator[str]:
    """Yield the lines that `explain` shows before the facts."""
    slot, source = body["slot"], ""
    zone = slot["timezone"] if slot else LONDON
    if slot and slot["source"]:
        source = f", as {slot['source']} said"
        if read_at := instant_from_json(slot["announced"]):
            source += f" (read {stamp(read_at, zone)})"
    yield headline(body)
    yield f"{body['title']} ({producer})"
    yield ""
    yield f"  Address     {body['url']}{address_note(body)}"
    yield f"  Promised    {slot_text(slot)}{source}"
    yield f"  First seen  {_seen_text(body['first_seen'], zone)}"
    yield from _detail_lines(body, zone)


def headline(body: Json) -> str:
    """Return in one line how the release stands, and whether that is final."""
    pieces = [status_in_capitals(body)]
    if body["verdict"] in {"late", "overdue"} and (late := lateness_text(body)):
        pieces[0] += f" by {late}"
    if got := last_look_text(body):
        pieces.append(f"the last look got {got}")
    if body["exposures"]:
        pieces.append(f"out early for {exposure_text(body)}")
    if body["grade"] != "none":
        pieces.append(f"grade {body['grade']}")
    pieces.append("final" if body["final"] else "not final")
    return ", ".join(pieces)


def _detail_lines(body: Json, zone: str) -> Iterator[str]:
    """Yield the lines that only some releases have."""
    if body["unproven_because"]:
        yield f"  Unproven    {body['unproven_because']}"
    if body["code"] and body["code"]["practice"]:
        yield f"  Code        edition {body['code']['edition']}, {body['code']['practice']}"
    if body["incident"]:
        yield f"  Incident    {body['incident']}"
    # Parts on other sites that the page only links to are not watched.
    parts = [part for part in body["parts"] if part.get("origin") != Origin.LINKED.value]
    if len(parts) > 1 or body["exposures"]:
        yield from ("", "Parts")
        for part in parts:
            yield from _part_lines(part, zone)
    findings = []
    for found in body["findings"]:
        where = ""
        if found["part"]:
            where = f" ({part_label(found['part'])})"
        findings.append(f"{found['kind'].replace('_', ' ')}{where}: {found['detail']}")
    yield from section_lines("Findings", findings)


def _part_lines(part: Json, zone: str) -> Iterator[str]:
    name = part_label(None)
    if part["role"] != "page":
        optional = "" if part["required"] else ", cannot make the release late"
        name = f"{part['id']} ({ROLE_NAMES.get(part['role'], part['role'])}{optional})"
    delay = ""
    # The release was not promised at an alternative address, so it is not late there while unseen.
    if part["verdict"] in {"late", "overdue"} and not is_unseen_alternative(part):
        delay = f", {length_text(part['delay'])} after the slot"
    yield f"  {name}: {status_text(part)}{delay}"
    yield f"    {part['url']}"
    for exposure in part["exposures"]:
        end = describe_exposure_end(exposure.get("ended"), _seen_text(exposure["to"], zone))
        yield f"    out early for {length_text(exposure['seconds'])}"
        yield (
            f"    came {_seen_text(exposure['from'], zone)},"
            f" {'still out' if exposure['open'] else end}"
        )
    if part["exposures"] and part["released"]["by"]:
        yield f"    released {_seen_text(part['released'], zone)}"
    elif not part["exposures"]:
        yield f"    first seen {_seen_text(part['first_seen'], zone)}"


def _seen_text(sides: Json, zone: str) -> str:
    seen = interval_from_json(sides)
    if seen.by is None:
        if seen.after is None:
            return "not seen"
        return f"not seen as of {stamp(seen.after, zone)}"
    return interval_text(seen, zone)

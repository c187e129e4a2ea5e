"""One release as an on-call person reads it: the verdict first, then what was promised and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alerts.finding import ROLE_NAMES, Ended, part_label
from monitor.cli.common import items
from monitor.judge.as_json import (
    address_told,
    is_unseen_alternative,
    last_look_text,
    lateness_text,
    length_text,
    loud_verdict,
    slot_text,
    verdict_told,
)
from monitor.judge.as_text import longest_exposure
from schedules.announcement import Origin
from schedules.times.json import instant_from_json, interval_from_json
from schedules.times.words import between, stamp
from schedules.times.zone import LONDON


def release_lines(body: Mapping[str, Any], producer: str = "") -> Iterator[str]:
    """Yield the lines on one release, from its JSON; `producer` is what its producer is called."""
    zone = body["slot"]["timezone"] if body["slot"] else LONDON
    yield headline(body)
    yield f"{body['title']} ({producer or body['producer']})"
    yield ""
    yield f"  Address     {body['url']}{address_told(body)}"
    yield f"  Promised    {slot_text(body['slot'])}{_source(body['slot'], zone)}"
    yield f"  First seen  {_when(body['first_seen'], zone)}"
    yield from _rest(body, zone)


def headline(body: Mapping[str, Any]) -> str:
    """Return the verdict in one line: what it is, by how much, and how grave."""
    told = [loud_verdict(body)]
    if body["verdict"] in {"late", "overdue"} and (late := lateness_text(body)):
        told[0] += f" by {late}"
    told += [f"the last look got {got}"] if (got := last_look_text(body)) else []
    told += [f"out early for {longest_exposure(body)}"] if body["exposures"] else []
    told += [f"grade {body['grade']}"] if body["grade"] != "none" else []
    told += ["final" if body["final"] else "not final"]
    return ", ".join(told)


def _source(slot: Mapping[str, Any] | None, zone: str) -> str:
    return f", as {slot['source']} said by {_stamp(slot['announced'], zone)}" if slot and slot["source"] else ""


def _rest(body: Mapping[str, Any], zone: str) -> Iterator[str]:
    if body["unproven_because"]:
        yield f"  Unproven    {body['unproven_because']}"
    if body["code"] and body["code"]["practice"]:
        yield f"  Code        edition {body['code']['edition']}, {body['code']['practice']}"
    if body["incident"]:
        yield f"  Incident    {body['incident']}"
    if len(body["parts"]) > 1 or body["exposures"]:
        yield from ("", "Parts")
        for part in body["parts"]:
            yield from _part(part, zone) if part.get("origin") != Origin.LINKED.value else ()
    if body["findings"]:
        yield from ("", "Findings")
        yield from items(_finding(found) for found in body["findings"])


def _finding(found: Mapping[str, Any]) -> str:
    where = f" ({part_label(found['part'])})" if found["part"] else ""
    return f"{found['kind'].replace('_', ' ')}{where}: {found['detail']}"


def _part(part: Mapping[str, Any], zone: str) -> Iterator[str]:
    weight = "" if part["required"] else ", does not stop the clock"
    role = ROLE_NAMES.get(part["role"], part["role"])
    name = part_label(None) if part["role"] == "page" else f"{part['id']} ({role}{weight})"
    is_late = part["verdict"] in {"late", "overdue"} and not is_unseen_alternative(part)
    delay = f", {length_text(part['delay'])} after the slot" if is_late else ""
    yield f"  {name}: {verdict_told(part)}{delay}"
    yield f"    {part['url']}"
    for exposure in part["exposures"]:
        ended = "still out" if exposure["open"] else _ended(exposure, zone)
        yield f"    out early for {length_text(exposure['seconds'])}"
        yield f"    came {_when(exposure['from'], zone)}, {ended}"
    if part["exposures"] and part["released"]["by"]:
        yield f"    out as promised {_when(part['released'], zone)}"
    elif not part["exposures"]:
        yield f"    first seen {_when(part['first_seen'], zone)}"


def _ended(exposure: Mapping[str, Any], zone: str) -> str:
    if exposure.get("ended") == Ended.SLOT:
        return "still out when its slot came"
    how = "removed" if exposure.get("ended") == Ended.REMOVED else "ended, why is not known,"
    return f"{how} {_when(exposure['to'], zone)}"


def _when(sides: Mapping[str, Any], zone: str) -> str:
    seen = interval_from_json(sides)
    if seen.by is None:
        return "not seen" if seen.after is None else f"not seen as of {stamp(seen.after, zone)}"
    return between(seen, zone)


def _stamp(instant: str | None, zone: str) -> str:
    read = instant_from_json(instant)
    return "not known" if read is None else stamp(read, zone)

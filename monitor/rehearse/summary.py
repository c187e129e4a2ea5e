"""A rehearsal told to people: what was promised, what was seen and when, the verdict, and where the draft lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from alerts.finding import Ended
from monitor.judge.as_json import lateness_text, length_text, loud_verdict
from monitor.rehearse.drive import Played
from schedules.times.json import instant_from_json
from schedules.times.words import length, stamp


def told(played: Played, *, kept: bool) -> str:
    """Return a few lines on each release, and whether everything expected was seen."""
    return "\n".join([*_lines(played, kept=kept), ""])


def _lines(played: Played, *, kept: bool) -> Iterator[str]:
    yield played.script.title
    if played.reason is not None:
        yield f"  NOT PLAYED TO ITS END: {played.reason}"
        return
    virtual = (played.script.ends - played.script.begins).total_seconds()
    yield f"  {length(virtual, parts=2)} in {length(played.wall_seconds, parts=2)}, {played.looks} looks"
    for release in played.results.releases:
        yield from _release(release)
    for notice in played.results.notices:
        if notice["follows"] is None:
            yield f"  told:      {_local(notice['at'])}  {notice['subject']}"
    for draft in played.results.drafts:
        yield f"  draft:     form {draft['form']}, Code edition {draft['edition']}"
        yield from (f"             {file}" for file in draft["files"] if kept)
    for met in played.met:
        if not met.met:
            yield f"  NOT AS EXPECTED: {met.release}{'/' + met.part if met.part else ''}: {met.why}"


def _release(release: Mapping[str, Any]) -> Iterator[str]:
    slot = release["slot"]
    promised = "nothing" if slot is None else _local(slot["start"]) if slot["precision"] == "instant" else slot["start"]
    yield f"  {release['title']} ({release['producer']})"
    yield f"  promised:  {promised}"
    for part in release["parts"]:
        yield from _part(part) if part["origin"] != "linked" else ()
    measured = lateness_text(release) if release["verdict"] in {"late", "overdue"} else ""
    word = loud_verdict(release)
    because = f" ({release['unproven_because']})" if release["unproven_because"] else ""
    yield f"  verdict:   {word}{', ' + measured if measured else ''}{because}"


def _part(part: Mapping[str, Any]) -> Iterator[str]:
    seen = part["first_seen"]
    if seen["by"] is None:
        yield f"  {part['id'] + ':':<10} not seen"
        return
    yield f"  {part['id'] + ':':<10} first seen between {_local(seen['after'])} and {_local(seen['by'], up=True)}"
    for exposure in part["exposures"]:
        yield f"  {'':<10} out early for {length_text(exposure['seconds'])}"
    released = part.get("released") or {}
    if part["exposures"] and released.get("by"):
        yield f"  {'':<10} {_again(part, released)}"


def _again(part: Mapping[str, Any], released: Mapping[str, Any]) -> str:
    if any(exposure.get("ended") == Ended.SLOT for exposure in part["exposures"]):
        return "still out when its slot came"
    return f"out again between {_local(released['after'])} and {_local(released['by'], up=True)}"


def _local(text: str | None, *, up: bool = False) -> str:
    instant = instant_from_json(text)
    return "not known" if instant is None else stamp(instant, weekday=True, up=up)

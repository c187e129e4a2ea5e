"""The summary of a rehearsal as text: announced slots, first-seen times, verdicts, notices and
drafts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.judge.as_json import lateness_text, length_text, status_in_capitals
from monitor.rehearse.drive import RehearsalOutcome
from schedules.contract.verdict import Ended
from schedules.times.json import instant_from_json
from schedules.times.words import length, stamp


def summary_lines(played: RehearsalOutcome, *, kept: bool) -> Iterator[str]:
    """Yield a few lines for each release, and the expectations that were not met.

    `kept`: name the draft files.

    Yield only the title and the reason if the script was not played to its end.
    """
    yield played.script.title
    if played.reason is not None:
        yield f"  NOT PLAYED TO ITS END: {played.reason}"
        return
    virtual = (played.script.ends - played.script.begins).total_seconds()
    yield (
        f"  {length(virtual, parts=2)} in {length(played.wall_seconds, parts=2)}, {played.looks}"
        " looks"
    )
    for release in played.results.releases:
        yield from _release_lines(release)
    for notice in played.results.notices:
        if notice["follows"] is None:
            yield f"  notice:    {_local_time(notice['at'])}  {notice['subject']}"
    for draft in played.results.drafts:
        code = f"Code edition {draft['edition']}" if draft["edition"] else "outside the Code"
        yield f"  draft:     form {draft['form']}, {code}"
        yield from (f"             {file}" for file in draft["files"] if kept)
    for checked in played.met:
        if not checked.met:
            yield (
                f"  NOT AS EXPECTED: {checked.release}{'/' + checked.part if checked.part else ''}:"
                f" {checked.why}"
            )


def _release_lines(release: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was promised for a release, when its parts (not those linked from it) were seen,
    and its verdict.
    """
    slot = release["slot"]
    promised = "nothing"
    if slot is not None:
        promised = _local_time(slot["start"]) if slot["precision"] == "instant" else slot["start"]
    yield f"  {release['title']} ({release['producer']})"
    yield f"  promised:  {promised}"
    for part in release["parts"]:
        yield from _part_lines(part) if part["origin"] != "linked" else ()
    measured = lateness_text(release) if release["verdict"] in {"late", "overdue"} else ""
    reason = f" ({release['unproven_because']})" if release["unproven_because"] else ""
    yield f"  verdict:   {status_in_capitals(release)}{', ' + measured if measured else ''}{reason}"


def _part_lines(part: Mapping[str, Any]) -> Iterator[str]:
    """Yield when a part was first seen, each time that it was public early, and when it was public
    after that.
    """
    seen = part["first_seen"]
    if seen["by"] is None:
        yield f"  {part['id'] + ':':<10} not seen"
        return
    # The end is rounded up, so that the interval contains the true time.
    interval = f"{_local_time(seen['after'])} and {_local_time(seen['by'], up=True)}"
    yield f"  {part['id'] + ':':<10} first seen between {interval}"
    for exposure in part["exposures"]:
        yield f"  {'':<10} public before its slot for {length_text(exposure['seconds'])}"
    released = part.get("released") or {}
    if part["exposures"] and released.get("by"):
        if any(exposure.get("ended") == Ended.SLOT for exposure in part["exposures"]):
            yield f"  {'':<10} still public at its slot"
        else:
            again = f"{_local_time(released['after'])} and {_local_time(released['by'], up=True)}"
            yield f"  {'':<10} public again between {again}"


def _local_time(text: str | None, *, up: bool = False) -> str:
    """Return a JSON time as London time with its weekday, rounded down or `up`; "not known" for
    None.
    """
    instant = instant_from_json(text)
    return "not known" if instant is None else stamp(instant, weekday=True, up=up)

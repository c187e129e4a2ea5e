"""The simulated calendars: the announcement of each release at a given time, and the TOML calendar
file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from monitor.rehearse.publisher.reply import Reply
from monitor.rehearse.script.check import STATISTICS_PAGE
from monitor.rehearse.script.script import Script, ScriptPart, ScriptRelease
from schedules.export import toml_string

CALENDAR_NAME = "rehearsal"
CALENDAR_HOST = "calendar.rehearsal.example"
CALENDAR_PATH = "/releases.toml"
CALENDAR_URL = f"https://{CALENDAR_HOST}{CALENDAR_PATH}"


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One calendar entry at one time.

    `since` is its last change, `previous` its slot before the last new slot.
    """

    release: ScriptRelease
    slot: datetime | date | str
    state: str
    since: datetime | None = None
    previous: datetime | date | str | None = None
    why: str = ""
    is_removed: bool = False


def is_on_gov_uk_calendar(release: ScriptRelease) -> bool:
    """Return whether GOV.UK's release calendar announces a release.

    All others are in the TOML calendar.
    """
    return STATISTICS_PAGE.match(release.url) is not None


def announced_url(release: ScriptRelease) -> str:
    """Return the publication address that the announcement's slug suggests; `release.url` can have
    another slug.
    """
    folder = STATISTICS_PAGE.match(release.url)
    return (
        release.url
        if folder is None or release.announcement is None
        else folder[0] + release.announcement
    )


def entry_at(script: Script, release: ScriptRelease, now: datetime) -> CalendarEntry | None:
    """Return the calendar entry of a release at `now`; None before it is first announced and after
    its removal.
    """
    if release.known_from is not None and now < release.known_from:
        return None
    state = release.state or ("confirmed" if isinstance(release.slot, datetime) else "provisional")
    entry = CalendarEntry(release, release.slot, state, release.known_from)
    changes = [
        change for change in script.change if change.release == release.id and change.at <= now
    ]
    for change in sorted(changes, key=lambda change: change.at):
        if change.slot is not None:
            entry = replace(entry, slot=change.slot, previous=entry.slot, why=change.why)
        if change.state is not None:
            entry = replace(entry, state=change.state, why=change.why or entry.why)
        entry = replace(entry, since=change.at, is_removed=change.gone)
    return None if entry.is_removed else entry


def toml_calendar(script: Script, now: datetime, zone: str) -> Reply:
    """Return the TOML calendar: every release that GOV.UK's calendar does not announce, slots in
    `zone`.
    """
    others = [release for release in script.release if not is_on_gov_uk_calendar(release)]
    lines = ["# Releases"]  # an answer without a byte would be no calendar
    for release in others:
        entry = entry_at(script, release, now)
        if entry is not None:
            lines += _entry_lines(entry, zone)
    text = "\n".join([*lines, ""])
    return Reply(200, text.encode(), {"Content-Type": "application/toml"})


def _entry_lines(entry: CalendarEntry, zone: str) -> Iterator[str]:
    release = entry.release
    yield "[[release]]"
    for key in ("id", "title", "producer", "url", "recognise"):
        if (value := getattr(release, key)) is not None:
            yield f"{key} = {toml_string(value)}"
    yield f"slot = {_slot_value(entry.slot, zone)}"
    yield f"state = {toml_string(entry.state)}"
    yield f"part = [{', '.join(_part_value(part) for part in release.part)}]"


def _slot_value(slot: datetime | date | str, zone: str) -> str:
    """Return a slot as a TOML value: a date-time of `zone`, a date or a text."""
    if isinstance(slot, datetime):
        return slot.astimezone(ZoneInfo(zone)).isoformat()
    return slot.isoformat() if isinstance(slot, date) else toml_string(slot)


def _part_value(part: ScriptPart) -> str:
    texts = [(key, getattr(part, key)) for key in ("id", "role", "url", "recognise")]
    pairs = [f"{key} = {toml_string(value)}" for key, value in texts if value is not None]
    return "{ " + ", ".join([*pairs, f"required = {str(part.required).lower()}"]) + " }"

"""The simulated calendars: what is announced of each release at an instant, and the TOML file that tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from monitor.rehearse.publisher.reply import Reply
from monitor.rehearse.script.script import Script, ScriptChange, ScriptPart, ScriptRelease

CALENDAR_NAME = "rehearsal"
CALENDAR_HOST = "calendar.rehearsal.example"
CALENDAR_PATH = "/releases.toml"
CALENDAR_URL = f"https://{CALENDAR_HOST}{CALENDAR_PATH}"
_LISTED_AT = re.compile(r"https?://www\.gov\.uk/government/statistics/(?!announcements/)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a calendar at one instant. `previous` is the slot it had before its last change of slot."""

    release: ScriptRelease
    slot: datetime | date | str
    state: str
    since: datetime | None = None
    previous: datetime | date | str | None = None
    why: str = ""
    is_gone: bool = False


def is_listed(release: ScriptRelease) -> bool:
    """Tell whether GOV.UK's own listing announces a release; every other one is in the TOML calendar."""
    return _LISTED_AT.match(release.url) is not None


def announced_url(release: ScriptRelease) -> str:
    """Return the address that the announcement of a release suggests for it; it may be another than the release's."""
    found = _LISTED_AT.match(release.url)
    return release.url if found is None or release.announcement is None else found[0] + release.announcement


def entry_at(script: Script, release: ScriptRelease, now: datetime) -> Entry | None:
    """Return what is announced of a release at `now`; None before it is known and after it has vanished."""
    if release.known_from is not None and now < release.known_from:
        return None
    state = release.state or ("confirmed" if isinstance(release.slot, datetime) else "provisional")
    entry = Entry(release, release.slot, state, release.known_from)
    changes = [change for change in script.change if change.release == release.id and change.at <= now]
    for change in sorted(changes, key=lambda change: change.at):
        entry = _changed(entry, change)
    return None if entry.is_gone else entry


def _changed(entry: Entry, change: ScriptChange) -> Entry:
    if change.slot is not None:
        entry = replace(entry, slot=change.slot, previous=entry.slot, why=change.why)
    if change.state is not None:
        entry = replace(entry, state=change.state, why=change.why or entry.why)
    return replace(entry, since=change.at, is_gone=change.gone)


def toml_calendar(script: Script, now: datetime, zone: str) -> Reply:
    """Return the calendar file of every release that GOV.UK's listing does not announce."""
    unlisted = [release for release in script.release if not is_listed(release)]
    entries = [entry for release in unlisted if (entry := entry_at(script, release, now))]
    text = "\n".join(line for entry in entries for line in _table(entry, zone))
    return Reply(200, (text + "\n").encode(), {"Content-Type": "application/toml"})


def _table(entry: Entry, zone: str) -> Iterator[str]:
    release = entry.release
    yield "[[release]]"
    for key in ("id", "title", "producer", "url", "recognise"):
        if (value := getattr(release, key)) is not None:
            yield f"{key} = {_quoted(value)}"
    yield f"slot = {_slot(entry.slot, zone)}"
    yield f"state = {_quoted(entry.state)}"
    yield f"part = [{', '.join(_part(part) for part in release.part)}]"


def _slot(slot: datetime | date | str, zone: str) -> str:
    if isinstance(slot, datetime):
        return slot.astimezone(ZoneInfo(zone)).isoformat()
    return slot.isoformat() if isinstance(slot, date) else _quoted(slot)


def _part(part: ScriptPart) -> str:
    texts = [(key, getattr(part, key)) for key in ("id", "role", "url", "recognise")]
    pairs = [f"{key} = {_quoted(value)}" for key, value in texts if value is not None]
    return "{ " + ", ".join([*pairs, f"required = {str(part.required).lower()}"]) + " }"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

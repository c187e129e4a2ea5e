"""The configuration a rehearsal runs under: the defaults or the script's own, with everything outside kept inside."""

from __future__ import annotations

from pathlib import Path

from alerts.channels.settings import FolderSettings
from monitor.config.settings import DeadmanSettings, EvidenceSettings, PartSettings, Settings, StoreSettings
from monitor.rehearse.publisher.calendar import CALENDAR_NAME, CALENDAR_URL, announced_url, is_listed
from monitor.rehearse.script.script import Script, ScriptRelease
from schedules.join import Pin
from schedules.release import ReleaseMatch
from schedules.sources.settings import CalendarSettings

OUTBOX = "outbox"


def settings_for(script: Script, base: Settings, folder: Path) -> Settings:
    """Return the settings: `base` with the store, the evidence and the one channel in `folder`.

    Channels that routes name are folders too, so that routing is played and nobody is told.
    """
    named = {table.name: table.digest for table in base.channel} or {OUTBOX: False}
    channels = [
        FolderSettings(name=name, kind="folder", folder=str(folder / name), digest=digest)
        for name, digest in named.items()
    ]
    changed = {
        "store": StoreSettings(url=f"sqlite:///{(folder / 'ninethirty.db').as_posix()}"),
        "evidence": EvidenceSettings(folder=str(folder / "evidence")),
        "calendar": base.calendar or _calendars(script),
        "part": [*base.part, *(part for release in script.release for part in _parts(release))],
        "pin": [
            *base.pin,
            *(Pin(id=_slug(release.id), url=announced_url(release)) for release in script.release),
        ],
        "channel": channels,
        "deadman": DeadmanSettings(),
    }
    return base.model_copy(update=changed)


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def _calendars(script: Script) -> list[CalendarSettings]:
    calendars = []
    if any(is_listed(release) for release in script.release):
        calendars.append(CalendarSettings(name="govuk", kind="govuk"))
    if not all(is_listed(release) for release in script.release):
        calendars.append(CalendarSettings(name=CALENDAR_NAME, kind="toml", url=CALENDAR_URL))
    return calendars


def _parts(release: ScriptRelease) -> list[PartSettings]:
    if not is_listed(release):
        return []
    match = ReleaseMatch(url=_literal(announced_url(release)))
    parts = [
        PartSettings.model_validate({"match": match, **part.model_dump(), "url": _unfilled(part.url)})
        for part in release.part
    ]
    if release.recognise is not None:
        page = {"id": "page", "role": "page", "url": "{url}", "recognise": release.recognise}
        parts.insert(0, PartSettings.model_validate({"match": match, **page}))
    return parts


def _literal(text: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)


def _unfilled(url: str) -> str:
    return url.replace("{", "{{").replace("}", "}}")

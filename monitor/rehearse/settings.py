"""The configuration of a rehearsal: the script's own or the default, without anything outside its folder."""

from __future__ import annotations

from pathlib import Path

from alerts.channels.settings import FolderSettings
from monitor.config.settings import DeadmanSettings, EvidenceSettings, PartSettings, Settings, StoreSettings
from monitor.rehearse.publisher.calendar import CALENDAR_NAME, CALENDAR_URL, announced_url, is_on_gov_uk_calendar
from monitor.rehearse.script.script import Script, ScriptRelease
from schedules.join import Pin
from schedules.release import ReleaseMatch
from schedules.sources.settings import CalendarSettings

OUTBOX = "outbox"


def rehearsal_settings(script: Script, base: Settings, folder: Path) -> Settings:
    """Return `base` with its store, evidence and channels in `folder`.

    Each channel of `base` becomes a folder channel, so that routes are rehearsed and no message is sent.
    """
    digests = {table.name: table.digest for table in base.channel} or {OUTBOX: False}
    channels = [
        FolderSettings(name=name, kind="folder", folder=str(folder / name), digest=digest)
        for name, digest in digests.items()
    ]
    changed = {
        "store": StoreSettings(url=f"sqlite:///{(folder / 'ninethirty.db').as_posix()}"),
        "evidence": EvidenceSettings(folder=str(folder / "evidence")),
        "calendar": base.calendar or _calendars_of_script(script),
        "part": [*base.part, *(part for release in script.release for part in _parts_to_watch(release))],
        # A pin gives each release its id in the script, as a slug.
        "pin": [
            *base.pin,
            *(Pin(id=one.id.lower().replace(" ", "-"), url=announced_url(one)) for one in script.release),
        ],
        "channel": channels,
        "deadman": DeadmanSettings(),
    }
    return base.model_copy(update=changed)


def _calendars_of_script(script: Script) -> list[CalendarSettings]:
    """Return the simulated calendars that announce the script's releases: GOV.UK, TOML or both."""
    calendars = []
    if any(is_on_gov_uk_calendar(release) for release in script.release):
        calendars.append(CalendarSettings(name="govuk", kind="govuk"))
    if not all(is_on_gov_uk_calendar(release) for release in script.release):
        calendars.append(CalendarSettings(name=CALENDAR_NAME, kind="toml", url=CALENDAR_URL))
    return calendars


def _parts_to_watch(release: ScriptRelease) -> list[PartSettings]:
    """Return the parts of a release on GOV.UK's calendar. The TOML calendar lists parts itself."""
    if not is_on_gov_uk_calendar(release):
        return []
    match = ReleaseMatch(url="".join(f"[{char}]" if char in "*?[" else char for char in announced_url(release)))
    # The url of a part setting is a template, in which braces must be doubled.
    parts = [
        {"match": match, **part.model_dump(), "url": part.url.replace("{", "{{").replace("}", "}}")}
        for part in release.part
    ]
    if release.recognise is not None:
        page = {"id": "page", "role": "page", "url": "{url}", "recognise": release.recognise}
        parts.insert(0, {"match": match, **page})
    return [PartSettings.model_validate(part) for part in parts]

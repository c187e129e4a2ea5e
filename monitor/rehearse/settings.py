"""The configuration of a rehearsal: the script's own or the default, without anything outside its
folder.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from alerts.channels.settings import FolderSettings
from monitor.config.settings import (
    DeadmanSettings,
    EvidenceSettings,
    PartSettings,
    Settings,
    StoreSettings,
)
from monitor.rehearse.publisher.calendar import (
    CALENDAR_NAME,
    CALENDAR_URL,
    announced_url,
    is_on_gov_uk_calendar,
)
from monitor.rehearse.script.script import Script, ScriptRelease
from schedules.join import Pin
from schedules.release import ReleaseMatch
from schedules.sources.settings import CalendarSettings

OUTBOX = "outbox"


def rehearsal_settings(script: Script, base: Settings, folder: Path) -> Settings:
    """Return `base` with its store, evidence and channels in `folder`, and with the parts and ids
    of the script.

    Each channel becomes a folder channel, so that routes are rehearsed and no message is sent. The
    script's calendars are used if `base` has none. The dead-man ping, which shows a service outside
    that the monitor is alive, is off.
    """
    # By channel, whether many opening notices at once are sent as one.
    is_digest = {table.name: table.digest for table in base.channel} or {OUTBOX: False}
    channels = [
        FolderSettings(name=name, kind="folder", folder=str(folder / name), digest=digest)
        for name, digest in is_digest.items()
    ]
    changed = {
        "store": StoreSettings(url=f"sqlite:///{(folder / 'ninethirty.db').as_posix()}"),
        "evidence": EvidenceSettings(folder=str(folder / "evidence")),
        "calendar": base.calendar or _calendars_of_script(script),
        "part": [*base.part, *chain.from_iterable(map(_parts_to_watch, script.release))],
        "pin": [*base.pin, *chain.from_iterable(map(_pins_of_release, script.release))],
        "channel": channels,
        "deadman": DeadmanSettings(),
    }
    return base.model_copy(update=changed)


def _pins_of_release(release: ScriptRelease) -> list[Pin]:
    """Return pins that give a release its id in the script, as a slug.

    Titles separate several entries of a page.
    """
    name, addresses = release.id.lower().replace(" ", "-"), (announced_url(release), release.url)
    return [
        Pin(id=name, url=url, title=title)
        for url in addresses
        for title in (release.announced_title, "")
    ]


def _calendars_of_script(script: Script) -> list[CalendarSettings]:
    """Return the simulated calendars that announce the script's releases: GOV.UK, TOML or both."""
    is_listed = [is_on_gov_uk_calendar(release) for release in script.release]
    govuk = [CalendarSettings(name="govuk", kind="govuk")] if any(is_listed) else []
    return (
        govuk
        if all(is_listed)
        else [*govuk, CalendarSettings(name=CALENDAR_NAME, kind="toml", url=CALENDAR_URL)]
    )


def _parts_to_watch(release: ScriptRelease) -> list[PartSettings]:
    """Return the part settings that a simulated release needs, so that the monitor watches its
    parts.
    """
    if not is_on_gov_uk_calendar(release):
        # It is on the simulated TOML calendar. That names the parts of its releases, as GOV.UK's
        # calendar does not.
        return []
    # A match's url is a pattern: brackets around `*`, `?` and `[` make them stand for themselves.
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in announced_url(release))
    match = ReleaseMatch(url=pattern)
    parts = []
    for part in release.part:
        # A part's url is a template: a doubled brace stands for itself.
        template = part.url.replace("{", "{{").replace("}", "}}")
        parts.append({"match": match, **part.model_dump(), "url": template})
    if release.recognise is not None:
        parts.insert(
            0,
            {
                "match": match,
                "id": "page",
                "role": "page",
                "url": "{url}",
                "recognise": release.recognise,
            },
        )
    return [PartSettings.model_validate(part) for part in parts]

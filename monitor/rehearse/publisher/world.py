"""Every simulated host at once: what is asked, at an instant, decides what is answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import urlsplit

from monitor.rehearse.publisher.calendar import CALENDAR_HOST, CALENDAR_PATH, toml_calendar
from monitor.rehearse.publisher.cdn import Shown, Timelines
from monitor.rehearse.publisher.faults import Delivery, fault_for, spoilt
from monitor.rehearse.publisher.govuk.facts import ASSETS, WWW, Facts
from monitor.rehearse.publisher.govuk.pages import error_page, page
from monitor.rehearse.publisher.govuk.site import GovUk, file_reply
from monitor.rehearse.publisher.reply import Asked, Reply, to_bytes
from monitor.rehearse.script.script import Script, ScriptAnswer, ScriptFault, ScriptRelease

_BACKENDS = {WWW: "origin", ASSETS: "awsorigin"}
_MIRRORED_AT = timedelta(hours=1, minutes=43)
_STALE_FOR = timedelta(hours=1)


class World:
    """What the script makes of all its hosts. Pure: the same question at the same instant, the same answer."""

    def __init__(self, script: Script, zone: str = "Europe/London") -> None:
        self._script = script
        self._zone = zone
        self._timelines = Timelines(script.answer)
        self._govuk = GovUk(Facts(script, self._timelines))

    def delivery(self, asked: Asked, now: datetime) -> Delivery:
        """Return the bytes that a request gets, with the fault it meets."""
        fault = fault_for(self._script.fault, asked, now)
        if fault is None:
            reply = self.reply(asked, now)
            return Delivery(to_bytes(reply, asked, now), latency=reply.latency)
        then = _copied_at(fault) or now
        reply = self.reply(asked, then)
        if fault.kind == "stale":
            reply = _aged(reply, now - then)
        return spoilt(fault, asked, reply, now, self._script.seed)

    def reply(self, asked: Asked, now: datetime) -> Reply:
        """Return what the publisher itself answers at `now`."""
        shown = self._timelines.shown(asked, now)
        if shown is not None:
            return self._scripted(shown, asked, now)
        if (asked.host, asked.path) == (CALENDAR_HOST, CALENDAR_PATH):
            return toml_calendar(self._script, now, self._zone)
        found = self._govuk.reply(asked, now) or error_page(404)
        return found.having(_backend(asked.host))

    def _scripted(self, shown: Shown, asked: Asked, now: datetime) -> Reply:
        answer = shown.answer
        if answer is None:
            return error_page(404).having({**_backend(asked.host), **shown.headers()})
        reply = self._filled(answer, asked, now)
        reply = Reply(answer.status, reply.body, {**reply.headers, **answer.headers}, answer.latency)
        reply = reply.having({**_backend(asked.host), **shown.headers()})
        return reply.tagged(asked) if answer.etag else reply

    def _filled(self, answer: ScriptAnswer, asked: Asked, now: datetime) -> Reply:
        body = answer.content
        if body is not None:
            return Reply(answer.status, body, {"Content-Type": "text/html; charset=utf-8"})
        if answer.status >= 400:
            return error_page(answer.status)
        if answer.status >= 300:
            return Reply(answer.status)
        return self._plausible(answer.url, asked, now)

    def _plausible(self, url: str, asked: Asked, now: datetime) -> Reply:
        release = self._owners.get(url)
        if _is_file(asked.path):
            return file_reply(asked.path, self._script.title if release is None else release.title)
        if release is None:
            return page(200, self._script.title, self._script.title, "<p>Published.</p>")
        own = self._govuk.page(url, now)
        return own or page(200, release.title, release.title, f"<p>Published by {release.producer}.</p>")

    @cached_property
    def _owners(self) -> dict[str, ScriptRelease]:
        parts = {part.url: release for release in self._script.release for part in release.part}
        return parts | {release.url: release for release in self._script.release}


def _backend(host: str) -> dict[str, str]:
    return {"Fastly-Backend-Name": _BACKENDS[host]} if host in _BACKENDS else {}


def _copied_at(fault: ScriptFault) -> datetime | None:
    """Return when the copy was made that a fault serves; None for one that serves what there is."""
    if fault.kind not in {"mirror", "stale"}:
        return None
    if fault.age is not None:
        return fault.begins - fault.age
    return _last_night(fault.begins) if fault.kind == "mirror" else fault.begins - _STALE_FOR


def _aged(reply: Reply, age: timedelta) -> Reply:
    """Return an answer out of a cache that goes on serving it, whatever it was allowed to."""
    kept = {name: value for name, value in reply.headers.items() if name not in {"Age", "X-Cache"}}
    lasts = 30 if reply.status == 404 else 300
    told = {"Age": str(int(age.total_seconds())), "X-Cache": "HIT", "Cache-Control": f"max-age={lasts}, public"}
    return Reply(reply.status, reply.body, {**kept, **told}, reply.latency)


def _last_night(now: datetime) -> datetime:
    mirrored = now.replace(hour=0, minute=0, second=0, microsecond=0) + _MIRRORED_AT
    return mirrored if mirrored <= now else mirrored - timedelta(days=1)


def _is_file(path: str) -> bool:
    name = urlsplit(path).path.rpartition("/")[2]
    return "." in name and not name.endswith((".html", ".htm", ".aspx", ".php"))

"""The responses of every simulated host, decided by the request and the time only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from monitor.rehearse.publisher.calendar import CALENDAR_HOST, CALENDAR_PATH, toml_calendar
from monitor.rehearse.publisher.cdn import ServedAnswer, Timelines
from monitor.rehearse.publisher.faults import RawResponse, apply_fault, fault_for
from monitor.rehearse.publisher.govuk.facts import ASSETS, WWW, Facts
from monitor.rehearse.publisher.govuk.pages import error_page, page
from monitor.rehearse.publisher.govuk.site import GovUk, file_reply
from monitor.rehearse.publisher.reply import ReceivedRequest, Reply, to_bytes
from monitor.rehearse.script.script import Script, ScriptAnswer, ScriptFault, ScriptRelease

_BACKENDS = {WWW: "origin", ASSETS: "awsorigin"}
_DEFAULT_AGE_OF_STALE_COPY = timedelta(hours=1)

_FIGURES = "<table><tr><th>Total</th><td>1,204</td></tr></table>"


class World:
    """All hosts of a script. The same request at the same time gets the same response.

    `zone` is the timezone in which the TOML calendar writes its slots.
    """

    def __init__(self, script: Script, zone: str = "Europe/London") -> None:
        self._script = script
        self._zone = zone
        self._timelines = Timelines(script.answer)
        self._govuk = GovUk(Facts(script, self._timelines))
        self._release_by_url: dict[str, ScriptRelease] = {}
        for release in script.release:
            self._release_by_url |= dict.fromkeys((part.url for part in release.part), release)
        self._release_by_url |= {release.url: release for release in script.release}

    def respond(self, request: ReceivedRequest, now: datetime) -> RawResponse:
        """Return the bytes that a request gets at `now`, and how to send them.

        A fault in the script alters both.
        """
        fault = fault_for(self._script.fault, request, now)
        if fault is None:
            reply = self.reply(request, now)
            return RawResponse(to_bytes(reply, request, now), latency=reply.latency)
        # In some faults a cache or mirror serves an old copy, made at `_copy_time`, which is None
        # for other faults.
        reply_time = _copy_time(fault) or now
        reply = self.reply(request, reply_time)
        if fault.kind == "stale":
            # all of this fault, so `apply_fault` alters no more
            reply = _as_stale_copy(reply, now - reply_time)
        return apply_fault(fault, request, reply, now, self._script.seed)

    def reply(self, request: ReceivedRequest, now: datetime) -> Reply:
        """Return the reply without faults: a scripted answer, or else the TOML calendar, GOV.UK's
        reply or a 404.
        """
        served = self._timelines.find_answer(request, now)
        if served is not None:
            return self._scripted_reply(served, request, now)
        if (request.host, request.path) == (CALENDAR_HOST, CALENDAR_PATH):
            return toml_calendar(self._script, now, self._zone)
        found = self._govuk.reply(request, now) or error_page(404)
        return found.with_default_headers(_backend_header(request.host))

    def _scripted_reply(
        self, served: ServedAnswer, request: ReceivedRequest, now: datetime
    ) -> Reply:
        """Return the reply of a scripted answer, with the headers of the script, the cache and the
        backend.
        """
        answer = served.answer
        more_headers = {**_backend_header(request.host), **served.cache_headers()}
        if answer is None:  # the script has answers for this address, but none has begun by `now`
            return error_page(404).with_default_headers(more_headers)
        reply = self._reply_with_body(answer, request, now)
        reply = Reply(
            answer.status, reply.body, {**reply.headers, **answer.headers}, answer.latency
        )
        reply = reply.with_default_headers(more_headers)
        return reply.with_etag(request) if answer.etag else reply

    def _reply_with_body(
        self, answer: ScriptAnswer, request: ReceivedRequest, now: datetime
    ) -> Reply:
        """Return the scripted body, else a default one for the status: below 300, the release shown
        as published.
        """
        if answer.content is not None:
            return Reply(
                answer.status, answer.content, {"Content-Type": "text/html; charset=utf-8"}
            )
        if answer.status >= 400:
            return error_page(answer.status)
        if answer.status >= 300:
            return Reply(answer.status)
        release = self._release_by_url.get(answer.url)
        if _has_file_name(request.path):
            return file_reply(
                request.path, self._script.title if release is None else release.title
            )
        if release is None:
            return page(200, self._script.title, self._script.title, _FIGURES)
        on_gov_uk = self._govuk.page(answer.url, now)
        return on_gov_uk or page(
            200, release.title, release.title, f"<p>Published by {release.producer}.</p>{_FIGURES}"
        )


def _backend_header(host: str) -> dict[str, str]:
    """Return the header that names GOV.UK's backend; empty for other hosts."""
    return {"Fastly-Backend-Name": _BACKENDS[host]} if host in _BACKENDS else {}


def _copy_time(fault: ScriptFault) -> datetime | None:
    """Return when the copy that a fault serves was made; None for a fault that serves no copy."""
    if fault.kind not in {"mirror", "stale"}:
        return None
    if fault.age is not None:
        return fault.begins - fault.age
    if fault.kind == "stale":
        return fault.begins - _DEFAULT_AGE_OF_STALE_COPY
    # GOV.UK's mirror copies the pages every night at 01:43 UTC.
    mirrored = fault.begins.replace(hour=1, minute=43, second=0, microsecond=0)
    return mirrored if mirrored <= fault.begins else mirrored - timedelta(days=1)


def _as_stale_copy(reply: Reply, age: timedelta) -> Reply:
    """Return a reply as a cache serves it at this age, even if the age is above its own
    `max-age`.
    """
    max_age = 30 if reply.status == 404 else 300
    added = {
        "Age": str(int(age.total_seconds())),
        "X-Cache": "HIT",
        "Cache-Control": f"max-age={max_age}, public",
    }
    return replace(reply, headers={**reply.headers, **added})


def _has_file_name(path: str) -> bool:
    """Return whether a path names a file to download and not a page."""
    name = urlsplit(path).path.rpartition("/")[2]
    return "." in name and not name.endswith((".html", ".htm", ".aspx", ".php"))

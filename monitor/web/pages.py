"""Pages for people, rendered on the server; they work without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from math import ceil, floor
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from alerts.incident import Kind
from alerts.silence import Scope, Silence
from monitor.deliver.reminders import GIVEN_UP_FOR
from monitor.errors import StoreFault
from monitor.health.checks import Check
from monitor.judge.as_json import (
    address_note,
    decision_text,
    last_look_text,
    lateness,
    length_text,
    status_text,
    verdict_or_due,
)
from monitor.judge.as_text import count_length_units, elapsed_text, elsewhere_text, open_alternatives
from monitor.judge.verdict import verdict_text
from monitor.web.queries import Queries
from monitor.web.request import queries_of, session_of
from schedules.announcement import ORIGIN_KNOWN, Origin
from schedules.times.interval import Bounds
from schedules.times.json import bounds_from_json, instant_from_json, interval_from_json
from schedules.times.words import MINUTE, SECOND, between, clock, day_text, length, lengths, stamp

KINDS: Mapping[str, str] = {
    Kind.LATE: "late",
    Kind.EARLY: "early",
    Kind.PARTIAL: "partly late",
    Kind.DUE: "not found yet",
    Kind.UNPROVEN: "not proven",
    Kind.LEAD: "a lead to be judged",
    Kind.ALTERED: "altered after its release",
    Kind.CALENDAR: "calendars disagree, short notice, or not announced",
    Kind.TOO_COSTLY: "a host whose answers cannot be read",
    Kind.PLATFORM: "several releases, of one platform or period",
    Kind.HAND: "logged by hand",
}

_ASSETS = {"/style.css": "text/css", "/live.js": "text/javascript", "/icon.svg": "image/svg+xml"}
_FOLDER = Path(__file__).parent / "templates"


def _pages() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=select_autoescape(), undefined=StrictUndefined, auto_reload=False
    )
    made.filters |= {
        "local": local,
        "day": day_text,
        "at": partial(stamp, step=SECOND),
        "exact_time": partial(clock, exact=True),
        "clock_time": clock,
        "ago": ago,
        "elapsed": elapsed_text,
        "short_length": short_length,
        "slot_start": slot_start,
        "reasons": reasons,
        "public_links": public_links,
        "millis": millis,
        "seen": seen,
        "time_of_day": time_of_day,
        "verdict": verdict_text,
        "told": status_text,
        "status": verdict_or_due,
        "last_look": last_look_text,
        "elsewhere": elsewhere_text,
        "open_alternatives": open_alternatives,
        "decision": decision_text,
        "address": address_note,
        "length": length_text,
        "lateness": lateness,
        "against": against,
        "kind": KINDS.__getitem__,
        "ticked": ticked,
        "found_how": lambda origin: ORIGIN_KNOWN[Origin(origin)],
    }
    return made


def local(text: str | None, timezone: str, seconds: bool = True) -> str:  # noqa: FBT001, FBT002 # called from templates
    """Return an instant of the interface in local time: `5 Jan 2018 09:30:00 GMT`."""
    instant = instant_from_json(text)
    return "not known" if instant is None else stamp(instant, timezone, step=SECOND if seconds else MINUTE)


def ago(span: timedelta) -> str:
    """Return how long ago something was, in its largest unit: `2 s`."""
    return _ago(floor(max(span.total_seconds(), 0)))


@lru_cache(maxsize=4096)
def _ago(seconds: int) -> str:
    return length(seconds, floor, parts=1, tenths=False)


def short_length(seconds: Mapping[str, Any] | None) -> str:
    """Return a measured length for a list: in minutes rather than seconds once over five minutes.

    Each bound is rounded outward. Empty if nothing was measured.
    """
    bounds = bounds_from_json(seconds) or Bounds()
    size = abs(next((side for side in (bounds.min, bounds.max) if side is not None), 0.0))
    return lengths(bounds, parts=count_length_units(size), tenths=False, unknown="")


def slot_start(row: Mapping[str, Any]) -> datetime:
    """Return when the slot of a release that has one begins."""
    return datetime.fromisoformat(row["slot"]["start"])


def reasons(row: Mapping[str, Any], timezone: str) -> list[str]:
    """Return what a list says under the title of a release: what the last look got and why nothing was proved."""
    is_cut = any(one["kind"] == "parts_cut" for one in row["findings"])
    cut = "not all of its parts are watched" if is_cut else ""
    unproven = "" if row["verdict"] in ("late", "overdue") else row["unproven_because"]
    return [text for text in (last_look_text(row), unproven, decision_text(row, timezone), cut) if text]


def public_links(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return where a release that is late or early is, or should be, public: addresses with their names."""
    if elsewhere := open_alternatives(row):
        return [(one["url"], one["part"]) for one in elsewhere]
    exposed = {one["part"] for one in row["exposures"] if one["open"]}
    if exposed:
        return [(part["url"], part["id"]) for part in row["parts"] if part["id"] in exposed]
    return [(row["url"], "Announced page")] if row["url"] else []


def millis(instant: datetime) -> int:
    """Return an instant as scripts count: in milliseconds since 1970."""
    return round(instant.timestamp() * 1000)


def ticked(text: str) -> Markup:
    """Return a text with what stands between backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 # escaped just before


def time_of_day(text: str, timezone: str) -> str:
    """Return the local time of day of an instant of the interface: `09:30 GMT`."""
    return clock(datetime.fromisoformat(text), timezone)


def seen(interval: Mapping[str, str | None], timezone: str) -> str:
    """Return when something came, in local time; empty while it has not been seen."""
    return "" if interval["by"] is None else between(interval_from_json(interval), timezone)


def against(bounds: Mapping[str, Any] | None) -> str:
    """Return a delay in words, on whichever side of the slot it lies: `38 min 2 s to 38 min 5 s after`."""
    if bounds is None or (least := bounds["min"]) is None:
        return length_text(bounds)
    most = bounds["max"]
    if most is not None and most <= 0 and least < 0:
        return f"{length_text({'min': -most, 'max': -least})} before"
    if most is not None and least < 0:
        before, after = (length(side, ceil, parts=2, tenths=False) for side in (-least, most))
        return f"between {before} before and {after} after"
    return f"{length_text(bounds)} after"


_ENVIRONMENT = _pages()


def fragment(queries: Queries, template: str, **values: Any) -> str:  # noqa: ANN401 # for a template
    """Return a part of a page made of a template, the same for everybody who sees as much."""
    return _ENVIRONMENT.get_template(template).render(zone=queries.timezone, names=queries.producers, **values)


def render(request: Request, template: str, code: int = 200, **values: Any) -> Response:  # noqa: ANN401 # for a template
    """Return a page made of a template; `path` marks where in the menu it stands."""
    queries, session = queries_of(request), session_of(request)
    acts = queries.desk is not None and session is not None and not session.person.is_viewer
    seen = {
        "signs_in": queries.door is not None and queries.door.lets_in,
        "door": queries.door,
        "session": session,
        "closed": not (queries.public or queries.sees_all or session is not None),
        "sees_all": queries.sees_all,
        "names": queries.producers,
        "acts": acts,
        "signs": acts and session is not None and session.person.is_head,
        "now": queries.clock.now(),
        "zone": queries.timezone,
        "path": request.url.path,
        "steps": queries.steps,
        "wall": False,
    }
    text = _ENVIRONMENT.get_template(template).render(seen | values)
    return HTMLResponse(text, status_code=code)


async def _stored_checks(queries: Queries) -> tuple[list[Check], list[dict[str, Any]]]:
    """Return what the store says of the monitors and of notices, and the notices given up in the last seven days."""
    try:
        now = queries.clock.now()
        members = await queries.ask(lambda: list(_member_checks(queries, now)))
        given_up = await queries.given_up()
    except StoreFault as fault:
        todo = "Free space, or bring the database back."
        return [Check("Store, read", str(fault), todo, "NinethirtyStoreFailing")], []
    count = f"{len(given_up)} notice{'s' if len(given_up) != 1 else ''} given up in the last seven days"
    todo = "Tell the recipients yourself, then repair the channel: see the list below."
    notices = Check("Notices", count, todo, "NinethirtyNoticeGivenUp")
    return [
        notices if given_up else Check("Notices", "no delivery was given up in the last seven days"),
        *members,
    ], given_up


def _member_checks(queries: Queries, now: datetime) -> Iterator[Check]:
    """Yield what each monitor of a shared store does, and each that fell silent in the last seven days."""
    leases, zone = queries.store.leases, queries.timezone
    for lease in leases.leases():
        name, beat = lease.name.capitalize(), leases.heartbeat(lease.name.removeprefix("monitor "))
        # A lease that ran out is free: the next monitor with something to send takes it.
        if lease.until > now:
            yield Check(name, f"held by {lease.holder} until {clock(lease.until, zone, exact=True)}")
        elif beat is not None and not beat.stopped and now - beat.at < GIVEN_UP_FOR:
            todo = "Start it again, or remove what stopped it."
            yield Check(name, f"not heard of since {stamp(beat.at, zone)}", todo, "NinethirtyDown")


async def status(request: Request) -> Response:
    """Show how the monitor itself is doing: a list of checks, what is wrong first."""
    queries = queries_of(request)
    stored, given_up = await _stored_checks(queries)
    return render(
        request,
        "status.html",
        checks=sorted([*queries.live.checks(), *stored], key=lambda check: check.is_good),
        unready=list(queries.live.unready()),
        unheard=queries.unheard(queries.clock.now()),
        given_up=given_up,
    )


async def asset(request: Request) -> Response:
    """Serve the style sheet, the script that keeps a board live, or the icon."""
    path = request.url.path
    return Response((_FOLDER / path[1:]).read_bytes(), media_type=_ASSETS[path])


async def silences_of(queries: Queries, *, coming: bool = False) -> list[tuple[Silence, str]]:
    """Return the silences that last, `coming` ones too if wanted, with what each is about. Strangers see none."""
    now, store = queries.clock.now(), queries.store

    def called(one: Silence) -> str:
        known = {Scope.RELEASE: store.ledger.release, Scope.INCIDENT: store.verdicts.incident}.get(one.scope)
        found = known(one.name) if known is not None else None
        return found.title if found is not None else queries.producers.get(one.name, one.name)

    def lasting() -> list[tuple[Silence, str]]:
        found = [one for one in store.outbox.silences(now) if one.is_on(now) or (coming and now < one.ends)]
        return [(one, called(one)) for one in found]

    try:
        return await queries.ask(lasting) if queries.sees_all else []
    except StoreFault:
        # The page says that the store does not answer.
        return []


def fault_page(request: Request, status: int, message: str) -> Response:
    """Show that something could not be shown, and why."""
    return render(request, "fault.html", status, message=message)


ROUTES = [Route("/status", status)]
LOOKS = [Route(path, asset) for path in _ASSETS]

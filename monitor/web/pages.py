"""Renders pages from templates, with the filters that templates use.

Also the status page and the assets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache, partial
from math import ceil, floor
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from alerts import plots
from alerts.incident import IncidentKind
from alerts.silence import Scope, Silence
from alerts.status import describe_exposure_end
from monitor.deliver.reminders import GIVEN_UP_FOR
from monitor.errors import NinethirtyError, StoreFault, http_status
from monitor.health.self_check import Check
from monitor.judge import as_json
from monitor.judge.as_text import (
    count_length_units,
    elapsed_text,
    elsewhere_text,
    open_alternatives,
)
from monitor.look.fetch import describe_why
from monitor.web.queries import Queries
from monitor.web.request import may_act, problem_response, queries_of, session_of
from monitor.web.sessions import Busy
from schedules.announcement import ORIGIN_KNOWN, Origin
from schedules.contract.verdict import verdict_text
from schedules.times.interval import Bounds
from schedules.times.json import bounds_from_json, interval_from_json
from schedules.times.words import (
    MINUTE,
    SECOND,
    clock,
    count,
    day_text,
    interval_text,
    length,
    lengths,
    stamp,
)

KIND_NAMES = {
    IncidentKind.LATE: "late",
    IncidentKind.EARLY: "early",
    IncidentKind.PARTIAL: "partly late",
    IncidentKind.DUE: "not found yet",
    IncidentKind.UNPROVEN: "not proven",
    IncidentKind.LEAD: "a lead to be judged",
    IncidentKind.ALTERED: "altered after its release",
    IncidentKind.WRONG_FILE: "perhaps a wrong file",
    IncidentKind.CALENDAR: "calendars disagree, short notice, or not announced",
    IncidentKind.TOO_COSTLY: "a host with unreadable answers",
    IncidentKind.PLATFORM: "several releases, of one platform or period",
    IncidentKind.HAND: "logged by hand",
}

_ASSETS = {
    "/style.css": "text/css",
    "/live.js": "text/javascript",
    "/copy.js": "text/javascript",
    "/icon.svg": "image/svg+xml",
}
_FOLDER = Path(__file__).parent / "templates"


def local_text(text: str | None, timezone: str, seconds: bool = True) -> str:  # noqa: FBT001, FBT002 # called from templates
    """Return an ISO instant in local time, such as `5 Jan 2018 09:30:00 GMT`, or `not known` for
    None.
    """
    if text is None:
        return "not known"
    step = SECOND if seconds else MINUTE
    return stamp(datetime.fromisoformat(text), timezone, step=step)


def ago(span: timedelta) -> str:
    """Return a duration rounded down to its largest unit, such as `2 s` or `3 min`."""
    return _seconds_in_largest_unit(floor(max(span.total_seconds(), 0)))


@lru_cache(maxsize=4096)
def _seconds_in_largest_unit(seconds: int) -> str:
    return length(seconds, floor, parts=1, tenths=False)


def least_length(seconds: Mapping[str, Any] | None) -> str:
    """Return a measured duration for a list: `5 min` if it is exact, else `at least 5 min`, or `at
    most 5 min` if it may be 0.

    Empty if there is none.
    """
    bounds = bounds_from_json(seconds) or Bounds()
    if bounds.min != bounds.max:
        bounds = Bounds(min=bounds.min) if bounds.min else Bounds(max=bounds.max)
    shown = bounds.min or bounds.max or 0.0
    return lengths(bounds, parts=count_length_units(abs(shown)), tenths=False, unknown="")


def slot_start(row: Mapping[str, Any]) -> datetime:
    """Return when the slot of a release begins. The release must have a slot."""
    return datetime.fromisoformat(row["slot"]["start"])


def proved_to(row: Mapping[str, Any], timezone: str) -> str:
    """Return until when a release is proved to be absent, as a local time of day."""
    delay, _part = as_json.decisive_delay(row)
    seconds = delay["min"] if delay else 0
    return clock(slot_start(row) + timedelta(seconds=seconds), timezone)


def list_reasons(row: Mapping[str, Any], timezone: str) -> list[str]:
    """Return the remarks for a release in a list: its last look, why it is unproven, decisions,
    unwatched parts.
    """
    reasons = [as_json.last_look_text(row)]
    if row["verdict"] not in ("late", "overdue"):
        reasons.append(row["unproven_because"])
    reasons.append(as_json.decision_text(row, timezone))
    if any(one["kind"] == "parts_cut" for one in row["findings"]):
        reasons.append("not all of its parts are watched")
    return list(filter(None, reasons))


def list_public_links(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (address, name) of where a release is public, or else of its announced page."""
    # If a release is public at another address than announced, link only to that address.
    if alternatives := open_alternatives(row):
        return [(one["url"], one["part"]) for one in alternatives]
    public_parts = {one["part"] for one in row["exposures"] if one["open"]}
    if public_parts:
        return [(part["url"], part["id"]) for part in row["parts"] if part["id"] in public_parts]
    return [(url, "Announced page") for url in (row["url"],) if url]


def millis(instant: datetime) -> int:
    """Return an instant in milliseconds since 1970, as scripts in the browser use it."""
    return round(instant.timestamp() * 1000)


def backticks_to_code(text: str) -> Markup:
    """Return a text as HTML in which words between backticks are code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 # escaped just before


def time_of_day(text: str, timezone: str) -> str:
    """Return the local time of day of an ISO instant, such as `09:30 GMT`."""
    return clock(datetime.fromisoformat(text), timezone)


def seen_text(interval: Mapping[str, str | None], timezone: str) -> str:
    """Return the interval in which something was first seen, in local time.

    Empty if it was not seen.
    """
    if interval["by"] is None:
        return ""
    return interval_text(interval_from_json(interval), timezone)


def delay_from_slot(bounds: Mapping[str, Any] | None) -> str:
    """Return a delay in words: `2 s to 5 s after` the slot, `… before`, or `between 1 s before and
    5 s after`.

    `bounds` are in seconds, negative before the slot. Without a `min`, return `at most 5 s after`
    or `at least 5 s before`. Empty if they are None.
    """
    delay = bounds_from_json(bounds) or Bounds()
    least, most = delay.min, delay.max
    if least is None and most is None:
        return ""
    # The whole interval is before the slot. There, `most` is the bound nearer to it, so it becomes
    # the least length.
    if most is not None and most <= 0 and (least is None or least < 0):
        how_early = {"min": -most, "max": None if least is None else -least}
        return f"{as_json.length_text(how_early)} before"
    if least is None or most is None or least >= 0:
        return f"{as_json.length_text(bounds)} after"
    # Two units and no tenths, as in `length_text`.
    before, after = (length(side, ceil, parts=2, tenths=False) for side in (-least, most))
    return f"between {before} before and {after} after"


_FILTERS: tuple[Callable[..., Any], ...] = (
    *(ago, backticks_to_code, day_text, delay_from_slot, describe_exposure_end, describe_why),
    *(elapsed_text, elsewhere_text, list_public_links, list_reasons, local_text, millis),
    *(open_alternatives, proved_to, seen_text, least_length, slot_start, time_of_day),
    *(as_json.address_note, as_json.decision_text, as_json.decisive_delay, as_json.last_look_text),
    *(as_json.length_text, as_json.status_text, as_json.verdict_or_due, verdict_text),
    *(plots.draw_for_page, plots.draw_rows_for_page, plots.draw_slot_bars, plots.list_states),
)
"""The filters of templates that have the name of their function."""


def _make_environment() -> Environment:
    """Return the environment in which all templates are rendered."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        auto_reload=False,
    )
    made.globals |= {
        "plot_states": plots.STATES,
        "slot_ticks": plots.SLOT_TICKS,
        "plot_pattern": plots.PATTERN_ON_PAGE,
    }
    made.filters |= {one.__name__: one for one in _FILTERS}
    made.filters |= {
        "at": partial(stamp, step=SECOND),
        "clock_time": clock,
        "exact_time": partial(clock, exact=True),
        "kind": KIND_NAMES.__getitem__,
        "found_how": lambda origin: ORIGIN_KNOWN[Origin(origin)],
    }
    return made


_ENVIRONMENT = _make_environment()


def render_fragment(queries: Queries, template: str, **values: Any) -> str:  # noqa: ANN401 # for a template
    """Return HTML rendered from the template of a part of a page.

    It must not depend on the session.
    """
    return _ENVIRONMENT.get_template(template).render(
        zone=queries.timezone, names=queries.producers, **values
    )


def render(request: Request, template: str, code: int | None = None, **values: Any) -> Response:  # noqa: ANN401 # for a template
    """Return a response with a whole page.

    The template gets `values` and the values that every page needs.

    By default, a page that names a `fault`, or `faults`, of what was sent is a 400, and any other a
    200.
    """
    default_code = 200
    if values.get("fault") or values.get("faults"):
        default_code = 400
    queries, session, acts = queries_of(request), session_of(request), may_act(request)
    common = {
        "signs_in": queries.sessions is not None and queries.sessions.allows_sign_in,
        "sessions": queries.sessions,
        "session": session,
        # This visitor must sign in to see any page.
        "closed": not (queries.public or queries.sees_all or session is not None),
        "sees_all": queries.sees_all,
        "names": queries.producers,
        "acts": acts,
        "adds": acts and queries.by_hand is not None,
        "signs": acts and session is not None and session.person.is_head,
        "now": queries.now(),
        "zone": queries.timezone,
        "path": request.url.path,
        # The moments that a demonstration offers, empty for a real monitor.
        "steps": queries.steps,
        # Only the board is read again while it is open, and shown on a wall, without menu and
        # forms. It overrides these.
        "is_live": False,
        "wall": False,
        "searched": "",
    }
    text = _ENVIRONMENT.get_template(template).render(common | values)
    return HTMLResponse(text, status_code=code or default_code)


async def _check_store(queries: Queries) -> tuple[list[Check], list[dict[str, Any]]]:
    """Return checks of notices and monitors, and the deliveries given up.

    If the store fails, only a check of it.
    """
    try:
        now = queries.now()
        monitors = await queries.ask(lambda: list(_check_leases(queries, now)))
        given_up = await queries.list_given_up()
    except StoreFault as fault:
        todo = "Free space, or bring the database back."
        return [Check("Store, read", str(fault), todo, "NinethirtyStoreFailing")], []
    notices = Check("Notices", "no delivery was given up in the last seven days")
    if given_up:
        found = f"{count(len(given_up), 'notice')} given up in the last seven days"
        todo = "Contact the recipients yourself, then repair the channel: see the list below."
        notices = Check("Notices", found, todo, "NinethirtyNoticeGivenUp")
    return [notices, *monitors], given_up


def _check_leases(queries: Queries, now: datetime) -> Iterator[Check]:
    """Yield a good check for each monitor whose name is in use, and a failed one for each that was
    lost in the last week.

    A monitor is lost if the lease on its name ran out.
    """
    zone = queries.timezone
    for lease in queries.store.leases.names():
        name = lease.name.capitalize()
        if lease.until > now:
            yield Check(
                name, f"held by {lease.holder} until {clock(lease.until, zone, exact=True)}"
            )
        elif lease.has_run_out(now, GIVEN_UP_FOR):
            todo = "Start it again, or remove what stopped it."
            last_sign = stamp(lease.until, zone)
            yield Check(name, f"no sign of it since {last_sign}", todo, "NinethirtyDown")


async def show_status(request: Request) -> Response:
    """Show the status of the monitor itself: a list of checks, failing ones first."""
    queries = queries_of(request)
    stored, given_up = await _check_store(queries)
    checks = sorted([*queries.live.checks(), *stored], key=lambda check: check.is_good)
    hosts, unready = queries.silent_hosts(queries.now()), list(queries.live.unready())
    return render(
        request,
        "status.html",
        checks=checks,
        unready=unready,
        silent_hosts=hosts,
        given_up=given_up,
    )


async def serve_asset(request: Request) -> Response:
    """Serve the style sheet, the script of the live board, or the icon."""
    path = request.url.path
    return Response((_FOLDER / path[1:]).read_bytes(), media_type=_ASSETS[path])


async def list_silences(
    queries: Queries, *, with_future: bool = False
) -> list[tuple[Silence, str]]:
    """Return the silences (spans in which messages are muted) that are in force, each with the
    title of what it mutes.

    If `with_future`, return future ones too. Empty if the viewer is not staff, or if the store does
    not answer.
    """
    if not queries.sees_all:
        return []
    now, store = queries.now(), queries.store

    def title_of(one: Silence) -> str:
        """Return the title of a release or incident, the name of a producer, or a host as it is."""
        find = {Scope.RELEASE: store.ledger.release, Scope.INCIDENT: store.verdicts.incident}.get(
            one.scope
        )
        if find is not None and (found := find(one.name)) is not None:
            return found.title
        return queries.producers.get(one.name, one.name)

    def read() -> list[tuple[Silence, str]]:
        found = [
            one
            for one in store.outbox.silences(now)
            if one.is_on(now) or (with_future and now < one.ends)
        ]
        return [(one, title_of(one)) for one in found]

    try:
        return await queries.ask(read)
    except StoreFault:
        # The page itself warns that the store does not answer.
        return []


async def respond_to_error(request: Request, error: Exception) -> Response:
    """Return a page that states the error.

    Below `/api/`, return a problem document (RFC 9457) instead.
    """
    status, text, headers = 500, "This is our fault. It is in the log.", None
    if isinstance(error, HTTPException):
        status, headers = error.status_code, error.headers
        words = "There is nothing at" if status == 404 else f"{error.detail}:"
        text = f"{words} {request.url.path}"
    elif isinstance(error, Busy):
        status, text, headers = 429, str(error), {"Retry-After": str(error.wait)}
    elif isinstance(error, NinethirtyError):
        status, text = http_status(error), str(error)
    if request.scope["path"].startswith("/api/"):
        response = problem_response(status, text)
    else:
        response = render(request, "fault.html", status, message=text)
    response.headers.update(headers or {})
    return response


ROUTES = [Route("/status", show_status)]
ASSET_ROUTES = [Route(path, serve_asset) for path in _ASSETS]

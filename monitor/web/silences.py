"""The page that mutes messages about a release, a producer, a host or an incident, now or for
planned work ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import BoxFault, InvalidInput, parse_instant
from alerts.silence import FARTHEST_AHEAD, Scope
from monitor.errors import NotAllowed
from monitor.web.fragments import sort_by_name
from monitor.web.pages import list_silences, render
from monitor.web.queries import Queries
from monitor.web.request import PostRoute, check_parameters, may_act, queries_of
from monitor.web.staff_form import BoxTexts, SentForm, faults_by_box, with_staff_form
from monitor.web.strip import exact_slot
from schedules.release import producers_of
from schedules.times.zone import local

Choice = tuple[Scope, str, str]
"""Something that can be muted: its scope, its id and its name for people."""
_BOX_IDS = {name: name for name in ("of", "reason", "from", "until")}
_DEFAULT_LENGTH, _OFFERED_BEFORE = timedelta(hours=4), timedelta(days=30)


async def show_mute_form(
    request: Request, typed: BoxTexts = None, faults: BoxTexts = None
) -> Response:
    """Show the form that mutes messages, and the current and future silences, the spans in which
    they are muted.

    The query can name a `release` or an `incident`, which is then chosen in the form. If the form
    was sent and refused, it has the `typed` texts and the `faults` by box.
    """
    if typed is None:
        check_parameters(request, ("release", "incident"))
        if not may_act(request):
            raise NotAllowed("Messages are muted by people who have signed in and may act.")
        typed = request.query_params
    queries = queries_of(request)
    now = queries.now()
    chosen, begins = await _find_subjects(queries, typed, now)
    until = (begins or now) + _DEFAULT_LENGTH
    defaults = {
        "of": next((f"{scope} {name}" for scope, name, _title in chosen), ""),
        "from": _format_for_input(begins, queries.timezone),
        "until": _format_for_input(until, queries.timezone),
    }
    return render(
        request,
        "mute.html",
        typed={**defaults, **typed},
        faults=faults or {},
        chosen=chosen,
        offered=await queries.ask(lambda: list(_list_producers_and_hosts(queries, now))),
        silences=await list_silences(queries, with_future=True),
    )


@with_staff_form
async def mute_messages(request: Request, sent: SentForm) -> Response:
    """Add the silence of the form, for `_DEFAULT_LENGTH` if it has no end, and show the page again,
    with any faults.
    """
    zone, now = queries_of(request).timezone, sent.desk.clock.now()
    try:
        begins = _read_instant(sent.text("from"), "from", zone)
        until = (
            _read_instant(sent.text("until"), "until", zone) or (begins or now) + _DEFAULT_LENGTH
        )
        of = _read_subject(sent.text("of"))
        await sent.desk.silence(of, until, sent.text("reason"), begins)
    except InvalidInput as fault:
        return await show_mute_form(request, sent.fields, faults_by_box(fault, _BOX_IDS, "of"))
    return RedirectResponse("/silences", 303)


@with_staff_form
async def end_silence(_request: Request, sent: SentForm) -> Response:
    """End a silence, or cancel a future one, and show the page again."""
    await sent.desk.end_silence(sent.text("silence"))
    return RedirectResponse("/silences", 303)


def _read_subject(text: str) -> tuple[Scope, str]:
    """Return the scope and the name of a choice in the form. Raises `InvalidInput`."""
    scope, _, name = text.partition(" ")
    if scope not in list(Scope) or not name:
        raise InvalidInput(BoxFault("of", "say what to mute"))
    return Scope(scope), name


def _read_instant(text: str, box: str, zone: str) -> datetime | None:
    """Return the instant of a local date-time, or None if the box is empty. Raises
    `InvalidInput`.
    """
    if not text:
        return None
    try:
        return parse_instant(text, zone)
    except ValueError as exc:
        why = "must be a date and time, such as 2026-11-26T09:30"
        raise InvalidInput(BoxFault(box, why)) from exc


async def _find_subjects(
    queries: Queries, typed: Mapping[str, str], now: datetime
) -> tuple[list[Choice], datetime | None]:
    """Return what can be muted for the query's incident or release, and the release's slot (None:
    no future time).
    """
    if typed.get("incident"):
        incident = await queries.find_incident(typed["incident"])
        choices = [(Scope.INCIDENT, incident.id, incident.title)]
        # An incident that a person logged may have no release.
        if incident.release:
            choices.append((Scope.RELEASE, incident.release, incident.title))
        return choices, None
    if not typed.get("release"):
        return [], None
    body = await queries.find_release(typed["release"])
    slot = exact_slot(body)
    if slot is not None and not now < slot <= now + FARTHEST_AHEAD:
        slot = None
    return [(Scope.RELEASE, body["id"], body["title"])], slot


def _list_producers_and_hosts(queries: Queries, now: datetime) -> Iterator[Choice]:
    near = queries.store.ledger.releases(now - _OFFERED_BEFORE, now + FARTHEST_AHEAD)
    producers = producers_of(near).union(queries.producers)
    yield from (
        (Scope.PRODUCER, name, called)
        for name, called in sort_by_name(producers, queries.producers)
    )
    hosts = {urlsplit(one.url).hostname for one in near}
    yield from ((Scope.HOST, host, host) for host in sorted(filter(None, hosts)))


def _format_for_input(moment: datetime | None, zone: str) -> str:
    """Return an instant as the value of a `datetime-local` field, empty for None."""
    return "" if moment is None else f"{local(moment, zone):%Y-%m-%dT%H:%M}"


ROUTES = [
    Route("/silences", show_mute_form),
    PostRoute("/silences", mute_messages),
    PostRoute("/silences/end", end_silence),
]

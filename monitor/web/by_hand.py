"""The pages on which people add a release by hand, or one more address of a release, and remove
them again.

Both are entries of the calendar `by-hand`. It is read again at once, so that they are watched from
then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import BoxFault, InvalidInput, make_storable
from alerts.one_line import one_line
from monitor.errors import NotAllowed, UnknownName
from monitor.web.answers import Addition
from monitor.web.embargo import slot_has_passed
from monitor.web.fragments import sort_by_name
from monitor.web.hand_calendar import HandCalendar, add_address, add_release, remove_addition
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import PostRoute, check_parameters, may_act, queries_of
from monitor.web.staff_form import (
    BoxTexts,
    SentForm,
    faults_by_box,
    find_known_release,
    with_staff_form,
)
from schedules.address import canonical_address
from schedules.announcement import BY_HAND
from schedules.dates.read import read_date, with_time
from schedules.slot import Precision
from schedules.times.json import Json
from schedules.times.words import MINUTE, day_text, stamp
from schedules.times.zone import AMBIGUOUS, NONEXISTENT, local, local_date

T = TypeVar("T")
_BOX_IDS = {name: name for name in ("title", "producer", "url", "day", "time")}
_LAST_BOX = "send"
"""The box that also shows the faults of no box."""
_LONGEST_TEXT = 300
_MOST_AHEAD = timedelta(days=730)
_NEAR = timedelta(days=400)
_MOST_SHOWN = 50
_log = structlog.get_logger(__name__)


async def show_forms(request: Request, typed: BoxTexts = None, faults: BoxTexts = None) -> Response:
    """Show the form for a release, or for one more address of the query's `release`, and what
    people added.

    If a form was sent and refused, the page has the `typed` texts and the `faults` by box.
    """
    if typed is None:
        check_parameters(request, ("release",))
        if not may_act(request):
            raise NotAllowed("Releases are added by people who have signed in and may act.")
        typed = request.query_params
    queries = queries_of(request)
    calendar = require_calendar(queries)
    faults = dict(faults or {})
    try:
        added = await calendar.list_additions()
    except InvalidInput as fault:
        added = []
        # a fault of the sent form in the same box is shown instead
        faults = {_LAST_BOX: str(fault)} | faults
    known = await find_known_release(queries, typed)
    now = queries.now()
    return render(
        request,
        "by_hand.html",
        typed=typed,
        faults=faults,
        known=known,
        has_passed=known is not None and slot_has_passed(known, now),
        added=[(one, *await _find_its_release(queries, one)) for one in added[:_MOST_SHOWN]],
        example=day_text(local_date(now, queries.timezone) + timedelta(days=1)),
        producers=sort_by_name(queries.producers, queries.producers),
    )


@with_staff_form
async def add(request: Request, sent: SentForm) -> Response:
    """Add what a form says, and show the release, or the form again with its faults."""
    try:
        release = await add_addition(queries_of(request), sent)
    except InvalidInput as fault:
        return await show_forms(request, sent.fields, faults_by_box(fault, _BOX_IDS, _LAST_BOX))
    return RedirectResponse(f"/releases/{quote(release)}" if release else "/by-hand", 303)


@with_staff_form
async def remove(request: Request, sent: SentForm) -> Response:
    """Remove a release or address that a person added, or show the page with the fault, such as a
    passed slot.
    """
    try:
        await remove_by_hand(queries_of(request), sent)
    except InvalidInput as fault:
        return await show_forms(request, {}, faults_by_box(fault, _BOX_IDS, _LAST_BOX))
    return RedirectResponse("/by-hand", 303)


async def remove_by_hand(queries: Queries, sent: SentForm) -> None:
    """Remove the `entry` of a form, or its address `part`.

    Raises `InvalidInput`, also if its slot has passed.
    """
    entry, part = sent.text("entry"), sent.text("part")
    calendar, reason = require_calendar(queries), _describe_act("Removed", sent, queries)
    added = [
        one for one in await calendar.list_additions() if (one.entry, one.part) == (entry, part)
    ]
    # If there is no such addition, `remove_addition` raises the fault.
    release, has_passed = await _find_its_release(queries, added[0]) if added else ("", False)
    if has_passed:
        raise InvalidInput(BoxFault("", "Its slot has passed, so it can no longer be removed."))
    change = partial(remove_addition, entry=entry, part=part, reason=reason)
    await _change_calendar(queries, calendar, change)
    await sent.desk.record_act("removed_by_hand", release or entry)
    _log.info("removed_by_hand", entry=entry, part=part, role=sent.role)


async def add_addition(queries: Queries, sent: SentForm) -> str:
    """Add what a form says: an address if it names a `release`, else a release.

    Return the id of the release, empty if the monitor has not given it one yet. Raises
    `InvalidInput`.
    """
    add = _add_address if sent.text("release") else _add_release
    entry, release = await add(queries, sent)
    await sent.desk.record_act("added_by_hand", release or entry)
    _log.info("added_by_hand", entry=entry, role=sent.role)
    return release


async def _add_release(queries: Queries, sent: SentForm) -> tuple[str, str]:
    """Add a release. Return its entry, and its id, or "" if it has none yet.

    Raises `InvalidInput` with every fault of the form.
    """
    calendar = require_calendar(queries)
    reason = _describe_act("Added", sent, queries)
    title, producer = (one_line(make_storable(sent.text(name))) for name in ("title", "producer"))
    # People type the name of a producer. The calendar gets its id if it has one.
    ids_by_name = {name.casefold(): one for one, name in queries.producers.items()}
    producer, url = ids_by_name.get(producer.casefold(), producer), sent.text("url")
    texts = {"title": title, "producer": producer}.items()
    bad_boxes = (box for box, text in texts if not 0 < len(text) <= _LONGEST_TEXT)
    faults = [
        BoxFault(box, f"Enter a {box} of at most {_LONGEST_TEXT} characters.") for box in bad_boxes
    ]
    if fault := await calendar.find_address_fault(url) or await _find_address_conflict(
        queries, url
    ):
        faults.append(BoxFault("url", fault))
    try:
        slot = read_slot(
            sent.text("day"), sent.text("time"), sent.desk.clock.now(), queries.timezone
        )
    except InvalidInput as exc:
        raise InvalidInput(*faults, *exc.faults) from exc
    if faults:
        raise InvalidInput(*faults)
    change = partial(add_release, title=title, producer=producer, url=url, slot=slot, reason=reason)
    entry = await _change_calendar(queries, calendar, change)
    return entry, (await _releases_of(queries, [entry])).get(entry, "")


async def _add_address(queries: Queries, sent: SentForm) -> tuple[str, str]:
    """Add an address. Return the entry and the release's id. Raises `InvalidInput`."""
    calendar, url = require_calendar(queries), sent.text("url")
    reason = _describe_act("Added", sent, queries)
    body = await queries.find_release(sent.text("release"))
    has_passed = slot_has_passed(body, sent.desk.clock.now())
    watched = {canonical_address(one["url"]) for one in [body, *body["parts"]]}
    fault = await calendar.find_address_fault(url)
    if not fault and canonical_address(url) in watched:
        fault = "This address is watched for this release already."
    if not fault and has_passed and queries.live.body(body["id"]) is None:
        fault = "This release is over, so no address is watched for it any more."
    if fault:
        raise InvalidInput(BoxFault("url", fault))
    releases = await _releases_of(queries, {one.entry for one in await calendar.list_additions()})
    # A release that was added by hand has its own entry. Any other release gets an entry with only
    # the added addresses.
    own_entry = next((entry for entry, release in releases.items() if release == body["id"]), "")
    entry_id = own_entry or f"addresses-{body['id']}"
    entry = {"id": entry_id, "of": body["id"], "title": body["title"], "reason": reason}
    # What was not watched before the slot can never be late. So such an address is never required.
    required = "required" in sent.fields and not has_passed
    await _change_calendar(
        queries, calendar, lambda tables: add_address(tables, entry, url, required=required)
    )
    return entry_id, str(body["id"])


def read_slot(day: str, time: str, now: datetime, zone: str) -> datetime:
    """Return the local date-time of a typed day and time, such as `27/11/2026` and `9.30am`.

    Raises `InvalidInput` with a fault of `day` or `time` if they are not exactly one instant in the
    next two years.
    """
    day_slot = read_date(day, local_date(now, zone), zone).slot
    slot = with_time(day_slot, time)
    if slot.precision not in (Precision.DAY, Precision.INSTANT):
        why = "Enter a day, such as 27/11/2026 or 27 November 2026."
        raise InvalidInput(BoxFault("day", why))
    if slot.doubt in (NONEXISTENT, AMBIGUOUS):
        change = "skip this time" if slot.doubt == NONEXISTENT else "show this time twice"
        why = f"Enter another time: the clocks change on that day, and {change}."
        raise InvalidInput(BoxFault("time", why))
    # Here the time is missing, it has other words beside it, or the day is in doubt for another
    # reason.
    if slot.instant is None or slot.doubt:
        raise InvalidInput(BoxFault("time", "Enter a local time, such as 9.30am or 16:20."))
    if slot.instant <= now:
        box = "day" if local_date(slot.instant, zone) < local_date(now, zone) else "time"
        unwatched = "what was not watched before its slot cannot be judged"
        raise InvalidInput(BoxFault(box, f"Enter a {box} in the future: {unwatched}."))
    if slot.instant > now + _MOST_AHEAD:
        raise InvalidInput(BoxFault("day", "Enter a day in the next two years."))
    return local(slot.instant, zone).replace(tzinfo=None)


async def _find_address_conflict(queries: Queries, url: str) -> str:
    """Return a fault if a release within `_NEAR` has this address, because the new one would be
    joined to it, else an empty string.
    """
    now, address = queries.now(), canonical_address(url)
    known = await queries.ask(lambda: queries.store.ledger.releases(now - _NEAR, now + _NEAR))
    title = next(
        (one.title for one in known if address in map(canonical_address, (one.url, one.link))), ""
    )
    return f"Another release is watched at this address: {title}." if title else ""


async def _change_calendar(
    queries: Queries, calendar: HandCalendar, change: Callable[[list[Json]], T]
) -> T:
    """Apply `change` to the tables of the calendar's file, read it again, and return the result of
    `change`.

    Raises `InvalidInput`.
    """
    result = await calendar.edit(change)
    read = None if queries.read_calendar is None else await queries.read_calendar(BY_HAND)
    if read is not None and not read.usable:
        why = f"It was written, but the calendar cannot be read: {read.fault}."
        raise InvalidInput(BoxFault("", why))
    return result


async def _releases_of(queries: Queries, entries: Iterable[str]) -> dict[str, str]:
    """Return the id of the release of each of these entries, as far as it is stored."""
    names = list(entries)
    rows = await queries.ask(lambda: queries.store.ledger.entries_named(BY_HAND, names))
    return {row.uid: row.release for row in rows}


async def _find_its_release(queries: Queries, added: Addition) -> tuple[str, bool]:
    """Return the id of an addition's release, empty if it has none yet, and whether its slot has
    passed.
    """
    release = added.of or (await _releases_of(queries, [added.entry])).get(added.entry, "")
    try:
        return release, slot_has_passed(await queries.find_release(release), queries.now())
    except UnknownName:
        return "", False


def _describe_act(act: str, sent: SentForm, queries: Queries) -> str:
    """Return who did an act, and when, as the reason in the calendar."""
    return (
        f"{act} by hand: {sent.role}, {stamp(sent.desk.clock.now(), queries.timezone, step=MINUTE)}"
    )


def require_calendar(queries: Queries) -> HandCalendar:
    """Return the calendar to which people add. Raises `UnknownName` if none is configured."""
    if (calendar := queries.by_hand) is None:
        raise UnknownName("The configuration has no calendar by-hand.")
    return calendar


ROUTES = [
    Route("/by-hand", show_forms),
    PostRoute("/by-hand", add),
    PostRoute("/by-hand/remove", remove),
]

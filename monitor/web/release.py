"""The page of one release: its verdict with the reasons, and a timeline of observations.

It has two forms: a person says which time the doubtful text of a calendar means, and people tick
what is prepared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from alerts.by_hand import BoxFault, InvalidInput
from alerts.claim import NO_PROOF
from alerts.ticks import Tick
from monitor.deliver.desk import Desk
from monitor.deliver.ticks import entries_of_ticks
from monitor.errors import UserFault
from monitor.files.facts import NotRead
from monitor.judge.explain.explain import FACT_HEADINGS, group_by_heading
from monitor.judge.explain.timeline import build_timeline
from monitor.readiness.ticks import TICKED_BY_PEOPLE
from monitor.watch.rejudge import Explained
from monitor.web.by_hand import read_slot
from monitor.web.embargo import slot_has_passed
from monitor.web.pages import render
from monitor.web.queries import Queries
from monitor.web.request import PostRoute, queries_of
from monitor.web.staff_form import BoxTexts, SentForm, faults_by_box, with_staff_form
from schedules.contract.verdict import FindingKind
from schedules.times.json import Json, instant_from_json
from schedules.times.zone import instant

_PUBLIC_REASONS = {"promise", "policy", "blind"}
"""The reasons that everyone may see. Others can quote pages that are embargoed."""

_ONLY_FOR_SOME = ("why", "would_change", "timeline", "claims", "people", "not_read", "incidents")
"""Values of the page that not every viewer gets."""
_BOXES_OF_SLOT = {name: name for name in ("meant", "day", "time")}


async def show_release(
    request: Request, typed: BoxTexts = None, faults: BoxTexts = None
) -> Response:
    """Return the page of the path's release. Before its slot, only staff see the reasons, the
    timeline and the claims.

    If the form on its slot was sent and refused, the page has the `typed` texts and the `faults`
    by box.
    """
    queries, name = queries_of(request), request.path_params["release"]
    body, now = await queries.find_release(name), queries.now()
    has_passed = slot_has_passed(body, now)
    ticks = await queries.list_ticks(name)
    done = {tick for tick, _ in ticks}
    values: Json = dict.fromkeys(_ONLY_FOR_SOME, ())
    if queries.sees_all or has_passed:
        values["claims"] = await queries.ask(lambda: queries.store.ledger.claims(url=body["url"]))
        explained = await queries.ask(lambda: queries.explain_verdict(name, now))
        if explained is not None:
            values |= _explain_to_viewer(explained, body, now, queries)
    if queries.sees_all:
        values["incidents"] = await queries.ask(lambda: queries.store.verdicts.incidents_of(name))
    return render(
        request,
        "release.html",
        release=body,
        typed=typed or {},
        faults=faults or {},
        asked=_find_question(body, now),
        ticks=entries_of_ticks(act for _, act in ticks),
        unticked={
            tick: words
            for tick, words in TICKED_BY_PEOPLE.items()
            if tick not in done and not has_passed
        },
        no_proof=NO_PROOF,
        **values,
    )


def _explain_to_viewer(explained: Explained, body: Json, now: datetime, queries: Queries) -> Json:
    """Return what the page says of a verdict: its reasons and looks, and to staff its files too.

    `body` is what the viewer may see of the release.
    """
    case, explanation = explained.case, explained.explanation
    reasons: Collection[str] = _PUBLIC_REASONS
    people, not_read = [], {}
    if queries.sees_all:
        reasons = FACT_HEADINGS
        for run in chain.from_iterable(case.runs.values()):
            # The people whom files name in their properties, and why files could not be read.
            people += [
                sign.text for sign in run.signs if sign.kind is FindingKind.PERSONAL_METADATA
            ]
            if isinstance(run.inside, NotRead):
                not_read[run.address] = run.inside.reason
    return {
        "why": group_by_heading(explanation, reasons),
        "would_change": explanation.would_change,
        "timeline": build_timeline(body, case.runs, case.blind, now, queries.timezone),
        "people": list(dict.fromkeys(people)),
        "not_read": not_read,
    }


@dataclass(frozen=True, slots=True)
class _Question:
    """The question which time a calendar's text means: the times to choose from, if it gives any.

    `is_too_late`: an answer is kept, but no verdict follows from it.
    """

    times: Sequence[str]
    is_too_late: bool


def _find_question(body: Mapping[str, Any], now: datetime) -> _Question | None:
    """Return the question that the page asks about the slot, None if its text is clear or the
    verdict is final.
    """
    slot = body["slot"]
    if not slot or body["final"]:
        return None
    settled = slot.get("settled")
    if not settled and not slot.get("doubt"):
        return None
    readings = (settled or slot).get("readings", [])
    times = readings if settled or slot["precision"] == "instant" else []
    first = instant_from_json(min(readings, default=slot["start"]))
    return _Question(times, is_too_late=first is not None and first <= now)


async def settle_slot(queries: Queries, desk: Desk, release: str, meant: datetime) -> Json:
    """Record which time is meant, and return the JSON of the release.

    Raises `UnknownName`, `InvalidInput`, and `UserFault` on a standby.
    """
    if queries.live.is_standby():
        raise UserFault("Another monitor leads. Answer there: only it reads calendars.")
    await queries.find_release(release)  # raises if this person may not see it
    await desk.settle_slot(release, meant)
    return await queries.find_release(release)


@with_staff_form
async def settle_by_form(request: Request, sent: SentForm) -> Response:
    """Record the time that the form chooses, and show the release, or the form with its faults."""
    queries, release = queries_of(request), request.path_params["release"]
    try:
        meant = _read_meant(sent, queries.timezone)
        await settle_slot(queries, sent.desk, release, meant)
    except InvalidInput as fault:
        faults = faults_by_box(fault, _BOXES_OF_SLOT, "meant")
        return await show_release(request, typed=sent.fields, faults=faults)
    return RedirectResponse(f"/releases/{quote(release)}", 303)


def _read_meant(sent: SentForm, zone: str) -> datetime:
    """Return the chosen instant, or that of the typed day and time. Raises `InvalidInput`."""
    if "day" in sent.fields:
        now = sent.desk.clock.now()
        return instant(read_slot(sent.text("day"), sent.text("time"), now, zone), zone)
    with suppress(ValueError):
        meant = datetime.fromisoformat(sent.text("meant"))
        if meant.tzinfo is not None:
            return meant
    raise InvalidInput(BoxFault("meant", "Choose the time that is meant."))


async def tick_release(
    queries: Queries, desk: Desk, release: str, tick: Tick, time: datetime | None = None
) -> None:
    """Record a tick. `time` is that for which the publishing tool has scheduled the release.

    Raises `UnknownName`, and `InvalidInput` for a time with another tick.
    """
    body = await queries.find_release(release)
    if time is not None and tick is not Tick.SCHEDULED:
        raise InvalidInput(BoxFault("time", "only for the tick `scheduled`"))
    slot = body["slot"] or {}
    is_announced = time is None or time == instant_from_json(slot.get("start"))
    await desk.tick(release, tick if is_announced else Tick.SCHEDULED_OTHERWISE)


@with_staff_form
async def tick_by_form(request: Request, sent: SentForm) -> Response:
    """Record what the form ticks, and show the release again."""
    queries, release = queries_of(request), request.path_params["release"]
    chosen = [tick for tick in TICKED_BY_PEOPLE if sent.text(tick)]
    if not chosen:
        faults = {"ticks": "Tick what was done."}
        return await show_release(request, typed=sent.fields, faults=faults)
    for tick in chosen:
        await tick_release(queries, sent.desk, release, tick)
    return RedirectResponse(f"/releases/{quote(release)}", 303)


ROUTES = [
    Route("/releases/{release:path}", show_release),
    PostRoute("/releases/{release:path}/slot", settle_by_form),
    PostRoute("/releases/{release:path}/ticks", tick_by_form),
]

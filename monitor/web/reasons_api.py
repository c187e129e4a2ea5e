"""Operations of the API for staff: the reasons for a verdict, and the history of a release."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request

from alerts.claim import claim_json
from monitor.deliver.facts import slot_text
from monitor.errors import UnknownName, unknown_name
from monitor.judge.explain.explain import explanation_json
from monitor.watch.rejudge import titles_of_release
from monitor.web import answers, inputs
from monitor.web.operations import ApiRoute, Operation
from monitor.web.queries import Queries
from monitor.web.request import require_staff
from schedules.history import release_history
from schedules.ledger_event import LedgerEvent
from schedules.promise import Promise
from schedules.times.json import Json, fields_json


async def explain_release(request: Request, query: inputs.AsOf) -> Json:
    """Explain the verdict on a release as of an instant: each fact behind it, and what would change
    it.
    """
    queries, name = require_staff(request), request.path_params["release"]
    at = query.at or queries.now()
    explained = await queries.ask(lambda: queries.explain_verdict(name, at))
    if explained is None:
        raise await queries.ask(lambda: _unknown_release(queries, name))
    return {**explained.body, "explanation": explanation_json(explained.explanation)}


async def show_history(request: Request) -> Json:
    """Return every promise of a release, where and when it was read, and what changed."""
    queries, name = require_staff(request), request.path_params["release"]
    now = queries.now()
    return await queries.ask(lambda: _read_history(queries, name, now))


def _read_history(queries: Queries, name: str, now: datetime) -> Json:
    store = queries.store
    found = store.ledger.release(name)
    if found is None:
        raise _unknown_release(queries, name)
    promises, titles = store.ledger.promises([name]), titles_of_release(store.ledger, found)
    events = release_history(found, promises, now, titles=titles)
    claims = store.ledger.claims(url=found.url) if found.url else []
    return {
        "release": found.id,
        **fields_json(found, "title", "producer", "url"),
        "calendar": list(found.calendars),
        **fields_json(found, "joined_by", "joined_into"),
        "promises": [_promise_json(promise) for promise in promises],
        "events": [_event_json(event) for event in events],
        "claims": [claim_json(one) for one in claims],
        "incidents": [one.id for one in store.verdicts.incidents_of(name)],
    }


def _promise_json(promise: Promise) -> Json:
    known = {
        "calendar": promise.calendar,
        "slot": promise.slot.as_json(),
        "promised": slot_text(promise.slot),
        **fields_json(promise, "state", "learnt", "unlearnt", "confirmed_at", "why", "doubt"),
    }
    if promise.settled is not None:
        known["settled"] = fields_json(promise.settled, "by", "asked")
    return known


def _event_json(event: LedgerEvent) -> Json:
    body = fields_json(event, "what", "at", "since", "calendar", "before", "after")
    promised = None
    if event.after is not None:
        promised = slot_text(event.after)
    return {**body, "promised": promised, "detail": event.detail}


def _unknown_release(queries: Queries, name: str) -> UnknownName:
    known = queries.store.ledger.releases()
    return unknown_name(
        "release", name, [one.id for one in known], {one.title: one.id for one in known}
    )


ROUTES = [
    ApiRoute(
        "/releases/{release}/explanation",
        Operation("explainRelease", "releases", explain_release, answers.ExplainedRelease),
    ),
    ApiRoute(
        "/releases/{release}/history",
        Operation("getHistory", "releases", show_history, answers.History),
    ),
]

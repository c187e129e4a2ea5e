"""The page of one release: its verdict, why it is so, what would change it, and what was seen when."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.claim import NO_PROOF
from monitor.judge.explain.explain import FACT_HEADINGS, group_by_heading
from monitor.judge.explain.timeline import Timeline, build_timeline
from monitor.web.embargo import has_passed
from monitor.web.pages import render
from monitor.web.request import queries_of
from schedules.times.words import MINUTE, clock, stamp

_FOR_ALL = {"promise", "policy", "blind"}
"""What looks showed may be in the words of another page, and those of an edition to come."""


async def release(request: Request) -> Response:
    """Show one release with all its parts and findings."""
    queries, name = queries_of(request), request.path_params["release"]
    body, now = await queries.release(name), queries.clock.now()
    is_shown = queries.sees_all or has_passed(body, now)
    told = await queries.ask(lambda: queries.explained(name, now)) if is_shown else None
    kinds = FACT_HEADINGS if queries.sees_all else _FOR_ALL
    return render(
        request,
        "release.html",
        release=body,
        why=group_by_heading(told.explanation, kinds) if told is not None else [],
        would_change=told.explanation.would_change if told is not None else (),
        timeline=build_timeline(body, told.case.runs, told.case.blind, now) if told is not None else None,
        short=_short,
        claims=await queries.ask(lambda: queries.store.ledger.claims(url=body["url"])) if is_shown else [],
        no_proof=NO_PROOF,
        incidents=await queries.ask(lambda: queries.store.verdicts.incidents_of(name)) if queries.sees_all else [],
    )


def _short(instant: datetime, line: Timeline, zone: str) -> str:
    """Return an instant as the ends of a timeline are labelled: without its day where that is one."""
    days = {one.astimezone(ZoneInfo(zone)).date() for one in (line.begins, line.ends)}
    return clock(instant, zone) if len(days) == 1 else stamp(instant, zone, step=MINUTE)


ROUTES = [Route("/releases/{release}", release)]

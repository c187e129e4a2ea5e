"""The page of one release: its verdict with the reasons, and a timeline of observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alerts.claim import NO_PROOF
from alerts.ticks import Tick
from monitor.deliver.ticks import entries_of_ticks
from monitor.files.facts import NotRead
from monitor.judge.explain.explain import FACT_HEADINGS, group_by_heading
from monitor.judge.explain.timeline import build_timeline
from monitor.judge.judge import ReleaseCase
from monitor.readiness.ticks import TICKED_BY_PEOPLE
from monitor.store.rows import Act
from monitor.web.embargo import slot_has_passed
from monitor.web.pages import render
from monitor.web.request import queries_of
from schedules.contract.verdict import FindingKind
from schedules.times.json import instant_from_json

_PUBLIC_REASONS = {"promise", "policy", "blind"}
"""The reasons that everyone may see. Others can quote pages that are embargoed."""


async def show_release(
    request: Request,
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    """Return the page of the path's release. Before its slot, only staff see the reasons, the
    timeline and the claims.

    If the form on its slot was sent and refused, the page has the `typed` texts and the `faults`
    by box.
    """
    queries, name = queries_of(request), request.path_params["release"]
    body, now = await queries.find_release(name), queries.clock.now()
    ticks = await queries.list_ticks(name)
    shows_all = queries.sees_all or slot_has_passed(body, now)
    explained = await queries.ask(lambda: queries.explain_verdict(name, now)) if shows_all else None
    case = explained.case if explained is not None else None
    reasons = FACT_HEADINGS if queries.sees_all else _PUBLIC_REASONS
    return render(
        request,
        "release.html",
        release=body,
        typed=typed or {},
        faults=faults or {},
        asked=_find_question(body, now),
        ticks=entries_of_ticks(act for _, act in ticks),
        unticked={} if slot_has_passed(body, now) else _list_unticked(ticks),
        why=group_by_heading(explained.explanation, reasons) if explained is not None else [],
        would_change=explained.explanation.would_change if explained is not None else (),
        timeline=None
        if case is None
        else build_timeline(body, case.runs, case.blind, now, queries.timezone),
        claims=await queries.ask(lambda: queries.store.ledger.claims(url=body["url"]))
        if shows_all
        else [],
        no_proof=NO_PROOF,
        people=_list_people(case) if case is not None and queries.sees_all else [],
        not_read=_list_files_not_read(case) if case is not None and queries.sees_all else {},
        incidents=await queries.ask(lambda: queries.store.verdicts.incidents_of(name))
        if queries.sees_all
        else [],
    )


def _list_people(case: ReleaseCase) -> Sequence[str]:
    """Return the people whom files of a release name in their properties, without duplicates."""
    runs = (run for of_target in case.runs.values() for run in of_target)
    signs = (sign for run in runs for sign in run.signs)
    names = (sign.text for sign in signs if sign.kind is FindingKind.PERSONAL_METADATA)
    return list(dict.fromkeys(names))


def _list_files_not_read(case: ReleaseCase) -> Mapping[str, str]:
    """Return why files could not be read inside, by their addresses."""
    runs = (run for of_target in case.runs.values() for run in of_target)
    return {run.address: run.inside.reason for run in runs if isinstance(run.inside, NotRead)}


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
    readings = settled["readings"] if settled else slot.get("readings", [])
    times = readings if settled or slot["precision"] == "instant" else []
    first = instant_from_json(min(readings, default=slot["start"]))
    return _Question(times, is_too_late=first is not None and first <= now)


def _list_unticked(ticks: Iterable[tuple[Tick, Act]]) -> Mapping[Tick, str]:
    ticked = {tick for tick, _ in ticks}
    return {tick: words for tick, words in TICKED_BY_PEOPLE.items() if tick not in ticked}


ROUTES = [Route("/releases/{release:path}", show_release)]

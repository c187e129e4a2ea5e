"""People and the publishing tool tick what is prepared for a release."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.by_hand import BoxFault, InvalidInput
from alerts.ticks import Tick
from monitor.deliver.desk import Desk
from monitor.readiness.ticks import TICKED_BY_PEOPLE
from monitor.web.queries import Queries
from monitor.web.release import show_release
from monitor.web.request import PostRoute, queries_of
from monitor.web.staff_form import SentForm, with_staff_form
from schedules.times.json import instant_from_json


async def tick_release(
    queries: Queries, desk: Desk, release: str, tick: Tick, time: datetime | None = None
) -> None:
    """Record a tick. `time` is that for which the publishing tool has scheduled the release.

    Raises `UnknownName`, and `InvalidInput` for a time with another tick.
    """
    body = await queries.find_release(release)  # raises if this person may not see it
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


ROUTES = [PostRoute("/releases/{release:path}/ticks", tick_by_form)]

"""A person says which time the doubtful text of a calendar means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from alerts.by_hand import BoxFault, InvalidInput
from monitor.deliver.desk import Desk
from monitor.errors import UserFault
from monitor.web.by_hand import read_slot
from monitor.web.queries import Queries
from monitor.web.release import show_release
from monitor.web.request import PostRoute, queries_of
from monitor.web.staff_form import SentForm, faults_by_box, with_staff_form
from schedules.times.zone import instant

_BOX_IDS = {name: name for name in ("meant", "day", "time")}


async def settle_slot(
    queries: Queries, desk: Desk, release: str, meant: datetime
) -> Mapping[str, Any]:
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
        faults = faults_by_box(fault, _BOX_IDS, "meant")
        return await show_release(request, typed=sent.fields, faults=faults)
    return RedirectResponse(f"/releases/{quote(release)}", 303)


def _read_meant(sent: SentForm, zone: str) -> datetime:
    """Return the chosen instant, or that of the typed day and time. Raises `InvalidInput`."""
    if "day" in sent.fields:
        now = sent.desk.clock.now()
        return instant(read_slot(sent.text("day"), sent.text("time"), now, zone), zone)
    try:
        meant = datetime.fromisoformat(sent.text("meant"))
    except ValueError as exc:
        raise InvalidInput(BoxFault("meant", "Choose the time that is meant.")) from exc
    if meant.tzinfo is None:
        raise InvalidInput(BoxFault("meant", "Choose the time that is meant."))
    return meant


ROUTES = [PostRoute("/releases/{release:path}/slot", settle_by_form)]

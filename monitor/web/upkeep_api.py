"""Operations of the API for the upkeep of the monitor: its health and reload, tests of channels,
entries of calendars, and claims of the public record.
"""

from __future__ import annotations

from datetime import UTC

from starlette.requests import Request

from alerts.channel import Accepted
from alerts.claim import Claim, claim_json
from monitor.errors import NotAllowed, Refused, unknown_name
from monitor.store.rows import CHANNEL_TESTED
from monitor.web import answers, inputs
from monitor.web.operations import ApiRoute, Operation, post_operation
from monitor.web.request import queries_of, require_desk, require_staff
from monitor.web.users import Peer
from schedules.times.json import Json, fields_json

_NOT_RUNNING = "no monitor runs here"


async def show_status(request: Request) -> Json:
    """Return the health of the monitor: why it is not reliable now, and the checks of the status
    page.
    """
    return require_staff(request).live.as_json()


async def reload_configuration(request: Request) -> Json:
    """Reload the configuration of the monitor. With faults, it continues unchanged.

    Only a user of the machine may, by the socket.
    """
    reload = queries_of(request).reload
    if not isinstance(request.state.caller, Peer):
        raise NotAllowed("Only a user of the machine reloads the configuration.")
    if reload is None:
        raise Refused(_NOT_RUNNING)
    faults = await reload()
    return {"taken": not faults, "faults": faults}


async def send_test_notice(request: Request) -> Json:
    """Send a test notice through a channel. That it was accepted is recorded for the readiness."""
    desk, name = require_desk(request), request.path_params["channel"]
    send_test = queries_of(request).send_test
    if send_test is None:
        raise Refused(_NOT_RUNNING)
    outcome = await send_test(name)
    answer = {"channel": name, "accepted": False, "reference": None, "reason": None}
    if not isinstance(outcome, Accepted):
        return answer | fields_json(outcome, "reason", "permanent")
    await desk.record_act(CHANNEL_TESTED, name)
    reference = outcome.reference or None
    return answer | {"accepted": True, "reference": reference, "permanent": False}


async def list_entries(request: Request) -> Json:
    """List the entries of a calendar as of its last usable read. Only staff may read it."""
    queries, name = require_staff(request), request.path_params["calendar"]
    if name not in queries.calendars:
        raise unknown_name("calendar", name, queries.calendars)
    rows = await queries.ask(lambda: queries.store.ledger.announced(name))
    return {"entries": [row.body["announcement"] for row in rows if row.gone is None]}


async def keep_claim(request: Request, sent: inputs.Claiming) -> Json:
    """Keep what a public record says of one publication, marked as claimed.

    No verdict uses it. A report on a period lists it as claimed. `new` is false if it was kept
    before.
    """
    claim = Claim(
        sent.producer,
        sent.url,
        sent.first_published.astimezone(UTC),
        sent.title,
        sent.slot and sent.slot.astimezone(UTC),
        sent.slot_source or "",
        sent.source,
        sent.read_at.astimezone(UTC),
    )
    return {**claim_json(claim), "new": await require_desk(request).keep_claim(claim)}


ROUTES = [
    ApiRoute("/status", Operation("getStatus", "calendars", show_status, answers.Status)),
    ApiRoute(
        "/reload", post_operation("reload", "calendars", reload_configuration, answers.Reloaded)
    ),
    ApiRoute(
        "/channels/{channel}/test",
        post_operation("testChannel", "silences", send_test_notice, answers.ChannelTest),
    ),
    ApiRoute(
        "/calendars/{calendar}/entries",
        Operation("listEntries", "calendars", list_entries, answers.Entries),
    ),
    ApiRoute("/claims", post_operation("keepClaim", "releases", keep_claim, answers.Claim)),
]

"""The demonstration: a board of rehearsed incidents as of a time that the visitor chooses, and
acts on as a Head of Profession. The acts are forgotten with the next time that is chosen.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from alerts.finding import ROLE_NAMES
from alerts.incident import Incident
from monitor.app.options import make_judge_at, make_periods, make_reporting_rules
from monitor.clock import VirtualClock
from monitor.config.settings import Settings
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.deliver.verdicts import VerdictRecorder
from monitor.errors import UserFault
from monitor.judge.policy import Policies, Policy
from monitor.store.kept_sessions import KeptSessions
from monitor.store.rows import Judged
from monitor.store.sql.engine import Store
from monitor.store.writer import Writer
from monitor.watch.rejudge import StoredJudge, facts_of
from monitor.web.app import make_application
from monitor.web.credentials import Throttle
from monitor.web.middleware import AccessLog
from monitor.web.monitor_view import MonitorView
from monitor.web.queries import Queries
from monitor.web.server import WebServer, bind_address
from monitor.web.sessions import ProxyAuth, Sessions
from monitor.web.users import Right, Users
from schedules.times.json import instant_from_json
from schedules.times.words import clock
from schedules.times.zone import LONDON

INCIDENTS = ("ipcc-2015", "moj-2016", "ofsted-2017", "ofqual-2018-01", "ofqual-2018-03")
"""The names of the scripts of the five historical incidents, in order of time."""
STORE = "ninethirty.db"
"""The file name of the store in the folder of a kept rehearsal."""
OPENS_AT = datetime(2018, 1, 5, 10, 50, tzinfo=UTC)
"""A page is 80 minutes late, and its files are public elsewhere."""
_INCIDENT_TIMES = {
    "IPCC, July 2015": datetime(2015, 7, 23, 8, 45, tzinfo=UTC),
    "Ministry of Justice, October 2016": datetime(2016, 10, 3, 9, 10, tzinfo=UTC),
    "Ofsted, March 2017": datetime(2017, 3, 20, 17, 20, tzinfo=UTC),
    "Ofqual, January 2018": OPENS_AT,
    "Ofqual, March 2018": datetime(2018, 3, 8, 9, 40, tzinfo=UTC),
}
_NEAR_SLOT = timedelta(days=3)
_TIME_STEPS = {
    "1 hour back": timedelta(hours=-1),
    "10 minutes back": timedelta(minutes=-10),
    "1 minute back": timedelta(minutes=-1),
    "1 minute on": timedelta(minutes=1),
    "10 minutes on": timedelta(minutes=10),
    "1 hour on": timedelta(hours=1),
}
_PRODUCERS = {
    "ipcc": "Independent Police Complaints Commission",
    "ministry-of-justice": "Ministry of Justice",
    "ofsted": "Ofsted",
    "ofqual": "Ofqual",
}
_SETTINGS = Settings.model_validate(
    {
        "producer": [
            {
                "id": name,
                "name": known_as,
                "report": {
                    "head_of_profession": "Head of Profession for Statistics",
                    "contact": f"statistics@{name}.example",
                    "to": "regulation@statistics.example",
                },
            }
            for name, known_as in _PRODUCERS.items()
        ]
    }
)
_VISITOR = (b"x-visitor", b"visitor")
"""The header by which the board knows its only visitor, who may sign reports."""


def script_of(incident: str) -> Path:
    """Return the path of an incident's script: in this package in an installed wheel, else in the
    repository.
    """
    in_wheel = Path(__file__).with_name("rehearsals")
    folder = in_wheel if in_wheel.is_dir() else Path(__file__).parents[2] / "rehearsals"
    return folder / f"{incident}.toml"


def merge_kept_stores(folders: Sequence[Path]) -> Store:
    """Return a new store in memory with all rows of kept rehearsals.

    Raises `UserFault` if a folder has no store.
    """
    if missing := [str(folder / STORE) for folder in folders if not (folder / STORE).is_file()]:
        raise UserFault(
            f"no rehearsal was kept there, leave out --kept to play it: {', '.join(missing)}"
        )
    combined = Store("sqlite:///:memory:", durable=False)
    combined.upgrade()
    for folder in folders:
        kept = Store(f"sqlite:///{folder / STORE}")
        try:
            combined.add_rows_from(kept)
        finally:
            kept.close()
    return combined


def copy_store_as_of(store: Store, at: datetime) -> Store:
    """Return a new store in memory for a board that shows `at`: what `store` contained then, and no
    later knowledge.

    Verdicts are judged again as of `at`. Incidents have the facts, grade, status and timeline of
    that time.
    """
    past = Store("sqlite:///:memory:", durable=False)
    past.upgrade()
    past.add_rows_from(store)
    past.delete_after(at)
    policies = Policies(Policy())
    judge = StoredJudge(store, policies)
    with past.transaction() as tx:
        for release in past.ledger.releases():
            if not past.ledger.promises([release.id]):
                continue  # the release was not announced by then
            # Judge as of `at`, but from `store`, because `past` has no verdicts. A judgement needs
            # verdicts: the one on the release names all its parts, and those on other releases show
            # when these were published.
            if (explained := judge.explain_release(release.id, at)) is not None:
                body = explained.body
                slot = instant_from_json(body["slot"]["start"]) if body["slot"] else None
                verdict, grade, is_final = body["verdict"], body["grade"], body["final"]
                tx.save(
                    Judged(release.id, body["producer"], slot, verdict, grade, is_final, at, body)
                )
        for incident in past.verdicts.incidents():
            tx.save(_cut_back_incident(store, policies, incident, at))
    return past


def _cut_back_incident(
    store: Store, policies: Policies, incident: Incident, at: datetime
) -> Incident:
    """Return an incident as it was at `at`.

    Facts and grade are judged again. One without measured facts keeps both.
    """
    facts_then = None
    if incident.facts is not None:
        facts_then = facts_of(policies, "demo", store, incident.release, at)
    is_closed_then = incident.closed is not None and incident.closed <= at
    return replace(
        incident,
        facts=facts_then,
        grade=incident.grade if facts_then is None else facts_then.grade,
        closed=incident.closed if is_closed_then else None,
        timeline=tuple(entry for entry in incident.timeline if entry.at <= at),
    )


def _find_moments(store: Store) -> dict[str, datetime]:
    """Return the moments of those incidents that the store has."""
    slots = [row.slot for row in store.verdicts.judged() if row.slot is not None]
    return {
        name: at
        for name, at in _INCIDENT_TIMES.items()
        if any(abs(slot - at) < _NEAR_SLOT for slot in slots)
    }


def opening_time(store: Store) -> datetime:
    """Return the time at which the demonstration opens: `OPENS_AT` if the store has that incident,
    else a moment of its last one.
    """
    moments = list(_find_moments(store).values())
    return moments[-1] if moments and OPENS_AT not in moments else OPENS_AT


def _find_next_event(store: Store, at: datetime) -> dict[str, datetime]:
    """Return the first thing that appears in the day after `at`, with its time, if there is one."""
    later = []
    for row in store.verdicts.judged():
        for part in row.body["parts"]:
            seen = instant_from_json(part["first_seen"]["by"])
            if seen is not None and at < seen <= at + timedelta(days=1):
                name = ROLE_NAMES.get(part["id"], part["id"])
                later.append((seen, f"{name} appears at {clock(seen, LONDON)}"))
    return {name: seen for seen, name in sorted(later)[:1]}


class StoppedClock(VirtualClock):
    """A clock that always shows the same time. Its `sleep` takes real time."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self._at = at

    def now(self) -> datetime:
        """Return the time at which the clock stopped."""
        return self._at


@dataclass(frozen=True)
class _Board:
    """The web application on a store as of a time, with what it has open."""

    store: Store
    writer: Writer
    queries: Queries
    application: AccessLog

    def close(self) -> None:
        self.writer.abandon()
        self.queries.close()
        self.store.close()


class DemoBoard:
    """An ASGI application with the board of a store as of a time.

    `/demo?at=…` changes that time for all visitors.
    """

    def __init__(self, store: Store, at: datetime) -> None:
        self._store = store
        self._open = self._open_board(at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request from the board as of the chosen time."""
        if scope["type"] == "http" and scope["path"] == "/demo":
            response = await self._change_time(Request(scope))
            await response(scope, receive, send)
            return
        if scope["type"] == "http":
            name, _ = _VISITOR
            others = [header for header in scope["headers"] if header[0] != name]
            state = {**scope.get("state", {}), "by_proxy": True}
            scope = {**scope, "headers": [*others, _VISITOR], "state": state}
        await self._open.application(scope, receive, send)

    async def _change_time(self, request: Request) -> Response:
        """Show the board as of the requested time, and redirect to the requested path.

        Return 400 for a bad time.
        """
        try:
            at = datetime.fromisoformat(request.query_params.get("at", "")).astimezone(UTC)
            board = await asyncio.to_thread(self._open_board, at)
        except (ValueError, OverflowError):
            return PlainTextResponse("Not an instant: write 2018-01-05T10:50:00Z\n", 400)
        self.close()
        self._open = board
        path = request.query_params.get("path", "/")
        # Redirect to paths of this board only. A path that begins with two slashes would name
        # another host.
        return RedirectResponse(
            path if re.fullmatch(r"/[\w./?=&%-]*", path) and path[:2] != "//" else "/", 303
        )

    def close(self) -> None:
        """Close the board and delete its store, with all acts of the visitor."""
        self._open.close()

    def _open_board(self, at: datetime) -> _Board:
        """Return a board of a new store as of `at`."""
        # The control on the page leads to these times: a step from `at`, or a moment of an
        # incident. They are computed before the store is copied, because a step from the earliest
        # or latest date raises OverflowError.
        steps = {
            "step": {name: at + step for name, step in _TIME_STEPS.items()}
            | _find_next_event(self._store, at),
            "moment": _find_moments(self._store),
        }
        shown, stopped = copy_store_as_of(self._store, at), StoppedClock(at)
        judge = StoredJudge(shown, Policies(Policy()))
        writer, throttle = Writer(shown, stopped), Throttle(stopped)
        rules = make_reporting_rules(_SETTINGS, channels=[])
        current = CurrentIncidents(shown, make_judge_at(_SETTINGS), VerdictRecorder(rules))
        sessions = Sessions(Users(None), KeptSessions(shown, writer, stopped), throttle)
        sessions.proxy_auth = ProxyAuth(_VISITOR[0].decode(), {"*": Right.HEAD})
        queries = Queries(
            shown,
            MonitorView(),
            stopped,
            LONDON,
            # The files of the evidence are in the folders of the rehearsals.
            desk=Desk(current, writer, stopped, evidence_owner="demonstration"),
            producers=_PRODUCERS,
            throttle=throttle,
            sessions=sessions,
            explain_verdict=judge.explain_release,
            periods=make_periods(_SETTINGS, judge),
            steps=steps,
        )
        return _Board(shown, writer, queries, make_application(queries))


async def serve_board(
    store: Store, address: str, at: datetime, stop: asyncio.Event, report: Callable[[str], None]
) -> None:
    """Serve the board of a store as of `at` until `stop` is set.

    `report` gets its URL. Raises `PortTaken`.
    """
    demonstration = DemoBoard(store, at)
    server = WebServer(demonstration, bind_address(address))
    report(f"http://{server.address}/")
    serving = asyncio.create_task(server.run())
    try:
        await stop.wait()
    finally:
        server.stop()
        await serving
        demonstration.close()

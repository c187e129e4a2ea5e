"""The board on rehearsed incidents, read-only, as it was at an instant that the visitor chooses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from alerts.finding import ReleaseFacts
from alerts.incident import Incident
from monitor.clock import VirtualClock
from monitor.errors import UserFault
from monitor.health.checks import Check
from monitor.judge.policy import Policies, Policy
from monitor.store.rows import Judged
from monitor.store.sql.engine import Store
from monitor.watch.rejudge import Explainer, facts_of
from monitor.web.access_log import Access
from monitor.web.app import application
from monitor.web.credentials import Throttle
from monitor.web.queries import Pulse, Queries
from monitor.web.server import WebServer, listen
from schedules.times.json import instant_from_json
from schedules.times.zone import LONDON

INCIDENTS = ("ipcc-2015", "moj-2016", "ofsted-2017", "ofqual-2018-01", "ofqual-2018-03")
"""The scripts of the five historical incidents, in the order in which they happened."""
STORE = "ninethirty.db"
"""The store in the folder of a kept rehearsal."""
OPENS_AT = datetime(2018, 1, 5, 10, 50, tzinfo=UTC)
"""The landing page of a release is 80 minutes late, and its documents are public at other addresses."""
_MOMENTS = {
    "IPCC, July 2015": datetime(2015, 7, 23, 8, 45, tzinfo=UTC),
    "Ministry of Justice, October 2016": datetime(2016, 10, 3, 9, 10, tzinfo=UTC),
    "Ofsted, March 2017": datetime(2017, 3, 20, 17, 20, tzinfo=UTC),
    "Ofqual, January 2018": OPENS_AT,
    "Ofqual, March 2018": datetime(2018, 3, 8, 9, 40, tzinfo=UTC),
}
_STEPS = {
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


class NotWatching:
    """The monitor of a demonstration, as the web sees it: it watches nothing."""

    def body(self, _release: str) -> dict[str, Any] | None:
        """Return None: every release is as it was stored."""
        return None

    def pulses(self) -> Mapping[str, Pulse]:
        """Return nothing: no release is watched."""
        return {}

    def storeless(self) -> bool:
        """Tell that there is a store."""
        return False

    def unready(self) -> Sequence[str]:
        """Return nothing: no release is watched, so no evidence can be doubtful."""
        return ()

    def unable(self) -> Sequence[str]:
        """Return nothing: it can serve."""
        return ()

    def stuck(self) -> Sequence[str]:
        """Return nothing: there are no looks to be stuck."""
        return ()

    def checks(self) -> Sequence[Check]:
        """Return no checks: it reads no calendar and has no clock to doubt."""
        return ()

    def metrics(self) -> Iterable[bytes]:
        """Return an empty page."""
        return ()


def script_of(incident: str) -> Path:
    """Return the script of an incident: the wheel carries the repository's rehearsals inside this package."""
    carried = Path(__file__).with_name("rehearsals")
    folder = carried if carried.is_dir() else Path(__file__).parents[2] / "rehearsals"
    return folder / f"{incident}.toml"


def merged(folders: Sequence[Path]) -> Store:
    """Return a store of its own, deleted when it is let go, that holds what those of kept rehearsals hold.

    Raises `UserFault` where one of them is not there.
    """
    if lacking := [str(folder / STORE) for folder in folders if not (folder / STORE).is_file()]:
        raise UserFault(f"no rehearsal was kept there: {', '.join(lacking)}")
    made = Store("sqlite:///:memory:", durable=False)
    made.upgrade()
    for folder in folders:
        old = Store(f"sqlite:///{folder / STORE}")
        try:
            made.take_from(old)
        finally:
            old.close()
    return made


def rewound(store: Store, at: datetime) -> Store:
    """Return a new store, deleted when it is closed, with what `store` knew at `at` and every verdict as of then."""
    made = Store("sqlite:///:memory:", durable=False)
    made.upgrade()
    made.take_from(store)
    made.rewind(at)
    policies = Policies(Policy())
    explainer = Explainer(store, policies, LONDON)
    with made.transaction() as tx:
        for release in made.ledger.releases():
            found = explainer.explain_release(release.id, at) if made.ledger.promises([release.id]) else None
            if found is not None:
                tx.save_judged(_judged(found.body, at))
        for incident in made.verdicts.incidents():
            tx.save_incident(_as_of(incident, facts_of(store, policies, "demo", incident.release, at), at))
    return made


def _judged(body: dict[str, Any], at: datetime) -> Judged:
    slot = instant_from_json(body["slot"]["start"]) if body["slot"] else None
    return Judged(body["id"], body["producer"], slot, body["verdict"], body["grade"], body["final"], at, body)


def _as_of(incident: Incident, facts: ReleaseFacts | None, at: datetime) -> Incident:
    """Return an incident without what happened to it after `at`."""
    return replace(
        incident,
        facts=incident.facts and facts,
        grade=facts.grade if incident.facts and facts is not None else incident.grade,
        closed=None if incident.closed is None or incident.closed > at else incident.closed,
        timeline=tuple(entry for entry in incident.timeline if entry.at <= at),
    )


class StoppedClock(VirtualClock):
    """A clock that always shows the same instant, while waiting takes real time."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self._at = at

    def now(self) -> datetime:
        """Return the instant."""
        return self._at


class Demonstration:
    """The board of a store as an ASGI application, at an instant that its visitors move: `/demo?at=…`."""

    def __init__(self, store: Store, at: datetime) -> None:
        """Open the board of `store` as of `at`."""
        self._store = store
        self._shown, self._queries, self._app = self._board_at(at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, from the board as of the chosen instant."""
        if scope["type"] == "http" and scope["path"] == "/demo":
            answer = await self._move(Request(scope))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _move(self, request: Request) -> Response:
        try:
            at = datetime.fromisoformat(request.query_params.get("at", "")).astimezone(UTC)
            board = await asyncio.to_thread(self._board_at, at)
        except (ValueError, OverflowError):
            return PlainTextResponse("Not an instant: write 2018-01-05T10:50:00Z\n", 400)
        self.close()
        self._shown, self._queries, self._app = board
        path = request.query_params.get("path", "/")
        # Only a path of this board: an address of another host would begin with two slashes.
        return RedirectResponse(path if re.fullmatch(r"/[\w./?=&%-]*", path) and path[:2] != "//" else "/", 303)

    def close(self) -> None:
        """Delete the store that is shown."""
        self._app.close()
        self._queries.close()
        self._shown.close()

    def _board_at(self, at: datetime) -> tuple[Store, Queries, Access]:
        # First of all, because a step from an instant at the end of the calendar leads to none.
        steps = {"step": {name: at + step for name, step in _STEPS.items()}, "moment": _MOMENTS}
        shown, clock = rewound(self._store, at), StoppedClock(at)
        explained = Explainer(shown, Policies(Policy()), LONDON).explain_release
        queries = Queries(
            shown,
            NotWatching(),
            clock,
            LONDON,
            producers=_PRODUCERS,
            throttle=Throttle(clock),
            local=True,
            explained=explained,
            steps=steps,
        )
        return shown, queries, application(queries)


async def show(store: Store, address: str, at: datetime, stop: asyncio.Event, told: Callable[[str], None]) -> None:
    """Serve the board of a store as of `at`, until `stop`; `told` gets its address. Raises `PortTaken`."""
    demonstration = Demonstration(store, at)
    server = WebServer(demonstration, listen(address))
    told(f"http://{server.address}/")
    serving = asyncio.create_task(server.run())
    try:
        await stop.wait()
    finally:
        server.stop()
        await serving
        demonstration.close()

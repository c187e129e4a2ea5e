"""A web application over a store in which a release came late and another was out too early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import httpx
from starlette.types import ASGIApp

from alerts.draft.versions import append_edit
from alerts.incident import Incident
from monitor.deliver.assessment import assess, body_of
from monitor.deliver.current_incidents import CurrentIncidents
from monitor.deliver.desk import Desk
from monitor.deliver.drafts import draft_row, versions_from_rows
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import Links, ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.errors import StoreFault
from monitor.health.self_check import Check
from monitor.judge.policy import Policies, Policy
from monitor.judge.runs import Blind, Run
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from monitor.plan.budget import Budget
from monitor.readiness.reader import ReadinessReader
from monitor.store.kept_sessions import KeptSessions
from monitor.store.rows import Delivery, DeliveryState, Draft, Judged, Record
from monitor.store.writer import Writer
from monitor.watch.periods import Periods
from monitor.watch.planner import WatchRules
from monitor.watch.rejudge import StoredJudge
from monitor.web.app import make_application
from monitor.web.credentials import Keys, Throttle
from monitor.web.monitor_view import MonitorView
from monitor.web.queries import Queries
from monitor.web.sessions import Sessions
from monitor.web.users import Users
from tests.worlds.instants import DAY, SLOT, after_slot
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import TemporaryStore
from tests.worlds.verdicts import a_late_verdict, judged

KEYS = Keys(b"a key that signs links", b"a token for programs")
WITH_TOKEN = {"Authorization": f"Bearer {KEYS.token.decode()}"}
SILENCE_OF_R = {
    "of": "release",
    "name": "r",
    "until": "2018-01-05T12:00:00Z",
    "reason": "moves",
}
RULES = ReportingRules(producers={"ofqual": {"name": "Ofqual", "contact": "duty statistician"}})
TOMORROW = SLOT + DAY
TITLE = "Malpractice for GCSE and A level: summer 2017 exam series"


@dataclass
class StoppedClock:
    """A clock that stops until a test moves it."""

    at: datetime
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def steady(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


@dataclass
class Live(MonitorView):
    """A fake of the running monitor. Tests set its answers."""

    reasons: Sequence[str] = ()
    watched: dict[str, datetime | None] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics_page: bytes = b""
    states: Sequence[Check] = (Check("Calendar govuk", "last usable read 5 Jan 2018 09:29:10 GMT"),)

    def body(self, release: str) -> dict[str, Any] | None:
        return self.bodies.get(release)

    def last_looks(self) -> Mapping[str, datetime | None]:
        return self.watched

    def stuck(self) -> Sequence[str]:
        return self.reasons

    def checks(self) -> Sequence[Check]:
        return self.states

    def metrics(self) -> Sequence[bytes]:
        return (self.metrics_page,)

    def embargoed_metrics(self) -> Sequence[bytes]:
        return (b"embargoed metrics\n",)


class StoredIncidents(CurrentIncidents):
    """Incidents whose drafts stay as they are stored."""

    def prepare_redraft(self, incident: str, now: datetime) -> None:  # noqa: ARG002 # as the base class
        return None


class UnreadableVerdicts:
    """The verdicts of a store that cannot be read."""

    def __getattr__(self, name: str) -> NoReturn:
        raise StoreFault("store: the disk is gone")


def early_runs(now: float) -> list[Run]:
    """Return the runs of a page that was out an hour early for ten minutes."""
    return [
        a_run("early/page/edge", State.ABSENT, -7200, -3600),
        a_run("early/page/edge", State.PRESENT, -3595, -3000),
        a_run("early/page/edge", State.ABSENT, -2995, -10),
        a_run("early/page/edge", State.PRESENT, 1, now),
    ]


def early_verdict(now: float) -> Verdict:
    release = a_release(id="early", title="Example prices: monthly")
    return judged(
        now,
        {"early/page/edge": early_runs(now)},
        release=release,
        promises=[a_promise(release="early")],
    )


@dataclass
class Board:
    """The application with its store, clock and queries, a client, and the ids of its two
    incidents.
    """

    store: TemporaryStore
    clock: StoppedClock
    queries: Queries
    app: ASGIApp
    client: httpx.AsyncClient
    running: Live
    incident: str = ""
    early_incident: str = ""
    past_releases: int = 0

    def remake_app(self) -> ASGIApp:
        """Return the application as its queries have it now."""
        return make_application(self.queries)

    def kept_sessions(self) -> KeptSessions:
        """Return the sessions in the store, as a monitor that has just started has them."""
        assert self.queries.desk is not None
        return KeptSessions(self.store, self.queries.desk.writer, self.clock)

    async def read_page(self, path: str) -> str:
        return (await self.client.get(path)).text

    async def read_json(self, path: str) -> Any:  # noqa: ANN401 # JSON
        """Return the JSON at an address of the API."""
        return (await self.client.get(path)).json()

    async def status_of(self, path: str) -> int:
        """Return the HTTP status of a page."""
        return (await self.client.get(path)).status_code

    @property
    def incident_page(self) -> str:
        """Return the path of the page of the late incident."""
        return f"/incidents/{self.incident}"

    def drafts(self) -> Sequence[Draft]:
        """Return the versions of the report on the late incident, oldest first."""
        return self.store.verdicts.drafts(self.incident)

    def late_incident(self) -> Incident:
        """Return the incident of the late release."""
        found = self.store.verdicts.incident(self.incident)
        assert found is not None
        return found

    def acknowledged_by(self) -> list[str]:
        """Return the roles that acknowledged the incident of the late release."""
        return [entry.by for entry in self.late_incident().timeline if entry.text == "acknowledged"]

    def edit_draft(self, field: str, text: str, seconds_after_slot: float = 700) -> None:
        """Write into a box of the late incident, as the import of an edited document does."""
        versions = versions_from_rows(self.drafts())
        edited = append_edit(
            versions, {field: text}, "press officer", after_slot(seconds_after_slot)
        )[-1]
        with self.store.transaction() as tx:
            tx.add_draft(draft_row(edited, self.incident))

    def save_incident(self, incident: Incident) -> None:
        with self.store.transaction() as tx:
            tx.save(incident)

    def stored_release(self, release: str = "r") -> Judged:
        found = self.store.verdicts.judged_one(release)
        assert found is not None
        return found

    def change_release(self, release: str = "r", **fields: object) -> None:
        row = self.stored_release(release)
        with self.store.transaction() as tx:
            tx.save(replace(row, body=row.body | fields))

    def move_slot(self, release: str, slot: datetime) -> None:
        """Replace the slot in the stored JSON of a release."""
        self.change_release(
            release, slot=self.stored_release(release).body["slot"] | {"start": slot.isoformat()}
        )

    def judge_unwatched(self) -> None:
        """Let the board also show releases that are promised and not watched yet."""
        judge = StoredJudge(self.store, Policies(Policy()), editions=RULES.editions)
        self.queries.judge_promised = judge.body_of_unwatched

    def announce_for_tomorrow(self, release: str = "next") -> None:
        """Add the release "Prices of tomorrow", which no one watches yet."""
        confirmed = self.clock.now()
        with self.store.transaction() as tx:
            tx.save(a_release(id=release, title="Prices of tomorrow"))
            tx.add_promises([a_promise(TOMORROW, release=release, confirmed_at=confirmed)])

    def view_as_stranger(self) -> None:
        """Make the client a stranger, for whom the board is public."""
        self.queries.local, self.queries.public = False, True

    def add_past_release(
        self, producer: str, verdict: str, *, days_ago: int, **fields: object
    ) -> str:
        """Store a final verdict on a release whose slot was so many days ago, and return its id."""
        self.past_releases += 1
        name, slot, row = (
            f"past-{self.past_releases}",
            after_slot(-86400 * days_ago),
            self.stored_release(),
        )
        promised = row.body["slot"] | {"start": slot.isoformat(), "precision": "instant"}
        body = (
            row.body
            | {"id": name, "verdict": verdict, "slot": promised, "producer": producer}
            | fields
        )
        with self.store.transaction() as tx:
            tx.save(Judged(name, producer, slot, verdict, "none", final=True, at=slot, body=body))
        return name


def _fill_board_store(store: TemporaryStore, title: str) -> None:
    events = VerdictRecorder(RULES)
    late = replace(a_late_verdict(400), title=title)
    measured = Measurement("edge", {}, (), None, ("edge-1",))
    with store.transaction() as tx:
        tx.add_evidence([Record("edge", 1, "turn", after_slot(0), "f", 0, 1, "ab" * 32, "cd" * 32)])
        tx.save(a_release())
        tx.save(a_release(id="early", title="Example prices: monthly"))
        tx.add_promises([a_promise(), a_promise(release="early")])
        tx.save(a_run("page", State.ABSENT, -3600, 400), *early_runs(60))
        tx.add_blind(Blind(after_slot(-90), after_slot(-40), "stalled"))
    for verdict, now in ((late, 400), (early_verdict(60), 401)):
        with store.transaction() as tx:
            events.record(tx, assess(verdict, measured), after_slot(now))
    notice = store.outbox.notices()[0]
    at, given_up, reason = after_slot(400), after_slot(500), "the number is not known"
    refused = Delivery(
        notice.id, "pager", DeliveryState.GIVEN_UP, at, 3, given_up, given_up, reason
    )
    row = store.verdicts.judged_one("r")
    assert row is not None
    with store.transaction() as tx:
        tx.save(replace(row, body=body_of(late, store.verdicts.incidents_of("r")[-1])))
        tx.save(refused)


def ids_of(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the id of each row of a list, as JSON or CSV."""
    return [row["id"] for row in rows]


@asynccontextmanager
async def a_board(
    *,
    public: bool = True,
    keys: Keys = KEYS,
    reasons: Sequence[str] = (),
    users: Path | None = None,
    base: str = "http://127.0.0.1",
    title: str = TITLE,
) -> AsyncIterator[Board]:
    store, clock = TemporaryStore(), StoppedClock(after_slot(600))
    evidence = TemporaryDirectory()
    _fill_board_store(store, title)
    writer = Writer(store, clock)
    throttle = Throttle(clock)
    door = (
        Sessions(
            Users(users),
            KeptSessions(store, writer, clock),
            throttle,
            "https://board.gov.example",
        )
        if users is not None
        else None
    )
    judge, running = StoredJudge(store, Policies(Policy())), Live(reasons)
    incidents = StoredIncidents(store, lambda _read, _release, _now: None, VerdictRecorder(RULES))
    queries = Queries(
        store,
        running,
        clock,
        "Europe/London",
        public,
        Desk(incidents, writer, clock, evidence=Path(evidence.name)),
        keys,
        sessions=door,
        throttle=throttle,
        explain_verdict=judge.explain_release,
        local=public and door is None,
        readiness=ReadinessReader(store, WatchRules(), RULES, Links(), Budget(), {}),
        periods=Periods(judge, {"ofqual": "Ofqual"}, ("ofqual",)),
    )
    app = make_application(queries)
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
            late, early = (
                store.verdicts.incidents_of("r")[-1],
                store.verdicts.incidents_of("early")[-1],
            )
            yield Board(store, clock, queries, app, client, running, late.id, early.id)
    finally:
        writer.abandon()
        queries.close()
        evidence.cleanup()
